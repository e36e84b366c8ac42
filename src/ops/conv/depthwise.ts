// Depthwise convolution of images, channels last: every channel has its own filters.
import { ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, formatShape } from '../../core/shape.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { checkTensor } from '../operands/arguments.ts';
import { batchDepthwise, batchDepthwiseFilterGradient } from './batch.ts';
import { defineConvolution, referencesBy } from './define.ts';
import { axesOf, checkRank } from './extent.ts';
import { toFloats } from './floats.ts';
import { type Padding2d, type Pair, type Window2d, pairOf, resolvePadding, windowsOver } from './geometry.ts';
import { type DepthwiseSizes, planDepthwise, planDepthwiseFilterGradient, planDepthwiseInputGradient } from './planDepthwise.ts';
import { forEachTap } from './taps.ts';

interface FilterGradientAttributes extends Window2d {
  /** [height, width] of the filter. */
  readonly window: Shape;
  /** Filters per channel. With no channels, dy does not determine it. */
  readonly multiplier: number;
}

const windowOnly = ({ strides, padding, dilations }: Window2d): Window2d => ({ strides, padding, dilations });

const sizesOf = (x: Shape, filter: Shape, y: Shape, attributes: Window2d): DepthwiseSizes => ({
  ...windowOnly(attributes),
  batch: x[0],
  input: axesOf(x),
  window: filter.slice(0, 2),
  output: axesOf(y),
  channels: x[3],
  multiplier: filter[3],
});

/** Calls visit(element of x, of the filter, of y) for every product that a depthwise convolution sums. */
function forEachProduct(sizes: DepthwiseSizes, visit: (x: number, filter: number, y: number) => void): void {
  const { channels, multiplier } = sizes;
  const outputs = channels * multiplier;
  forEachTap(sizes, (out, tap, at) => {
    for (let place = 0; place < outputs; place++) {
      visit(at * channels + Math.floor(place / multiplier), tap * outputs + place, out * outputs + place);
    }
  });
}

function checkDepthwise(x: Shape, filter: Shape): void {
  checkRank('depthwiseConv2d', x, 2);
  const layout = 'filters are [height, width, channels, multiplier]';
  if (filter.length !== 4) throw new ShapeError(`depthwiseConv2d: filter is ${formatShape(filter)}; ${layout}`);
  if (filter[2] !== x[3]) {
    throw new ShapeError(
      `depthwiseConv2d: channels differ: x ${formatShape(x)} has ${x[3]}, filter ${formatShape(filter)} takes ${filter[2]}; ${layout}`,
    );
  }
  if (filter[0] * filter[1] === 0) throw new ShapeError(`depthwiseConv2d: filter ${formatShape(filter)} has no taps; ${layout}`);
}

/** x [B, H, W, C], filter [KH, KW, C, M] -> [B, OH, OW, C * M], and dy, filter -> dx */
const { op: depthwiseOp } = defineConvolution({
  name: 'depthwiseConv2d',
  own: windowOnly,
  outputShape: (x, filter, attributes) => {
    checkDepthwise(x, filter);
    return [x[0], ...windowsOver('depthwiseConv2d', axesOf(x), [filter[0], filter[1]], attributes), filter[2] * filter[3]];
  },
  inputChannels: (filter) => filter[2],
  filterAttributes: (own, filter): FilterGradientAttributes => ({ ...own, window: filter.slice(0, 2), multiplier: filter[3] }),
  filterShape: (x, _, { window, multiplier }) => [...window, x[3], multiplier],
  sizes: sizesOf,
  references: referencesBy(forEachProduct),
  plans: { output: planDepthwise, input: planDepthwiseInputGradient, filter: planDepthwiseFilterGradient },
  batch: { images: batchDepthwise, filter: batchDepthwiseFilterGradient },
});

export interface DepthwiseConv2dOptions {
  /** Step of the window, [height, width] or one number. @default 1 */
  readonly strides?: number | readonly number[];
  /**
   * 'valid': windows inside the image. 'same': ceil(size / stride) windows over a zero border. Or [[top, bottom], [left, right]]. @default
   * 'valid'
   */
  readonly padding?: 'valid' | 'same' | Padding2d;
  /** Distance between the taps of a window. @default 1 */
  readonly dilations?: number | readonly number[];
}

/**
 * Convolution of each channel with its own M filters; channels do not mix:
 * y[b, i, j, c M + m] = Σ x[b, i s + ky d, j s + kx d, c] f[ky, kx, c, m], over ky, kx.
 *
 * x [B, H, W, C], filter [KH, KW, C, M] -> [B, OH, OW, C M].
 * @throws ShapeError for other ranks, channels that differ or a window larger than the image; ArgumentError for a bad option.
 *
 *     const features = depthwiseConv2d(images, filter, { padding: 'same' });   // [8,28,28,32] * [3,3,32,1] -> [8,28,28,32]
 */
export function depthwiseConv2d(x: Tensor, filter: Tensor, options: DepthwiseConv2dOptions = {}): Tensor {
  checkTensor('depthwiseConv2d', 'x', x);
  checkTensor('depthwiseConv2d', 'filter', filter);
  checkOptions('depthwiseConv2d', options, ['strides', 'padding', 'dilations']);
  checkDepthwise(x.shape, filter.shape);
  const strides = pairOf('depthwiseConv2d', 'strides', options.strides ?? 1);
  const dilations = pairOf('depthwiseConv2d', 'dilations', options.dilations ?? 1);
  const window: Pair = [filter.shape[0], filter.shape[1]];
  const padding = resolvePadding('depthwiseConv2d', options.padding ?? 'valid', axesOf(x.shape), window, strides, dilations);
  return apply(depthwiseOp, toFloats('depthwiseConv2d', x, filter), { strides, padding, dilations });
}
