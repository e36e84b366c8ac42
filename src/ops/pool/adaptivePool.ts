// Pooling to a given size: window j covers the elements from ⌊j n / m⌋ up to, not including, ⌈(j + 1) n / m⌉. Windows may overlap and differ by one.
import { isFloat } from '../../core/dtype.ts';
import { DtypeError, ShapeError, checkOptions } from '../../core/errors.ts';
import { formatShape } from '../../core/shape.ts';
import { type Tensor, hostTensor } from '../../graph/tensor.ts';
import { checkTensor } from '../operands/arguments.ts';
import { axesOf, sizesAlong } from '../conv/extent.ts';
import { gather } from '../indexing/gather.ts';
import { maxPool2d } from './maxPool.ts';
import { resample } from '../resize/resample.ts';
import { type AxisMap, identity } from '../resize/taps.ts';
import { reshape } from '../shape/shape.ts';

export interface AdaptivePoolOptions {
  /** Size of the result along each axis between batch and channels, or one number for all. @default 1 */
  readonly size?: number | readonly number[];
}

/** Sizes of the result. Throws the user-facing errors. */
function resolve(op: string, x: Tensor, options: AdaptivePoolOptions): readonly number[] {
  checkTensor(op, 'x', x);
  checkOptions(op, options, ['size']);
  if (x.rank < 3 || x.rank > 5) {
    throw new ShapeError(
      `${op}: x is ${formatShape(x.shape)}; it needs one to three axes between batch and channels, such as [batch, height, width, channels]`,
    );
  }
  if (axesOf(x.shape).includes(0)) throw new ShapeError(`${op}: x ${formatShape(x.shape)} has nothing to pool between batch and channels`);
  if (!isFloat(x.dtype)) throw new DtypeError(`${op}: takes floats, got ${x.dtype}; use cast(x, 'f32')`);
  return sizesAlong(op, 'size', options.size ?? 1, x.rank - 2);
}

/**
 * Means of a given number of windows, for any size of x, like PyTorch's AdaptiveAvgPool: y[j] = mean of x from ⌊j n / m⌋ to ⌈(j + 1) n / m⌉
 * - 1, along each axis between batch and channels.
 *
 * x [B, W, C], [B, H, W, C] or [B, D, H, W, C] -> the same with the given sizes.
 * @throws ShapeError for other ranks or an empty axis, DtypeError for integers, ArgumentError for a bad option.
 *
 *     const fixed = adaptiveAvgPool(features, { size: 7 });   // [32,13,10,64] -> [32,7,7,64]
 */
export function adaptiveAvgPool(x: Tensor, options: AdaptivePoolOptions = {}): Tensor {
  const sizes = resolve('adaptiveAvgPool', x, options);
  return resample(
    x,
    axesOf(x.shape).map((from, axis): AxisMap => ({ ...identity(from), method: 'area', to: sizes[axis], step: from / sizes[axis] })),
  );
}

/** The windows of one axis, padded to the longest. Padding repeats the last element, which never changes the result. */
function along(x: Tensor, axis: number, to: number): Tensor {
  const from = x.shape[axis];
  const [front, behind] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
  const windows = Array.from({ length: to }, (_, j) => [Math.floor((j * from) / to), Math.ceil(((j + 1) * from) / to)]);
  const longest = Math.max(...windows.map(([first, end]) => end - first));
  const places = windows.flatMap(([first, end]) => Array.from({ length: longest }, (_, k) => Math.min(first + k, end - 1)));
  const isWhole = places.length === from && places.every((place, i) => place === i);
  const spread = isWhole ? x : gather(x, hostTensor({ shape: [places.length], dtype: 'i32' }, Int32Array.from(places)), { axis });
  const images = reshape(spread, [front.reduce((a, b) => a * b, 1), places.length, 1, behind.reduce((a, b) => a * b, 1)]);
  return reshape(maxPool2d(images, { poolSize: [longest, 1] }), [...front, to, ...behind]);
}

/**
 * The largest values of a given number of windows, for any size of x, like PyTorch's AdaptiveMaxPool. The windows equal those of
 * adaptiveAvgPool. Among equal elements the first one gets the gradient; a NaN in a window is its result.
 *
 * x [B, W, C], [B, H, W, C] or [B, D, H, W, C] -> the same with the given sizes.
 * @throws ShapeError for other ranks or an empty axis, DtypeError for integers, ArgumentError for a bad option.
 *
 *     const fixed = adaptiveMaxPool(features, { size: 7 });   // [32,13,10,64] -> [32,7,7,64]
 */
export function adaptiveMaxPool(x: Tensor, options: AdaptivePoolOptions = {}): Tensor {
  const sizes = resolve('adaptiveMaxPool', x, options);
  // The innermost axis is pooled first, so that ties go to the first element in memory order.
  return sizes.reduceRight((y, to, i) => (y.shape[i + 1] === to ? y : along(y, i + 1, to)), x);
}
