// The matrix product: one primitive over equal batch shapes. The free functions broadcast, transpose and reshape vectors before it.
import { isFloat, promote } from '../../core/dtype.ts';
import { DtypeError, ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, broadcastShapes, formatShape, sameShape, sizeOf } from '../../core/shape.ts';
import { type OpDefinition, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { checkFlag, checkTensor } from '../operands/arguments.ts';
import { mul } from '../elementwise/arithmetic.ts';
import { spreadInputs } from '../batching/batching.ts';
import { cast } from '../elementwise/cast.ts';
import { concat } from '../shape/concat.ts';
import { acceptsMatrixView, planMatmul } from './plan.ts';
import { addProduct } from './reference.ts';
import { commonDtype } from '../operands/operands.ts';
import { broadcastTo, reshape, transpose } from '../shape/shape.ts';

/** [..B, M, K] x [..B, K, N] -> [..B, M, N] over equal batch shapes. Transposed operands are views; the kernels read them by strides. */
export const matmulOp: OpDefinition<object> = defineOp<object>({
  name: 'matmul',
  infer: ([a, b]) => {
    if (a.dtype !== b.dtype || !isFloat(a.dtype)) {
      throw new DtypeError(`matmul: takes two float operands of one dtype, got ${a.dtype} and ${b.dtype}; use cast(x, 'f32')`);
    }
    const rank = a.shape.length;
    if (rank < 2 || rank !== b.shape.length || !sameShape(a.shape.slice(0, -2), b.shape.slice(0, -2))) {
      throw new ShapeError(
        `matmul: batch shapes differ: ${formatShape(a.shape)} x ${formatShape(b.shape)}; operands are [..batch, m, k] and [..batch, k, n]`,
      );
    }
    checkInner(a.shape, b.shape, a.shape[rank - 1], b.shape[rank - 2]);
    return [{ shape: [...a.shape.slice(0, -1), b.shape[rank - 1]], dtype: a.dtype }];
  },
  batch: (context) => {
    const { inputs, mapped, size, apply } = context;
    const [a, b] = inputs;
    // All examples share one matrix: they become one large product.
    if (mapped[1] || b.rank > 2) return apply(spreadInputs(context), {});
    const [product] = apply([reshape(a, [size * a.shape[1], a.shape[2]]), b], {});
    return [reshape(product, [size, a.shape[1], b.shape[1]])];
  },
  // C = A B:  dA = dC Bᵀ,  dB = Aᵀ dC
  vjp: ({ inputs: [a, b], cotangents: [g], needs }) => [
    needs[0] && g ? apply(matmulOp, [g, transposeLast(b)], {}) : undefined,
    needs[1] && g ? apply(matmulOp, [transposeLast(a), g], {}) : undefined,
  ],
  reference: ({ inputs: [a, b], outputs: [c], allocate }) => {
    const [m, n] = c.shape.slice(-2);
    const k = a.shape[a.shape.length - 1];
    const out = allocate(c.dtype, sizeOf(c.shape));
    for (let batch = 0; batch < sizeOf(c.shape.slice(0, -2)); batch++) {
      const sums = new Float64Array(m * n);
      const left = Float64Array.from(a.data.subarray(batch * m * k, (batch + 1) * m * k));
      const right = Float64Array.from(b.data.subarray(batch * k * n, (batch + 1) * k * n));
      addProduct(left, right, sums, m, k, n);
      out.set(sums, batch * m * n);
    }
    return [out];
  },
  lowering: { kind: 'kernel', acceptsView: (_, view) => acceptsMatrixView(view), plan: planMatmul },
  sum: sumOfProducts,
});

/**
 * Σ Aₜ Bₜ = [A₁ A₂ …] [B₁; B₂; …]. A weight that was used at many time steps gets its gradient from one product, if concatenating the
 * factors moves less memory than the products would.
 */
function sumOfProducts(terms: readonly Tensor[]): readonly Tensor[] {
  const [m, n] = terms[0].shape;
  const factors = terms.map(({ node }) => node!.inputs);
  const moved = factors.reduce((total, [a, b]) => total + a.size + b.size, 0);
  if (terms[0].rank !== 2 || 2 * moved > terms.length * m * n) return terms;
  // A transposed factor is concatenated in its memory order.
  const isTransposed = factors.every(([a]) => a.node?.op.name === 'transpose');
  const left = isTransposed
    ? transposeLast(
        concat(
          factors.map(([a]) => transposeLast(a)),
          0,
        ),
      )
    : concat(
        factors.map(([a]) => a),
        1,
      );
  const right = concat(
    factors.map(([, b]) => b),
    0,
  );
  return [apply(matmulOp, [left, right], {})];
}

function checkInner(a: Shape, b: Shape, ka: number, kb: number): void {
  if (ka === kb) return;
  throw new ShapeError(`matmul: inner sizes differ: ${formatShape(a)} x ${formatShape(b)}; transpose one operand or reshape`);
}

/** Swaps the two last axes. */
function transposeLast(x: Tensor): Tensor {
  const rank = x.shape.length;
  return transpose(
    x,
    Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i)),
  );
}

export interface MatmulOptions {
  /** Swaps the last two axes of a before the product. @default false */
  readonly transposeA?: boolean;
  /** Swaps the last two axes of b before the product. @default false */
  readonly transposeB?: boolean;
}

/**
 * Matrix product over the last two axes, c[i, j] = Σₖ a[i, k] b[k, j]; leading axes broadcast. A vector is a row on the left and a column
 * on the right, and its axis is dropped from the result, as in NumPy. transposeA and transposeB do not change vectors.
 *
 * a [..B, M, K], b [..B, K, N] -> [..B, M, N].
 * @throws ShapeError for a scalar, inner sizes that differ, or batch shapes that do not broadcast; DtypeError if no operand is a float.
 *
 *     const logits = matmul(x, w);                           // [32,784] x [784,10] -> [32,10]
 *     const scores = matmul(q, k, { transposeB: true });     // [8,64,32] x [8,64,32] -> [8,64,64]
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  checkOptions('matmul', options, ['transposeA', 'transposeB']);
  const { transposeA = false, transposeB = false } = options;
  checkTensor('matmul', 'a', a);
  checkTensor('matmul', 'b', b);
  checkFlag('matmul', 'transposeA', transposeA);
  checkFlag('matmul', 'transposeB', transposeB);
  const shapes = `${formatShape(a.shape)} x ${formatShape(b.shape)}`;
  if (a.rank === 0 || b.rank === 0) throw new ShapeError(`matmul: takes vectors and matrices, got ${shapes}; scale with mul(x, y)`);
  const dtype = promote('matmul', a.dtype, b.dtype);
  if (!isFloat(dtype)) throw new DtypeError(`matmul: takes floats, got ${a.dtype} x ${b.dtype}; use cast(x, 'f32')`);
  const flipA = transposeA && a.rank > 1;
  const flipB = transposeB && b.rank > 1;
  checkInner(a.shape, b.shape, a.shape[a.rank - (flipA ? 2 : 1)], b.shape[b.rank === 1 ? 0 : b.rank - (flipB ? 1 : 2)]);

  let left = cast(a, dtype);
  let right = cast(b, dtype);
  if (a.rank === 1) left = reshape(left, [1, a.size]);
  if (b.rank === 1) right = reshape(right, [b.size, 1]);
  if (flipA) left = transposeLast(left);
  if (flipB) right = transposeLast(right);
  const c = batched(left, right, flipA);
  if (a.rank > 1 && b.rank > 1) return c;
  const matrix = c.shape.slice(-2).filter((_, i) => (i === 0 ? a.rank > 1 : b.rank > 1));
  return reshape(c, [...c.shape.slice(0, -2), ...matrix]);
}

/** The product after broadcasting the batch axes. */
function batched(a: Tensor, b: Tensor, transposedA: boolean): Tensor {
  const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [m, k] = a.shape.slice(-2);
  const n = b.shape[b.rank - 1];
  // All rows of a share one matrix. Folding the batch into the rows makes one large product, and one large sum in its gradient.
  if (batch.length > 0 && sizeOf(b.shape.slice(0, -2)) === 1 && sameShape(a.shape.slice(0, -2), batch) && !transposedA) {
    const folded = apply(matmulOp, [reshape(a, [sizeOf(batch) * m, k]), reshape(b, [k, n])], {});
    return reshape(folded, [...batch, m, n]);
  }
  return apply(matmulOp, [broadcastTo(a, [...batch, m, k]), broadcastTo(b, [...batch, k, n])], {});
}

/**
 * Inner product of two vectors, Σᵢ a[i] b[i]; Operands of higher rank are passed to matmul(a, b).
 *
 * a [K], b [K] -> [].
 * @throws ShapeError if the sizes differ or an operand has no axis, DtypeError if no operand is a float.
 *
 *     const length = dot(v, v).sqrt();
 */
export const dot = (a: Tensor, b: Tensor): Tensor => matmul(checkTensor('dot', 'a', a), checkTensor('dot', 'b', b));

/**
 * Outer product of two vectors, c[i, j] = a[i] b[j].
 *
 * a [M], b [N] -> [M, N].
 * @throws ShapeError if an operand is not a vector, DtypeError for i32 with u32.
 *
 *     const table = outer(arange(1, 10), arange(1, 10));
 */
export function outer(a: Tensor, b: Tensor): Tensor {
  checkTensor('outer', 'a', a);
  checkTensor('outer', 'b', b);
  if (a.rank !== 1 || b.rank !== 1) {
    throw new ShapeError(`outer: takes two vectors, got ${formatShape(a.shape)} and ${formatShape(b.shape)}; flatten(x) first`);
  }
  const [left, right] = [a, b].map((t) => cast(t, commonDtype('outer', [a, b], 'number')));
  return mul(reshape(left, [a.size, 1]), right);
}
