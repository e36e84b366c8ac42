import type { Configured } from '../../../core/config.ts';
import { sizes } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { conv3dTranspose as convolve } from '../../../ops/index.ts';
import type { Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { paddingKind, sizesFromZero } from '../../windows.ts';
import { checkFilterGroups, convolutionOptions, filtersOption } from './convolution.ts';
import { checkOutputPadding, transposeLayer } from './transpose.ts';

export const conv3dTransposeOptions = declareOptions(
  'layers.conv3dTranspose',
  {
    ...filtersOption,
    /** Size of a filter in voxels: [depth, height, width], or one number for all. */
    kernelSize: required(sizes(3), 3),
    /** Factor by which the output is larger than the input: [depth, height, width], or one number for all. @default 1 */
    strides: optional(sizes(3), 1),
    /** 'same' makes an output of the input's size times the strides. 'valid' keeps everything that the filters reach. @default 'valid' */
    padding: optional(paddingKind, 'valid'),
    /** Number of voxels that are added at the end of the output: [depth, height, width], or one number for all; less than the strides. By default it follows from `padding`. */
    outputPadding: optional(sizesFromZero(3)),
    /** Distance between the voxels that a filter writes: [depth, height, width], or one number for all. @default 1 */
    dilationRate: optional(sizes(3), 1),
    ...convolutionOptions,
  },
  (settings, where) => {
    checkFilterGroups(settings, where);
    checkOutputPadding(settings, where);
  },
);
export type Conv3dTransposeOptions = OptionsOf<typeof conv3dTransposeOptions>;

/**
 * The transpose of a convolution of volumes: each input element adds a filter to a window of the output. It enlarges by the strides.
 *
 * Input [batch, depth, height, width, channels], kernel [kernelDepth, kernelHeight, kernelWidth, filters / groups, channels], bias [filters].
 * The size of the output is that of the op conv3dTranspose, which follows Keras. Throws a ShapeError for inputs of another rank.
 * Zeiler et al., Deconvolutional Networks, 2010.
 *
 *     layers.conv3dTranspose({ filters: 8, kernelSize: 2, strides: 2 })
 */
export function conv3dTranspose(options: Conv3dTransposeOptions): Configured<Layer> {
  const settings = conv3dTransposeOptions.read(options);
  return withLayerConfig(transposeLayer('conv3dTranspose', settings, convolve), conv3dTransposeOptions, settings);
}
