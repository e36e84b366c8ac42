import type { Configured } from '../../../core/config.ts';
import { sizes } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { conv2dTranspose as convolve } from '../../../ops/index.ts';
import type { Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { paddingKind, sizesFromZero } from '../../windows.ts';
import { checkFilterGroups, convolutionOptions, filtersOption } from './convolution.ts';
import { checkOutputPadding, transposeLayer } from './transpose.ts';

export const conv2dTransposeOptions = declareOptions(
  'layers.conv2dTranspose',
  {
    ...filtersOption,
    /** Size of a filter in pixels: [height, width], or one number for both. */
    kernelSize: required(sizes(2), 3),
    /** Factor by which the output is larger than the input: [height, width], or one number for both. @default 1 */
    strides: optional(sizes(2), 1),
    /** 'same' makes an output of the input's size times the strides. 'valid' keeps everything that the filters reach. @default 'valid' */
    padding: optional(paddingKind, 'valid'),
    /** Number of pixels that are added at the end of the output: [height, width], or one number for both; less than the strides. By default it follows from `padding`. */
    outputPadding: optional(sizesFromZero(2)),
    /** Distance between the pixels that a filter writes: [height, width], or one number for both. @default 1 */
    dilationRate: optional(sizes(2), 1),
    ...convolutionOptions,
  },
  (settings, where) => {
    checkFilterGroups(settings, where);
    checkOutputPadding(settings, where);
  },
);
export type Conv2dTransposeOptions = OptionsOf<typeof conv2dTransposeOptions>;

/**
 * The transpose of a convolution of images: each input element adds a filter to a window of the output. It enlarges by the strides.
 *
 * Input [batch, height, width, channels], kernel [kernelHeight, kernelWidth, filters / groups, channels], bias [filters].
 * The size of the output is that of the op conv2dTranspose, which follows Keras. Throws a ShapeError for inputs of another rank.
 * Zeiler et al., Deconvolutional Networks, 2010.
 *
 *     layers.conv2dTranspose({ filters: 16, kernelSize: 3, strides: 2, padding: 'same' })   // [7, 7, 32] -> [14, 14, 16]
 */
export function conv2dTranspose(options: Conv2dTransposeOptions): Configured<Layer> {
  const settings = conv2dTransposeOptions.read(options);
  return withLayerConfig(transposeLayer('conv2dTranspose', settings, convolve), conv2dTransposeOptions, settings);
}
