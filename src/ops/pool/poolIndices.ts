// Max pooling that returns the positions of its values, and the inverse. Views and elementwise ops around the kernels of maxPool.ts.
import { ArgumentError, DtypeError, ShapeError, checkOptions } from '../../core/errors.ts';
import { formatShape } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { sumAlong, takeAlongAxis } from '../indexing/alongAxis.ts';
import { checkTensor } from '../operands/arguments.ts';
import { add, floorDiv, mod, mul, sub } from '../elementwise/arithmetic.ts';
import { less } from '../elementwise/comparison.ts';
import { checkImages, pairOf } from '../conv/geometry.ts';
import type { PoolAttributes } from './planPool.ts';
import { iota } from '../create/create.ts';
import { type MaxPool2dOptions, maxPool } from './maxPool.ts';
import { type MaxPoolOptions, axesOptions, resolvePool } from './separablePool.ts';
import { where } from '../elementwise/select.ts';
import { expandDims, reshape, squeeze } from '../shape/shape.ts';

/** Position of a tap in the data, along one axis. `places` are the positions of the windows. */
function placeOf(tap: Tensor, places: Tensor, windows: PoolAttributes, axis: 0 | 1): Tensor {
  const { strides, dilations, padding } = windows;
  const corner = sub(mul(places, strides[axis]), padding[axis][0]);
  return add(corner, mul(tap, dilations[axis]));
}

/** Index of the pixel in the image, in row-major order, from the selected tap; -1 stays. */
function pixelsOf(winners: Tensor, windows: PoolAttributes, width: number): Tensor {
  const [, outHeight, outWidth] = winners.shape;
  const row = placeOf(floorDiv(winners, windows.window[1]), reshape(iota(outHeight), [outHeight, 1, 1]), windows, 0);
  const column = placeOf(mod(winners, windows.window[1]), reshape(iota(outWidth), [outWidth, 1]), windows, 1);
  return where(less(winners, 0), -1, add(mul(row, width), column));
}

function pooled2d(op: string, x: Tensor, options: MaxPool2dOptions): [values: Tensor, indices: Tensor] {
  const { values, winners, windows } = maxPool(op, x, options);
  return [values, pixelsOf(winners, windows, x.shape[2])];
}

/**
 * maxPool2d that also returns the source of each value: the index of the pixel in its image, row * W + column, within the value's channel.
 * This is PyTorch's index, with channels last. NaN is larger than every number, and the first NaN is taken. A window outside the image has
 * the index -1.
 *
 * x [B, H, W, C] -> values [B, OH, OW, C] and indices i32 [B, OH, OW, C].
 * @throws the errors of maxPool2d.
 *
 *     const [values, indices] = maxPool2dWithIndices(features);   // [32,26,26,16] -> two times [32,13,13,16]
 *     const sparse = maxUnpool2d(values, indices, { size: [26, 26] });
 */
export const maxPool2dWithIndices = (x: Tensor, options: MaxPool2dOptions = {}): [values: Tensor, indices: Tensor] =>
  pooled2d('maxPool2dWithIndices', x, options);

/**
 * maxPool1d that also returns the source step of each value; see maxPool2dWithIndices.
 *
 * x [B, W, C] -> values [B, OW, C] and indices i32 [B, OW, C].
 * @throws the errors of maxPool1d.
 *
 *     const [values, indices] = maxPool1dWithIndices(series);   // [32,100,16] -> two times [32,50,16]
 */
export function maxPool1dWithIndices(x: Tensor, options: MaxPoolOptions = {}): [values: Tensor, indices: Tensor] {
  const op = 'maxPool1dWithIndices';
  const pool = resolvePool(op, x, options, 1, ['dilations']);
  const [values, indices] = pooled2d(op, expandDims(x, 1), axesOptions(pool, undefined, 0));
  return [squeeze(values, 1), squeeze(indices, 1)];
}

/**
 * maxPool3d that also returns the source of each value: the index of the voxel in its volume, (depth * H + row) * W + column; see
 * maxPool2dWithIndices.
 *
 * x [B, D, H, W, C] -> values [B, OD, OH, OW, C] and indices i32 [B, OD, OH, OW, C].
 * @throws the errors of maxPool3d.
 *
 *     const [values, indices] = maxPool3dWithIndices(scans);   // [2,16,32,32,8] -> two times [2,8,16,16,8]
 */
export function maxPool3dWithIndices(x: Tensor, options: MaxPoolOptions = {}): [values: Tensor, indices: Tensor] {
  const op = 'maxPool3dWithIndices';
  const pool = resolvePool(op, x, options, 3, ['dilations']);
  const [batch, depth, height, width, channels] = x.shape;
  const [planes, pixels] = pooled2d(op, reshape(x, [batch * depth, height, width, channels]), axesOptions(pool, 1, 2));
  const [, outHeight, outWidth] = planes.shape;
  const stack = (t: Tensor): Tensor => reshape(t, [batch, depth, outHeight * outWidth, channels]);
  const stacked = maxPool(op, stack(planes), axesOptions(pool, 0, undefined));
  const outDepth = stacked.values.shape[1];
  const plane = placeOf(stacked.winners, reshape(iota(outDepth), [outDepth, 1, 1]), stacked.windows, 0);
  const pixel = takeAlongAxis(stack(pixels), plane, { axis: 1 });
  const missed = less(pixel, 0);
  const voxel = where(less(stacked.winners, 0), -1, where(missed, -1, add(mul(plane, height * width), pixel)));
  const volume = (t: Tensor): Tensor => reshape(t, [batch, outDepth, outHeight, outWidth, channels]);
  return [volume(stacked.values), volume(voxel)];
}

export interface MaxUnpool2dOptions {
  /** [height, width] of the result. */
  readonly size: number | readonly number[];
}

/**
 * Inverse of maxPool2dWithIndices: writes each value to its source pixel, and zeros elsewhere. Values with the same pixel are added in a
 * fixed order; PyTorch keeps one of them. An index of -1 writes nothing. The gradient reads at the indices.
 *
 * values [B, OH, OW, C], indices i32 [B, OH, OW, C] -> [B, height, width, C]. Indices outside the image are treated as in gather.
 * @throws ShapeError if shapes differ, DtypeError if indices are not i32, ArgumentError for a bad size.
 *
 *     const [values, indices] = maxPool2dWithIndices(features);
 *     const sparse = maxUnpool2d(values, indices, { size: [26, 26] });   // [32,13,13,16] -> [32,26,26,16]
 */
export function maxUnpool2d(values: Tensor, indices: Tensor, options: MaxUnpool2dOptions): Tensor {
  const op = 'maxUnpool2d';
  checkTensor(op, 'values', values);
  checkTensor(op, 'indices', indices);
  checkOptions(op, options, ['size']);
  checkImages(op, values.shape);
  if (indices.dtype !== 'i32')
    throw new DtypeError(`${op}: indices are ${indices.dtype}; use those of maxPool2dWithIndices, or cast(indices, 'i32')`);
  if (formatShape(values.shape) !== formatShape(indices.shape)) {
    throw new ShapeError(
      `${op}: values are ${formatShape(values.shape)}, indices ${formatShape(indices.shape)}; give an index for each value`,
    );
  }
  if (options?.size === undefined) throw new ArgumentError(`${op}: size is undefined; give the [height, width] of what was pooled`);
  const [height, width] = pairOf(op, 'size', options.size);
  const [batch, outHeight, outWidth, channels] = values.shape;
  const flat = (t: Tensor): Tensor => reshape(t, [batch, outHeight * outWidth, channels]);
  const written = where(less(indices, 0), 0, values);
  return reshape(sumAlong(flat(written), flat(indices), 1, height * width), [batch, height, width, channels]);
}
