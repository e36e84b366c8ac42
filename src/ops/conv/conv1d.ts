// Convolution of sequences, as images one pixel high. It reshapes before and after conv2d and has no kernel of its own.
import { checkOptions } from '../../core/errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkTensor } from '../operands/arguments.ts';
import { conv2d } from './conv2d.ts';
import { type Sides, axesOf, checkFilter, checkGroups, checkRank, paddingAlong, sizesAlong, windowsAlong } from './extent.ts';
import { toFloats } from './floats.ts';
import { expandDims, squeeze } from '../shape/shape.ts';

export interface Conv1dOptions {
  /** Step of the window. @default 1 */
  readonly strides?: number | readonly number[];
  /** 'valid': windows inside the sequence. 'same': ceil(size / stride) windows over a zero border. Or [[left, right]]. @default 'valid' */
  readonly padding?: 'valid' | 'same' | readonly Sides[];
  /** Distance between the taps of a window. @default 1 */
  readonly dilations?: number | readonly number[];
  /** Number of groups of channels. Each group is convolved on its own. @default 1 */
  readonly groups?: number;
}

/**
 * Convolution of sequences with a bank of filters, like conv2d without a height:
 * y[b, j, o] = Σ x[b, j s + k d, c] f[k, c, o], over k, c.
 *
 * x [B, W, C], filter [K, C / groups, O] -> [B, OW, O].
 * @throws ShapeError for other ranks, channels that differ or a window longer than the sequence; ArgumentError for a bad option.
 *
 *     const features = relu(conv1d(series, filter, { dilations: 2 }));   // [32,100,3] * [5,3,16] -> [32,92,16]
 */
export function conv1d(x: Tensor, filter: Tensor, options: Conv1dOptions = {}): Tensor {
  checkTensor('conv1d', 'x', x);
  checkTensor('conv1d', 'filter', filter);
  checkOptions('conv1d', options, ['strides', 'padding', 'dilations', 'groups']);
  const { groups = 1 } = options;
  checkGroups('conv1d', groups);
  checkRank('conv1d', x.shape, 1);
  checkFilter('conv1d', x.shape, filter.shape, groups);
  const strides = sizesAlong('conv1d', 'strides', options.strides ?? 1, 1);
  const dilations = sizesAlong('conv1d', 'dilations', options.dilations ?? 1, 1);
  const window = filter.shape.slice(0, 1);
  const padding = paddingAlong('conv1d', options.padding ?? 'valid', axesOf(x.shape), window, strides, dilations);
  windowsAlong('conv1d', axesOf(x.shape), window, { strides, padding, dilations });
  const [series, weights] = toFloats('conv1d', x, filter);
  const y = conv2d(expandDims(series, 1), expandDims(weights, 0), {
    strides: [1, ...strides],
    padding: [[0, 0], padding[0]],
    dilations: [1, ...dilations],
    groups,
  });
  return squeeze(y, 1);
}
