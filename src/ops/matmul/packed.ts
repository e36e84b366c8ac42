// Whole numbers of 8 bits, from -128 to 127, four to a u32 along the last axis: 128 is added to each, and the first is in the low byte. The
// product with a matrix of them unpacks in its loads, so no kernel writes the floats to memory.
import { isFloat } from '../../core/dtype.ts';
import { DtypeError, ShapeError } from '../../core/errors.ts';
import { formatShape, sizeOf } from '../../core/shape.ts';
import { type OpDefinition, defineOp } from '../../graph/op.ts';
import { type Tensor, apply, hostTensor } from '../../graph/tensor.ts';
import { spreadInputs } from '../batching/batching.ts';
import { add, sub } from '../elementwise/arithmetic.ts';
import { bitwiseAnd, leftShift, rightShift } from '../elementwise/integers.ts';
import { cast } from '../elementwise/cast.ts';
import { sum } from '../reduce/reduce.ts';
import { pad } from '../shape/pad.ts';
import { expandDims, reshape } from '../shape/shape.ts';
import { slice } from '../shape/slice.ts';
import { matmul } from './matmul.ts';
import { acceptsMatrixView, planPacked } from './plan.ts';
import { addProduct } from './reference.ts';

const shifts = (): Tensor => hostTensor({ shape: [4], dtype: 'u32' }, Uint32Array.of(0, 8, 16, 24));

/** Whole numbers x [..., n] as words [..., ceil(n / 4)]. Bytes past the end are 0. */
export function packBytes(x: Tensor): Tensor {
  const { shape } = x;
  const [leading, last] = [shape.slice(0, -1), shape[shape.length - 1]];
  const words = Math.ceil(last / 4);
  const filled = pad(add(x, 128), [...leading.map(() => [0, 0] as const), [0, 4 * words - last]]);
  const bytes = cast(reshape(filled, [...leading, words, 4]), 'u32');
  return sum(leftShift(bytes, shifts()), { axis: -1 });
}

/** The floats [..., last] of words [..., ceil(last / 4)]. */
export function unpackBytes(packed: Tensor, last: number): Tensor {
  const { shape } = packed;
  const bytes = bitwiseAnd(rightShift(expandDims(packed, -1), shifts()), 255);
  const flat = reshape(bytes, [...shape.slice(0, -1), 4 * shape[shape.length - 1]]);
  const cut = last === flat.shape[flat.rank - 1] ? flat : slice(flat, flat.shape.map(() => 0), [...shape.slice(0, -1), last]); // prettier-ignore
  return sub(cast(cut, 'f32'), 128);
}

interface PackedAttributes {
  /** Number of columns of the packed matrix. */
  readonly columns: number;
}

/** [M, K] x packed [K, ceil(N / 4)] -> [M, N]. */
export const packedOp: OpDefinition<PackedAttributes> = defineOp<PackedAttributes>({
  name: 'packedMatmul',
  infer: ([a, b], { columns }) => {
    if (!isFloat(a.dtype) || b.dtype !== 'u32') {
      throw new DtypeError(`packedMatmul: takes floats and packed words, got ${a.dtype} and ${b.dtype}; pack the second by packBytes(x)`);
    }
    const [m, k] = a.shape;
    const fits = a.shape.length === 2 && b.shape.length === 2 && b.shape[0] === k && b.shape[1] === Math.ceil(columns / 4);
    if (fits) return [{ shape: [m, columns], dtype: a.dtype }];
    throw new ShapeError(
      `packedMatmul: ${formatShape(a.shape)} x ${formatShape(b.shape)} with ${columns} columns; operands are [m, k] and [k, ceil(columns / 4)]`,
    );
  },
  batch: (context) => {
    const { inputs, mapped, size, attributes, apply } = context;
    const [a, b] = inputs;
    // Each example has a matrix of its own.
    if (mapped[1]) {
      const [x, packed] = spreadInputs(context);
      return [matmul(x, cast(unpackBytes(packed, attributes.columns), x.dtype))];
    }
    const [product] = apply([reshape(a, [size * a.shape[1], a.shape[2]]), b], attributes);
    return [reshape(product, [size, a.shape[1], attributes.columns])];
  },
  // C = A B:  dA = dC Bᵀ
  vjp: ({ inputs: [a, b], attributes: { columns }, cotangents: [g], needs }) => [
    needs[0] && g ? matmul(g, cast(unpackBytes(b, columns), a.dtype), { transposeB: true }) : undefined,
    undefined,
  ],
  reference: ({ inputs: [a, b], outputs: [c], attributes: { columns }, allocate }) => {
    const [m, k] = a.shape;
    const words = b.shape[1];
    const right = new Float64Array(k * columns);
    for (let row = 0; row < k; row++) {
      for (let j = 0; j < columns; j++) right[row * columns + j] = ((b.data[row * words + (j >> 2)] >>> (8 * (j & 3))) & 255) - 128;
    }
    const sums = new Float64Array(m * columns);
    addProduct(Float64Array.from(a.data), right, sums, m, k, columns);
    const out = allocate(c.dtype, sizeOf(c.shape));
    out.set(sums);
    return [out];
  },
  lowering: {
    kind: 'kernel',
    // The words of a row are neighbours.
    acceptsView: (i, view) => (i === 0 ? acceptsMatrixView(view) : view.strides[1] === 1 || view.shape[1] === 1),
    plan: planPacked,
  },
});

/** a times the unpacked matrix of `packed`. a [m, k], packed u32 [k, ceil(columns / 4)], result [m, columns]. */
export const packedMatmul = (a: Tensor, packed: Tensor, columns: number): Tensor => apply(packedOp, [a, packed], { columns });
