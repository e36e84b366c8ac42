// Input gradients of strided convolutions by the kernels for GPUs, which have one product for each phase of the strides. Also transposed
// convolutions: they are the same op.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Shape, contiguousView } from '../../src/core/shape.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Target } from '../../src/graph/op.ts';
import type { Conv2dOptions } from '../../src/ops/conv/conv2d.ts';
import { conv2d, conv2dTranspose, conv3d } from '../../src/ops/index.ts';
import { families } from '../support/families.ts';
import { type OpenPlanDevice, openPlanDevice } from '../support/planDevice.ts';
import { type Case, checkProduct, directions } from './products.ts';
import { runPlan } from './runPlan.ts';

let opened: OpenPlanDevice;
beforeAll(async () => {
  opened = await openPlanDevice();
});
afterAll(() => opened.close());

const gpu = (): Target => ({ ...opened.target, processor: 'gpu' });
const isFull = inject('gpuGraphs') >= 300;
const none = (): boolean => false;

/** The input gradient of a convolution. */
const gradientOf = (...args: Parameters<typeof directions>): Case =>
  directions(...args).find(({ op }) => op.name.endsWith('InputGradient'))!;

/** Pixels of one image from 1 up to more than a tile of 32 rows, channels by four and not, every kind of stride and padding. */
const cases: readonly (readonly [x: Shape, filter: Shape, options: Conv2dOptions])[] = [
  [[1, 1, 1, 4], [1, 1, 4, 4], { strides: 2 }],
  [[1, 2, 2, 4], [2, 2, 4, 4], { strides: 2 }],
  [[2, 7, 5, 4], [3, 3, 4, 8], { strides: 2, padding: 'same' }],
  [[2, 8, 8, 8], [3, 3, 8, 16], { strides: 2, padding: 'same' }],
  [[1, 16, 8, 4], [3, 3, 4, 4], { strides: 2, padding: [[1, 0], [2, 1]] }],
  [[1, 11, 6, 3], [3, 2, 3, 5], { strides: 2 }],
  [[1, 13, 11, 3], [7, 7, 3, 5], { strides: 2, padding: 'same' }],
  [[3, 10, 7, 8], [1, 1, 8, 12], { strides: 2 }],
  [[1, 13, 17, 4], [3, 3, 4, 4], { strides: 3, padding: 'same' }],
  [[1, 13, 17, 4], [2, 2, 4, 4], { strides: 3 }],
  [[1, 12, 9, 4], [4, 5, 4, 4], { strides: [3, 2], padding: 'same' }],
  [[1, 12, 9, 4], [3, 3, 4, 4], { strides: [1, 2], dilations: [2, 3], padding: 'same' }],
  [[1, 14, 13, 4], [3, 3, 4, 4], { strides: 2, dilations: 2, padding: 'same' }],
  [[1, 14, 13, 4], [3, 2, 4, 4], { strides: 4, dilations: 2 }],
  [[2, 9, 9, 8], [3, 3, 4, 8], { strides: 2, groups: 2, padding: 'same' }],
  [[2, 9, 9, 6], [3, 3, 2, 9], { strides: 2, groups: 3, padding: 'same' }],
  [[1, 66, 33, 4], [3, 3, 4, 33], { strides: 2, padding: 'same' }],
  [[1, 4, 4, 4], [2, 2, 4, 1], { strides: 2 }],
]; // prettier-ignore

describe.runIf(families.includes('gpu'))('input gradients in phases', () => {
  test.each(cases)('x %j, filter %j, %j', { timeout: 120_000 }, async (x, filter, options) => {
    await checkProduct(opened.device, gradientOf(conv2d, x, filter, options), gpu(), none);
  });

  test('volumes', { timeout: 300_000 }, async () => {
    for (const [x, filter, options] of [
      [[1, 5, 4, 7, 4], [3, 3, 3, 4, 4], { strides: 2, padding: 'same' }],
      [[2, 4, 6, 5, 3], [2, 3, 1, 3, 5], { strides: [1, 2, 3] }],
    ] as const) {
      await checkProduct(opened.device, gradientOf(conv3d, x, filter, options), gpu(), none);
    }
  });

  test('the other kernels, and a k in parts: the same bits, every element', { timeout: 300_000 }, async () => {
    const some = (name: string): boolean => isFull || /32x64x16|64x64x16_8x8/.test(name);
    const one = gradientOf(conv2d, [1, 5, 6, 8], [3, 3, 8, 1024], { strides: 2, padding: 'same' });
    expect((await checkProduct(opened.device, one, gpu(), some)).length).toBeGreaterThan(1);
    if (one.op.lowering.kind !== 'kernel') throw new Error('no kernel');
    const { dispatches } = one.op.lowering.plan({ ...one, outputs: [one.output], target: gpu() });
    expect(dispatches.length).toBe(2);
  });

  test('a transposed convolution with padding of its result', { timeout: 120_000 }, async () => {
    const [x, filter] = [[2, 4, 3, 8], [3, 3, 5, 8]].map((shape, position) => placeholder(shape, 'f32', { position })); // prettier-ignore
    const { op, attributes, inputs, types } = conv2dTranspose(x, filter, { strides: 2, padding: 'same', outputPadding: 1 }).node!;
    const views = inputs.map(({ shape }) => contiguousView(shape));
    await checkProduct(opened.device, { op, attributes, inputs, views, output: types[0] }, gpu(), none);
  });

  test('an infinity in a tap reaches only the pixels of that tap', { timeout: 120_000 }, async () => {
    const { op, attributes, inputs, views, output } = gradientOf(conv2d, [1, 9, 9, 4], [3, 3, 4, 4], { strides: 2 });
    if (op.lowering.kind !== 'kernel') throw new Error('no kernel');
    const plan = op.lowering.plan({ inputs, views, outputs: [output], attributes, target: gpu() });
    const data = inputs.map(({ shape }) => Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 1));
    // The tap in the middle: the only one of the pixels with two odd coordinates.
    data[1].fill(Infinity, 4 * 16, 5 * 16);
    const [values] = await runPlan(
      opened.device,
      plan,
      data.map((elements) => ({ dtype: 'f32', data: elements })),
      [output],
    );
    values.forEach((value, i) => {
      const [row, column] = [Math.floor(i / 36), Math.floor(i / 4) % 9];
      const isReached = row % 2 === 1 && column % 2 === 1;
      expect(Number.isFinite(value), `pixel ${row}, ${column} is ${value}`).toBe(!isReached);
    });
  });
});
