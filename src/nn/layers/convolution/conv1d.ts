import type { Configured } from '../../../core/config.ts';
import { sizes } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { conv1d as convolve } from '../../../ops/index.ts';
import type { Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { sequencePaddingKind } from '../../windows.ts';
import { checkFilterGroups, convolutionLayer, convolutionOptions, filtersOption } from './convolution.ts';

export const conv1dOptions = declareOptions(
  'layers.conv1d',
  {
    ...filtersOption,
    /** Size of a filter in steps. */
    kernelSize: required(sizes(1), 3),
    /** Step of the filters in steps. @default 1 */
    strides: optional(sizes(1), 1),
    /**
     * 'same' pads with zeros, so that the output has the length of the input divided by the strides. 'causal' pads only before the first step: an
     * output then depends on no later step. @default 'valid'
     */
    padding: optional(sequencePaddingKind, 'valid'),
    /** Distance between the steps that a filter reads. @default 1 */
    dilationRate: optional(sizes(1), 1),
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
  const { kernelSize, strides, padding, dilationRate } = settings;
  const windows = { size: kernelSize, strides, dilations: dilationRate, padding };
  return withLayerConfig(convolutionLayer('conv1d', settings, windows, convolve), conv1dOptions, settings);
}
