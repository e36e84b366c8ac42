// Determinants and their logarithms, from the LU factorization of each matrix.
import { type Lowering, type OpDefinition, defineOp } from '../../graph/op.ts';
import { type Tensor, apply, applyAll } from '../../graph/tensor.ts';
import { div, mul, sub } from '../elementwise/arithmetic.ts';
import { foldIntoBatch } from '../batching/batching.ts';
import { cast } from '../elementwise/cast.ts';
import { matricesOf } from './matrixOperands.ts';
import { cofactorsDispatch, determinantDispatch, factorize, factorsOf, input, output, solveDispatches, temporaries } from './plan.ts';
import { determinantOf, factorizeMatrix, signAndLogarithm, solveFactors } from './reference.ts';
import { matmul } from '../matmul/matmul.ts';
import { sum } from '../reduce/reduce.ts';
import { reshape, transpose } from '../shape/shape.ts';
import { inverse } from './solve.ts';

/** [count] as [count, 1, 1] */
const spread = (x: Tensor): Tensor => reshape(x, [x.size, 1, 1]);
const turned = (x: Tensor): Tensor => transpose(x, [0, 2, 1]);

/** Lowering that factorizes each matrix, then computes each output from the factors. */
const fromFactors = (...results: readonly Parameters<typeof determinantDispatch>[0][]): Lowering<object> => ({
  kind: 'kernel',
  epilogue: false,
  plan: ({ inputs: [x], target }) => {
    const [count, n] = x.shape;
    const { list, make } = temporaries();
    const factors = make([count, factorsOf(n)]);
    const dispatches = [
      factorize([count, n], false, [input(0), factors], target),
      ...results.map((result, i) => determinantDispatch(result, [count, n], [factors, output(i)], target)),
    ];
    return { dispatches, temporaries: list };
  },
});

/** f32 [count, n, n] -> [count] */
const determinantOp: OpDefinition<object> = defineOp<object>({
  name: 'determinant',
  infer: ([x]) => [{ shape: [x.shape[0]], dtype: 'f32' }],
  batch: foldIntoBatch,
  // d det(A) = <cofactors of A, dA>, also for a singular A
  vjp: ({ inputs: [x], cotangents: [g] }) => [g && mul(spread(g), apply(cofactorsOp, [x], {}))],
  reference: ({ inputs: [x], allocate }) => {
    const [count, n] = x.shape;
    const out = allocate('f32', count);
    for (let i = 0; i < count; i++) out[i] = determinantOf(factorizeMatrix(x.data, i * n * n, n));
    return [out];
  },
  lowering: fromFactors('product'),
});

/** f32 [count, n, n] -> [count, n, n]: det(A) A^-T. For a singular matrix, that of a matrix at a distance of 2^-24. */
const cofactorsOp: OpDefinition<object> = defineOp<object>({
  name: 'cofactors',
  infer: ([x]) => [{ shape: x.shape, dtype: 'f32' }],
  batch: foldIntoBatch,
  // C = d A^-T with d = det(A):  dA = (<dC, C> C - C dC^T C) / d, which is 0 / 0 where A is singular
  vjp: ({ inputs: [x], outputs: [c], cotangents: [g] }) => {
    if (!g) return [undefined];
    const inner = sum(mul(g, c), { axis: [1, 2], keepDims: true });
    return [div(sub(mul(inner, c), matmul(matmul(c, turned(g)), c)), spread(apply(determinantOp, [x], {})))];
  },
  reference: ({ inputs: [x], allocate }) => {
    const [count, n] = x.shape;
    const out = allocate('f32', count * n * n);
    const identity = Float64Array.from({ length: n * n }, (_, i) => Number(i % (n + 1) === 0));
    for (let k = 0; k < count; k++) {
      const factors = factorizeMatrix(x.data, k * n * n, n, true);
      const [value, inverted] = [determinantOf(factors), solveFactors(factors, identity, 0, n)];
      for (let i = 0; i < n * n; i++) out[k * n * n + i] = value * inverted[(i % n) * n + Math.floor(i / n)];
    }
    return [out];
  },
  lowering: {
    kind: 'kernel',
    epilogue: false,
    plan: ({ inputs: [x], target }) => {
      const [count, n] = x.shape;
      const { list, make } = temporaries();
      const [factors, value, between, inverted] = [make([count, factorsOf(n)]), make([count]), make(x.shape), make(x.shape)];
      const dispatches = [
        factorize([count, n], true, [input(0), factors], target),
        determinantDispatch('product', [count, n], [factors, value], target),
        ...solveDispatches([count, n, n], { factors, between, x: inverted }, target),
        cofactorsDispatch(count, n, [inverted, value, output(0)], target),
      ];
      return { dispatches, temporaries: list };
    },
  },
});

/** f32 [count, n, n] -> sign [count], log |det| [count] */
const logDeterminantOp: OpDefinition<object> = defineOp<object>({
  name: 'logDeterminant',
  infer: ([{ shape }]) => [
    { shape: [shape[0]], dtype: 'f32' },
    { shape: [shape[0]], dtype: 'f32' },
  ],
  batch: foldIntoBatch,
  // d log |det(A)| = <A^-T, dA>; the sign is constant
  vjp: ({ inputs: [x], cotangents: [, g] }) => [g && mul(spread(g), turned(inverse(x)))],
  reference: ({ inputs: [x], allocate }) => {
    const [count, n] = x.shape;
    const [signs, logarithms] = [allocate('f32', count), allocate('f32', count)];
    for (let i = 0; i < count; i++) [signs[i], logarithms[i]] = signAndLogarithm(factorizeMatrix(x.data, i * n * n, n));
    return [signs, logarithms];
  },
  lowering: fromFactors('sign', 'logarithm'),
});

/**
 * Determinants of square matrices, the product of the pivots of their LU factorization. For a singular matrix it is 0, its gradient is the
 * (finite) matrix of cofactors, and its second derivative is NaN. NaN if pivots are not finite.
 *
 * x [.., n, n] -> float [..]. Made for n up to about 64 and many matrices. Integers become f32.
 * @throws ShapeError if x is not a square matrix. (numpy.linalg.det.)
 *
 *     determinant(tensor([[1, 2], [3, 4]]))   // -2
 */
export function determinant(x: Tensor): Tensor {
  const { stacked, batch, dtype } = matricesOf('determinant', x);
  return cast(reshape(apply(determinantOp, [stacked], {}), batch), dtype);
}

/**
 * Signs of determinants and logarithms of their absolute values, sign e^logAbs = det(x), without overflow. A singular matrix has sign 0 and
 * -Infinity. The gradient of logAbs is the transposed inverse, NaN if x is singular. The gradient of the sign is 0.
 *
 * x [.., n, n] -> [sign [..], logAbs [..]]. Made for n up to about 64 and many matrices. Integers become f32.
 * @throws ShapeError if x is not a square matrix. (numpy.linalg.slogdet.)
 *
 *     const [sign, logAbs] = logDeterminant(tensor([[1, 2], [3, 4]]));   // -1, 0.6931472
 */
export function logDeterminant(x: Tensor): [sign: Tensor, logAbs: Tensor] {
  const { stacked, batch, dtype } = matricesOf('logDeterminant', x);
  const [sign, logAbs] = applyAll(logDeterminantOp, [stacked], {});
  return [cast(reshape(sign, batch), dtype), cast(reshape(logAbs, batch), dtype)];
}
