// Pooling along one and three axes by the kernels for two. A maximum or a mean of windows is separable: first over height and width, then over
// depth. Ties still go to the first tap, a NaN still wins, and what padding leaves to average over is a product of the axes' counts.
import { isFloat } from '../core/dtype.ts';
import { DtypeError, checkOptions } from '../core/errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { checkTensor } from './arguments.ts';
import { avgPool2d } from './averagePool.ts';
import { type Sides, axesOf, checkOverlap, checkRank, paddingAlong, sizesAlong, windowsAlong } from './conv/extent.ts';
import { type Pool2dOptions, maxPool2d } from './pool.ts';
import { expandDims, reshape, squeeze } from './shape.ts';

export interface PoolOptions {
  /** Size of the window, one number or one for each axis; 2 by default. */
  readonly poolSize?: number | readonly number[];
  /** Step of the window; poolSize by default. */
  readonly strides?: number | readonly number[];
  /** 'valid' (default): windows inside the data; 'same': ceil(size / stride) windows; or [before, after] for each axis. */
  readonly padding?: 'valid' | 'same' | readonly Sides[];
}

type Pool2d = (x: Tensor, options: Pool2dOptions) => Tensor;

/** The options in numbers, and how many windows lie along each axis; throws what the user sees. */
function resolve(op: string, x: Tensor, options: PoolOptions, axes: number) {
  checkTensor(op, 'x', x);
  checkOptions(op, options, ['poolSize', 'strides', 'padding']);
  checkRank(op, x.shape, axes);
  if (!isFloat(x.dtype)) throw new DtypeError(`${op}: takes floats, got ${x.dtype}; use cast(x, 'f32')`);
  const poolSize = sizesAlong(op, 'poolSize', options.poolSize ?? 2, axes);
  const strides = sizesAlong(op, 'strides', options.strides ?? poolSize, axes);
  const dilations = poolSize.map(() => 1);
  const padding = paddingAlong(op, options.padding ?? 'valid', axesOf(x.shape), poolSize, strides, dilations);
  checkOverlap(op, padding, poolSize);
  return { poolSize, strides, padding, output: windowsAlong(op, axesOf(x.shape), poolSize, { strides, padding, dilations }) };
}

const untouched: Sides = [0, 0];

function pool1d(op: string, pool2d: Pool2d, x: Tensor, options: PoolOptions): Tensor {
  const { poolSize, strides, padding } = resolve(op, x, options, 1);
  const y = pool2d(expandDims(x, 1), { poolSize: [1, ...poolSize], strides: [1, ...strides], padding: [untouched, padding[0]] });
  return squeeze(y, 1);
}

function pool3d(op: string, pool2d: Pool2d, x: Tensor, options: PoolOptions): Tensor {
  const { poolSize, strides, padding, output } = resolve(op, x, options, 3);
  const [batch, depth, height, width, channels] = x.shape;
  const [outDepth, outHeight, outWidth] = output;
  const planes = pool2d(reshape(x, [batch * depth, height, width, channels]), {
    poolSize: poolSize.slice(1),
    strides: strides.slice(1),
    padding: [padding[1], padding[2]],
  });
  const stacked = pool2d(reshape(planes, [batch, depth, outHeight * outWidth, channels]), {
    poolSize: [poolSize[0], 1],
    strides: [strides[0], 1],
    padding: [padding[0], untouched],
  });
  return reshape(stacked, [batch, outDepth, outHeight, outWidth, channels]);
}

/**
 * Largest value of each window of a sequence; see maxPool2d.
 *
 * x [B, W, C] -> [B, OW, C].
 * @throws ShapeError for other ranks or a window longer than the sequence, DtypeError for integers, ArgumentError for a bad option.
 *
 *     const half = maxPool1d(series);   // [32,100,16] -> [32,50,16]
 */
export const maxPool1d = (x: Tensor, options: PoolOptions = {}): Tensor => pool1d('maxPool1d', maxPool2d, x, options);

/**
 * Largest value of each window of a volume; see maxPool2d.
 *
 * x [B, D, H, W, C] -> [B, OD, OH, OW, C].
 * @throws ShapeError for other ranks or a window larger than the volume, DtypeError for integers, ArgumentError for a bad option.
 *
 *     const half = maxPool3d(scans);   // [2,16,32,32,8] -> [2,8,16,16,8]
 */
export const maxPool3d = (x: Tensor, options: PoolOptions = {}): Tensor => pool3d('maxPool3d', maxPool2d, x, options);

/**
 * Mean of each window of a sequence, padding left out of the count; see avgPool2d.
 *
 * x [B, W, C] -> [B, OW, C].
 * @throws ShapeError for other ranks or a window longer than the sequence, DtypeError for integers, ArgumentError for a bad option.
 *
 *     const half = avgPool1d(series);   // [32,100,16] -> [32,50,16]
 */
export const avgPool1d = (x: Tensor, options: PoolOptions = {}): Tensor => pool1d('avgPool1d', avgPool2d, x, options);

/**
 * Mean of each window of a volume, padding left out of the count; see avgPool2d.
 *
 * x [B, D, H, W, C] -> [B, OD, OH, OW, C].
 * @throws ShapeError for other ranks or a window larger than the volume, DtypeError for integers, ArgumentError for a bad option.
 *
 *     const half = avgPool3d(scans);   // [2,16,32,32,8] -> [2,8,16,16,8]
 */
export const avgPool3d = (x: Tensor, options: PoolOptions = {}): Tensor => pool3d('avgPool3d', avgPool2d, x, options);
