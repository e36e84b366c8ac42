// Ties, zeros, NaN, infinities and singular matrices in ops that pick, scatter, accumulate or solve: values and gradients by hand, alike on every stack.
import { pullback } from '../../src/autodiff/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { noteError } from '../support/findings.ts';

export interface AwkwardCase {
  readonly name: string;
  /** A fresh graph at each call: evaluation makes leaves of results. */
  readonly build: () => readonly Tensor[];
  /** Elements of each tensor. */
  readonly expected: readonly (readonly number[])[];
  /** Relative to the larger of 1 and the expected number; 2e-6 unless given. */
  readonly tolerance?: number;
}

/** A tensor on the device. The alias hides its values from the host. */
const leaf = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  o.alias(hostTensor({ shape, dtype: 'f32' }, Float32Array.from(values)));
const whole = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  o.alias(hostTensor({ shape, dtype: 'i32' }, Int32Array.from(values)));

/** y = fn(inputs) and the gradient of its sum for each input. The sum is weighted if weights are given. */
const slopes = (inputs: () => readonly Tensor[], fn: (...inputs: Tensor[]) => Tensor, weights?: readonly number[]) => (): Tensor[] => {
  const made = inputs();
  const y = fn(...made);
  return [y, ...pullback([y], [weights ? leaf(weights, y.shape) : o.onesLike(y)], [...made])];
};

const scatter = (mode: o.ScatterMode, at: readonly number[]) => (x: Tensor, u: Tensor) => o.scatterAlongAxis(x, whole(at), u, { mode });

const indexing: readonly AwkwardCase[] = [
  { name: 'a kernel reads positions', build: () => [o.gather(leaf([5, 6, 7]), o.arange(2)), o.equal(o.gather(o.arange(4), whole([2, 1])), o.arange(2))], expected: [[5, 6], [0, 1]] }, // prettier-ignore
  { name: 'the last of several updates stays', build: slopes(() => [leaf([1, 2]), leaf([3, 4, 5])], scatter('replace', [0, 0, 0]), [10, 20]), expected: [[5, 2], [0, 20], [0, 0, 10]] }, // prettier-ignore
  { name: 'equal extremes share', build: slopes(() => [leaf([1, 2]), leaf([1, 1, 3])], scatter('max', [0, 0, 1])), expected: [[1, 3], [1 / 3, 0], [1 / 3, 1 / 3, 1]] }, // prettier-ignore
  { name: 'products with zeros', build: slopes(() => [leaf([2, 0, 7]), leaf([0, 3, 5])], scatter('multiply', [0, 0, 1])), expected: [[0, 0, 7], [0, 5, 1], [6, 0, 0]] }, // prettier-ignore
  { name: 'products with two zeros', build: slopes(() => [leaf([2]), leaf([0, 0])], scatter('multiply', [0, 0])), expected: [[0], [0], [0, 0]] }, // prettier-ignore
  { name: 'products beyond f32 by one update', build: slopes(() => [leaf([1e-30, 1e30, -2e-38, 3]), leaf([1e-30, 1e20, 1e-5, 0])], scatter('multiply', [0, 1, 2, 3]), [1e30, 1e-25, 1e38, 1]), expected: [[0, Infinity, 0, 0], [1, 1e-5, 1e33, 0], [1, 1e5, -2, 3]] }, // prettier-ignore
  { name: 'products beyond f32 by one slice', build: slopes(() => [leaf([1e-30, 1e-30], [1, 2]), leaf([1e-30, 1e20], [1, 2])], (x, u) => o.scatterNd(x, whole([0], [1, 1]), u, { mode: 'multiply' }), [1e30, 1e30]), expected: [[0, 0], [1, Infinity], [1, 1]] }, // prettier-ignore
  { name: 'products below f32 on the way', build: slopes(() => [leaf([1e-30]), leaf([1e-20, 1e15])], scatter('multiply', [0, 0]), [1e20]), expected: [[0], [1e15], [1e5, 0]] }, // prettier-ignore
  { name: 'NaN is the extreme', build: () => [scatter('max', [0, 1])(leaf([NaN, 1]), leaf([2, NaN])), scatter('min', [0, 0])(leaf([1, 1]), leaf([NaN, 0]))], expected: [[NaN, NaN], [NaN, 1]] }, // prettier-ignore
  { name: 'indices that a kernel made are moved to the nearest end', build: () => [scatter('replace', [-3, 9])(leaf([1, 2, 3]), leaf([7, 8])), o.scatterNd(leaf([1, 2, 3, 4], [2, 2]), whole([-1, 5], [1, 2]), leaf([9])), o.gatherNd(leaf([1, 2, 3, 4], [2, 2]), whole([5, -1], [1, 2]))], expected: [[7, 2, 8], [1, 9, 3, 4], [3]] }, // prettier-ignore
  { name: 'no updates', build: () => [o.scatterAlongAxis(leaf([1, 2]), whole([]), leaf([]), { mode: 'max' }), o.scatterNd(leaf([1, 2]), whole([], [0, 1]), leaf([]))], expected: [[1, 2], [1, 2]] }, // prettier-ignore
];

const { NaN: nan, POSITIVE_INFINITY: infinite } = Number;

const order: readonly AwkwardCase[] = [
  { name: 'topK takes NaN last', build: () => [o.topK(leaf([NaN, 2, 1]), 2)[0], o.topK(leaf([NaN, 2, 1]), 2, { largest: false })[0]], expected: [[2, 1], [1, 2]] }, // prettier-ignore
  { name: 'equal running maxima: the latest gets the gradient', build: slopes(() => [leaf([1, 1, 0, 1])], (x) => o.cumMax(x), [1, 2, 4, 8]), expected: [[1, 1, 1, 1], [1, 6, 0, 8]] }, // prettier-ignore
  { name: 'running extremes keep NaN', build: () => [o.cumMax(leaf([1, NaN, 3, NaN])), o.cumMin(leaf([1, NaN, 0]), { reverse: true })], expected: [[1, nan, nan, nan], [nan, nan, 0]] }, // prettier-ignore
  { name: 'logCumSumExp of far apart numbers', build: slopes(() => [leaf([-1000, 0, 1000, -1000])], (x) => o.logCumSumExp(x)), expected: [[-1000, 0, 1000, 1000], [1, 1, 2, 0]] }, // prettier-ignore
  { name: 'logCumSumExp after -Infinity', build: slopes(() => [leaf([-infinite, -200, -infinite, -200])], (x) => o.logCumSumExp(x), [3, 1, 1, 2]), expected: [[-infinite, -200, -200, -200 + Math.LN2], [0, 3, 0, 1]] }, // prettier-ignore
  { name: 'logCumSumExp from Infinity and NaN on', build: () => [o.logCumSumExp(leaf([1, infinite, -5])), o.logCumSumExp(leaf([1, NaN, 2]))], expected: [[1, infinite, infinite], [1, nan, nan]] }, // prettier-ignore
  { name: 'quantile of NaN and of infinities', build: () => [o.quantile(leaf([1, NaN, 3, 4], [2, 2]), 0.5, { axis: 1 }), o.quantile(leaf([infinite, infinite, 1]), [0, 0.75]), o.median(leaf([-infinite, -infinite]))], expected: [[nan, 3.5], [1, infinite], [-infinite]] }, // prettier-ignore
  { name: 'gradient of a quantile between two', build: slopes(() => [leaf([4, 1, 3, 2])], (x) => o.quantile(x, 0.25)), expected: [[1.75], [0, 0.25, 0, 0.75]] }, // prettier-ignore
  { name: 'searchSorted puts NaN last', build: () => [o.searchSorted(leaf([1, 2]), leaf([NaN, 5, 0]))], expected: [[2, 2, 0]] },
];

const matrix = (values: readonly number[]): Tensor => leaf(values, [Math.sqrt(values.length), Math.sqrt(values.length)]);
const four = (value: number): number[] => new Array<number>(4).fill(value);

const matrices: readonly AwkwardCase[] = [
  { name: 'a singular matrix has cofactors', build: slopes(() => [matrix([1, 2, 2, 4])], (x) => o.determinant(x)), expected: [[0], [4, -2, -2, 1]] }, // prettier-ignore
  {
    name: 'cofactors of zeros',
    build: slopes(
      () => [matrix([0, 0, 0, 0])],
      (x) => o.determinant(x),
    ),
    expected: [[0], four(0)],
  },
  {
    name: 'a matrix of one zero',
    build: slopes(
      () => [matrix([0])],
      (x) => o.determinant(x),
    ),
    expected: [[0], [1]],
  },
  { name: 'inverses and solutions of singular matrices are NaN', build: () => [o.inverse(matrix([1, 2, 2, 4])), o.solve(matrix([0, 0, 0, 1]), leaf([1, 1])), o.triangularSolve(matrix([1, 0, 1, 0]), leaf([1, 1]))], expected: [four(nan), [nan, nan], [nan, nan]] }, // prettier-ignore
  { name: 'the logarithm of no determinant', build: () => [...o.logDeterminant(matrix([1, 2, 2, 4]))], expected: [[0], [-infinite]] },
  { name: 'NaN spreads', build: () => [o.determinant(matrix([0, 1, NaN, 1])), o.inverse(matrix([NaN, 1, 1, 1]))], expected: [[nan], four(nan)] }, // prettier-ignore
  { name: 'a zero pivot is passed over', build: () => [o.determinant(matrix([0, 1, 1, 0])), o.inverse(matrix([0, 2, 4, 0]))], expected: [[-1], [0, 0.25, 0.5, 0]] }, // prettier-ignore
  { name: 'determinants of huge and tiny factors', build: () => [o.determinant(o.diag(leaf([1e30, 1e30, 1e-30, -1e-30]))), o.logDeterminant(o.diag(leaf([1e30, 1e30])))[1]], expected: [[-1], [138.15510558]] }, // prettier-ignore
  { name: 'cholesky of what is not positive definite', build: () => [o.cholesky(matrix([1, 2, 2, 1])), o.cholesky(matrix([4, 99, 2, 2]))], expected: [four(nan), [2, 0, 1, 1]] }, // prettier-ignore
  { name: 'matrices without rows', build: () => [o.determinant(leaf([], [3, 0, 0])), o.inverse(leaf([], [2, 0, 0])), o.solve(leaf([], [0, 2, 2]), leaf([], [0, 2, 1]))], expected: [[1, 1, 1], [], []] }, // prettier-ignore
];

export const awkwardCases: readonly AwkwardCase[] = [...indexing, ...order, ...matrices];

/** Describes an error of the results. Empty if there is none. NaN and infinities must be equal. */
export function complaintAbout({ name, expected, tolerance = 2e-6 }: AwkwardCase, actual: readonly ArrayLike<number>[]): string {
  let complaint = actual.length === expected.length ? '' : `${name}: ${actual.length} tensors instead of ${expected.length}`;
  expected.forEach((values, k) => {
    if (actual[k].length !== values.length) complaint ||= `${name}, tensor ${k}: ${actual[k].length} elements instead of ${values.length}`;
    values.forEach((want, i) => {
      const got = actual[k][i];
      const error = Object.is(got, want) || got === want ? 0 : Math.abs(got - want);
      const allowed = Number.isFinite(want) ? tolerance * Math.max(1, Math.abs(want)) : 0;
      noteError('numerics', name, error, allowed);
      if (!(error <= allowed)) complaint ||= `${name}, tensor ${k}, element ${i}: ${got} instead of ${want}`;
    });
  });
  return complaint;
}
