// The sampler of geometric augmentations: each output pixel reads the image at a place that an affine map gives. Pixel centres are whole numbers.
import type { Tensor } from '../../../graph/tensor.ts';
import { iota } from '../../../ops/create/create.ts';
import {
  add,
  broadcastTo,
  cast,
  clip,
  expandDims,
  floor,
  greater,
  greaterEqual,
  less,
  logicalAnd,
  mod,
  mul,
  onesLike,
  reshape,
  sub,
  sum,
  where,
} from '../../../ops/index.ts';
import { weightedGather } from '../../../ops/weighted/weighted.ts';
import type { FillMode } from './options.ts';

/** A number for all samples, or one for each: [batch, 1, 1]. */
export type Coefficient = Tensor | number;

/** Place in the image of the output pixel (x, y): (a0 x + a1 y + a2, b0 x + b1 y + b2). Keras lists the same six numbers first. */
export interface Affine {
  readonly a: readonly [Coefficient, Coefficient, Coefficient];
  readonly b: readonly [Coefficient, Coefficient, Coefficient];
}

export interface Sampling {
  readonly interpolation: 'nearest' | 'bilinear';
  readonly fillMode: FillMode;
  /** Value outside of the image with the mode 'constant'. */
  readonly fillValue: number;
  /** Height and width of the output. @default those of the image */
  readonly size?: readonly [height: number, width: number];
}

/** Neighbours along one axis, [batch, pixels, taps] each. */
interface Taps {
  /** Indices, i32. They are within the axis where `inside` is true. */
  readonly places: Tensor;
  /** Undefined if all are inside. */
  readonly inside: Tensor | undefined;
  readonly weights: Tensor;
}

/** Largest distance that indices keep from 0: sums and products with sizes stay within i32. */
const farthest = 2 ** 24;

/** Neighbours of coordinates [batch, pixels] along an axis. */
function tapsAlong(coordinates: Tensor, size: number, { interpolation, fillMode }: Sampling): Taps {
  const x = expandDims(coordinates, -1);
  // Halves go up, for 'nearest'.
  const lower = floor(interpolation === 'nearest' ? add(x, 0.5) : x);
  const step = iota(2);
  const fraction = sub(x, lower);
  // (1 - fraction, fraction)
  const weights = interpolation === 'nearest' ? onesLike(lower) : add(sub(1, step), mul(sub(mul(step, 2), 1), fraction));
  const near = clip(lower, -farthest, farthest);
  const taps = cast(interpolation === 'nearest' ? near : add(near, step), 'i32');
  if (fillMode === 'constant') return { places: taps, inside: logicalAnd(greaterEqual(taps, 0), less(taps, size)), weights };
  return { places: placesWithin(taps, size, fillMode), inside: undefined, weights };
}

/** Indices outside of an axis, brought inside. In whole numbers: rounding of a quotient would give wrong pixels. */
function placesWithin(taps: Tensor, size: number, mode: Exclude<FillMode, 'constant'>): Tensor {
  if (mode === 'nearest') return clip(taps, 0, size - 1);
  if (mode === 'wrap') return mod(taps, size);
  const along = mod(taps, 2 * size);
  return where(less(along, size), along, sub(2 * size - 1, along));
}

/** Each tap of the rows with each of the columns: [batch, pixels, taps] and [batch, pixels, taps] -> [batch, pixels, taps * taps]. */
function combined(rows: Tensor, columns: Tensor, fn: (row: Tensor, column: Tensor) => Tensor): Tensor {
  const [batch, pixels, taps] = rows.shape;
  return reshape(fn(expandDims(rows, 3), expandDims(columns, 2)), [batch, pixels, taps * columns.shape[2]]);
}

/**
 * Samples images [batch, height, width, channels] at the places of an affine map. A tap of weight 0 is not read, so that it cannot spread a NaN.
 * Outside pixels are filled tap by tap, as in Keras' affine_transform and scipy's map_coordinates.
 */
export function sampleAffine(x: Tensor, { a, b }: Affine, sampling: Sampling): Tensor {
  const [batch, height, width, channels] = x.shape;
  const [outHeight, outWidth] = sampling.size ?? [height, width];
  const pixels = outHeight * outWidth;
  const column = reshape(iota(outWidth), [1, 1, outWidth]);
  const row = reshape(iota(outHeight), [1, outHeight, 1]);
  const placeOf = ([ofColumn, ofRow, offset]: Affine['a']): Tensor => {
    const place = add(add(mul(ofColumn, column), mul(ofRow, row)), offset);
    return reshape(broadcastTo(place, [batch, outHeight, outWidth]), [batch, pixels]);
  };
  const columns = tapsAlong(placeOf(a), width, sampling);
  const rows = tapsAlong(placeOf(b), height, sampling);
  const weights = combined(rows.weights, columns.weights, mul);
  const places = combined(rows.places, columns.places, (row, column) => add(mul(row, width), column));
  const inside = rows.inside && columns.inside && combined(rows.inside, columns.inside, logicalAnd);
  const isRead = inside ? logicalAnd(inside, greater(weights, 0)) : greater(weights, 0);
  const indices = where(isRead, places, height * width);
  const sampled = weightedGather(reshape(x, [batch, height * width, channels]), indices, weights);
  const filled =
    inside && sampling.fillValue !== 0
      ? add(sampled, mul(sum(where(inside, 0, weights), { axis: 2, keepDims: true }), sampling.fillValue))
      : sampled;
  return reshape(filled, [batch, outHeight, outWidth, channels]);
}
