// Augmentations that remove detail: erased rectangles and blur.
import type { Configured } from '../../../core/config.ts';
import { type Kind, kindOf, number } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { ShapeError } from '../../../core/errors.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { iota } from '../../../ops/create/create.ts';
import { add, clip, div, exp, mul, pad, reshape, sqrt, square, sub, sum, tensor, where } from '../../../ops/index.ts';
import { sliceAxis } from '../../../ops/shape/slice.ts';
import type { Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { formatBatch } from '../../spec.ts';
import { drawBoxes } from './boxes.ts';
import { type Draws, drawFlags } from './draws.ts';
import { augmentation, factor, augmentationOptions, valueRange } from './options.ts';

/** One number for all channels, or one for each. */
export type ChannelValues = number | readonly number[];

const channelValues: Kind<ChannelValues> = /* @__PURE__ */ kindOf<ChannelValues>({
  rule: 'a number, or a list of one for each channel',
  accepts: (value): value is ChannelValues =>
    number().accepts(value) || (Array.isArray(value) && value.length > 0 && Array.from<unknown>(value).every(number().accepts)),
  convert: (value) => (typeof value === 'number' ? value : Object.freeze([...value])),
});

export const randomErasingOptions = declareOptions('layers.randomErasing', {
  /** Probability of erasing, from 0 to 1. It is drawn from a range for each image, or from 0 to one number. @default 1 */
  factor: optional(factor(0, 1, 'from 0'), 1),
  /** Squared share of a side that is erased: a range, or the largest number. Height and width are drawn one by one. @default [0.02,0.33] */
  scale: optional(factor(0, 1, 'from 0'), [0.02, 0.33]),
  /** Value of erased pixels: one for all channels, or one for each. Without it, each is a normal number times the largest value. */
  fillValue: optional(channelValues),
  /** Smallest and largest value of the images. Erased pixels are clipped to it. @default [0,255] */
  valueRange: optional(valueRange, [0, 255]),
  ...augmentationOptions,
});
export type RandomErasingOptions = OptionsOf<typeof randomErasingOptions>;

/**
 * Replaces a random rectangle of random images while training; otherwise passes them on. Zhong et al., Random Erasing Data Augmentation, 2017.
 *
 * Input and output [batch, height, width, channels]. Throws a ShapeError for another rank, or if fillValue has another number of channels. Keras'
 * RandomErasing.
 *
 *     layers.randomErasing({ factor: [0.5, 0.5], fillValue: 0 })
 */
export function randomErasing(options: RandomErasingOptions = {}): Configured<Layer> {
  const settings = randomErasingOptions.read(options);
  const { fillValue, valueRange: values, scale } = settings;
  const fill = (x: Tensor, draws: Draws): Tensor => {
    const given = fillValue === undefined ? mul(draws.normal(x.shape), values[1]) : tensor([fillValue].flat());
    return clip(given, values[0], values[1]);
  };
  const layer = augmentation(
    'randomErasing',
    settings,
    (x, draws) => {
      const [batch, height, width] = x.shape;
      const side = (): Tensor => sqrt(draws.uniform([batch, 1, 1, 1], scale));
      const erased = where(drawBoxes(draws, [height, width], side(), side()), fill(x, draws), x);
      return where(drawFlags(draws, batch, settings.factor), erased, x);
    },
    (where, shape) => {
      if (!Array.isArray(fillValue) || fillValue.length === shape[2]) return;
      throw new ShapeError(`${where}: fillValue has ${fillValue.length} numbers, but inputs ${formatBatch(shape)} have ${shape[2]} channels; give one for each`); // prettier-ignore
    },
  );
  return withLayerConfig(layer, randomErasingOptions, settings);
}

const isOdd = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0 && (value as number) % 2 === 1;

/** Odd sizes: [width, height], or one number for both. */
export type KernelSizeOption = number | readonly [width: number, height: number];

const kernelSizes: Kind<KernelSizeOption, readonly [number, number]> = /* @__PURE__ */ kindOf<KernelSizeOption, readonly [number, number]>({
  rule: 'an odd positive integer, or two: [width, height]',
  accepts: (value): value is KernelSizeOption =>
    isOdd(value) || (Array.isArray(value) && value.length === 2 && Array.from<unknown>(value).every(isOdd)),
  convert: (value) => (typeof value === 'number' ? ([value, value] as const) : ([value[0], value[1]] as const)),
});

export const gaussianBlurOptions = declareOptions('layers.gaussianBlur', {
  /** Probability of a blur, from 0 to 1. It is drawn from a range for each image, or from 0 to one number. @default 1 */
  factor: optional(factor(0, 1, 'from 0'), 1),
  /** Size of the kernel in pixels: [width, height], or one number for both. Odd. @default 3 */
  kernelSize: optional(kernelSizes, 3),
  /** Standard deviation in pixels: a range, or the largest number. Width and height are drawn one by one. @default 1 */
  sigma: optional(factor(0, Infinity, 'from 0'), 1),
  /** Smallest and largest value of the images. Results are clipped to it. @default [0,255] */
  valueRange: optional(valueRange, [0, 255]),
  ...augmentationOptions,
});
export type GaussianBlurOptions = OptionsOf<typeof gaussianBlurOptions>;

/** Sums the neighbours along an axis with weights exp(-d^2 / (2 sigma^2)) that add to 1. Pixels outside are 0. */
function blurAlong(x: Tensor, axis: 1 | 2, size: number, sigma: Tensor): Tensor {
  if (size === 1) return x;
  const reach = (size - 1) / 2;
  const distance = reshape(sub(iota(size), reach), [1, size, 1, 1]);
  const shape = exp(mul(square(div(distance, sigma)), -0.5));
  const weights = div(shape, sum(shape, { axis: 1, keepDims: true }));
  const border = (of: 1 | 2): readonly [number, number] => (of === axis ? [reach, reach] : [0, 0]);
  const padded = pad(x, [[0, 0], border(1), border(2), [0, 0]]);
  const terms = Array.from({ length: size }, (_, i) => mul(sliceAxis(padded, axis, i, x.shape[axis]), sliceAxis(weights, 1, i, 1)));
  return terms.reduce((a, b) => add(a, b));
}

/**
 * Blurs random images by a Gaussian kernel of random width while training, and clips to valueRange; otherwise passes them on. Pixels outside count
 * as 0, as in Keras' RandomGaussianBlur; PyTorch mirrors the image. Each image has its own sigma; Keras has one for the batch.
 *
 * Input and output [batch, height, width, channels]. Throws a ShapeError for another rank.
 *
 *     layers.gaussianBlur({ kernelSize: 5, sigma: [0.1, 2] })
 */
export function gaussianBlur(options: GaussianBlurOptions = {}): Configured<Layer> {
  const settings = gaussianBlurOptions.read(options);
  const { kernelSize, valueRange: values } = settings;
  const layer = augmentation('gaussianBlur', settings, (x, draws) => {
    const [batch] = x.shape;
    const isBlurred = drawFlags(draws, batch, settings.factor);
    // Not 0, by which distances are divided.
    const sigma = (): Tensor => add(draws.uniform([batch, 1, 1, 1], settings.sigma), 1e-6);
    const blurred = blurAlong(blurAlong(x, 2, kernelSize[0], sigma()), 1, kernelSize[1], sigma());
    return clip(where(isBlurred, blurred, x), values[0], values[1]);
  });
  return withLayerConfig(layer, gaussianBlurOptions, settings);
}
