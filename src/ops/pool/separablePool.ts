// Pooling along one and three axes by the kernels for two. A maximum or a mean of windows is separable: first over height and width, then
// over depth. Ties still go to the first tap, a NaN still propagates, and the number of averaged elements is a product of the axes' counts.
import { isFloat } from '../../core/dtype.ts';
import { DtypeError, checkOptions } from '../../core/errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkFlag, checkTensor } from '../operands/arguments.ts';
import { avgPool2d } from './averagePool.ts';
import { type Sides, axesOf, checkOverlap, checkRank, paddingAlong, sizesAlong, span, windowsAlong } from '../conv/extent.ts';
import { maxPool2d } from './maxPool.ts';
import { expandDims, reshape, squeeze } from '../shape/shape.ts';

export interface PoolOptions {
  /** Size of the window, one number or one per axis. @default 2 */
  readonly poolSize?: number | readonly number[];
  /** Step of the window. @default poolSize */
  readonly strides?: number | readonly number[];
  /** 'valid': windows inside the data. 'same': ceil(size / stride) windows. Or [before, after] for each axis. @default 'valid' */
  readonly padding?: 'valid' | 'same' | readonly Sides[];
  /** Whether to round sizes up, so that a last window that only begins inside the data is included. @default false */
  readonly ceilMode?: boolean;
}

export interface MaxPoolOptions extends PoolOptions {
  /** Distance between the taps of a window, one number or one per axis. @default 1 */
  readonly dilations?: number | readonly number[];
}

export interface AvgPoolOptions extends PoolOptions {
  /** Whether to count padding in the mean, as zeros. Padding that ceilMode adds is never counted. @default false */
  readonly countIncludePad?: boolean;
}

export interface ResolvedPool {
  readonly poolSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly Sides[];
  readonly dilations: readonly number[];
  readonly ceilMode: boolean;
}

/** Resolves the options to numbers. Throws the user-facing errors. */
export function resolvePool(op: string, x: Tensor, options: MaxPoolOptions, axes: number, own: readonly string[]): ResolvedPool {
  checkTensor(op, 'x', x);
  checkOptions(op, options, ['poolSize', 'strides', 'padding', 'ceilMode', ...own]);
  const { ceilMode = false } = options;
  checkFlag(op, 'ceilMode', ceilMode);
  checkRank(op, x.shape, axes);
  if (!isFloat(x.dtype)) throw new DtypeError(`${op}: takes floats, got ${x.dtype}; use cast(x, 'f32')`);
  const poolSize = sizesAlong(op, 'poolSize', options.poolSize ?? 2, axes);
  const strides = sizesAlong(op, 'strides', options.strides ?? poolSize, axes);
  const dilations = sizesAlong(op, 'dilations', options.dilations ?? 1, axes);
  const padding = paddingAlong(op, options.padding ?? 'valid', axesOf(x.shape), poolSize, strides, dilations);
  checkOverlap(op, padding, poolSize.map((n, axis) => span(n, dilations[axis]))); // prettier-ignore
  windowsAlong(op, axesOf(x.shape), poolSize, { strides, padding, dilations });
  return { poolSize, strides, padding, dilations, ceilMode };
}

const untouched: Sides = [0, 0];

/** Options of two neighbouring axes for the pooling of images. A missing axis is not pooled. */
export function axesOptions(pool: ResolvedPool, rows: number | undefined, columns: number | undefined) {
  const both = <T>(values: readonly T[], idle: T): readonly [T, T] => [
    rows === undefined ? idle : values[rows],
    columns === undefined ? idle : values[columns],
  ];
  return {
    poolSize: both(pool.poolSize, 1),
    strides: both(pool.strides, 1),
    padding: both(pool.padding, untouched),
    dilations: both(pool.dilations, 1),
    ceilMode: pool.ceilMode,
  };
}

type Pool2d = (x: Tensor, options: ReturnType<typeof axesOptions>) => Tensor;

/** The mean of windows. It has no dilations. */
function averageWith(op: string, { countIncludePad = false }: AvgPoolOptions): Pool2d {
  checkFlag(op, 'countIncludePad', countIncludePad);
  return (x, { poolSize, strides, padding, ceilMode }) => avgPool2d(x, { poolSize, strides, padding, ceilMode, countIncludePad });
}

function pool1d(x: Tensor, pool: ResolvedPool, pool2d: Pool2d): Tensor {
  return squeeze(pool2d(expandDims(x, 1), axesOptions(pool, undefined, 0)), 1);
}

function pool3d(x: Tensor, pool: ResolvedPool, pool2d: Pool2d): Tensor {
  const [batch, depth, height, width, channels] = x.shape;
  const planes = pool2d(reshape(x, [batch * depth, height, width, channels]), axesOptions(pool, 1, 2));
  const [, outHeight, outWidth] = planes.shape;
  const stacked = pool2d(reshape(planes, [batch, depth, outHeight * outWidth, channels]), axesOptions(pool, 0, undefined));
  return reshape(stacked, [batch, stacked.shape[1], outHeight, outWidth, channels]);
}

/**
 * Largest value of each window of a sequence; see maxPool2d.
 *
 * x [B, W, C] -> [B, OW, C].
 * @throws ShapeError for other ranks or a window longer than the sequence, DtypeError for integers, ArgumentError for a bad option.
 *
 *     const half = maxPool1d(series);   // [32,100,16] -> [32,50,16]
 */
export const maxPool1d = (x: Tensor, options: MaxPoolOptions = {}): Tensor =>
  pool1d(x, resolvePool('maxPool1d', x, options, 1, ['dilations']), maxPool2d);

/**
 * Largest value of each window of a volume; see maxPool2d.
 *
 * x [B, D, H, W, C] -> [B, OD, OH, OW, C].
 * @throws ShapeError for other ranks or a window larger than the volume, DtypeError for integers, ArgumentError for a bad option.
 *
 *     const half = maxPool3d(scans);   // [2,16,32,32,8] -> [2,8,16,16,8]
 */
export const maxPool3d = (x: Tensor, options: MaxPoolOptions = {}): Tensor =>
  pool3d(x, resolvePool('maxPool3d', x, options, 3, ['dilations']), maxPool2d);

/**
 * Mean of each window of a sequence, without padding; see avgPool2d.
 *
 * x [B, W, C] -> [B, OW, C].
 * @throws ShapeError for other ranks or a window longer than the sequence, DtypeError for integers, ArgumentError for a bad option.
 *
 *     const half = avgPool1d(series);   // [32,100,16] -> [32,50,16]
 */
export const avgPool1d = (x: Tensor, options: AvgPoolOptions = {}): Tensor =>
  pool1d(x, resolvePool('avgPool1d', x, options, 1, ['countIncludePad']), averageWith('avgPool1d', options));

/**
 * Mean of each window of a volume, without padding; see avgPool2d.
 *
 * x [B, D, H, W, C] -> [B, OD, OH, OW, C].
 * @throws ShapeError for other ranks or a window larger than the volume, DtypeError for integers, ArgumentError for a bad option.
 *
 *     const half = avgPool3d(scans);   // [2,16,32,32,8] -> [2,8,16,16,8]
 */
export const avgPool3d = (x: Tensor, options: AvgPoolOptions = {}): Tensor =>
  pool3d(x, resolvePool('avgPool3d', x, options, 3, ['countIncludePad']), averageWith('avgPool3d', options));
