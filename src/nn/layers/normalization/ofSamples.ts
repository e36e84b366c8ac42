// Normalization of each sample by its own statistics: over features, groups of channels, or positions.
import type { Configured } from '../../../core/config.ts';
import { ArgumentError, ShapeError } from '../../../core/errors.ts';
import { integer, kindOf, number, positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { type Shape, normalizeAxis } from '../../../core/shape.ts';
import {
  cast,
  div,
  groupNorm,
  instanceNorm,
  layerNorm,
  maximum,
  mean,
  mul,
  reshape,
  rmsNorm,
  rsqrt,
  add,
  square,
  sqrt,
  sum,
} from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import { checkRankAtLeast } from '../../inputChecks.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { formatBatch } from '../../spec.ts';
import { affineOptions, affineParameters, affineRules, scaleOptions } from './affine.ts';
import { featuresLast } from './featuresLast.ts';

/** An axis, or several, counted with the batch axis. */
export type FeatureAxes = number | readonly number[];

const axesKind = /* @__PURE__ */ kindOf<FeatureAxes>({
  rule: 'an integer, or a list of integers',
  accepts: (value): value is FeatureAxes =>
    Number.isSafeInteger(value) || (Array.isArray(value) && value.length > 0 && Array.from<unknown>(value).every(Number.isSafeInteger)),
});

/** Axes of a sample with its batch axis, in ascending order. @throws ShapeError for the batch axis. */
function featureAxes(where: string, axis: FeatureAxes, shape: Shape): number[] {
  checkRankAtLeast(where, shape, 1, '[batch, …, features]');
  const axes = [...new Set([axis].flat().map((one) => normalizeAxis(where, one, shape.length + 1)))].sort((a, b) => a - b);
  if (axes[0] > 0) return axes;
  throw new ShapeError(`${where}: axis ${String(axis)} of inputs ${formatBatch(shape)} is the batch axis; choose axes of the features`);
}

export const layerNormalizationOptions = declareOptions('layers.layerNormalization', {
  /** Axis of the features, or several, counted with the batch axis. @default -1 */
  axis: optional(axesKind, -1),
  /** Added to the variance, so that nothing is divided by 0. @default 0.001 */
  epsilon: optional(number('above 0'), 1e-3),
  ...affineOptions,
  ...layerOptions,
});
export type LayerNormalizationOptions = OptionsOf<typeof layerNormalizationOptions>;

/**
 * Scales the features of each position to mean 0 and variance 1: y = gamma (x - mean) / sqrt(variance + epsilon) + beta.
 *
 * Input [batch, ..., features]; gamma and beta have the sizes of the axes. Ba, Kiros and Hinton, Layer Normalization, 2016. epsilon is
 * Keras's; PyTorch's is 1e-5.
 *
 *     layers.layerNormalization()
 */
export function layerNormalization(options: LayerNormalizationOptions = {}): Configured<Layer> {
  const settings = layerNormalizationOptions.read(options);
  const { axis, epsilon } = settings;
  const axesOf = (shape: Shape, where = 'layerNormalization'): number[] => featureAxes(where, axis, shape);
  const layer = defineLayer({
    kind: 'layerNormalization',
    options: settings,
    masking: 'pass',
    ...affineRules(settings),
    outputShape: (shape, where) => {
      axesOf(shape, where);
      return shape;
    },
    build: (shape, random) => ({
      parameters: affineParameters(settings, axesOf(shape).map((one) => shape[one - 1]), random), // prettier-ignore
    }),
    apply: ({ parameters: { gamma, beta } }, x) =>
      layerNorm(x, { axis: axesOf(x.shape.slice(1)), epsilon, ...(gamma && { gamma }), ...(beta && { beta }) }),
  });
  return withLayerConfig(layer, layerNormalizationOptions, settings);
}

/** The axis of the channels, counted with the batch axis. */
function channelAxis(where: string, axis: number, shape: Shape): number {
  return featureAxes(where, axis, shape)[0];
}

export const groupNormalizationOptions = declareOptions('layers.groupNormalization', {
  /** Number of groups of channels. It must divide the channels. -1 makes each channel a group. @default 32 */
  groups: optional(
    kindOf<number>({
      rule: 'a positive integer, or -1',
      accepts: (value): value is number => value === -1 || positiveInteger.accepts(value),
    }),
    32,
  ),
  /** Axis of the channels, counted with the batch axis. @default -1 */
  axis: optional(integer(), -1),
  /** Added to the variance, so that nothing is divided by 0. @default 0.001 */
  epsilon: optional(number('above 0'), 1e-3),
  ...affineOptions,
  ...layerOptions,
});
export type GroupNormalizationOptions = OptionsOf<typeof groupNormalizationOptions>;

/**
 * Scales each group of channels of each sample to mean 0 and variance 1, over all its positions; gamma and beta are those of the channels.
 *
 * Input [batch, ..., channels]. Throws an ArgumentError if `groups` does not divide the channels. Wu and He, Group Normalization, 2018.
 *
 *     layers.groupNormalization({ groups: 8 })
 */
export function groupNormalization(options: GroupNormalizationOptions = {}): Configured<Layer> {
  const settings = groupNormalizationOptions.read(options);
  const { groups, axis, epsilon } = settings;
  const groupsOf = (where: string, shape: Shape): number => {
    const channels = shape[channelAxis(where, axis, shape) - 1];
    const count = groups === -1 ? channels : groups;
    if (channels % count === 0) return count;
    throw new ArgumentError(
      `${where}: ${groups} groups do not divide ${channels} channels of inputs ${formatBatch(shape)}; choose another groups`,
    );
  };
  const layer = defineLayer({
    kind: 'groupNormalization',
    options: settings,
    masking: 'pass',
    ...affineRules(settings),
    outputShape: (shape, where) => {
      groupsOf(where, shape);
      return shape;
    },
    build: (shape, random) => ({
      parameters: affineParameters(settings, [shape[channelAxis('groupNormalization', axis, shape) - 1]], random),
    }),
    apply: ({ parameters: { gamma, beta } }, x) => {
      const sample = x.shape.slice(1);
      const own = { epsilon, groups: groupsOf('groupNormalization', sample), ...(gamma && { gamma }), ...(beta && { beta }) };
      const { moved, back } = featuresLast(x, channelAxis('groupNormalization', axis, sample));
      return back(groupNorm(moved, own));
    },
  });
  return withLayerConfig(layer, groupNormalizationOptions, settings);
}

export const instanceNormalizationOptions = declareOptions('layers.instanceNormalization', {
  /** Axis of the channels, counted with the batch axis. @default -1 */
  axis: optional(integer(), -1),
  /** Added to the variance, so that nothing is divided by 0. @default 0.001 */
  epsilon: optional(number('above 0'), 1e-3),
  ...affineOptions,
  ...layerOptions,
});
export type InstanceNormalizationOptions = OptionsOf<typeof instanceNormalizationOptions>;

/**
 * Scales each channel of each sample to mean 0 and variance 1 over its positions.
 *
 * Input [batch, ..., channels] with positions between. Throws a ShapeError for inputs without. Ulyanov et al., Instance Normalization, 2016.
 *
 *     layers.instanceNormalization()
 */
export function instanceNormalization(options: InstanceNormalizationOptions = {}): Configured<Layer> {
  const settings = instanceNormalizationOptions.read(options);
  const { axis, epsilon } = settings;
  const layer = defineLayer({
    kind: 'instanceNormalization',
    options: settings,
    ...affineRules(settings),
    outputShape: (shape, where) => {
      checkRankAtLeast(where, shape, 2, '[batch, …positions, channels]');
      channelAxis(where, axis, shape);
      return shape;
    },
    build: (shape, random) => ({
      parameters: affineParameters(settings, [shape[channelAxis('instanceNormalization', axis, shape) - 1]], random),
    }),
    apply: ({ parameters: { gamma, beta } }, x) => {
      const { moved, back } = featuresLast(x, channelAxis('instanceNormalization', axis, x.shape.slice(1)));
      return back(instanceNorm(moved, { epsilon, ...(gamma && { gamma }), ...(beta && { beta }) }));
    },
  });
  return withLayerConfig(layer, instanceNormalizationOptions, settings);
}

export const rmsNormalizationOptions = declareOptions('layers.rmsNormalization', {
  /** Axis of the features, or several, counted with the batch axis. @default -1 */
  axis: optional(axesKind, -1),
  /** Added to the mean square, so that nothing is divided by 0. @default 0.000001 */
  epsilon: optional(number('above 0'), 1e-6),
  ...scaleOptions,
  ...layerOptions,
});
export type RmsNormalizationOptions = OptionsOf<typeof rmsNormalizationOptions>;

/**
 * Divides the features of each position by their root mean square: y = gamma x / sqrt(mean(x^2) + epsilon).
 *
 * Input [batch, ..., features]; gamma has the sizes of the axes. Zhang and Sennrich, Root Mean Square Layer Normalization, 2019.
 *
 *     layers.rmsNormalization()
 */
export function rmsNormalization(options: RmsNormalizationOptions = {}): Configured<Layer> {
  const settings = rmsNormalizationOptions.read(options);
  const { axis, epsilon } = settings;
  const layer = defineLayer({
    kind: 'rmsNormalization',
    options: settings,
    masking: 'pass',
    ...affineRules(settings),
    outputShape: (shape, where) => {
      featureAxes(where, axis, shape);
      return shape;
    },
    build: (shape, random) => ({
      parameters: affineParameters(settings, featureAxes('rmsNormalization', axis, shape).map((one) => shape[one - 1]), random), // prettier-ignore
    }),
    apply: ({ parameters: { gamma } }, x) => {
      const axes = featureAxes('rmsNormalization', axis, x.shape.slice(1));
      if (axes.length === 1 && axes[0] === x.rank - 1) return rmsNorm(x, { epsilon, ...(gamma && { gamma }) });
      const f = cast(x, 'f32');
      const y = cast(mul(f, rsqrt(add(mean(square(f), { axis: axes, keepDims: true }), epsilon))), x.dtype);
      return gamma
        ? mul(
            y,
            reshape(
              gamma,
              x.shape.map((size, i) => (axes.includes(i) ? size : 1)),
            ),
          )
        : y;
    },
  });
  return withLayerConfig(layer, rmsNormalizationOptions, settings);
}

export const unitNormalizationOptions = declareOptions('layers.unitNormalization', {
  /** Axis of the features, or several, counted with the batch axis. @default -1 */
  axis: optional(axesKind, -1),
  ...layerOptions,
});
export type UnitNormalizationOptions = OptionsOf<typeof unitNormalizationOptions>;

/**
 * Divides the features of each position by their Euclidean norm, at least 1e-6, as in Keras: y = x / sqrt(max(sum(x^2), 1e-12)).
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.unitNormalization()
 */
export function unitNormalization(options: UnitNormalizationOptions = {}): Configured<Layer> {
  const settings = unitNormalizationOptions.read(options);
  const { axis } = settings;
  const layer = defineLayer({
    kind: 'unitNormalization',
    options: settings,
    masking: 'pass',
    precision: 'f32',
    outputShape: (shape, where) => {
      featureAxes(where, axis, shape);
      return shape;
    },
    apply: (_, x) => {
      const axes = featureAxes('unitNormalization', axis, x.shape.slice(1));
      return div(x, sqrt(maximum(sum(square(x), { axis: axes, keepDims: true }), 1e-12)));
    },
  });
  return withLayerConfig(layer, unitNormalizationOptions, settings);
}
