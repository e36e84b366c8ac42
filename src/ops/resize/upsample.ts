// Enlarges images by integer factors, with resize's kernel, or with views for integer dtypes.
import { isFloat } from '../../core/dtype.ts';
import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { formatShape } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkTensor } from '../operands/arguments.ts';
import { cast } from '../elementwise/cast.ts';
import { checkImages, pairOf } from '../conv/geometry.ts';
import { resample } from './resample.ts';
import { type AxisMap, identity } from './taps.ts';
import { broadcastTo, reshape } from '../shape/shape.ts';

export interface Upsample2dOptions {
  /** Factors of height and width, [height, width] or one number. @default 2 */
  readonly size?: number | readonly number[];
  /**
   * 'nearest' repeats pixels. 'bilinear' interpolates between pixel centres and repeats the border outside the outermost centres. @default
   * 'nearest'
   */
  readonly interpolation?: 'nearest' | 'bilinear';
}

/**
 * Enlarges images by integer factors. 'bilinear' treats pixels as squares around their centres, like Keras's UpSampling2D and PyTorch's
 * interpolate(align_corners=False).
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
  const [batch, rows, columns, channels] = x.shape;
  if (interpolation === 'nearest' && !isFloat(x.dtype)) {
    const spread = broadcastTo(reshape(x, [batch, rows, 1, columns, 1, channels]), [batch, rows, height, columns, width, channels]);
    return reshape(spread, [batch, rows * height, columns * width, channels]);
  }
  if (interpolation !== 'nearest' && interpolation !== 'bilinear') {
    throw new ArgumentError(`upsample2d: interpolation is ${JSON.stringify(interpolation)}; give 'nearest' or 'bilinear'`);
  }
  if (interpolation === 'bilinear' && rows * columns === 0) {
    throw new ShapeError(`upsample2d: x ${formatShape(x.shape)} has no pixels to interpolate between; use 'nearest' or a larger image`);
  }
  // An element of the result covers a part of one pixel.
  const method = interpolation === 'nearest' ? 'area' : 'linear';
  const along = (from: number, factor: number): AxisMap => ({
    ...identity(from),
    to: from * factor,
    step: 1 / factor,
    method,
    coordinates: 'halfPixel',
  });
  return resample(isFloat(x.dtype) ? x : cast(x, 'f32'), [along(rows, height), along(columns, width)]);
}
