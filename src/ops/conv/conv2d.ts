// Convolution of images, channels last.
import { checkOptions } from '../../core/errors.ts';
import type { Shape } from '../../core/shape.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { checkTensor } from '../operands/arguments.ts';
import { batchConvolution, batchFilterGradient } from './batch.ts';
import { defineConvolution } from './define.ts';
import { checkFilter, checkGroups } from './extent.ts';
import { toFloats } from './floats.ts';
import { type Padding2d, type Pair, type Window2d, checkImages, pairOf, resolvePadding, windowsOver } from './geometry.ts';
import { planConvolve, planFilterGradient, planInputGradient } from './plan.ts';
import { type ConvSizes, convolve, convolveFilterGradient, convolveInputGradient } from './reference.ts';
import { matmulOp } from '../matmul/matmul.ts';
import { reshape } from '../shape/shape.ts';

interface ConvAttributes extends Window2d {
  readonly groups: number;
}

interface FilterGradientAttributes extends ConvAttributes {
  /** [height, width] of the filter. */
  readonly window: Pair;
}

const windowOnly = ({ strides, padding, dilations, groups }: ConvAttributes): ConvAttributes => ({ strides, padding, dilations, groups });

const sizesOf = (x: Shape, filter: Shape, y: Shape, attributes: ConvAttributes): ConvSizes => ({
  ...windowOnly(attributes),
  batch: x[0],
  input: [x[1], x[2]],
  channels: x[3],
  window: [filter[0], filter[1]],
  output: [y[1], y[2]],
  outChannels: filter[3],
});

/** x [B, H, W, C], filter [KH, KW, C / groups, O] -> [B, OH, OW, O], and dy, filter -> dx */
const { op: conv2dOp, inputGradientOp } = defineConvolution({
  name: 'conv2d',
  own: windowOnly,
  outputShape: (x, filter, attributes) => {
    checkImages('conv2d', x);
    checkFilter('conv2d', x, filter, attributes.groups);
    return [x[0], ...windowsOver('conv2d', x.slice(1, 3), [filter[0], filter[1]], attributes), filter[3]];
  },
  inputChannels: (filter, { groups }) => filter[2] * groups,
  filterAttributes: (own, filter): FilterGradientAttributes => ({ ...own, window: [filter[0], filter[1]] }),
  filterShape: (x, dy, { window, groups }) => [...window, x[3] / groups, dy[3]],
  sizes: sizesOf,
  references: { output: convolve, input: convolveInputGradient, filter: convolveFilterGradient },
  plans: { output: planConvolve, input: planInputGradient, filter: planFilterGradient },
  batch: { images: batchConvolution, filter: batchFilterGradient },
});
export { inputGradientOp };

export interface Conv2dOptions {
  /** Step of the window, [height, width] or one number. @default 1 */
  readonly strides?: number | readonly number[];
  /**
   * 'valid': windows inside the image. 'same': ceil(size / stride) windows over a zero border. Or [[top, bottom], [left, right]]. @default
   * 'valid'
   */
  readonly padding?: 'valid' | 'same' | Padding2d;
  /** Distance between the taps of a window. @default 1 */
  readonly dilations?: number | readonly number[];
  /** Number of groups of channels. Each group is convolved on its own. @default 1 */
  readonly groups?: number;
}

/**
 * Convolution of images with a bank of filters (cross-correlation, as in every deep-learning library): y[b, i, j, o] = Σ x[b, i s + ky d, j
 * s + kx d, c] f[ky, kx, c, o], over ky, kx, c. 'same' puts the odd pixel of padding at the end, like TensorFlow.
 *
 * x [B, H, W, C], filter [KH, KW, C / groups, O] -> [B, OH, OW, O].
 * @throws ShapeError for other ranks, channels that differ or a window larger than the image; ArgumentError for a bad option.
 *
 *     const features = relu(conv2d(images, filter, { padding: 'same' }));   // [32,28,28,1] * [3,3,1,16] -> [32,28,28,16]
 */
export function conv2d(x: Tensor, filter: Tensor, options: Conv2dOptions = {}): Tensor {
  checkTensor('conv2d', 'x', x);
  checkTensor('conv2d', 'filter', filter);
  checkOptions('conv2d', options, ['strides', 'padding', 'dilations', 'groups']);
  const { groups = 1 } = options;
  checkGroups('conv2d', groups);
  checkImages('conv2d', x.shape);
  checkFilter('conv2d', x.shape, filter.shape, groups);
  const strides = pairOf('conv2d', 'strides', options.strides ?? 1);
  const dilations = pairOf('conv2d', 'dilations', options.dilations ?? 1);
  const window: Pair = [filter.shape[0], filter.shape[1]];
  const padding = resolvePadding('conv2d', options.padding ?? 'valid', x.shape.slice(1, 3), window, strides, dilations);
  const [images, weights] = toFloats('conv2d', x, filter);
  const pointwise = [...window, ...strides, groups].every((n) => n === 1) && padding.flat().every((n) => n === 0);
  if (!pointwise) return apply(conv2dOp, [images, weights], { strides, padding, dilations, groups });
  // A 1x1 window mixes channels pixel by pixel: a plain product.
  const channels = x.shape[3];
  const product = apply(matmulOp, [reshape(images, [x.size / channels, channels]), reshape(weights, [channels, filter.shape[3]])], {});
  return reshape(product, [...x.shape.slice(0, 3), filter.shape[3]]);
}
