// Activations with options, and with trained parameters, as layers.
import type { Configured } from '../../../core/config.ts';
import { ShapeError } from '../../../core/errors.ts';
import { integer, listOf, number, positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { type Shape, normalizeAxis } from '../../../core/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import * as ops from '../../../ops/index.ts';
import { constraintKind } from '../../constraints.ts';
import { defineLayer } from '../../defineLayer.ts';
import { initializerKind } from '../../initializers.ts';
import type { Layer, LayerOptions } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { regularizerKind } from '../../regularizers.ts';
import { formatBatch } from '../../spec.ts';

const elementwise = (kind: string, options: LayerOptions, fn: (x: Tensor) => Tensor): Layer =>
  defineLayer({ kind, options, masking: 'pass', outputShape: (shape) => shape, apply: (_, x) => fn(x) });

export const leakyReluOptions = declareOptions('layers.leakyRelu', {
  /** Slope below 0. @default 0.3 */
  negativeSlope: optional(number('at least 0'), 0.3),
  ...layerOptions,
});
export type LeakyReluOptions = OptionsOf<typeof leakyReluOptions>;

/**
 * x above 0, negativeSlope x below. Keras's default slope; PyTorch's is 0.01. Maas et al., Rectifier Nonlinearities Improve Neural Network
 * Acoustic Models, 2013.
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.leakyRelu({ negativeSlope: 0.1 })
 */
export function leakyRelu(options: LeakyReluOptions = {}): Configured<Layer> {
  const settings = leakyReluOptions.read(options);
  const { negativeSlope } = settings;
  return withLayerConfig(elementwise('leakyRelu', settings, (x) => ops.leakyRelu(x, { negativeSlope })), leakyReluOptions, settings); // prettier-ignore
}

export const eluOptions = declareOptions('layers.elu', {
  /** The value at minus infinity is -alpha. @default 1 */
  alpha: optional(number('at least 0'), 1),
  ...layerOptions,
});
export type EluOptions = OptionsOf<typeof eluOptions>;

/**
 * x above 0, alpha (exp(x) - 1) below. Clevert et al., Fast and Accurate Deep Network Learning by Exponential Linear Units, 2015.
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.elu()
 */
export function elu(options: EluOptions = {}): Configured<Layer> {
  const settings = eluOptions.read(options);
  const { alpha } = settings;
  return withLayerConfig(elementwise('elu', settings, (x) => ops.elu(x, { alpha })), eluOptions, settings); // prettier-ignore
}

export const reluOptions = declareOptions('layers.relu', {
  /** Largest output. */
  maxValue: optional(number('above 0')),
  /** Slope below the threshold. @default 0 */
  negativeSlope: optional(number('at least 0'), 0),
  /** Inputs below it become negativeSlope (x - threshold). @default 0 */
  threshold: optional(number('at least 0'), 0),
  ...layerOptions,
});
export type ReluOptions = OptionsOf<typeof reluOptions>;

/**
 * x from the threshold on, at most maxValue, and negativeSlope (x - threshold) below.
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.relu({ maxValue: 6 })
 */
export function relu(options: ReluOptions = {}): Configured<Layer> {
  const settings = reluOptions.read(options);
  const { maxValue, negativeSlope, threshold } = settings;
  const layer = elementwise('relu', settings, (x) => {
    const below = negativeSlope ? ops.mul(ops.sub(x, threshold), negativeSlope) : 0;
    const y =
      threshold || negativeSlope ? ops.where(threshold ? ops.greaterEqual(x, threshold) : ops.greater(x, 0), x, below) : ops.relu(x);
    return maxValue === undefined ? y : ops.minimum(y, maxValue);
  });
  return withLayerConfig(layer, reluOptions, settings);
}

export const softmaxOptions = declareOptions('layers.softmax', {
  /** Axis of the classes, counted with the batch axis. @default -1 */
  axis: optional(integer(), -1),
  ...layerOptions,
});
export type SoftmaxOptions = OptionsOf<typeof softmaxOptions>;

/**
 * exp(x) / sum exp(x) along an axis. Throws a ShapeError for the batch axis.
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.softmax()
 */
export function softmax(options: SoftmaxOptions = {}): Configured<Layer> {
  const settings = softmaxOptions.read(options);
  const { axis } = settings;
  const layer = defineLayer({
    kind: 'softmax',
    options: settings,
    masking: 'pass',
    outputShape: (shape, where) => {
      if (normalizeAxis(where, axis, shape.length + 1) > 0) return shape;
      throw new ShapeError(`${where}: axis ${axis} of inputs ${formatBatch(shape)} is the batch axis; choose the axis of the classes`);
    },
    apply: (_, x) => ops.softmax(x, { axis }),
  });
  return withLayerConfig(layer, softmaxOptions, settings);
}

export const preluOptions = declareOptions('layers.prelu', {
  /** First values of alpha. @default 'zeros' */
  alphaInitializer: optional(initializerKind, 'zeros'),
  /** Penalty of alpha, added to the loss. */
  alphaRegularizer: optional(regularizerKind),
  /** Rule that alpha is brought back to after each update. */
  alphaConstraint: optional(constraintKind),
  /** Axes of a sample, counted from 1, along which alpha is the same: [1, 2] gives images one alpha per channel. */
  sharedAxes: optional(listOf(positiveInteger, 'axes, counted from 1')),
  ...layerOptions,
});
export type PreluOptions = OptionsOf<typeof preluOptions>;

/**
 * x above 0, alpha x below, with a trained alpha for each element of a sample, or for each entry of the axes that are not shared. He et al.,
 * Delving Deep into Rectifiers, 2015.
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.prelu({ sharedAxes: [1, 2] })
 */
export function prelu(options: PreluOptions = {}): Configured<Layer> {
  const settings = preluOptions.read(options);
  const { alphaInitializer, sharedAxes = [] } = settings;
  const layer = defineLayer({
    kind: 'prelu',
    options: settings,
    masking: 'pass',
    regularizers: { alpha: settings.alphaRegularizer },
    constraints: { alpha: settings.alphaConstraint },
    outputShape: (shape: Shape, where) => {
      const outside = sharedAxes.find((axis) => axis > shape.length);
      if (outside === undefined) return shape;
      throw new ShapeError(`${where}: sharedAxes has ${outside}, but inputs ${formatBatch(shape)} have the axes 1 to ${shape.length}`);
    },
    build: (shape, random) => ({
      parameters: { alpha: alphaInitializer(shape.map((size, i) => (sharedAxes.includes(i + 1) ? 1 : size)), random) }, // prettier-ignore
    }),
    apply: ({ parameters: { alpha } }, x) => ops.prelu(x, alpha),
  });
  return withLayerConfig(layer, preluOptions, settings);
}
