// Arguments at which a careless formula overflows, cancels or divides by 0, with the results of exact arithmetic: values and gradients of the
// same graph on every stack.
import { gradients, pullback } from '../../src/autodiff/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { losses } from '../../src/losses/index.ts';
import * as o from '../../src/ops/index.ts';
import { noteError } from '../support/findings.ts';

export interface NumericCase {
  readonly name: string;
  /** The tensor to compute. A fresh graph at each call: evaluation makes leaves of results. */
  readonly build: () => Tensor;
  readonly expected: readonly number[];
  /** Relative to the larger of 1 and the expected number; 2e-6 unless given. */
  readonly tolerance?: number;
  /** Whether it takes a device with shader-f16. */
  readonly half?: boolean;
}

const leaf = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  o.alias(hostTensor({ shape, dtype: 'f32' }, Float32Array.from(values)));

/** y = fn(x), and the gradient of the sum of y with respect to x. The sum is weighted if weights are given. */
function pair(
  name: string,
  values: readonly number[],
  fn: (x: Tensor) => Tensor,
  expected: readonly number[],
  gradient: readonly number[],
  { weights, shape, tolerance }: { weights?: readonly number[]; shape?: readonly number[]; tolerance?: number } = {},
): NumericCase[] {
  const slope = (): Tensor => {
    const x = leaf(values, shape);
    const y = fn(x);
    return pullback([y], [weights ? leaf(weights, y.shape) : o.onesLike(y)], [x])[0];
  };
  return [
    { name, build: () => fn(leaf(values, shape)), expected, tolerance },
    { name: `gradient of ${name}`, build: slope, expected: gradient, tolerance },
  ];
}

const far = 1e4;
const huge = 1e30;
const ln2 = Math.LN2;
const logits = [far, -far, far];

/** 1e4 - 1 and 1e4 + 1 by turns: mean 1e4, variance 1. */
const alternating = (n: number): number[] => Array.from({ length: n }, (_, i) => far + (i % 2 ? 1 : -1));
const signs = (n: number, size: number): number[] => Array.from({ length: n }, (_, i) => (i % 2 ? size : -size));
const nothing = (n: number): number[] => new Array<number>(n).fill(0);

/** Cross-entropies whose target is the winner, and those whose target is the loser by 2e4. */
const crossEntropies = (): NumericCase[] => {
  const oneHot = [1, 0, 0, 1];
  const two = { shape: [2, 2] };
  const scores = [far, -far, far, -far];
  return [
    ...pair('categoricalCrossentropy at ±1e4', scores, (x) => losses.categoricalCrossentropy({ fromLogits: true, reduction: 'sum' })(o.tensor(oneHot, [2, 2]), x), [2 * far], [0, 0, 1, -1], two), // prettier-ignore
    ...pair('sparseCategoricalCrossentropy at ±1e4', scores, (x) => losses.sparseCategoricalCrossentropy({ fromLogits: true, reduction: 'sum' })(o.tensor([0, 1], [2], 'i32'), x), [2 * far], [0, 0, 1, -1], two), // prettier-ignore
    ...pair('binaryCrossentropy at ±1e4', scores, (x) => losses.binaryCrossentropy({ fromLogits: true, reduction: 'sum' })(o.tensor([1, 0, 0, 1], [4, 1]), x), [2 * far], [0, 0, 1, -1], { shape: [4, 1] }), // prettier-ignore
  ];
};

/** fn of halves, and its gradient with respect to them. */
const halfPair = (
  name: string,
  values: readonly number[],
  fn: (x: Tensor) => Tensor,
  expected: readonly number[],
  gradient: readonly number[],
): NumericCase[] =>
  [fn, (x: Tensor): Tensor => gradients(o.sum(o.cast(fn(x), 'f32')), [x])[0]].map((build, i) => ({
    name: `${i ? 'gradient of ' : ''}${name} in f16`,
    build: () => o.cast(build(o.cast(leaf(values), 'f16')), 'f32'),
    expected: i ? gradient : expected,
    // Halves near 1e-5, which are multiples of 2^-24, and their results have 8 bits.
    tolerance: 2 ** -8,
    half: true,
  }));

/** Both gradients of atan2 at (±x, x): 1 / (2 x) in size. */
const atan2OfHalves = (x: number): NumericCase[] => {
  const [quarter, slope] = [Math.PI / 4, 0.5 / x];
  const half = (...values: number[]): Tensor => o.cast(leaf(values), 'f16');
  return [
    ...halfPair(`atan2 of y at ${x}`, [x, -x], (y) => o.atan2(y, half(x, x)), [quarter, -quarter], [slope, slope]),
    ...halfPair(`atan2 of x at ${x}`, [x, x], (t) => o.atan2(half(x, -x), t), [quarter, -quarter], [-slope, slope]),
  ];
};

/** f16 holds the gradient 5e4, but not the power of two near 1e5 that scales these numbers. GPUs may take them for 0. */
export const subnormalHalves: readonly NumericCase[] = atan2OfHalves(168 * 2 ** -24);

const halfCases = (): NumericCase[] => {
  const ofSquares = (x: number, offset: number): number => 1 / Math.sqrt(x * x + offset);
  const values = [2, 6e4, Infinity];
  return [
    ...atan2OfHalves(2 ** -14),
    ...atan2OfHalves(6e4),
    ...halfPair('atan2 of y at 0', [0], (y) => o.atan2(y, 0), [0], [0]),
    ...halfPair('asinh up to Infinity', values, o.asinh, values.map(Math.asinh), [ofSquares(2, 1), ofSquares(6e4, 1), 0]),
    ...halfPair('acosh up to Infinity', values, o.acosh, values.map(Math.acosh), [ofSquares(2, -1), ofSquares(6e4, -1), 0]),
  ];
};

export const numericCases: readonly NumericCase[] = [
  ...pair('softmax at ±1e4', logits, (x) => o.softmax(x), [0.5, 0, 0.5], [0.25, 0, -0.25], { weights: [1, 5, 0] }),
  ...pair('logSoftmax at ±1e4', logits, (x) => o.logSoftmax(x), [-ln2, -2 * far - ln2, -ln2], [-0.5, 1, -0.5]),
  ...pair('logSumExp at ±1e4', logits, (x) => o.logSumExp(x), [far + ln2], [0.5, 0, 0.5]),
  ...pair('logSumExp of -1e4', [-far, -far], (x) => o.logSumExp(x), [-far + ln2], [0.5, 0.5]),
  ...pair('softplus at ±1e4', [far, -far], o.softplus, [far, 0], [1, 0]),
  ...pair('logSigmoid at ±1e4', [far, -far], o.logSigmoid, [0, -far], [0, 1]),
  ...crossEntropies(),
  ...pair('tanh at ±1e30', [huge, -huge], o.tanh, [1, -1], [0, 0]),
  ...pair('sigmoid at ±1e30', [huge, -huge], o.sigmoid, [1, 0], [0, 0]),
  ...pair('gelu at ±1e30', [huge, -huge], (x) => o.gelu(x), [huge, 0], [1, 0]),
  ...pair('gelu exact at ±1e30', [huge, -huge], (x) => o.gelu(x, { approximate: false }), [huge, 0], [1, 0]),
  ...pair('silu at ±1e30', [huge, -huge], o.silu, [huge, 0], [1, 0]),
  ...pair('mish at ±1e30', [huge, -huge], o.mish, [huge, 0], [1, 0]),
  ...pair('softplus at ±1e30', [huge, -huge], o.softplus, [huge, 0], [1, 0]),
  ...pair('erf at ±1e30', [huge, -huge], o.erf, [1, -1], [0, 0]),

  ...pair('atan2 at 1e-25', [1e-25], (x) => o.atan2(x, leaf([1e-25])), [Math.PI / 4], [5e24]),
  ...pair('atan2 at 1e20', [1e20], (x) => o.atan2(leaf([1e20]), x), [Math.PI / 4], [-0.5], { weights: [1e20] }),
  ...pair('asinh at -1e25', [-1e25], o.asinh, [-(Math.log(2) + 25 * Math.log(10))], [1], { weights: [1e25] }),
  ...pair('acosh at 1e25', [1e25], o.acosh, [Math.log(2) + 25 * Math.log(10)], [1], { weights: [1e25] }),
  ...halfCases(),

  ...pair('variance of 1e4 ± 1', alternating(64), (x) => o.variance(x), [1], signs(64, 2 / 64)),
  ...pair('std of 1e4 ± 1', alternating(64), (x) => o.std(x), [1], signs(64, 1 / 64)),
  // 7.0001e8, the sum, has a spacing of 64 in f32: the mean that is taken out is a little off.
  { name: 'variance of 70,001 of 1e4 ± 1', build: () => o.variance(leaf(alternating(70001))), expected: [1], tolerance: 1e-4 },
  ...pair('layerNorm of 1e4 ± 1', alternating(64), (x) => o.layerNorm(x, { epsilon: 0 }), signs(64, 1), nothing(64), { tolerance: 1e-5 }),
  ...pair('groupNorm of 1e4 ± 1', alternating(64), (x) => o.groupNorm(x, { groups: 2, epsilon: 0 }), signs(64, 1), nothing(64), { shape: [1, 8, 8], tolerance: 1e-5 }), // prettier-ignore
  { name: 'layerNorm of a constant', build: () => o.layerNorm(leaf([far, far, far, far])), expected: nothing(4) },
  { name: 'rmsNorm of zeros', build: () => o.rmsNorm(leaf(nothing(5))), expected: nothing(5) },

  // The side that is not chosen gets 0, not 0 times what comes: an infinite or undefined slope there does no harm.
  ...pair('where beside NaN', [-1, 4], (x) => o.where(o.greater(x, 0), x, 0), [0, 4], [0, 1], { weights: [NaN, 1] }),
  // An infinite slope within the branch is multiplied by 0, so the argument must be made harmless too.
  ...pair('where around log', [0, -1, 2], (x) => o.where(o.greater(x, 0), o.log(o.where(o.greater(x, 0), x, 1)), 0), [0, 0, ln2], [0, 0, 0.5]), // prettier-ignore
  ...pair('where around sqrt', [0, 4], (x) => o.where(o.greater(x, 0), o.sqrt(o.where(o.greater(x, 0), x, 1)), 0), [0, 2], [0, 0.25]),
  ...pair('norm at 0', [0, 0], (x) => o.norm(x), [0], [0, 0]),
];

/** Which elements of NaN, ±Infinity, the largest f32, ±0 and 1 each test finds. */
export const detected: Readonly<Record<string, readonly number[]>> = {
  isNaN: [1, 0, 0, 0, 0, 0, 0],
  isInf: [0, 1, 1, 0, 0, 0, 0],
  isFinite: [0, 0, 0, 1, 1, 1, 1],
};
export const detectable = [NaN, Infinity, -Infinity, 3.4028234663852886e38, 0, -0, 1];

/** Describes an error of a result. Empty if there is none. */
export function complaintAbout({ name, expected, tolerance = 2e-6 }: NumericCase, actual: ArrayLike<number>): string {
  if (actual.length !== expected.length) return `${name}: ${actual.length} elements instead of ${expected.length}`;
  let complaint = '';
  expected.forEach((want, i) => {
    const error = actual[i] === want ? 0 : Math.abs(actual[i] - want);
    const allowed = tolerance * Math.max(1, Math.abs(want));
    noteError('numerics', name, error, allowed);
    if (!(error <= allowed)) complaint ||= `${name}, element ${i}: ${actual[i]} instead of ${want}`;
  });
  return complaint;
}
