// Sums of up to 2 * 10^7 equal terms. They are the most difficult, because the rounding errors of equal additions have equal signs. Tested
// with this device's kernels and with those for real GPUs. The exact results are known in closed form.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { type Engine, readAll } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { losses } from '../../src/losses/index.ts';
import {
  alias,
  conv2d,
  cumProd,
  cumSum,
  depthwiseConv2d,
  gather,
  logSumExp,
  matmul,
  mean,
  mul,
  norm,
  ones,
  reshape,
  scatterAdd,
  slice,
  softmax,
  std,
  sum,
  tensor,
  variance,
  zeros,
} from '../../src/ops/index.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { engineWith } from '../support/devices.ts';
import { noteError } from '../support/findings.ts';
import { families } from '../support/families.ts';

const million = 1_000_000;
const value = Math.fround(0.7);
/** A tensor of one value with memory for each element. */
const filled = (shape: readonly number[], x = value): Tensor =>
  alias(hostTensor({ shape, dtype: 'f32' }, new Float32Array(sizeOf(shape)).fill(x)));

/** 1e4 - 1 and 1e4 + 1 by turns: mean 1e4, variance 1. */
const alternating = (n: number): Tensor =>
  alias(
    hostTensor(
      { shape: [n], dtype: 'f32' },
      Float32Array.from({ length: n }, (_, i) => 1e4 + (i % 2 ? 1 : -1)),
    ),
  );

/** Logits of which one is 0 and all others are the logarithm of 0.7. */
const logits = (n: number): Tensor =>
  alias(hostTensor({ shape: [1, n], dtype: 'f32' }, new Float32Array(n).fill(Math.fround(Math.log(0.7))).fill(0, 0, 1)));
const denominator = (n: number): number => 1 + (n - 1) * Math.exp(Math.fround(Math.log(0.7)));

const filterGradient = (images: Tensor, convolve: (x: Tensor, filter: Tensor) => Tensor): Tensor => {
  const filter = filled([1, 1, 1, 1], 0.5);
  return gradients(sum(mul(convolve(images, filter), value)), [filter])[0];
};

/** [what, result, the number that each of its elements is]. */
const cases: readonly (readonly [string, () => Tensor, number])[] = [
  ['the sum of 10^7', () => sum(filled([10 * million])), 10 * million * value],
  ['a computed sum of 2 * 10^6', () => sum(mul(filled([2 * million]), 3)), 6 * million * value],
  ['sums of long rows', () => sum(filled([3, 2 * million + 1]), { axis: 1 }), (2 * million + 1) * value],
  ['sums of many long rows', () => sum(filled([130, 50_001]), { axis: 1 }), 50_001 * value],
  ['sums of long columns', () => sum(filled([50_001, 130]), { axis: 0 }), 50_001 * value],
  ['sums of columns of 10^7', () => sum(filled([10 * million, 1]), { axis: 0 }), 10 * million * value],
  ['sums over an axis between', () => sum(filled([2, 100_003, 5]), { axis: 1 }), 100_003 * value],
  ['the mean of 2 * 10^6', () => mean(filled([2 * million])), value],
  ['the mean of large whole numbers', () => mean(tensor(new Int32Array(million).fill(2_000_000_123))), 2_000_000_123],
  ['the mean of whole numbers beyond 2^24', () => mean(tensor(new Int32Array(9999).fill(2 ** 24 + 1))), 2 ** 24 + 1],
  ['the variance of 2 * 10^6 far from 0', () => variance(alternating(2 * million)), 1],
  ['the standard deviation of 2 * 10^6 far from 0', () => std(alternating(2 * million)), 1],
  ['the norm of 2 * 10^6', () => norm(filled([2 * million])), Math.sqrt(2 * million) * value],
  ['the norm of 2 * 10^6 whose squares overflow', () => norm(filled([2 * million], 2 ** 70)), Math.sqrt(2 * million) * 2 ** 70],
  ['the norm of 2 * 10^6 whose squares vanish', () => norm(filled([2 * million], 2 ** -90)), Math.sqrt(2 * million) * 2 ** -90],
  ['a dot product of 10^7', () => matmul(filled([1, 10 * million]), ones([10 * million, 1])), 10 * million * value],
  ['a product with k of 20,000', () => matmul(filled([9, 20_000]), filled([20_000, 7])), 20_000 * value * value],
  ['a product of matrices on their side', () => matmul(filled([70, 20_000]), filled([65, 20_000]), { transposeB: true }), 20_000 * value * value],
  ['a loss of 2 * 10^6', () => losses.meanAbsoluteError()(filled([2 * million, 1]), filled([2 * million, 1], 0)), value],
  ['a hot row', () => slice(scatterAdd(zeros([2, 3]), tensor(new Int32Array(million)), filled([million, 3])), [0, 0], [1, 3]), million * value],
  ['the gradient of a hot embedding', () => {
    const table = zeros([3, 4]);
    return slice(gradients(sum(mul(gather(table, tensor(new Int32Array(million).fill(1))), value)), [table])[0], [1, 0], [2, 4]);
  }, million * value],
  ['softmax of a row of 16,384', () => slice(softmax(logits(16_384)), [0, 0], [1, 1]), 1 / denominator(16_384)],
  ['softmax of a row of 10^6', () => slice(softmax(logits(million)), [0, 0], [1, 1]), 1 / denominator(million)],
  ['logSumExp of 10^6', () => logSumExp(logits(million)), Math.log(denominator(million))],
  ['a filter gradient', () => filterGradient(filled([5, 150, 400, 1]), conv2d), 300_000 * value * value],
  ['a filter gradient of one line', () => filterGradient(filled([1, 1, 300_000, 1]), conv2d), 300_000 * value * value],
  ['a depthwise filter gradient', () => filterGradient(filled([5, 150, 400, 1]), depthwiseConv2d), 300_000 * value * value],
  ['a depthwise filter gradient of one line', () => filterGradient(filled([1, 1, 300_000, 1]), depthwiseConv2d), 300_000 * value * value],
]; // prettier-ignore

/** Accuracy promised on every stack. */
const allowed = 3e-5;

describe.each(families)('%s kernels', (processor) => {
  let engine: Engine;
  let runtime: WebGpuRuntime;
  beforeAll(async () => {
    ({ engine, runtime } = await engineWith({ processor }));
  });
  afterAll(() => runtime.dispose());

  function expectClose(what: string, actual: ArrayLike<number>, expected: (i: number) => number): void {
    let worst = 0;
    for (let i = 0; i < actual.length; i++) {
      const want = expected(i);
      const error = want === 0 ? Math.abs(actual[i]) : Math.abs(actual[i] / want - 1);
      if (!(error <= worst)) worst = error;
    }
    noteError('long sums', `${processor} kernels, ${what}`, worst, allowed);
    expect(worst).toBeLessThanOrEqual(allowed);
  }

  test.each(cases)('%s', { timeout: 120_000 }, async (what, make, expected) => {
    const [actual] = await readAll([make()], { engine });
    expectClose(what, actual, () => expected);
  });

  test.each([
    ['of 2 * 10^7', [20 * million], 0, {}],
    ['of 2 * 10^6, exclusive and from the end', [2 * million], 0, { exclusive: true, reverse: true }],
    ['of many long lines', [3, 3001, 1100], 1, {}],
  ] as const)('running sums %s', { timeout: 120_000 }, async (what, shape, axis, options) => {
    const x = what === 'of 2 * 10^7' ? 1 : value;
    const [actual] = await readAll([reshape(cumSum(filled(shape, x), { axis, ...options }), [-1])], { engine });
    const inner = sizeOf(shape.slice(axis + 1));
    const length = Number(shape[axis]);
    const place = (i: number): number => Math.floor(i / inner) % length;
    expectClose(`running sums ${what}`, actual, (i) => x * ('exclusive' in options ? length - 1 - place(i) : place(i) + 1));
  });

  test.each([
    ['of 10^7', [10 * million], 0],
    ['of many lines', [3, 70_000, 5], 1],
  ] as const)('running products %s', { timeout: 120_000 }, async (what, shape, axis) => {
    // 1 + 2^-23 rounds the same way for long; the products reach e^1.2.
    const x = 1 + 2 ** -23;
    const [actual] = await readAll([reshape(cumProd(filled(shape, x), { axis }), [-1])], { engine });
    const inner = sizeOf(shape.slice(axis + 1));
    const length = Number(shape[axis]);
    expectClose(`running products ${what}`, actual, (i) => x ** ((Math.floor(i / inner) % length) + 1));
  });

  test('running products pass through zeros, infinities and sizes that f32 does not hold', async () => {
    const factors = [-2, 1e30, 1e30, 1e-30, -1e-30, 0.5, 0, 3, Infinity, 2];
    const [actual, backwards] = await readAll([cumProd(tensor(factors)), cumProd(tensor(factors), { reverse: true, exclusive: true })], {
      engine,
    });
    const expected = [-2, -2e30, -Infinity, -2e30, 2, 1, 0, 0, NaN, NaN];
    expected.forEach((want, i) =>
      Number.isFinite(want) ? expect(actual[i] / (want || 1)).toBeCloseTo(want ? 1 : 0, 5) : expect(actual[i]).toBe(want),
    );
    expect(Array.from(backwards).slice(5)).toEqual([NaN, Infinity, Infinity, 2, 1]);
  });
});
