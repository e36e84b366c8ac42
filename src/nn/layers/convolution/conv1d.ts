import type { Configured } from '../../../core/config.ts';
import { type OptionsOf, declareOptions } from '../../../core/options.ts';
import { conv1d as convolve } from '../../../ops/index.ts';
import type { Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { checkFilterGroups, convolutionLayer, convolutionOptions, filtersOption } from './convolution.ts';
import { stepWindowOptions, windowsOf } from './windowOptions.ts';

export const conv1dOptions = declareOptions(
  'layers.conv1d',
  {
    ...filtersOption,
    ...stepWindowOptions,
    ...convolutionOptions,
  },
  checkFilterGroups,
);
export type Conv1dOptions = OptionsOf<typeof conv1dOptions>;

/**
 * A bank of filters slid over sequences: y = activation(conv1d(x, kernel) + bias).
 *
 * Input [batch, steps, channels], kernel [kernelSize, channels / groups, filters], bias [filters].
 * Throws a ShapeError for inputs of another rank, smaller than the kernel, or whose channels `groups` does not divide.
 *
 *     layers.conv1d({ filters: 32, kernelSize: 5, padding: 'causal', inputShape: [100, 3] })
 */
export function conv1d(options: Conv1dOptions): Configured<Layer> {
  const settings = conv1dOptions.read(options);
  return withLayerConfig(convolutionLayer('conv1d', settings, windowsOf(settings), convolve), conv1dOptions, settings);
}
