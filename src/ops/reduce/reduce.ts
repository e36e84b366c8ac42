// Reductions along axes. Primitives drop the axes; keepDims is a reshape after them.
import { type Dtype, type HostArray, isFloat } from '../../core/dtype.ts';
import { DtypeError, ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, forEachIndex, formatShape, normalizeAxes, reducedShape, sizeOf, stridesOf } from '../../core/shape.ts';
import { type OpDefinition, type ReferenceContext, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { type ValueType, valueType } from '../../wgsl/index.ts';
import { checkFlag } from '../operands/arguments.ts';
import { mul } from '../elementwise/arithmetic.ts';
import { shiftAxes } from '../batching/batching.ts';
import { cast } from '../elementwise/cast.ts';
import { equal } from '../elementwise/comparison.ts';
import { type TensorLike, operand } from '../operands/operands.ts';
import { productOfOthers } from './productGradient.ts';
import { reciprocalScale, scaleByPower } from '../elementwise/scaling.ts';
import { where } from '../elementwise/select.ts';
import { broadcastTo, reshape, stopGradient } from '../shape/shape.ts';
import { propagate, quotientOrZero } from '../elementwise/zeroFlow.ts';

export interface ReduceOptions {
  /** Axis or axes to reduce. Negative values count from the end. @default all axes */
  readonly axis?: number | readonly number[];
  /** Whether to keep reduced axes, with size 1. @default false */
  readonly keepDims?: boolean;
}

export interface ReduceAttributes {
  readonly axes: readonly number[];
}

type Fold = (data: HostArray, base: number, offsets: Int32Array) => number;

interface ReductionRow {
  readonly name: string;
  /** Whether the reduction of no elements is defined. */
  readonly allowsEmpty: boolean;
  /** Computes one result on the CPU, in f64, from the elements at base + each offset. */
  readonly fold: Fold;
  readonly foldIntegers?: Fold;
  /** Identity of the reduction in WGSL, for each type that the op takes. */
  readonly identity: { readonly [T in ValueType]?: string };
  readonly merge: (a: string, b: string) => string;
  readonly ofSquares?: boolean;
  readonly vjp: OpDefinition<ReduceAttributes>['vjp'];
}

/** Calls `visit` with the position of each output element and the positions of its inputs. */
export function forEachRow(
  shape: Shape,
  axes: readonly number[],
  visit: (output: number, base: number, offsets: Int32Array) => void,
): void {
  const strides = stridesOf(shape);
  const part = (inside: boolean): { shape: number[]; strides: number[]; offset: number } => {
    const chosen = shape.flatMap((_, i) => (axes.includes(i) === inside ? [i] : []));
    return { shape: chosen.map((i) => shape[i]), strides: chosen.map((i) => strides[i]), offset: 0 };
  };
  const reduced = part(true);
  const offsets = new Int32Array(sizeOf(reduced.shape));
  forEachIndex(reduced, (flat, position) => {
    offsets[flat] = position;
  });
  forEachIndex(part(false), (flat, position) => visit(flat, position, offsets));
}

function reductionReference(row: ReductionRow): (context: ReferenceContext<ReduceAttributes>) => readonly HostArray[] {
  return ({ inputs: [x], outputs: [type], attributes: { axes }, allocate }) => {
    const out = allocate(type.dtype, sizeOf(type.shape));
    const fold = x.dtype === 'i32' || x.dtype === 'u32' ? (row.foldIntegers ?? row.fold) : row.fold;
    forEachRow(x.shape, axes, (flat, base, offsets) => {
      out[flat] = fold(x.data, base, offsets);
    });
    return [out];
  };
}

export function inferReduced(name: string, shape: Shape, axes: readonly number[], allowsEmpty: boolean): number[] {
  const empty = axes.find((axis) => shape[axis] === 0);
  if (!allowsEmpty && empty !== undefined) {
    throw new ShapeError(`${name}: axis ${empty} of ${formatShape(shape)} has no elements to choose from; check for empty input first`);
  }
  return reducedShape(shape, axes, false);
}

function defineReduction(row: ReductionRow): OpDefinition<ReduceAttributes> {
  const { name, identity } = row;
  const identityOf = (dtype: Dtype): string => {
    const found = identity[valueType(dtype)];
    if (found === undefined) throw new DtypeError(`${name}: does not take ${dtype}; cast the tensor first`);
    return found;
  };
  return defineOp<ReduceAttributes>({
    name,
    infer: ([x], { axes }) => {
      identityOf(x.dtype);
      return [{ shape: inferReduced(name, x.shape, axes, row.allowsEmpty), dtype: x.dtype }];
    },
    vjp: row.vjp,
    batch: shiftAxes,
    reference: reductionReference(row),
    lowering: { kind: 'reduction', axes: ({ axes }) => axes, identity: identityOf, merge: row.merge, ofSquares: row.ofSquares },
    simplify: ([x], { axes }) => (axes.length === 0 ? x : undefined),
  });
}

/** Broadcasts y or its cotangent, of the reduced shape, to the shape of x. */
export function spread(y: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  return broadcastTo(reshape(y, reducedShape(x.shape, axes, true)), x.shape);
}

/** The free function of a reduction. It handles axes and keepDims around the primitive. */
export function reduceWith(name: string, op: OpDefinition<ReduceAttributes>, x: Tensor, options: ReduceOptions): Tensor {
  checkOptions(name, options, ['axis', 'keepDims']);
  checkFlag(name, 'keepDims', options.keepDims);
  const { axis, keepDims = false } = options;
  const axes = normalizeAxes(name, axis, x.rank);
  const reduced = apply(op, [x], { axes });
  return keepDims ? reshape(reduced, reducedShape(x.shape, axes, true)) : reduced;
}

const sumOp = defineReduction({
  name: 'sum',
  allowsEmpty: true,
  fold: (data, base, offsets) => {
    let total = 0;
    for (let k = 0; k < offsets.length; k++) total += data[base + offsets[k]];
    return total;
  },
  identity: { f32: '0.0', i32: '0', u32: '0u' },
  merge: (a, b) => `(${a} + ${b})`,
  // Every element has the slope 1: dx = dy, broadcast
  vjp: ({ inputs: [x], cotangents: [g], attributes: { axes } }) => [g && spread(g, x, axes)],
});

/**
 * Sum over axes; 0 for no elements. Floats stay floats; bool becomes i32.
 *
 * x [..] -> the shape without the reduced axes.
 *
 *     sum(ones([2, 3]), { axis: 1 })   // [3, 3]
 */
export const sum = (x: TensorLike, options: ReduceOptions = {}): Tensor => reduceWith('sum', sumOp, operand('sum', x, 'number'), options);

const euclideanNormOp = defineReduction({
  name: 'euclideanNorm',
  allowsEmpty: true,
  fold: (data, base, offsets) => {
    let total = 0;
    for (let k = 0; k < offsets.length; k++) total += data[base + offsets[k]] ** 2;
    return Math.sqrt(total);
  },
  identity: { f32: '0.0' },
  merge: (a, b) => `hypotenuse(${a}, ${b})`,
  ofSquares: true,
  // dx = dy x / y, and 0 at y = 0 (x is 0 too). x and y are multiplied by the power of two s, which scales y to about 1. Without s, dy
  // / y and 1 / y may overflow f32 although dx does not, and a compiler may compute them. The result does not depend on s.
  vjp: ({ inputs: [x], outputs: [y], cotangents: [g], attributes: { axes } }) => {
    if (!g) return [undefined];
    const divisor = where(equal(y, 0), 1, y);
    const s = stopGradient(reciprocalScale(divisor));
    return [propagate(spread(quotientOrZero(g, scaleByPower(divisor, s)), x, axes), scaleByPower(x, spread(s, x, axes)))];
  },
});

/** √(Σ x²) over axes, also if the squares overflow or underflow f32. Its gradient at 0 is 0. */
export const euclideanNorm = (x: Tensor, options: ReduceOptions): Tensor => reduceWith('norm', euclideanNormOp, x, options);

const prodOp = defineReduction({
  name: 'prod',
  allowsEmpty: true,
  fold: (data, base, offsets) => {
    let product = 1;
    for (let k = 0; k < offsets.length; k++) product *= data[base + offsets[k]];
    return product;
  },
  foldIntegers: (data, base, offsets) => {
    let product = 1;
    for (let k = 0; k < offsets.length; k++) product = Math.imul(product, data[base + offsets[k]]);
    return product;
  },
  identity: { f32: '1.0', i32: '1', u32: '1u' },
  merge: (a, b) => `(${a} * ${b})`,
  // ∂/∂xᵢ Π xⱼ = Π_{j≠i} xⱼ, without division, so that zeros are correct
  vjp: ({ inputs: [x], cotangents: [g], attributes: { axes } }) => [g && propagate(spread(g, x, axes), productOfOthers(x, axes))],
});

/** Product over axes; 1 for no elements. bool becomes i32. The gradient is also correct if elements are 0. */
export const prod = (x: TensorLike, options: ReduceOptions = {}): Tensor =>
  reduceWith('prod', prodOp, operand('prod', x, 'number'), options);

/** Elements that equal the extremum share the cotangent: dx = dy [x = y] / (number of such elements). */
const shareAmongTies: ReductionRow['vjp'] = ({ inputs: [x], outputs: [y], cotangents: [g], attributes: { axes } }) => {
  if (!g) return [undefined];
  const ties = cast(equal(x, spread(y, x, axes)), x.dtype);
  return [mul(ties, spread(quotientOrZero(g, sum(ties, { axis: axes })), x, axes))];
};

// Math.max and Math.min return NaN if an argument is NaN.
const largest: Fold = (data, base, offsets) => {
  let best = -Infinity;
  for (let k = 0; k < offsets.length; k++) best = Math.max(best, data[base + offsets[k]]);
  return best;
};

const smallest: Fold = (data, base, offsets) => {
  let best = Infinity;
  for (let k = 0; k < offsets.length; k++) best = Math.min(best, data[base + offsets[k]]);
  return best;
};

// Two primitives per extremum: floats need a test for NaN, and integers have no NaN.
const maxOp = defineReduction({
  name: 'max',
  allowsEmpty: false,
  fold: largest,
  identity: { f32: '(-infinity())' },
  merge: (a, b) => `safeMax(${a}, ${b})`,
  vjp: shareAmongTies,
});

const maxOfIntegersOp = defineReduction({
  name: 'maxOfIntegers',
  allowsEmpty: false,
  fold: largest,
  identity: { i32: 'i32(-2147483648)', u32: '0u' },
  merge: (a, b) => `max(${a}, ${b})`,
  vjp: 'nondifferentiable',
});

const minOp = defineReduction({
  name: 'min',
  allowsEmpty: false,
  fold: smallest,
  identity: { f32: 'infinity()' },
  merge: (a, b) => `safeMin(${a}, ${b})`,
  vjp: shareAmongTies,
});

const minOfIntegersOp = defineReduction({
  name: 'minOfIntegers',
  allowsEmpty: false,
  fold: smallest,
  identity: { i32: '2147483647', u32: '0xffffffffu' },
  merge: (a, b) => `min(${a}, ${b})`,
  vjp: 'nondifferentiable',
});

/**
 * The largest element over axes; NaN if there is one. Equal largest elements share the gradient evenly. bool becomes i32.
 *
 * @throws ShapeError over an axis without elements.
 *
 *     max(x, { axis: -1, keepDims: true })
 */
export function max(x: TensorLike, options: ReduceOptions = {}): Tensor {
  const t = operand('max', x, 'number');
  return reduceWith('max', isFloat(t.dtype) ? maxOp : maxOfIntegersOp, t, options);
}

/**
 * The smallest element over axes; NaN if there is one. Equal smallest elements share the gradient evenly. bool becomes i32.
 *
 * @throws ShapeError over an axis without elements.
 */
export function min(x: TensorLike, options: ReduceOptions = {}): Tensor {
  const t = operand('min', x, 'number');
  return reduceWith('min', isFloat(t.dtype) ? minOp : minOfIntegersOp, t, options);
}

const anyOp = defineReduction({
  name: 'any',
  allowsEmpty: true,
  fold: (data, base, offsets) => {
    let found = 0;
    for (let k = 0; k < offsets.length; k++) found |= data[base + offsets[k]];
    return found;
  },
  identity: { bool: 'false' },
  merge: (a, b) => `(${a} | ${b})`,
  vjp: 'nondifferentiable',
});

const allOp = defineReduction({
  name: 'all',
  allowsEmpty: true,
  fold: (data, base, offsets) => {
    let found = 1;
    for (let k = 0; k < offsets.length; k++) found &= data[base + offsets[k]];
    return found;
  },
  identity: { bool: 'true' },
  merge: (a, b) => `(${a} & ${b})`,
  vjp: 'nondifferentiable',
});

/** True if any element over the axes is true (not 0); false for no elements. */
export const any = (x: TensorLike, options: ReduceOptions = {}): Tensor => reduceWith('any', anyOp, operand('any', x, 'bool'), options);

/** True if all elements over the axes are true (not 0); true for no elements. */
export const all = (x: TensorLike, options: ReduceOptions = {}): Tensor => reduceWith('all', allOp, operand('all', x, 'bool'), options);
