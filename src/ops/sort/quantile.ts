// Quantiles and the median by sorting, and positions in sorted values by bisection.
import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { formatShape, normalizeAxes } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkFlag, checkNotEmpty, checkTensor, inWords, isList } from '../operands/arguments.ts';
import { add, minimum, mul, sub } from '../elementwise/arithmetic.ts';
import { cast } from '../elementwise/cast.ts';
import { equal, isInf, isNaN, less, lessEqual, logicalAnd } from '../elementwise/comparison.ts';
import { zeros } from '../create/create.ts';
import { takeRows } from '../indexing/gather.ts';
import { type TensorLike, commonDtype, operand } from '../operands/operands.ts';
import { stack } from '../shape/rearrange.ts';
import type { ReduceOptions } from '../reduce/reduce.ts';
import { where } from '../elementwise/select.ts';
import { reshape, transpose } from '../shape/shape.ts';
import { sliceAxis } from '../shape/slice.ts';
import { sort } from './sort.ts';

export type Interpolation = 'linear' | 'lower' | 'higher' | 'nearest' | 'midpoint';
const interpolations: readonly Interpolation[] = ['linear', 'lower', 'higher', 'nearest', 'midpoint'];

export interface QuantileOptions extends ReduceOptions {
  /**
   * Value between two elements: the weighted mean ('linear'), the lower or higher one, the nearest (halves to the even position), or their
   * mean ('midpoint').
   * @default 'linear'
   */
  readonly interpolation?: Interpolation;
}

/** Quantile of lines sorted along their last axis. The axis stays with size 1. */
function quantileOf(sorted: Tensor, q: number, interpolation: Interpolation): Tensor {
  const last = sorted.rank - 1;
  const n = sorted.shape[last];
  const place = q * (n - 1);
  const below = Math.floor(place);
  const share = place - below;
  const at = (position: number): Tensor => sliceAxis(sorted, last, position, 1);
  const low = at(below);
  if (share === 0 || interpolation === 'lower') return low;
  const high = at(below + 1);
  if (interpolation === 'higher') return high;
  if (interpolation === 'nearest') return share > 0.5 || (share === 0.5 && below % 2 === 1) ? high : low;
  const weight = interpolation === 'midpoint' ? 0.5 : share;
  // Two equal infinities have no difference.
  const difference = where(logicalAnd(equal(low, high), isInf(low)), 0, sub(high, low));
  // Interpolates from the nearer end, as in NumPy, so that both ends are exact.
  return weight < 0.5 ? add(low, mul(difference, weight)) : sub(high, mul(difference, 1 - weight));
}

function quantileAs(op: string, x: TensorLike, q: number | readonly number[], options: QuantileOptions): Tensor {
  const t = operand(op, x, 'float');
  const { keepDims = false, interpolation = 'linear' } = options;
  checkFlag(op, 'keepDims', keepDims);
  if (!interpolations.includes(interpolation)) {
    throw new ArgumentError(`${op}: interpolation is ${inWords(interpolation)}; it must be one of ${interpolations.join(', ')}`);
  }
  const shares: readonly number[] = typeof q === 'number' ? [q] : q;
  if (!isList(shares) || !shares.every((share) => typeof share === 'number' && share >= 0 && share <= 1)) {
    const shown = isList(q) ? `[${String(q)}]` : inWords(q);
    throw new ArgumentError(`${op}: q is ${shown}; it must be a number from 0 to 1, or an array of them`);
  }
  if (shares.length === 0) throw new ArgumentError(`${op}: q is an empty array; name one quantile at least`);
  const axes = options.axis === undefined ? t.shape.map((_, i) => i) : normalizeAxes(op, options.axis, t.rank);
  checkNotEmpty(op, t.shape, axes);
  const others = t.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const order = [...others, ...axes];
  const moved = order.every((axis, i) => axis === i) ? t : transpose(t, order);
  const rest = others.map((i) => t.shape[i]);
  const count = axes.reduce((size, axis) => size * t.shape[axis], 1);
  const sorted = sort(reshape(moved, [...rest, count]));
  // NaN is sorted to the end.
  const missing = isNaN(sliceAxis(sorted, rest.length, count - 1, 1));
  const shape = keepDims ? t.shape.map((n, i) => (axes.includes(i) ? 1 : n)) : rest;
  const values = shares.map((share) => reshape(where(missing, NaN, quantileOf(sorted, share, interpolation)), shape));
  return typeof q === 'number' ? values[0] : stack(values);
}

/**
 * The q-quantile of elements: the value at position q (n - 1) of the n sorted elements, with interpolation between two. NaN if an element
 * is NaN. The gradient goes to the elements used.
 *
 * x [..] -> float, without the reduced axes (keepDims: with size 1); an array of Q quantiles adds a leading axis [Q, ..].
 * @throws ArgumentError for a q outside 0 … 1 or an unknown interpolation, ShapeError for an axis that x does not have or that is empty.
 * (numpy.quantile, torch.quantile.)
 *
 *     quantile(tensor([1, 2, 3, 4]), 0.25)                        // 1.75
 *     quantile(x, [0.1, 0.9], { axis: 1, interpolation: 'lower' })   // [5,9] -> [2,5]
 */
export function quantile(x: TensorLike, q: number | readonly number[], options: QuantileOptions = {}): Tensor {
  checkOptions('quantile', options, ['axis', 'keepDims', 'interpolation']);
  return quantileAs('quantile', x, q, options);
}

/**
 * The middle of the sorted elements. For an even number it is the mean of the two middle ones, as in NumPy. NaN if an element is NaN.
 *
 * x [..] -> float, without the reduced axes (keepDims: with size 1).
 * @throws ShapeError for an axis that x does not have or that is empty.
 *
 *     median(tensor([3, 1, 2, 10]))   // 2.5
 */
export function median(x: TensorLike, options: ReduceOptions = {}): Tensor {
  checkOptions('median', options, ['axis', 'keepDims']);
  return quantileAs('median', x, 0.5, options);
}

export interface SearchSortedOptions {
  /**
   * Position of a value that equals elements: before the first ('left') or after the last ('right') of them.
   * @default 'left'
   */
  readonly side?: 'left' | 'right';
}

/**
 * Positions at which inserting the values keeps the elements sorted: the number of elements less than the value (side 'right': not
 * greater). NaN goes to the end. Found by bisection, one pass over the values for each power of two up to N.
 *
 * sorted [N] in ascending order, values [..] -> i32 [..].
 * @throws ShapeError if sorted is not a vector, ArgumentError for another side, DtypeError for i32 with u32. (numpy.searchsorted.)
 *
 *     searchSorted(tensor([1, 3, 5]), tensor([0, 3, 9]))   // [0, 1, 3]
 */
export function searchSorted(sorted: Tensor, values: TensorLike, options: SearchSortedOptions = {}): Tensor {
  const op = 'searchSorted';
  checkTensor(op, 'sorted', sorted);
  checkOptions(op, options, ['side']);
  const { side = 'left' } = options;
  if (side !== 'left' && side !== 'right') throw new ArgumentError(`${op}: side is ${inWords(side)}; it must be 'left' or 'right'`);
  if (sorted.rank !== 1) throw new ShapeError(`${op}: sorted is ${formatShape(sorted.shape)}; it must be a vector [N], flatten it`);
  const dtype = commonDtype(op, [sorted, values], 'number');
  const [elements, wanted] = [cast(sorted, dtype), cast(operand(op, values), dtype)];
  const n = elements.shape[0];
  if (n === 0) return zeros(wanted.shape, 'i32');
  let place = zeros(wanted.shape, 'i32');
  for (let step = 2 ** Math.floor(Math.log2(n)); step >= 1; step /= 2) {
    const next = add(place, step);
    const element = takeRows(elements, minimum(sub(next, 1), n - 1), 0);
    const isBefore = side === 'left' ? less(element, wanted) : lessEqual(element, wanted);
    place = where(logicalAnd(isBefore, lessEqual(next, n)), next, place);
  }
  return where(isNaN(wanted), n, place);
}
