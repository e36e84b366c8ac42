// Noise while training: other dropouts, Gaussian noise, and penalties of outputs.
import type { Configured } from '../../../core/config.ts';
import { number } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { add, cast, mul, random, where as choose } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer, LayerOptions } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { regularizers } from '../../regularizers.ts';
import { checkAxes } from '../../windows.ts';

/** A layer that changes its input while training only. */
const noiseLayer = (kind: string, options: LayerOptions, disturb: (x: Tensor) => Tensor): Layer =>
  defineLayer({
    kind,
    options,
    masking: 'pass',
    outputShape: (shape) => shape,
    apply: (_, x, { training }) => (training ? disturb(x) : x),
  });

const spatialOptions = {
  /** Probability that a channel is set to zero, from 0 to 1. @default 0.5 */
  rate: /* @__PURE__ */ optional(number('0 to 1'), 0.5),
  ...layerOptions,
};

function spatialLayer(kind: string, settings: LayerOptions & { readonly rate: number }, axes: number): Layer {
  const { rate } = settings;
  return defineLayer({
    kind,
    options: settings,
    masking: 'pass',
    outputShape: (shape, where) => {
      checkAxes(where, shape, axes);
      return shape;
    },
    apply: (_, x, { training }) => {
      if (!training || rate === 0) return x;
      // One number per sample and channel.
      const isKept = random.bernoulli([x.shape[0], ...new Array<number>(axes).fill(1), x.shape[axes + 1]], { p: 1 - rate });
      return choose(isKept, mul(x, rate === 1 ? 0 : 1 / (1 - rate)), 0);
    },
  });
}

export const spatialDropout1dOptions = declareOptions('layers.spatialDropout1d', { ...spatialOptions });
export type SpatialDropout1dOptions = OptionsOf<typeof spatialDropout1dOptions>;

/**
 * Dropout of whole channels of sequences: while training, each channel of a sample is zeroed with probability `rate`, and the others are divided
 * by 1 - rate. Input [batch, steps, channels]. Tompson et al., Efficient Object Localization Using Convolutional Networks, 2015.
 *
 *     layers.spatialDropout1d({ rate: 0.2 })
 */
export function spatialDropout1d(options: SpatialDropout1dOptions = {}): Configured<Layer> {
  const settings = spatialDropout1dOptions.read(options);
  return withLayerConfig(spatialLayer('spatialDropout1d', settings, 1), spatialDropout1dOptions, settings);
}

export const spatialDropout2dOptions = declareOptions('layers.spatialDropout2d', { ...spatialOptions });
export type SpatialDropout2dOptions = OptionsOf<typeof spatialDropout2dOptions>;

/**
 * Dropout of whole channels of images: while training, each channel of a sample is zeroed with probability `rate`, and the others are divided
 * by 1 - rate. Input [batch, height, width, channels]. Tompson et al., Efficient Object Localization Using Convolutional Networks, 2015.
 *
 *     layers.spatialDropout2d({ rate: 0.2 })
 */
export function spatialDropout2d(options: SpatialDropout2dOptions = {}): Configured<Layer> {
  const settings = spatialDropout2dOptions.read(options);
  return withLayerConfig(spatialLayer('spatialDropout2d', settings, 2), spatialDropout2dOptions, settings);
}

export const spatialDropout3dOptions = declareOptions('layers.spatialDropout3d', { ...spatialOptions });
export type SpatialDropout3dOptions = OptionsOf<typeof spatialDropout3dOptions>;

/**
 * Dropout of whole channels of volumes: while training, each channel of a sample is zeroed with probability `rate`, and the others are divided
 * by 1 - rate. Input [batch, depth, height, width, channels]. Tompson et al., Efficient Object Localization Using Convolutional Networks, 2015.
 *
 *     layers.spatialDropout3d({ rate: 0.2 })
 */
export function spatialDropout3d(options: SpatialDropout3dOptions = {}): Configured<Layer> {
  const settings = spatialDropout3dOptions.read(options);
  return withLayerConfig(spatialLayer('spatialDropout3d', settings, 3), spatialDropout3dOptions, settings);
}

export const gaussianNoiseOptions = declareOptions('layers.gaussianNoise', {
  /** Standard deviation of the noise. */
  stddev: required(number('at least 0'), 0.1),
  ...layerOptions,
});
export type GaussianNoiseOptions = OptionsOf<typeof gaussianNoiseOptions>;

/**
 * Adds normal noise of mean 0 while training; otherwise passes its input on.
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.gaussianNoise({ stddev: 0.1 })
 */
export function gaussianNoise(options: GaussianNoiseOptions): Configured<Layer> {
  const settings = gaussianNoiseOptions.read(options);
  const { stddev } = settings;
  const layer = noiseLayer('gaussianNoise', settings, (x) => (stddev ? add(x, cast(random.normal(x.shape, { stddev }), x.dtype)) : x));
  return withLayerConfig(layer, gaussianNoiseOptions, settings);
}

export const gaussianDropoutOptions = declareOptions('layers.gaussianDropout', {
  /** The noise has the standard deviation sqrt(rate / (1 - rate)); less than 1. */
  rate: required(number('0 to below 1'), 0.5),
  ...layerOptions,
});
export type GaussianDropoutOptions = OptionsOf<typeof gaussianDropoutOptions>;

/**
 * Multiplies by normal noise of mean 1 and the variance of dropout while training; otherwise passes its input on. Srivastava et al., Dropout,
 * section 10, 2014.
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.gaussianDropout({ rate: 0.2 })
 */
export function gaussianDropout(options: GaussianDropoutOptions): Configured<Layer> {
  const settings = gaussianDropoutOptions.read(options);
  const stddev = Math.sqrt(settings.rate / (1 - settings.rate));
  const layer = noiseLayer('gaussianDropout', settings, (x) => (stddev ? mul(x, cast(random.normal(x.shape, { mean: 1, stddev }), x.dtype)) : x)); // prettier-ignore
  return withLayerConfig(layer, gaussianDropoutOptions, settings);
}

export const alphaDropoutOptions = declareOptions('layers.alphaDropout', {
  /** Probability that an element is set to the value that selu has at minus infinity; less than 1. */
  rate: required(number('0 to below 1'), 0.1),
  ...layerOptions,
});
export type AlphaDropoutOptions = OptionsOf<typeof alphaDropoutOptions>;

/** Value of selu at minus infinity: -scale alpha. */
const seluFloor = -1.0507009873554805 * 1.6732632423543772;

/**
 * Dropout for networks of selu: it keeps mean 0 and variance 1. Dropped elements become selu's lowest value a, and y = scale x + offset with
 * scale = 1 / sqrt((1 - rate) (1 + rate a^2)) and offset = -scale a rate. Klambauer et al., Self-Normalizing Neural Networks, 2017.
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.alphaDropout({ rate: 0.1 })
 */
export function alphaDropout(options: AlphaDropoutOptions): Configured<Layer> {
  const settings = alphaDropoutOptions.read(options);
  const { rate } = settings;
  const scale = 1 / Math.sqrt((1 - rate) * (1 + rate * seluFloor ** 2));
  const offset = -scale * seluFloor * rate;
  const layer = noiseLayer('alphaDropout', settings, (x) => {
    if (rate === 0) return x;
    const isKept = random.bernoulli(x.shape, { p: 1 - rate });
    return add(mul(choose(isKept, x, seluFloor), scale), offset);
  });
  return withLayerConfig(layer, alphaDropoutOptions, settings);
}

export const activityRegularizationOptions = declareOptions('layers.activityRegularization', {
  /** Factor of the sum of absolute values. @default 0 */
  l1: optional(number('at least 0'), 0),
  /** Factor of the sum of squares. @default 0 */
  l2: optional(number('at least 0'), 0),
  ...layerOptions,
});
export type ActivityRegularizationOptions = OptionsOf<typeof activityRegularizationOptions>;

/**
 * Passes its input on, and adds l1 sum|x| + l2 sum(x^2), divided by the batch size, to the loss.
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.activityRegularization({ l2: 0.01 })
 */
export function activityRegularization(options: ActivityRegularizationOptions = {}): Configured<Layer> {
  const settings = activityRegularizationOptions.read(options);
  const { l1, l2 } = settings;
  const layer = defineLayer({
    kind: 'activityRegularization',
    options: settings,
    masking: 'pass',
    activityRegularizer: regularizers.l1l2({ l1, l2 }),
    outputShape: (shape) => shape,
    apply: (_, x) => x,
  });
  return withLayerConfig(layer, activityRegularizationOptions, settings);
}
