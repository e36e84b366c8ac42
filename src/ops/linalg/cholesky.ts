// The Cholesky factorization of symmetric positive definite matrices.
import { type OpDefinition, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { add, mul } from '../elementwise/arithmetic.ts';
import { foldIntoBatch } from '../batching/batching.ts';
import { cast } from '../elementwise/cast.ts';
import { eye, triL } from '../create/create.ts';
import { matricesOf } from './matrixOperands.ts';
import { choleskyDispatch } from './plan.ts';
import { choleskyOf } from './reference.ts';
import { matmul } from '../matmul/matmul.ts';
import { reshape, transpose } from '../shape/shape.ts';
import { solveTriangles } from './solve.ts';
import { where } from '../elementwise/select.ts';

const turned = (x: Tensor): Tensor => transpose(x, [0, 2, 1]);

/** f32 [count, n, n] -> [count, n, n] */
const choleskyOp: OpDefinition<object> = defineOp<object>({
  name: 'cholesky',
  infer: ([x]) => [{ shape: x.shape, dtype: 'f32' }],
  batch: foldIntoBatch,
  // dA = L^-T P L^-1 made symmetric, P the lower triangle of L^T dL with half its diagonal (I. Murray, "Differentiation of the Cholesky
  // decomposition", 2016)
  vjp: ({ outputs: [l], cotangents: [g] }) => {
    if (!g) return [undefined];
    const product = triL(matmul(turned(l), triL(g)));
    const halved = where(eye(l.shape[1], l.shape[1], 'bool'), mul(product, 0.5), product);
    const transposed = { lower: true, transposed: true, unit: false };
    const left = solveTriangles(l, halved, transposed);
    const whole = solveTriangles(l, turned(left), transposed);
    return [mul(add(whole, turned(whole)), 0.5)];
  },
  reference: ({ inputs: [x], allocate }) => {
    const [count, n] = x.shape;
    const out = allocate('f32', count * n * n);
    for (let i = 0; i < count; i++) out.set(choleskyOf(x.data, i * n * n, n), i * n * n);
    return [out];
  },
  lowering: {
    kind: 'kernel',
    epilogue: false,
    plan: ({ inputs: [x], target }) => ({ dispatches: [choleskyDispatch(x.shape[0], x.shape[1], target)], temporaries: [] }),
  },
});

/**
 * The lower triangular L with L Lᵀ = x, for symmetric positive definite matrices. The upper triangle of x is not read. All elements are NaN
 * if x is not positive definite. The gradient is symmetric, as in PyTorch.
 *
 * x [.., n, n] -> float [.., n, n]. Made for n up to about 64 and many matrices. Integers become f32.
 * @throws ShapeError if x is not a square matrix. (numpy.linalg.cholesky.)
 *
 *     cholesky(tensor([[4, 2], [2, 2]]))   // [[2, 0], [1, 1]]
 */
export function cholesky(x: Tensor): Tensor {
  const { stacked, batch, n, dtype } = matricesOf('cholesky', x);
  return cast(reshape(apply(choleskyOp, [stacked], {}), [...batch, n, n]), dtype);
}
