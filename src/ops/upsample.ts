// Larger images by whole factors, by views or by the kernels of depthwise convolution.
import { isFloat } from '../core/dtype.ts';
import { ArgumentError, ShapeError, checkOptions } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { type Tensor, apply } from '../graph/tensor.ts';
import { relu } from './activations.ts';
import { checkTensor } from './arguments.ts';
import { abs, add, div, mul, sub } from './arithmetic.ts';
import { cast } from './cast.ts';
import { type Pair, checkImages, pairOf } from './conv/geometry.ts';
import { arange } from './create.ts';
import { depthwiseInputGradientOp } from './depthwise.ts';
import { pad } from './pad.ts';
import { broadcastTo, reshape } from './shape.ts';

export interface Upsample2dOptions {
  /** How many times as high and wide, [height, width] or one number; 2 by default. */
  readonly size?: number | readonly number[];
  /** 'nearest' (default) repeats pixels; 'bilinear' draws lines between their centres, and repeats the border beyond the outermost. */
  readonly interpolation?: 'nearest' | 'bilinear';
}

/**
 * Along one axis: pixel i spreads over the 2n pixels i n + k - ⌊n / 2⌋ of the result, weighted by max(0, 1 - |t|), where t is their distance in
 * pixels of x: t = (k - ⌊n / 2⌋ + 1/2) / n - 1/2.
 */
function tent(n: number): Tensor {
  const t = sub(div(add(arange(2 * n), 0.5 - Math.floor(n / 2)), n), 0.5);
  return relu(sub(1, abs(t)));
}

/** A transposed depthwise convolution with a tent for a filter. The border is repeated once around, and what spreads beyond it cut off. */
function interpolate(x: Tensor, height: number, width: number): Tensor {
  const [, rows, columns, channels] = x.shape;
  const bordered = pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], { mode: 'edge' }); // prettier-ignore
  const weights = mul(reshape(tent(height), [2 * height, 1, 1, 1]), reshape(tent(width), [2 * width, 1, 1]));
  const cut = (n: number): Pair => [n + Math.floor(n / 2), 2 * n - Math.floor(n / 2)];
  return apply(depthwiseInputGradientOp, [bordered, cast(broadcastTo(weights, [2 * height, 2 * width, channels, 1]), x.dtype)], {
    strides: [height, width],
    padding: [cut(height), cut(width)],
    dilations: [1, 1],
    input: [rows * height, columns * width],
  });
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
  checkTensor('upsample2d', 'x', x);
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
  return interpolate(isFloat(x.dtype) ? x : cast(x, 'f32'), height, width);
}
