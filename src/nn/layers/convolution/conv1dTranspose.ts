import type { Configured } from '../../../core/config.ts';
import { sizes } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { conv1dTranspose as convolve } from '../../../ops/index.ts';
import type { Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { paddingKind, sizesFromZero } from '../../windows.ts';
import { checkFilterGroups, convolutionOptions, filtersOption } from './convolution.ts';
import { checkOutputPadding, transposeLayer } from './transpose.ts';

export const conv1dTransposeOptions = declareOptions(
  'layers.conv1dTranspose',
  {
    ...filtersOption,
    /** Size of a filter in steps. */
    kernelSize: required(sizes(1), 3),
    /** Factor by which the output is larger than the input. @default 1 */
    strides: optional(sizes(1), 1),
    /** 'same' makes an output of the input's size times the strides. 'valid' keeps everything that the filters reach. @default 'valid' */
    padding: optional(paddingKind, 'valid'),
    /** Number of steps that are added at the end of the output; less than the strides. By default it follows from `padding`. */
    outputPadding: optional(sizesFromZero(1)),
    /** Distance between the steps that a filter writes. @default 1 */
    dilationRate: optional(sizes(1), 1),
    ...convolutionOptions,
  },
  (settings, where) => {
    checkFilterGroups(settings, where);
    checkOutputPadding(settings, where);
  },
);
export type Conv1dTransposeOptions = OptionsOf<typeof conv1dTransposeOptions>;

/**
 * The transpose of a convolution of sequences: each input element adds a filter to a window of the output. It enlarges by the strides.
 *
 * Input [batch, steps, channels], kernel [kernelSize, filters / groups, channels], bias [filters].
 * The size of the output is that of the op conv1dTranspose, which follows Keras. Throws a ShapeError for inputs of another rank.
 * Zeiler et al., Deconvolutional Networks, 2010.
 *
 *     layers.conv1dTranspose({ filters: 16, kernelSize: 4, strides: 2, padding: 'same' })
 */
export function conv1dTranspose(options: Conv1dTransposeOptions): Configured<Layer> {
  const settings = conv1dTransposeOptions.read(options);
  return withLayerConfig(transposeLayer('conv1dTranspose', settings, convolve), conv1dTransposeOptions, settings);
}
