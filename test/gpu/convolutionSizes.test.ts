// Convolutions in all three directions at awkward images, windows, strides and channels, by the kernels of the device's class.
import { beforeAll, expect, inject, test } from 'vitest';
import { defaultEngine, setDevice } from '../../src/engine/index.ts';
import { conv2d } from '../../src/ops/index.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { pairwise } from '../support/pairwise.ts';
import { planDeviceOf } from '../support/planDevice.ts';
import { checkKernels } from './checkKernels.ts';

let runtime: WebGpuRuntime;
beforeAll(async () => {
  await setDevice('webgpu', { tuning: false });
  runtime = (await defaultEngine()).runtime as WebGpuRuntime;
});

const channels = [1, 3, 4, 5, 8, 17];
/** One image of one pixel, less than a tile of 32 rows in all, a tile, and a prime. */
const images: [batch: number, height: number, width: number][] = [[1, 1, 1], [1, 2, 3], [1, 31, 1], [2, 4, 4], [1, 3, 11], [3, 7, 5], [1, 8, 13]]; // prettier-ignore
const paddings = ['same', 'valid'] as const;

const fits = (image: readonly number[], window: number, padding: string): boolean =>
  padding === 'same' || (image[1] >= window && image[2] >= window);

/** A full run tests all channels with all image sizes. A short one tests those of each kind of access. */
const isFull = inject('gpuGraphs') >= 300;
const [convolved, inputChannels, outputChannels] = isFull ? [images, channels, channels] : [images.slice(3, 6), [1, 3, 4], [5, 8]];

// Pairs: all combinations are 2,016 convolutions of three kernels each, whose texts take far longer to build than to run.
test('convolutions: every pair of image, channels, window and stride', { timeout: 900_000 }, async () => {
  let checked = 0;
  for (const [image, inputs, outputs, window, strides, padding] of pairwise(
    convolved,
    inputChannels,
    outputChannels,
    [1, 3],
    [1, 2],
    paddings,
  )) {
    if (!fits(image, window, padding)) continue;
    const shapes = [
      [...image, inputs],
      [window, window, inputs, outputs],
    ];
    await checkKernels(
      planDeviceOf(runtime),
      runtime.target,
      shapes,
      (x, f) => conv2d(x, f, { strides, padding }),
      'convolutions at all sizes',
    );
    checked++;
  }
  expect(checked).toBeGreaterThan(isFull ? 25 : 7);
});
