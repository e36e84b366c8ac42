// Augmentations of colours: each pixel changes by numbers that are drawn for its image.
import type { Configured } from '../../../core/config.ts';
import { number } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { abs, add, clip, concat, div, equal, less, max, mean, min, minimum, mod, mul, sub, where } from '../../../ops/index.ts';
import { sliceAxis } from '../../../ops/shape/slice.ts';
import type { Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { type Draws, type Range, drawHalf } from './draws.ts';
import { augmentation, checkRgb, factor, augmentationOptions, valueRange } from './options.ts';

const colorOptions = {
  /** Smallest and largest value of the images. Results are clipped to it. @default [0,255] */
  valueRange: /* @__PURE__ */ optional(valueRange, [0, 255]),
  ...augmentationOptions,
};

/** One number for each image. */
const perImage = (x: Tensor): readonly number[] => [x.shape[0], 1, 1, 1];

const clipped = (x: Tensor, [low, high]: Range): Tensor => clip(x, low, high);

function brighten(x: Tensor, draws: Draws, range: Range, values: Range): Tensor {
  return clipped(add(x, mul(draws.uniform(perImage(x), range), values[1] - values[0])), values);
}

function changeContrast(x: Tensor, draws: Draws, [below, above]: Range, values: Range): Tensor {
  const average = mean(x, { axis: [1, 2], keepDims: true });
  const scale = draws.uniform(perImage(x), [1 - below, 1 + above]);
  return clipped(add(mul(sub(x, average), scale), average), values);
}

/** Whitest and blackest channel of each pixel. */
const extremes = (x: Tensor): readonly [Tensor, Tensor] => [max(x, { axis: 3, keepDims: true }), min(x, { axis: 3, keepDims: true })];

/** x from the range of values to 0..1. */
const toUnit = (x: Tensor, [low, high]: Range): Tensor => (low === 0 && high === 1 ? x : div(sub(x, low), high - low));

const fromUnit = (x: Tensor, [low, high]: Range): Tensor => (low === 0 && high === 1 ? x : add(mul(x, high - low), low));

/**
 * Scales the saturation s = (v - min) / v by f / (1 - f), up to 1. Hue and value v = max stay, so each channel keeps its share of the distance
 * from v: v - y = (v - x) s' / s.
 */
function changeSaturation(x: Tensor, draws: Draws, range: Range, values: Range): Tensor {
  const f = draws.uniform(perImage(x), range);
  const scale = div(f, add(sub(1, f), 1e-7));
  const unit = toUnit(x, values);
  const [value, least] = extremes(unit);
  const distance = sub(value, least);
  const isGrey = equal(distance, 0);
  const largest = div(value, where(isGrey, 1, distance));
  const ratio = where(isGrey, 1, minimum(scale, largest));
  return clipped(fromUnit(sub(value, mul(sub(value, unit), ratio)), values), values);
}

const channelsOf = (x: Tensor): readonly Tensor[] => [0, 1, 2].map((channel) => sliceAxis(x, 3, channel, 1));

/** Hue of pixels, in parts of a turn times 6. 0 for grey pixels. */
function hueOf(x: Tensor, value: Tensor, distance: Tensor): Tensor {
  const [red, green, blue] = channelsOf(x);
  const safe = where(equal(distance, 0), 1, distance);
  const fromGreen = where(equal(value, green), add(div(sub(blue, red), safe), 2), add(div(sub(red, green), safe), 4));
  return where(equal(distance, 0), 0, where(equal(value, red), div(sub(green, blue), safe), fromGreen));
}

/** Turns the hue by half the factor, in a random direction. Saturation and value stay. */
function changeHue(x: Tensor, draws: Draws, range: Range, values: Range): Tensor {
  const sign = where(drawHalf(draws, perImage(x)), 1, -1);
  const turn = mul(mul(draws.uniform(perImage(x), range), sign), 3);
  const unit = toUnit(x, values);
  const [value, least] = extremes(unit);
  const distance = sub(value, least);
  const hue = mod(add(hueOf(unit, value, distance), turn), 6);
  // Shares of the distance that the channels keep above the smallest one.
  const shares = [clip(sub(abs(sub(hue, 3)), 1), 0, 1), clip(sub(2, abs(sub(hue, 2))), 0, 1), clip(sub(2, abs(sub(hue, 4))), 0, 1)];
  return clipped(fromUnit(add(least, mul(distance, concat(shares, 3))), values), values);
}

export const randomBrightnessOptions = declareOptions('layers.randomBrightness', {
  /** Change as a share of valueRange, from -1 to 1: a range, or one number for both directions. */
  factor: required(factor(-1, 1, 'symmetric'), 0.2),
  ...colorOptions,
});
export type RandomBrightnessOptions = OptionsOf<typeof randomBrightnessOptions>;

/**
 * Adds a random number to each image while training, and clips to valueRange [low, high]; otherwise passes it on: y = x + factor (high - low).
 *
 * Input and output [batch, height, width, channels]. Throws a ShapeError for another rank. Keras' RandomBrightness.
 *
 *     layers.randomBrightness({ factor: 0.2, valueRange: [0, 1] })
 */
export function randomBrightness(options: RandomBrightnessOptions): Configured<Layer> {
  const settings = randomBrightnessOptions.read(options);
  const layer = augmentation('randomBrightness', settings, (x, draws) => brighten(x, draws, settings.factor, settings.valueRange));
  return withLayerConfig(layer, randomBrightnessOptions, settings);
}

export const randomContrastOptions = declareOptions('layers.randomContrast', {
  /** The contrast is from 1 - low to 1 + high. One number is both low and high, from 0 to 1. */
  factor: required(factor(0, 1, 'both'), 0.2),
  ...colorOptions,
});
export type RandomContrastOptions = OptionsOf<typeof randomContrastOptions>;

/**
 * Scales the distance of pixels from the mean of their channel while training, and clips to valueRange; otherwise passes images on:
 * y = (x - mean) contrast + mean.
 *
 * Input and output [batch, height, width, channels]. Throws a ShapeError for another rank. Keras' RandomContrast.
 *
 *     layers.randomContrast({ factor: 0.2, valueRange: [0, 1] })
 */
export function randomContrast(options: RandomContrastOptions): Configured<Layer> {
  const settings = randomContrastOptions.read(options);
  const layer = augmentation('randomContrast', settings, (x, draws) => changeContrast(x, draws, settings.factor, settings.valueRange));
  return withLayerConfig(layer, randomContrastOptions, settings);
}

export const colorJitterOptions = declareOptions('layers.colorJitter', {
  /** Factor of randomBrightness. Without it, the brightness stays. */
  brightnessFactor: optional(factor(-1, 1, 'symmetric')),
  /** Factor of randomContrast. Without it, the contrast stays. */
  contrastFactor: optional(factor(0, 1, 'both')),
  /** From 0 (grey) over 0.5 (no change) to 1 (full saturation): a range, or the largest number. Without it, the saturation stays. */
  saturationFactor: optional(factor(0, 1, 'from 0')),
  /** Half the share of a turn of the hue, from 0 to 1, in a random direction: a range, or the largest number. Without it, the hue stays. */
  hueFactor: optional(factor(0, 1, 'from 0')),
  ...colorOptions,
});
export type ColorJitterOptions = OptionsOf<typeof colorJitterOptions>;

/**
 * Changes brightness, contrast, saturation and hue in this order while training; otherwise passes images on. Saturation is multiplied by f / (1 - f)
 * and limited to 1; the hue turns by half its factor. Keras' RandomColorJitter; it limits the saturation to valueRange.
 *
 * Input and output [batch, height, width, 3], or any channels without saturation and hue. Throws a ShapeError for other shapes.
 *
 *     layers.colorJitter({ brightnessFactor: 0.2, saturationFactor: [0.3, 0.7], hueFactor: 0.1 })
 */
export function colorJitter(options: ColorJitterOptions = {}): Configured<Layer> {
  const settings = colorJitterOptions.read(options);
  const { brightnessFactor, contrastFactor, saturationFactor, hueFactor, valueRange: values } = settings;
  const changes = [
    [brighten, brightnessFactor],
    [changeContrast, contrastFactor],
    [changeSaturation, saturationFactor],
    [changeHue, hueFactor],
  ] as const;
  const needsColors = saturationFactor !== undefined || hueFactor !== undefined;
  const layer = augmentation(
    'colorJitter',
    settings,
    (x, draws) => changes.reduce((y, [change, range]) => (range ? change(y, draws, range, values) : y), x),
    needsColors ? checkRgb : undefined,
  );
  return withLayerConfig(layer, colorJitterOptions, settings);
}

export const grayscaleOptions = declareOptions('layers.grayscale', {
  /** Probability that an image becomes grey, from 0 to 1. @default 0.5 */
  factor: optional(number('0 to 1'), 0.5),
  ...augmentationOptions,
});
export type GrayscaleOptions = OptionsOf<typeof grayscaleOptions>;

/**
 * Makes random images grey while training, and keeps their 3 channels; otherwise passes them on: 0.2989 red + 0.587 green + 0.114 blue.
 *
 * Input and output [batch, height, width, 3]. Throws a ShapeError for other shapes. Keras' RandomGrayscale.
 *
 *     layers.grayscale({ factor: 0.2 })
 */
export function grayscale(options: GrayscaleOptions = {}): Configured<Layer> {
  const settings = grayscaleOptions.read(options);
  const change = (x: Tensor, draws: Draws): Tensor => {
    const [red, green, blue] = channelsOf(x);
    const grey = add(add(mul(red, 0.2989), mul(green, 0.587)), mul(blue, 0.114));
    return where(less(draws.uniform(perImage(x)), settings.factor), grey, x);
  };
  return withLayerConfig(augmentation('grayscale', settings, change, checkRgb), grayscaleOptions, settings);
}
