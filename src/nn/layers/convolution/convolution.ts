// Parts that all convolution layers share.
import { ArgumentError, ShapeError } from '../../../core/errors.ts';
import { boolean, positiveInteger } from '../../../core/optionKinds.ts';
import { type SettingsIn, optional, required } from '../../../core/options.ts';
import type { Shape } from '../../../core/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { add } from '../../../ops/index.ts';
import { activationKind } from '../../activationKind.ts';
import { linear } from '../../activations.ts';
import { defineLayer } from '../../defineLayer.ts';
import { initializerKind } from '../../initializers.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions } from '../../layerOptions.ts';
import { loraFactoryOptions } from '../../loraOptions.ts';
import { kernelAndBiasOptions, parameterRules } from '../../parameterOptions.ts';
import { type WindowSizes, checkAxes, opPadding, windowedShape } from '../../windows.ts';

/** The bias, and the function of the outputs. */
export const outputOptions = {
  /** Function of the outputs, by its name or as a function. @default 'linear' */
  activation: /* @__PURE__ */ optional(activationKind({ linear }), 'linear'),
  /** Adds a trained bias to each output channel. @default true */
  useBias: /* @__PURE__ */ optional(boolean, true),
  /** First values of the bias. @default 'zeros' */
  biasInitializer: /* @__PURE__ */ optional(initializerKind, 'zeros'),
};

/** Spread into the declaration of convolutions, before the sizes of their windows. */
export const filtersOption = {
  /** Number of filters, which is the number of output channels. `groups` must divide it. */
  filters: /* @__PURE__ */ required(positiveInteger, 32),
};

/** Spread into the declaration of convolutions, after the sizes of their windows. */
export const convolutionOptions = {
  /** Number of groups of channels. Each filter reads the channels of one group. @default 1 */
  groups: /* @__PURE__ */ optional(positiveInteger, 1),
  ...outputOptions,
  /** First values of the kernel. @default 'glorotUniform' */
  kernelInitializer: /* @__PURE__ */ optional(initializerKind, 'glorotUniform'),
  ...loraFactoryOptions,
  ...kernelAndBiasOptions,
  ...layerOptions,
};

export function checkFilterGroups({ filters, groups }: Pick<ConvolutionSettings, 'filters' | 'groups'>, where: string): void {
  if (filters % groups === 0) return;
  throw new ArgumentError(`${where}: ${filters} filters do not divide into ${groups} groups; choose a multiple of groups`);
}

export type ConvolutionSettings = SettingsIn<typeof filtersOption & typeof convolutionOptions>;

/** Adds the bias, and applies the activation. */
export const finished = ({ activation }: Pick<ConvolutionSettings, 'activation'>, y: Tensor, bias: Tensor | undefined): Tensor =>
  activation(bias ? add(y, bias) : y);

/** Throws unless the groups divide the channels of a sample. */
export function checkChannelGroups(where: string, shape: Shape, groups: number): void {
  const channels = shape[shape.length - 1];
  if (channels % groups === 0) return;
  throw new ShapeError(`${where}: ${channels} channels do not divide into ${groups} groups; choose another groups`);
}

type Convolve = (
  x: Tensor,
  kernel: Tensor,
  options: { strides: readonly number[]; padding: never; dilations: readonly number[]; groups: number },
) => Tensor;

/** A convolution along the axes of its windows. */
export function convolutionLayer(kind: string, settings: ConvolutionSettings, windows: WindowSizes, convolve: Convolve): Layer {
  const { filters, groups, useBias, kernelInitializer, biasInitializer } = settings;
  const { size, strides, dilations } = windows;
  return defineLayer({
    kind,
    options: settings,
    ...parameterRules(settings),
    lora: { kernel: -1 },
    outputShape: (shape, where) => {
      checkAxes(where, shape, size.length);
      checkChannelGroups(where, shape, groups);
      return [...windowedShape(where, shape, windows), filters];
    },
    build: (shape, random) => ({
      parameters: {
        kernel: kernelInitializer([...size, shape[size.length] / groups, filters], random),
        ...(useBias && { bias: biasInitializer([filters], random) }),
      },
    }),
    apply: ({ parameters: { kernel, bias } }, x) =>
      finished(settings, convolve(x, kernel, { strides, padding: opPadding(windows) as never, dilations, groups }), bias),
  });
}
