import type { Configured } from '../../../core/config.ts';
import { sizes } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { conv2d as convolve } from '../../../ops/index.ts';
import type { Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { paddingKind } from '../../windows.ts';
import { checkFilterGroups, convolutionLayer, convolutionOptions, filtersOption } from './convolution.ts';

export const conv2dOptions = declareOptions(
  'layers.conv2d',
  {
    ...filtersOption,
    /** Size of a filter in pixels: [height, width], or one number for both. */
    kernelSize: required(sizes(2), 3),
    /** Step of the filters in pixels: [height, width], or one number for both. @default 1 */
    strides: optional(sizes(2), 1),
    /** 'same' pads with zeros, so that the output has the size of the input divided by the strides. @default 'valid' */
    padding: optional(paddingKind, 'valid'),
    /** Distance between the pixels that a filter reads: [height, width], or one number for both. @default 1 */
    dilationRate: optional(sizes(2), 1),
    ...convolutionOptions,
  },
  checkFilterGroups,
);
export type Conv2dOptions = OptionsOf<typeof conv2dOptions>;

/**
 * A bank of filters slid over images: y = activation(conv2d(x, kernel) + bias).
 *
 * Input [batch, height, width, channels], kernel [kernelHeight, kernelWidth, channels / groups, filters], bias [filters].
 * Throws a ShapeError for inputs of another rank, smaller than the kernel, or whose channels `groups` does not divide.
 *
 *     layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [28, 28, 1] })
 */
export function conv2d(options: Conv2dOptions): Configured<Layer> {
  const settings = conv2dOptions.read(options);
  const { kernelSize, strides, padding, dilationRate } = settings;
  const windows = { size: kernelSize, strides, dilations: dilationRate, padding };
  return withLayerConfig(convolutionLayer('conv2d', settings, windows, convolve), conv2dOptions, settings);
}
