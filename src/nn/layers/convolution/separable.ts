// Separable convolutions: filters of each channel, then a mixture of the channels.
import type { Configured } from '../../../core/config.ts';
import { positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, type SettingsIn, declareOptions, optional, required } from '../../../core/options.ts';
import { matmul } from '../../../ops/index.ts';
import { constraintKind } from '../../constraints.ts';
import { defineLayer } from '../../defineLayer.ts';
import { initializerKind } from '../../initializers.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { biasAndOutputRuleOptions } from '../../parameterOptions.ts';
import { regularizerKind } from '../../regularizers.ts';
import { type WindowSizes, checkAxes, windowedShape } from '../../windows.ts';
import { finished, outputOptions } from './convolution.ts';
import { convolveDepthwise, depthwiseOptions } from './depthwise.ts';
import { pixelWindowOptions, stepWindowOptions, windowsOf } from './windowOptions.ts';

const separableOptions = {
  /** Number of output channels. */
  filters: /* @__PURE__ */ required(positiveInteger, 32),
  ...depthwiseOptions,
  /** First values of the mixture of the channels. @default 'glorotUniform' */
  pointwiseInitializer: /* @__PURE__ */ optional(initializerKind, 'glorotUniform'),
  /** Penalty of the mixture of the channels, added to the loss. */
  pointwiseRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Rule that the mixture of the channels is brought back to after each update. */
  pointwiseConstraint: /* @__PURE__ */ optional(constraintKind),
  ...outputOptions,
  ...biasAndOutputRuleOptions,
  ...layerOptions,
};

type SeparableSettings = SettingsIn<typeof separableOptions>;

function separableLayer(kind: string, settings: SeparableSettings, windows: WindowSizes): Layer {
  const { filters, depthMultiplier, useBias, depthwiseInitializer, pointwiseInitializer, biasInitializer } = settings;
  const { size } = windows;
  return defineLayer({
    kind,
    options: settings,
    regularizers: {
      depthwiseKernel: settings.depthwiseRegularizer,
      pointwiseKernel: settings.pointwiseRegularizer,
      bias: settings.biasRegularizer,
    },
    constraints: {
      depthwiseKernel: settings.depthwiseConstraint,
      pointwiseKernel: settings.pointwiseConstraint,
      bias: settings.biasConstraint,
    },
    activityRegularizer: settings.activityRegularizer,
    lora: { depthwiseKernel: -2, pointwiseKernel: -1 },
    outputShape: (shape, where) => {
      checkAxes(where, shape, size.length);
      return [...windowedShape(where, shape, windows), filters];
    },
    build: (shape, random) => ({
      parameters: {
        depthwiseKernel: depthwiseInitializer([...size, shape[size.length], depthMultiplier], random),
        pointwiseKernel: pointwiseInitializer([shape[size.length] * depthMultiplier, filters], random),
        ...(useBias && { bias: biasInitializer([filters], random) }),
      },
    }),
    apply: ({ parameters: { depthwiseKernel, pointwiseKernel, bias } }, x) =>
      finished(settings, matmul(convolveDepthwise(x, depthwiseKernel, windows), pointwiseKernel), bias),
  });
}

export const separableConv1dOptions = declareOptions('layers.separableConv1d', {
  ...stepWindowOptions,
  ...separableOptions,
});
export type SeparableConv1dOptions = OptionsOf<typeof separableConv1dOptions>;

/**
 * A depthwise convolution, and then a mixture of the channels: y = activation(depthwise(x) pointwiseKernel + bias).
 *
 * Input [batch, steps, channels], depthwiseKernel [...kernelSize, channels, depthMultiplier], pointwiseKernel [channels depthMultiplier, filters], bias
 * [filters]. Throws a ShapeError for inputs of another rank or smaller than the kernel. Chollet, Xception, 2017.
 *
 *     layers.separableConv1d({ filters: 64, kernelSize: 3, padding: 'same' })
 */
export function separableConv1d(options: SeparableConv1dOptions): Configured<Layer> {
  const settings = separableConv1dOptions.read(options);
  return withLayerConfig(separableLayer('separableConv1d', settings, windowsOf(settings)), separableConv1dOptions, settings);
}

export const separableConv2dOptions = declareOptions('layers.separableConv2d', {
  ...pixelWindowOptions,
  ...separableOptions,
});
export type SeparableConv2dOptions = OptionsOf<typeof separableConv2dOptions>;

/**
 * A depthwise convolution, and then a mixture of the channels: y = activation(depthwise(x) pointwiseKernel + bias).
 *
 * Input [batch, height, width, channels], depthwiseKernel [...kernelSize, channels, depthMultiplier], pointwiseKernel [channels depthMultiplier, filters], bias
 * [filters]. Throws a ShapeError for inputs of another rank or smaller than the kernel. Chollet, Xception, 2017.
 *
 *     layers.separableConv2d({ filters: 64, kernelSize: 3, padding: 'same' })
 */
export function separableConv2d(options: SeparableConv2dOptions): Configured<Layer> {
  const settings = separableConv2dOptions.read(options);
  return withLayerConfig(separableLayer('separableConv2d', settings, windowsOf(settings)), separableConv2dOptions, settings);
}
