// Compositions of views and concat: stack, split, tile and similar ops.
import { ArgumentError, ShapeError } from '../../core/errors.ts';
import { formatShape, normalizeAxis } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkTensor, inWords, isList } from '../operands/arguments.ts';
import { checkList, concat } from './concat.ts';
import { broadcastTo, checkShape, expandDims, reshape, squeeze } from './shape.ts';
import { sliceAxis } from './slice.ts';

/**
 * Stacks tensors of one shape along a new axis.
 *
 * n tensors [..] -> [.., n, ..].
 * @throws ArgumentError for an empty list, ShapeError if shapes differ.
 *
 *     stack([tensor([1, 2]), tensor([3, 4])])   // [[1, 2], [3, 4]]
 */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  checkList('stack', tensors);
  const at = normalizeAxis('stack', axis, tensors[0].rank + 1);
  for (const t of tensors) {
    if (formatShape(t.shape) !== formatShape(tensors[0].shape)) {
      throw new ShapeError(`stack: shapes ${tensors.map((s) => formatShape(s.shape)).join(', ')} differ; all must be equal`);
    }
  }
  return concat(
    tensors.map((t) => expandDims(t, at)),
    at,
  );
}

/**
 * Splits x along an axis into `parts` equal parts, or into parts of the given sizes.
 *
 * @throws ShapeError if the axis does not divide into that many parts or the sizes do not add up to it.
 *
 *     const [a, b] = split(x, 2, -1);
 */
export function split(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  checkTensor('split', 'x', x);
  const at = normalizeAxis('split', axis, x.rank);
  const n = x.shape[at];
  if (typeof parts === 'number' && (!Number.isInteger(parts) || parts < 1 || n % parts !== 0)) {
    throw new ShapeError(`split: axis ${at} of ${formatShape(x.shape)} does not divide into ${parts} equal parts; give their sizes`);
  }
  const sizes = typeof parts === 'number' ? new Array<number>(parts).fill(n / parts) : checkShape('split', parts);
  if (sizes.reduce((a, b) => a + b, 0) !== n) {
    throw new ShapeError(`split: sizes ${formatShape(sizes)} do not add up to the ${n} of axis ${at} of ${formatShape(x.shape)}`);
  }
  let begin = 0;
  return sizes.map((size) => {
    begin += size;
    return sliceAxis(x, at, begin - size, size);
  });
}

/** Splits x into its elements along an axis. The results do not have that axis. */
export function unstack(x: Tensor, axis = 0): Tensor[] {
  checkTensor('unstack', 'x', x);
  const at = normalizeAxis('unstack', axis, x.rank);
  return Array.from({ length: x.shape[at] }, (_, i) => squeeze(sliceAxis(x, at, i, 1), at));
}

function checkCount(op: string, n: number): void {
  if (!Number.isInteger(n) || n < 0) throw new ArgumentError(`${op}: ${String(n)} is no count; use whole numbers from 0 on`);
}

/**
 * Repeats x along each axis. Fewer counts than axes apply to the last axes; more counts add new leading axes, as in NumPy.
 *
 *     tile(tensor([1, 2]), [2, 2])   // [[1, 2, 1, 2], [1, 2, 1, 2]]
 */
export function tile(x: Tensor, reps: readonly number[]): Tensor {
  checkTensor('tile', 'x', x);
  if (!isList(reps)) throw new ArgumentError(`tile: reps is ${inWords(reps)}; give an array with a count for each axis`);
  for (const n of reps) checkCount('tile', n);
  const rank = Math.max(x.rank, reps.length);
  const shape = [...new Array<number>(rank - x.rank).fill(1), ...x.shape];
  const counts = [...new Array<number>(rank - reps.length).fill(1), ...reps];
  // [n] -> [1, n] -> [count, n] -> [count * n] for each axis: a broadcast, then a copy.
  const apart = shape.flatMap((n) => [1, n]);
  const spread = shape.flatMap((n, i) => [counts[i], n]);
  const tiled = shape.map((n, i) => counts[i] * n);
  return reshape(broadcastTo(reshape(x, apart), spread), tiled);
}

/**
 * Repeats each element n times along an axis. Without an axis, x is flattened first.
 *
 *     repeat(tensor([1, 2]), 2)   // [1, 1, 2, 2]
 */
export function repeat(x: Tensor, n: number, axis?: number): Tensor {
  checkTensor('repeat', 'x', x);
  checkCount('repeat', n);
  if (axis === undefined) return repeat(reshape(x, [x.size]), n, 0);
  const at = normalizeAxis('repeat', axis, x.rank);
  const insert = (count: number): number[] => [...x.shape.slice(0, at + 1), count, ...x.shape.slice(at + 1)];
  return reshape(
    broadcastTo(expandDims(x, at + 1), insert(n)),
    x.shape.map((size, i) => (i === at ? size * n : size)),
  );
}

/**
 * Moves elements along an axis by `shift`. Elements past the end return at the start. Without an axis, x is rolled as a flat tensor.
 *
 * @throws ArgumentError for a shift that is no whole number, or several shifts without as many axes.
 *
 *     roll(tensor([1, 2, 3]), 1)   // [3, 1, 2]
 */
export function roll(x: Tensor, shift: number | readonly number[], axis?: number | readonly number[]): Tensor {
  checkTensor('roll', 'x', x);
  const shifts = listOf(shift);
  for (const s of shifts) if (!Number.isInteger(s)) throw new ArgumentError(`roll: shift ${String(s)} is no whole number; count elements`);
  if (axis === undefined) {
    if (shifts.length !== 1) throw new ArgumentError(`roll: ${shifts.length} shifts need as many axes`);
    return reshape(roll(reshape(x, [x.size]), shifts, 0), x.shape);
  }
  const axes = listOf(axis).map((a) => normalizeAxis('roll', a, x.rank));
  if (axes.length !== shifts.length)
    throw new ArgumentError(`roll: ${shifts.length} shifts for ${axes.length} axes; give one shift for each axis`);
  return axes.reduce((rolled, at, i) => rollAxis(rolled, shifts[i], at), x);
}

/** Returns one entry for a number. A later check reports other values. */
const listOf = (given: number | readonly number[]): readonly number[] => (isList(given) ? (given as readonly number[]) : [given as number]);

function rollAxis(x: Tensor, shift: number, axis: number): Tensor {
  const n = x.shape[axis];
  const split = n === 0 ? 0 : (((n - shift) % n) + n) % n;
  if (split === 0) return x;
  return concat([sliceAxis(x, axis, split, n - split), sliceAxis(x, axis, 0, split)], axis);
}
