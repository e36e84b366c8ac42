// Kernels for GPUs whose element is a vec4, against the kernels for CPU-implemented devices, whose element is one number.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { type Engine, readAll } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { add, alias, avgPool2d, cast, concat, depthwiseConv2d, gather, mul, pad, square, sum, tensor } from '../../src/ops/index.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { engineWith } from '../support/devices.ts';
import { values } from '../support/graphs.ts';

let opened: { readonly engine: Engine; readonly runtime: WebGpuRuntime }[];
beforeAll(async () => {
  opened = [await engineWith({ processor: 'gpu', subgroupSize: undefined }), await engineWith({ processor: 'cpu' })];
});
afterAll(() => opened.forEach(({ runtime }) => runtime.dispose()));

let seed = 0;
const x = (...shape: number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return alias(hostTensor({ shape, dtype: 'f32' }, values(size, ++seed)));
};
const places = (count: number, rows: number): Tensor =>
  tensor(
    Int32Array.from({ length: count }, (_, i) => (i * 7919) % rows),
    [count],
  );

/** Copies keep every bit. */
const copies: Readonly<Record<string, () => readonly Tensor[]>> = {
  gather: () => [gather(x(3, 50, 12), places(2000, 50), { axis: 1 }), add(mul(gather(x(300, 36), places(2000, 300)), x(36)), 1)],
  'gather of integers': () => [gather(cast(mul(x(300, 36), 100), 'i32'), places(2000, 300))],
  concat: () => [concat([x(700, 36), x(700, 4), x(700, 64)], 1), mul(concat([x(3, 300, 40), x(3, 400, 40)], 1), x(40))],
  'concat of flags': () => [concat([cast(mul(x(900, 40), 8), 'bool'), cast(mul(x(900, 44), 8), 'bool')], 1)],
  pad: () => [
    pad(x(3, 30, 40, 20), [[0, 1], [1, 2], [3, 0], [0, 0]], { value: 7 }), // prettier-ignore
    pad(x(1000, 64), [[2, 1], [4, 8]], { value: -1 }), // prettier-ignore
    pad(cast(mul(x(1000, 64), 9), 'i32'), [[2, 1], [0, 4]], { value: 3 }), // prettier-ignore
    pad(x(1000, 66), [[2, 1], [1, 1]]), // prettier-ignore
  ],
};

/** Sums of several taps: the order of their terms may differ. */
const sums: Readonly<Record<string, () => readonly Tensor[]>> = {
  'depthwise convolution': () => {
    const [images, filters] = [x(3, 41, 37, 16), x(3, 5, 16, 1)];
    const y = depthwiseConv2d(images, filters, { padding: 'same' });
    return [y, ...gradients(sum(square(y)), [images, filters])];
  },
  'depthwise convolution with steps': () => {
    const [images, filters] = [x(3, 81, 77, 20), x(3, 3, 20, 1)];
    const y = depthwiseConv2d(images, filters, { strides: 2 });
    return [y, ...gradients(sum(square(y)), [images, filters])];
  },
  'depthwise convolution with two outputs a channel': () => {
    const [images, filters] = [x(3, 41, 37, 16), x(3, 3, 16, 2)];
    const y = depthwiseConv2d(images, filters);
    return [y, ...gradients(sum(square(y)), [images, filters])];
  },
  'mean pooling': () => {
    const images = x(3, 81, 77, 16);
    const y = avgPool2d(images, { poolSize: 3, strides: 2, padding: 'same' });
    return [y, ...gradients(sum(square(y)), [images])];
  },
};

async function computed(make: () => readonly Tensor[]): Promise<(readonly ArrayLike<number>[])[]> {
  const first = seed;
  const results = [];
  for (const { engine } of opened) {
    seed = first;
    results.push(await readAll(make(), { engine }));
  }
  return results;
}

test.each(Object.entries(copies))('%s', async (_, make) => {
  const [four, one] = await computed(make);
  const differences = four.map((data, output) => Array.from(data).findIndex((value, i) => !Object.is(value, one[output][i])));
  expect(differences).toEqual(four.map(() => -1));
});

const largest = (data: ArrayLike<number>): number => Array.from(data).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

test.each(Object.entries(sums))('%s', async (_, make) => {
  const [four, one] = await computed(make);
  four.forEach((data, output) => {
    const worst = largest(Array.from(data, (value, i) => value - one[output][i]));
    expect(worst, `output ${output}`).toBeLessThanOrEqual(2e-6 * largest(one[output]));
  });
});
