import type { Configured } from '../../../core/config.ts';
import { type OptionsOf, declareOptions } from '../../../core/options.ts';
import { conv3d as convolve } from '../../../ops/index.ts';
import type { Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { checkFilterGroups, convolutionLayer, convolutionOptions, filtersOption } from './convolution.ts';
import { voxelWindowOptions, windowsOf } from './windowOptions.ts';

export const conv3dOptions = declareOptions(
  'layers.conv3d',
  {
    ...filtersOption,
    ...voxelWindowOptions,
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
  return withLayerConfig(convolutionLayer('conv3d', settings, windowsOf(settings), convolve), conv3dOptions, settings);
}
