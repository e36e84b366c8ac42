import type { Configured } from '../../../core/config.ts';
import { type OptionsOf, declareOptions } from '../../../core/options.ts';
import { conv2d as convolve } from '../../../ops/index.ts';
import type { Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { checkFilterGroups, convolutionLayer, convolutionOptions, filtersOption } from './convolution.ts';
import { pixelWindowOptions, windowsOf } from './windowOptions.ts';

export const conv2dOptions = declareOptions(
  'layers.conv2d',
  {
    ...filtersOption,
    ...pixelWindowOptions,
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
  return withLayerConfig(convolutionLayer('conv2d', settings, windowsOf(settings), convolve), conv2dOptions, settings);
}
