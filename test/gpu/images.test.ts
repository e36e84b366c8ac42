// The kernels of transposed convolution, of pooling in its further forms and of resampling on this device, as windows.test.ts has it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Shape } from '../../src/core/shape.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import type { Target } from '../../src/graph/op.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { type OpenPlanDevice, openPlanDevice } from '../support/planDevice.ts';
import { checkKernels } from './checkKernels.ts';
import { families } from '../support/families.ts';

let opened: OpenPlanDevice;
beforeAll(async () => {
  opened = await openPlanDevice();
});
afterAll(() => opened.close());

describe.each(families)('kernels of a %s', (processor) => {
  const check = (shapes: readonly Shape[], fn: (...inputs: Tensor[]) => Tensor): Promise<void> =>
    checkKernels(opened.device, { ...opened.target, processor } satisfies Target, shapes, fn);

  test('transposed convolution in all three directions', async () => {
    // Products with tiles for GPUs are built in kernels.test.ts: each takes seconds.
    if (processor === 'gpu') return;
    await check([[2, 3, 5, 8], [3, 3, 4, 8]], (x, f) => o.conv2dTranspose(x, f, { strides: 2, groups: 2, padding: 'same' })); // prettier-ignore
    await check([[1, 2, 3, 4, 4], [2, 3, 2, 4, 4]], (x, f) => o.conv3dTranspose(x, f, { strides: [1, 2, 1] })); // prettier-ignore
    await check([[1, 7, 4], [3, 4, 4]], (x, f) => o.conv1dTranspose(x, f, { strides: 3, dilations: 2, outputPadding: 2 })); // prettier-ignore
  });

  test('pooling with gaps between the taps', async () => {
    await check([[2, 7, 6, 3]], (x) => o.maxPool2d(x, { poolSize: [3, 2], strides: 1, dilations: [2, 3], padding: [[1, 2], [2, 1]] })); // prettier-ignore
    await check([[2, 9, 11, 4]], (x) => o.maxPool2d(x, { poolSize: 3, strides: [2, 3], dilations: [3, 2], ceilMode: true }));
    await check([[1, 1, 1, 1]], (x) => o.maxPool2d(x, { poolSize: 1, dilations: 5 }));
    // No tap of these windows is in the image.
    await check([[1, 1, 2, 4]], (x) => o.maxPool2d(x, { poolSize: [2, 1], strides: 1, dilations: 2, padding: [[1, 1], [0, 0]] })); // prettier-ignore
    await check([[1, 70001, 1, 1]], (x) => o.maxPool2d(x, { poolSize: [3, 1], strides: 1, dilations: [5, 1], padding: 'same' }));
  });

  test('means that count the padding, and windows that only begin inside', async () => {
    await check([[2, 7, 6, 3]], (x) => o.avgPool2d(x, { poolSize: 3, strides: 2, padding: [[1, 2], [2, 1]], countIncludePad: true })); // prettier-ignore
    await check([[2, 9, 11, 5]], (x) => o.avgPool2d(x, { poolSize: 4, strides: 3, padding: [[2, 1], [1, 1]], ceilMode: true, countIncludePad: true })); // prettier-ignore
    await check([[1, 8, 5, 2]], (x) => o.avgPool2d(x, { poolSize: 3, ceilMode: true }));
  });

  test('resampling along one axis and two', async () => {
    await check([[2, 5, 7, 3]], (x) => o.resize(x, { size: [9, 4], method: 'linear' }));
    await check([[1, 6, 5, 4]], (x) => o.resize(x, { scale: [1.7, 2.3], method: 'cubic' }));
    await check([[1, 40, 33, 4]], (x) => o.resize(x, { size: [7, 3], method: 'cubic', antialias: true }));
    await check([[2, 3, 5, 2, 2]], (x) => o.resize(x, { size: [5, 2, 3], method: 'linear', alignCorners: true }));
    await check([[1, 1, 1, 1]], (x) => o.resize(x, { size: [1, 3], coordinates: 'halfPixel' }));
    await check([[1, 70001, 1]], (x) => o.resize(x, { scale: 0.5, method: 'area' }));
    await check([[0, 3, 4, 2]], (x) => o.resize(x, { size: 7, method: 'linear' }));
  });

  test('sampling at computed places, with the gradients of x and of the grid', async () => {
    await check([[2, 7, 5, 3], [2, 4, 3, 2]], (x, g) => o.gridSample(x, g)); // prettier-ignore
    await check([[1, 6, 9, 4], [1, 5, 5, 2]], (x, g) => o.gridSample(x, g, { method: 'cubic', padding: 'reflect' })); // prettier-ignore
    await check([[1, 1, 1, 1], [1, 1, 1, 2]], (x, g) => o.gridSample(x, g, { padding: 'border' })); // prettier-ignore
    await check([[1, 3, 4, 5, 4], [1, 2, 3, 7, 3]], (x, g) => o.gridSample(x, g, { padding: 'border', alignCorners: true })); // prettier-ignore
    // Sorted by merging.
    await check([[1, 40, 50, 4], [1, 33, 31, 2]], (x, g) => o.gridSample(x, g)); // prettier-ignore
    await check([[0, 3, 4, 2], [0, 2, 2, 2]], (x, g) => o.gridSample(x, g)); // prettier-ignore
  });
});

test('NaN, infinite and huge coordinates give what they give on the CPU', async () => {
  await setDevice('webgpu');
  const x = o.tensor(Float32Array.from({ length: 12 }, (_, i) => i + 1), [1, 3, 4, 1]); // prettier-ignore
  const grid = o.tensor(Float32Array.of(NaN, 0, 0, NaN, Infinity, 0, -Infinity, 0, 1e20, 0, -1e20, 0, 3e38, 0), [1, 1, 7, 2]);
  const results = (['linear', 'nearest', 'cubic'] as const).flatMap((method) =>
    (['zeros', 'border', 'reflect'] as const).flatMap((padding) => {
      // After many reflections only rounding is left of a coordinate of 1e20. PyTorch's own stacks differ there.
      const places = padding === 'reflect' ? o.slice(grid, [0, 0, 0], [1, 1, 4]) : grid;
      return o.gridSample(x, places, { method, padding });
    }),
  );
  const expected = interpret(results);
  const found = await readAll(results);
  found.forEach((values, i) => expect(Array.from(values), `combination ${i}`).toEqual(Array.from(expected[i])));
});
