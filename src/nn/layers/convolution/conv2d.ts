import type { Configured } from '../../../core/config.ts';
import { ArgumentError, ShapeError } from '../../../core/errors.ts';
import { boolean, positiveInteger, sizes } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { add, conv2d as convolve } from '../../../ops/index.ts';
import { activationKind } from '../../activations.ts';
import { initializerKind } from '../../initializers.ts';
import { defineLayer } from '../../defineLayer.ts';
import { checkRank } from '../../inputChecks.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { kernelAndBiasOptions, parameterRules } from '../../parameterOptions.ts';
import { paddingKind, windowedShape } from '../../windows.ts';

export const conv2dOptions = declareOptions(
  'layers.conv2d',
  {
    /** Number of filters, which is the number of output channels. `groups` must divide it. */
    filters: required(positiveInteger, 32),
    /** Size of a filter in pixels: [height, width], or one number for both. */
    kernelSize: required(sizes(2), 3),
    /** Step of the filters in pixels: [height, width], or one number for both. @default 1 */
    strides: optional(sizes(2), 1),
    /** 'same' pads with zeros, so that the output has the size of the input divided by the strides. @default 'valid' */
    padding: optional(paddingKind, 'valid'),
    /** Distance between the pixels that a filter reads: [height, width], or one number for both. @default 1 */
    dilationRate: optional(sizes(2), 1),
    /** Number of groups of channels. Each filter reads the channels of one group. @default 1 */
    groups: optional(positiveInteger, 1),
    /** Function of the outputs, by its name or as a function. @default 'linear' */
    activation: optional(activationKind, 'linear'),
    /** Adds a trained bias to each output channel. @default true */
    useBias: optional(boolean, true),
    /** First values of the kernel. @default 'glorotUniform' */
    kernelInitializer: optional(initializerKind, 'glorotUniform'),
    /** First values of the bias. @default 'zeros' */
    biasInitializer: optional(initializerKind, 'zeros'),
    ...kernelAndBiasOptions,
    ...layerOptions,
  },
  ({ filters, groups }, where) => {
    if (filters % groups === 0) return;
    throw new ArgumentError(`${where}: ${filters} filters do not divide into ${groups} groups; choose a multiple of groups`);
  },
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
  const { filters, kernelSize, strides, padding, dilationRate, groups, activation, useBias, kernelInitializer, biasInitializer } = settings;
  const layer = defineLayer({
    kind: 'conv2d',
    options: settings,
    ...parameterRules(settings),
    outputShape: (shape, where) => {
      checkRank(where, shape, 3, '[batch, height, width, channels]');
      if (shape[2] % groups !== 0) {
        throw new ShapeError(`${where}: ${shape[2]} channels do not divide into ${groups} groups; choose another groups`);
      }
      return [...windowedShape(where, shape, { size: kernelSize, strides, dilations: dilationRate, padding }), filters];
    },
    build: (shape, random) => ({
      parameters: {
        kernel: kernelInitializer([...kernelSize, shape[2] / groups, filters], random),
        ...(useBias && { bias: biasInitializer([filters], random) }),
      },
    }),
    apply: ({ parameters: { kernel, bias } }, x) => {
      const y = convolve(x, kernel, { strides, padding, dilations: dilationRate, groups });
      return activation(bias ? add(y, bias) : y);
    },
  });
  return withLayerConfig(layer, conv2dOptions, settings);
}
