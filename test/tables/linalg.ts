// Rows of linear algebra, its bad input, and well-conditioned matrices of many sizes.
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { type ErrorRow, bad, input } from './errorRow.ts';
import { type OpRow, f, row } from './row.ts';

const a = f([3, 3]);
const near = { gpu: { ulp: 0, absolute: 3e-5 } } as const;
const shifted = (x: Tensor): Tensor => o.add(x, o.mul(o.eye(x.shape[x.rank - 1]), 4));

export const linalgRows: readonly OpRow[] = [
  row('determinant', [a], o.determinant, near),
  row('determinant batch', [f([2, 2, 4, 4])], (x) => o.determinant(shifted(x)), { gpu: { ulp: 64 } }),
  row('determinant one', [f([5, 1, 1])], o.determinant, { gpu: { ulp: 1 } }),
  row('logDeterminant', [a], (x) => o.logDeterminant(x)[1], near),
  row('logDeterminant sign', [f([7, 2, 2])], (x) => o.logDeterminant(x)[0], { gpu: 'exact', gradient: 'none' }),
  row('logDeterminant batch', [f([2, 4, 4])], (x) => o.logDeterminant(shifted(x))[1], near),
  row('inverse', [a], o.inverse, near),
  row('inverse batch', [f([2, 3, 3])], (x) => o.inverse(shifted(x)), near),
  row('solve', [a, f([3, 2])], o.solve, near),
  row('solve vector', [a, f([3])], o.solve, near),
  row('solve broadcast', [f([2, 1, 3, 3]), f([2, 3, 2])], (x, b) => o.solve(shifted(x), b), near),
  row('solve vectors', [f([2, 3, 3]), f([3])], (x, b) => o.solve(shifted(x), b), near),
  row('cholesky', [f([1, 1], 1, 3)], o.cholesky, near),
  row('cholesky batch', [f([2, 3, 3])], (x) => o.cholesky(o.add(o.matmul(x, x, { transposeB: true }), o.eye(3))), near),
  row('triangularSolve', [a, f([3, 2])], (x, b) => o.triangularSolve(x, b), near),
  row('triangularSolve upper', [a, f([3, 2])], (x, b) => o.triangularSolve(shifted(x), b, { lower: false }), near),
  row('triangularSolve transposed', [f([2, 3, 3]), f([2, 3, 2])], (x, b) => o.triangularSolve(shifted(x), b, { transpose: true }), near),
  row('triangularSolve upper transposed', [a, f([3])], (x, b) => o.triangularSolve(shifted(x), b, { lower: false, transpose: true }), near), // prettier-ignore
  row('triangularSolve unit', [a, f([3, 2])], (x, b) => o.triangularSolve(x, b, { unitDiagonal: true }), near),
];

const x = input([2, 3]);
const square = input([2, 3, 3]);
const wide = 'x is [2,3]; it must be square matrices [.., n, n], slice or reshape it';

export const linalgErrors: readonly ErrorRow[] = [
  bad('determinant', 'size', () => o.determinant(x), wide),
  bad('determinant', 'rank', () => o.determinant(input([3])), 'x is [3]; it must be square matrices [.., n, n]'),
  bad('logDeterminant', 'size', () => o.logDeterminant(x), wide),
  bad('inverse', 'size', () => o.inverse(x), wide),
  bad('cholesky', 'size', () => o.cholesky(x), wide),
  bad('solve', 'size', () => o.solve(x, x), 'a is [2,3]; it must be square matrices [.., n, n], slice or reshape it'),
  bad('solve', 'size', () => o.solve(square, input([4, 2])), 'a is [2,3,3], b is [4,2]; b must be [3] or [.., 3, m], reshape it'),
  bad('solve', 'size', () => o.solve(square, input([5, 3, 2])), 'shapes [2] and [5] do not broadcast'),
  bad('solve', 'rank', () => o.solve(square, input([])), 'a is [2,3,3], b is []; b must be [3] or [.., 3, m], reshape it'),
  bad('triangularSolve', 'size', () => o.triangularSolve(square, input([4])), 'a is [2,3,3], b is [4]; b must be [3] or [.., 3, m]'),
  bad('triangularSolve', 'option', () => o.triangularSolve(square, input([3]), { lower: 'yes' as never }), 'lower is the text "yes"; it must be true or false'), // prettier-ignore
];

/** Orders around those of workgroups and their multiples. */
export const orders = [1, 2, 3, 5, 8, 17, 31, 63, 64, 65];

/** Well-conditioned matrices [count, n, n] that need pivoting: shifted cyclic permutations with noise. */
export function matricesOf(count: number, n: number): Tensor {
  const data = new Float32Array(count * n * n);
  for (let i = 0; i < data.length; i++) {
    const [row, column] = [Math.floor(i / n) % n, i % n];
    data[i] = (((i + 1) * 0.6180339887498949) % 1) / n + ((row + 1) % n === column ? 2 : 0);
  }
  return o.alias(hostTensor({ shape: [count, n, n], dtype: 'f32' }, data));
}

/** Results computed from such matrices. All are near 1 in size. */
export const ofMatrices: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  inverse: (m) => o.inverse(m),
  solve: (m) => o.solve(m, o.slice(m, [0, 0, 0], [undefined, undefined, 1])),
  cholesky: (m) => o.cholesky(o.matmul(m, m, { transposeB: true })),
  logDeterminant: (m) => o.logDeterminant(m)[1],
  sign: (m) => o.logDeterminant(m)[0],
  determinant: (m) => o.determinant(o.mul(m, 0.5)),
};
