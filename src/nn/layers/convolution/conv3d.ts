import type { Configured } from '../../../core/config.ts';
import { sizes } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { conv3d as convolve } from '../../../ops/index.ts';
import type { Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { paddingKind } from '../../windows.ts';
import { checkFilterGroups, convolutionLayer, convolutionOptions, filtersOption } from './convolution.ts';

export const conv3dOptions = declareOptions(
  'layers.conv3d',
  {
    ...filtersOption,
    /** Size of a filter in voxels: [depth, height, width], or one number for all. */
    kernelSize: required(sizes(3), 3),
    /** Step of the filters in voxels: [depth, height, width], or one number for all. @default 1 */
    strides: optional(sizes(3), 1),
    /** 'same' pads with zeros, so that the output has the size of the input divided by the strides. @default 'valid' */
    padding: optional(paddingKind, 'valid'),
    /** Distance between the voxels that a filter reads: [depth, height, width], or one number for all. @default 1 */
    dilationRate: optional(sizes(3), 1),
    ...convolutionOptions,
  },
  checkFilterGroups,
);
export type Conv3dOptions = OptionsOf<typeof conv3dOptions>;

/**
 * A bank of filters slid over volumes: y = activation(conv3d(x, kernel) + bias).
 *
 * Input [batch, depth, height, width, channels], kernel [kernelDepth, kernelHeight, kernelWidth, channels / groups, filters], bias [filters].
 * Throws a ShapeError for inputs of another rank, smaller than the kernel, or whose channels `groups` does not divide.
 *
 *     layers.conv3d({ filters: 8, kernelSize: 3, padding: 'same', inputShape: [16, 32, 32, 1] })
 */
export function conv3d(options: Conv3dOptions): Configured<Layer> {
  const settings = conv3dOptions.read(options);
  const { kernelSize, strides, padding, dilationRate } = settings;
  const windows = { size: kernelSize, strides, dilations: dilationRate, padding };
  return withLayerConfig(convolutionLayer('conv3d', settings, windows, convolve), conv3dOptions, settings);
}
