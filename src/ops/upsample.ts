// Larger images by whole factors: compositions, so that gradients are sums over the pixels that came from one.
import { isFloat } from '../core/dtype.ts';
import { ArgumentError, ShapeError, checkOptions } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { relu } from './activations.ts';
import { abs, add, div, mul, neg, sub } from './arithmetic.ts';
import { cast } from './cast.ts';
import { checkImages, pairOf } from './conv/geometry.ts';
import { arange } from './create.ts';
import { pad } from './pad.ts';
import { broadcastTo, expandDims, reshape } from './shape.ts';
import { sliceAxis } from './slice.ts';

export interface Upsample2dOptions {
  /** How many times as high and wide, [height, width] or one number; 2 by default. */
  readonly size?: number | readonly number[];
  /** 'nearest' (default) repeats pixels; 'bilinear' draws lines between their centres, and repeats the border beyond the outermost. */
  readonly interpolation?: 'nearest' | 'bilinear';
}

/**
 * Pixel i of an axis becomes n pixels, whose centres lie at t = (r + 1/2) / n - 1/2 from its own, r = 0 … n - 1:
 * y = x[i] + max(t, 0) (x[i + 1] - x[i]) + max(-t, 0) (x[i - 1] - x[i]), with the border repeated.
 */
function interpolate(x: Tensor, axis: number, n: number): Tensor {
  if (n === 1) return x;
  const length = x.shape[axis];
  const bordered = pad(
    x,
    x.shape.map((_, i) => (i === axis ? ([1, 1] as const) : ([0, 0] as const))),
    { mode: 'edge' },
  );
  // [.., length, 1, ..] against [n, 1, ..]: one pixel's n successors side by side.
  const [before, here, after] = [0, 1, 2].map((begin) => expandDims(sliceAxis(bordered, axis, begin, length), axis + 1));
  const trailing = x.shape.slice(axis + 1).map(() => 1);
  const t = cast(reshape(sub(div(add(arange(n), 0.5), n), 0.5), [n, ...trailing]), x.dtype);
  const y = add(mul(here, sub(1, abs(t))), add(mul(after, relu(t)), mul(before, relu(neg(t)))));
  return reshape(
    y,
    x.shape.map((size, i) => (i === axis ? size * n : size)),
  );
}

/**
 * Images larger by whole factors. 'bilinear' takes pixels as squares around their centres, as Keras's UpSampling2D and PyTorch's
 * interpolate(align_corners=False) do.
 *
 * x [B, H, W, C] -> [B, H sizeY, W sizeX, C].
 * @throws ShapeError for other ranks or images without pixels, ArgumentError for a bad option.
 *
 *     const larger = upsample2d(features, { size: 2, interpolation: 'bilinear' });   // [8,7,7,16] -> [8,14,14,16]
 */
export function upsample2d(x: Tensor, options: Upsample2dOptions = {}): Tensor {
  checkOptions('upsample2d', options, ['size', 'interpolation']);
  const { interpolation = 'nearest' } = options;
  checkImages('upsample2d', x.shape);
  const [height, width] = pairOf('upsample2d', 'size', options.size ?? 2);
  if (interpolation === 'nearest') {
    const [batch, rows, columns, channels] = x.shape;
    const spread = broadcastTo(reshape(x, [batch, rows, 1, columns, 1, channels]), [batch, rows, height, columns, width, channels]);
    return reshape(spread, [batch, rows * height, columns * width, channels]);
  }
  if (interpolation !== 'bilinear') {
    throw new ArgumentError(`upsample2d: interpolation is ${JSON.stringify(interpolation)}; give 'nearest' or 'bilinear'`);
  }
  if (x.shape[1] * x.shape[2] === 0) {
    throw new ShapeError(`upsample2d: x ${formatShape(x.shape)} has no pixels to interpolate between; use 'nearest' or a larger image`);
  }
  return interpolate(interpolate(isFloat(x.dtype) ? x : cast(x, 'f32'), 1, height), 2, width);
}
