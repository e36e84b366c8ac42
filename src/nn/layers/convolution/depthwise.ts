// Convolutions that keep channels apart.
import type { Configured } from '../../../core/config.ts';
import { positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, type SettingsIn, declareOptions, optional } from '../../../core/options.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { depthwiseConv2d as convolve, expandDims, squeeze } from '../../../ops/index.ts';
import { constraintKind } from '../../constraints.ts';
import { defineLayer } from '../../defineLayer.ts';
import { initializerKind } from '../../initializers.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { loraFactoryOptions } from '../../loraOptions.ts';
import { biasAndOutputRuleOptions } from '../../parameterOptions.ts';
import { regularizerKind } from '../../regularizers.ts';
import { type WindowSizes, checkAxes, opPadding, windowedShape } from '../../windows.ts';
import { finished, outputOptions } from './convolution.ts';
import { pixelWindowOptions, stepWindowOptions, windowsOf } from './windowOptions.ts';

export const depthwiseOptions = {
  /** Number of filters for each channel. @default 1 */
  depthMultiplier: /* @__PURE__ */ optional(positiveInteger, 1),
  /** First values of the filters of the channels. @default 'glorotUniform' */
  depthwiseInitializer: /* @__PURE__ */ optional(initializerKind, 'glorotUniform'),
  /** Penalty of the filters of the channels, added to the loss. */
  depthwiseRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Rule that the filters of the channels are brought back to after each update. */
  depthwiseConstraint: /* @__PURE__ */ optional(constraintKind),
  ...loraFactoryOptions,
};

/** Depthwise convolution of sequences or images, by the op for images. */
export function convolveDepthwise(x: Tensor, kernel: Tensor, windows: WindowSizes): Tensor {
  const { strides, dilations } = windows;
  const padding = opPadding(windows);
  if (strides.length === 2) return convolve(x, kernel, { strides, padding: padding as 'valid', dilations });
  const y = convolve(expandDims(x, 1), expandDims(kernel, 0), {
    strides: [1, ...strides],
    padding: typeof padding === 'string' ? padding : [[0, 0], padding[0]],
    dilations: [1, ...dilations],
  });
  return squeeze(y, 1);
}

type DepthwiseSettings = SettingsIn<typeof depthwiseOptions & typeof outputOptions & typeof biasAndOutputRuleOptions & typeof layerOptions>;

function depthwiseLayer(kind: string, settings: DepthwiseSettings, windows: WindowSizes): Layer {
  const { depthMultiplier, useBias, depthwiseInitializer, biasInitializer } = settings;
  const { size } = windows;
  return defineLayer({
    kind,
    options: settings,
    regularizers: { kernel: settings.depthwiseRegularizer, bias: settings.biasRegularizer },
    constraints: { kernel: settings.depthwiseConstraint, bias: settings.biasConstraint },
    activityRegularizer: settings.activityRegularizer,
    lora: { kernel: -2 },
    outputShape: (shape, where) => {
      checkAxes(where, shape, size.length);
      return [...windowedShape(where, shape, windows), shape[size.length] * depthMultiplier];
    },
    build: (shape, random) => ({
      parameters: {
        kernel: depthwiseInitializer([...size, shape[size.length], depthMultiplier], random),
        ...(useBias && { bias: biasInitializer([shape[size.length] * depthMultiplier], random) }),
      },
    }),
    apply: ({ parameters: { kernel, bias } }, x) => finished(settings, convolveDepthwise(x, kernel, windows), bias),
  });
}

export const depthwiseConv1dOptions = declareOptions('layers.depthwiseConv1d', {
  ...stepWindowOptions,
  ...depthwiseOptions,
  ...outputOptions,
  ...biasAndOutputRuleOptions,
  ...layerOptions,
});
export type DepthwiseConv1dOptions = OptionsOf<typeof depthwiseConv1dOptions>;

/**
 * Each channel is convolved with its own filters; channels do not mix. Channel c gives the outputs c depthMultiplier and the following ones.
 *
 * Input [batch, steps, channels], kernel [kernelSize, channels, depthMultiplier], bias [channels depthMultiplier].
 * Throws a ShapeError for inputs of another rank or smaller than the kernel. Sifre, Rigid-Motion Scattering for Image Classification, 2014.
 *
 *     layers.depthwiseConv1d({ kernelSize: 3, padding: 'same' })
 */
export function depthwiseConv1d(options: DepthwiseConv1dOptions): Configured<Layer> {
  const settings = depthwiseConv1dOptions.read(options);
  return withLayerConfig(depthwiseLayer('depthwiseConv1d', settings, windowsOf(settings)), depthwiseConv1dOptions, settings);
}

export const depthwiseConv2dOptions = declareOptions('layers.depthwiseConv2d', {
  ...pixelWindowOptions,
  ...depthwiseOptions,
  ...outputOptions,
  ...biasAndOutputRuleOptions,
  ...layerOptions,
});
export type DepthwiseConv2dOptions = OptionsOf<typeof depthwiseConv2dOptions>;

/**
 * Each channel is convolved with its own filters; channels do not mix. Channel c gives the outputs c depthMultiplier and the following ones.
 *
 * Input [batch, height, width, channels], kernel [kernelHeight, kernelWidth, channels, depthMultiplier], bias [channels depthMultiplier].
 * Throws a ShapeError for inputs of another rank or smaller than the kernel. Sifre, Rigid-Motion Scattering for Image Classification, 2014.
 *
 *     layers.depthwiseConv2d({ kernelSize: 3, padding: 'same' })
 */
export function depthwiseConv2d(options: DepthwiseConv2dOptions): Configured<Layer> {
  const settings = depthwiseConv2dOptions.read(options);
  return withLayerConfig(depthwiseLayer('depthwiseConv2d', settings, windowsOf(settings)), depthwiseConv2dOptions, settings);
}
