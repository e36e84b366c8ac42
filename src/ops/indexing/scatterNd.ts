// Elements and slices at tuples of indices: gatherNd and scatterNd.
import { ArgumentError, DataError, ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, formatShape, sizeOf, stridesOf } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkTensor, inWords } from '../operands/arguments.ts';
import { add, mul } from '../elementwise/arithmetic.ts';
import { cast } from '../elementwise/cast.ts';
import { iota } from '../create/create.ts';
import { sumRows, takeRows } from './gather.ts';
import { checkIndices } from '../operands/indices.ts';
import { checkScatter } from './scatterAlong.ts';
import { type ScatterMode, scatterReduce } from './scatterReduce.ts';
import { clip } from '../elementwise/select.ts';
import { broadcastTo, reshape } from '../shape/shape.ts';
import { sliceAxis } from '../shape/slice.ts';

/**
 * Row number of each tuple in x reshaped to [product of sizes, ..]. Coordinates outside their axes are clamped. indices [..I, M] -> [..I]
 */
function rowNumbers(op: string, indices: Tensor, sizes: Shape, of: string): Tensor {
  const last = indices.rank - 1;
  if (indices.value?.kind === 'host') {
    const { data } = indices.value;
    const at = data.findIndex((index, i) => index < 0 || index >= sizes[i % sizes.length]);
    if (at >= 0) {
      const place = stridesOf(indices.shape).map((stride, axis) => Math.floor(at / stride) % indices.shape[axis]);
      const axis = at % sizes.length;
      throw new DataError(
        `${op}: index ${data[at]} at ${formatShape(place)} is outside axis ${axis} of the ${of}; use 0 to ${sizes[axis] - 1}`,
      );
    }
  }
  const strides = stridesOf(sizes);
  const parts = sizes.map((n, m) => mul(clip(sliceAxis(indices, last, m, 1), 0, Math.max(0, n - 1)), strides[m]));
  return reshape(parts.reduce(add), indices.shape.slice(0, -1));
}

/** Number of coordinates in each tuple. Throws the user-facing errors. */
function checkTuples(op: string, x: Tensor, indices: Tensor, from: number): number {
  checkIndices(op, indices);
  const coordinates = indices.shape[indices.rank - 1] ?? 0;
  if (indices.rank > from && coordinates >= 1 && coordinates <= x.rank - from) return coordinates;
  const rule = `their last axis must hold 1 to ${x.rank - from} coordinates`;
  throw new ShapeError(`${op}: indices ${formatShape(indices.shape)} into ${formatShape(x.shape)}; ${rule}, reshape them`);
}

function checkFilled(op: string, sizes: Shape, x: Tensor, indices: Tensor): void {
  if (sizeOf(sizes) > 0 || indices.size === 0) return;
  throw new ShapeError(`${op}: ${formatShape(x.shape)} has no elements to choose from; check for empty input first`);
}

export interface GatherNdOptions {
  /**
   * Number of leading axes that x and indices share. Each part along them has its own indices.
   * @default 0
   */
  readonly batchDims?: number;
}

/**
 * Gathers elements or slices of x at tuples of indices: y[i, …] = x[indices[i, 0], …, indices[i, M - 1], …]. Indices outside their axis are
 * treated as in gather. The gradient adds in a fixed order.
 *
 * x [..B, d1, …, dM, ..Q], indices i32 or u32 [..B, ..I, M] -> [..B, ..I, ..Q], B being `batchDims` axes.
 * @throws ShapeError for tuples longer than x has axes or batch axes that differ; DtypeError for non-integer indices; DataError for a known
 * index outside its axis, ArgumentError for batchDims that is not a valid number of axes. (GatherND of ONNX, tf.gather_nd.)
 *
 *     gatherNd(x, tensor([[0, 1], [2, 2]], [2, 2], 'i32'))            // [3,3] -> [2]: x[0,1] and x[2,2]
 *     gatherNd(x, tensor([[1], [0]], [2, 1], 'i32'), { batchDims: 1 })   // [2,3] -> [2]: x[0,1] and x[1,0]
 */
export function gatherNd(x: Tensor, indices: Tensor, options: GatherNdOptions = {}): Tensor {
  const op = 'gatherNd';
  checkTensor(op, 'x', x);
  checkTensor(op, 'indices', indices);
  checkOptions(op, options, ['batchDims']);
  const { batchDims = 0 } = options;
  if (!Number.isInteger(batchDims) || batchDims < 0) {
    throw new ArgumentError(`${op}: batchDims is ${inWords(batchDims)}; it must be a whole number from 0 on`);
  }
  const coordinates = checkTuples(op, x, indices, batchDims);
  const batch = x.shape.slice(0, batchDims);
  if (batch.some((n, i) => n !== indices.shape[i])) {
    throw new ShapeError(
      `${op}: indices ${formatShape(indices.shape)} into ${formatShape(x.shape)}; their first ${batchDims} sizes must be equal`,
    );
  }
  const sizes = x.shape.slice(batchDims, batchDims + coordinates);
  const rest = x.shape.slice(batchDims + coordinates);
  checkFilled(op, sizes, x, indices);
  const rows = rowNumbers(op, indices, sizes, `last ${x.rank - batchDims} axes of ${formatShape(x.shape)}`);
  const table = reshape(x, [sizeOf(batch) * sizeOf(sizes), ...rest]);
  if (batchDims === 0) return takeRows(table, rows, 0);
  // The parts are stacked, so the indices of each get an offset to its rows.
  const starts = mul(cast(iota(sizeOf(batch)), indices.dtype), sizeOf(sizes));
  return takeRows(table, add(rows, reshape(starts, [...batch, ...rows.shape.slice(batchDims).map(() => 1)])), 0);
}

export interface ScatterNdOptions {
  /**
   * Effect of an update on its slice: it replaces it (the last of several stays), is added, multiplies it, or the smaller or the larger of
   * both stays.
   * @default 'replace'
   */
  readonly mode?: ScatterMode;
}

/**
 * Writes updates into elements or slices of x at tuples of indices: y = x, then y[indices[i, 0], …, indices[i, M - 1], …] = updates[i, …]
 * for every i, or added and so on, see mode. Updates broadcast. The order is fixed, so the result is reproducible on every device. Indices
 * outside their axis are treated as in gather. To scatter into zeros, pass zeros(shape). Gradients equal those of scatterAlongAxis, with
 * its limit for 'multiply'.
 *
 * x [d1, …, dM, ..Q], indices i32 or u32 [..I, M], updates [..I, ..Q] -> [d1, …, dM, ..Q].
 * @throws ShapeError for tuples longer than x has axes or updates that do not broadcast; DtypeError for non-integer indices or bool in
 * modes other than 'replace'; DataError for a known index outside its axis, ArgumentError for an unknown mode. (ScatterND of ONNX,
 * tf.scatter_nd.)
 *
 *     scatterNd(zeros([3, 3]), tensor([[0, 1], [2, 2]], [2, 2], 'i32'), tensor([5, 6]))   // 5 at [0,1], 6 at [2,2]
 */
export function scatterNd(x: Tensor, indices: Tensor, updates: Tensor, options: ScatterNdOptions = {}): Tensor {
  const op = 'scatterNd';
  checkTensor(op, 'x', x);
  checkTensor(op, 'indices', indices);
  checkTensor(op, 'updates', updates);
  checkOptions(op, options, ['mode']);
  const { mode = 'replace' } = options;
  const coordinates = checkTuples(op, x, indices, 0);
  const dtype = checkScatter(op, x, updates, mode);
  const sizes = x.shape.slice(0, coordinates);
  const rest = x.shape.slice(coordinates);
  checkFilled(op, sizes, x, indices);
  const shape = [...indices.shape.slice(0, -1), ...rest];
  const added = shape.length - updates.rank;
  if (added < 0 || !updates.shape.every((n, i) => n === 1 || n === shape[added + i])) {
    throw new ShapeError(
      `${op}: updates ${formatShape(updates.shape)} do not broadcast to ${formatShape(shape)}, a part of x ${formatShape(x.shape)} for each tuple; reshape them`,
    );
  }
  const rows = reshape(rowNumbers(op, indices, sizes, formatShape(x.shape)), [sizeOf(indices.shape.slice(0, -1))]);
  const base = cast(reshape(x, [sizeOf(sizes), ...rest]), dtype);
  const given = reshape(broadcastTo(cast(updates, dtype), shape), [...rows.shape, ...rest]);
  const y =
    mode === 'add'
      ? add(base, sumRows(given, rows, 0, sizeOf(sizes)))
      : scatterReduce(base, rows, given, { axis: 0, mode, ownIndices: false });
  return reshape(y, x.shape);
}
