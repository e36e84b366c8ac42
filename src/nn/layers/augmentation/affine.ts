// Augmentations that move pixels: translation, rotation, zoom and shear. Each draws one affine map for each image.
import type { Configured } from '../../../core/config.ts';
import { number, oneOf } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { add, cos, mul, neg, sin, sub, where } from '../../../ops/index.ts';
import type { Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { type Draws, drawHalf } from './draws.ts';
import { type FillMode, type Seeded, augmentation, factor, fillMode, augmentationOptions } from './options.ts';
import { type Affine, type Coefficient, sampleAffine } from './sampler.ts';

const samplingOptions = {
  /** Pixels outside of the image: 'constant' is fillValue, 'nearest' the border pixel, 'reflect' the mirrored image, 'wrap' the repeated one. @default 'reflect' */
  fillMode: /* @__PURE__ */ optional(fillMode, 'reflect'),
  /** 'bilinear' weights the four nearest pixels, 'nearest' takes one. @default 'bilinear' */
  interpolation: /* @__PURE__ */ optional(oneOf('nearest', 'bilinear'), 'bilinear'),
  /** Value of pixels outside of the image with fillMode 'constant'. @default 0 */
  fillValue: /* @__PURE__ */ optional(number(), 0),
  ...augmentationOptions,
};

interface AffineSettings extends Seeded {
  readonly fillMode: FillMode;
  readonly interpolation: 'nearest' | 'bilinear';
  readonly fillValue: number;
}

/** A layer that samples each image at the places of an affine map. `mapOf` gets the number of images, and their height and width. */
const affineLayer = (kind: string, settings: AffineSettings, mapOf: (draws: Draws, sizes: readonly number[]) => Affine): Layer =>
  augmentation(kind, settings, (x, draws) => sampleAffine(x, mapOf(draws, x.shape), settings));

/** Shape of one number for each image: the coefficients of the sampler. */
const perImage = (batch: number): readonly number[] => [batch, 1, 1];

export const randomTranslationOptions = declareOptions('layers.randomTranslation', {
  /** Shift down as a share of the height, from -1 to 1: a range, or one number for both directions. */
  heightFactor: required(factor(-1, 1, 'symmetric'), 0.1),
  /** Shift to the right as a share of the width, from -1 to 1: a range, or one number for both directions. */
  widthFactor: required(factor(-1, 1, 'symmetric'), 0.1),
  ...samplingOptions,
});
export type RandomTranslationOptions = OptionsOf<typeof randomTranslationOptions>;

/**
 * Shifts each image by a random part of its size while training; otherwise passes it on: y(i, j) = x(i - heightFactor height, j - widthFactor width).
 *
 * Input and output [batch, height, width, channels]. Throws a ShapeError for another rank. Keras' RandomTranslation.
 *
 *     layers.randomTranslation({ heightFactor: 0.1, widthFactor: [0, 0.2] })
 */
export function randomTranslation(options: RandomTranslationOptions): Configured<Layer> {
  const settings = randomTranslationOptions.read(options);
  const { heightFactor, widthFactor } = settings;
  const layer = affineLayer('randomTranslation', settings, (draws, [batch, height, width]) => {
    const down = mul(draws.uniform(perImage(batch), heightFactor), height);
    const right = mul(draws.uniform(perImage(batch), widthFactor), width);
    return { a: [1, 0, neg(right)], b: [0, 1, neg(down)] };
  });
  return withLayerConfig(layer, randomTranslationOptions, settings);
}

export const randomRotationOptions = declareOptions('layers.randomRotation', {
  /** Angle as a share of a full turn, from -1 to 1; positive is counter-clockwise. A range, or one number for both directions. */
  factor: required(factor(-1, 1, 'symmetric'), 0.1),
  ...samplingOptions,
});
export type RandomRotationOptions = OptionsOf<typeof randomRotationOptions>;

/**
 * Rotates each image around its centre by a random angle while training; otherwise passes it on. With t = 2 pi factor, and (x, y) from the centre,
 * a pixel is read at (x cos t - y sin t, x sin t + y cos t).
 *
 * Input and output [batch, height, width, channels]. Throws a ShapeError for another rank. Keras' RandomRotation.
 *
 *     layers.randomRotation({ factor: 0.1 })   // up to 36 degrees
 */
export function randomRotation(options: RandomRotationOptions): Configured<Layer> {
  const settings = randomRotationOptions.read(options);
  const layer = affineLayer('randomRotation', settings, (draws, [batch, height, width]) => {
    const angle = mul(draws.uniform(perImage(batch), settings.factor), 2 * Math.PI);
    const [c, s] = [cos(angle), sin(angle)];
    const [x, y] = [(width - 1) / 2, (height - 1) / 2];
    const fixed = (centre: number, ofColumn: Tensor, ofRow: Tensor): Tensor => sub(centre, add(mul(ofColumn, x), mul(ofRow, y)));
    const minus = neg(s);
    return { a: [c, minus, fixed(x, c, minus)], b: [s, c, fixed(y, s, c)] };
  });
  return withLayerConfig(layer, randomRotationOptions, settings);
}

const zoom = /* @__PURE__ */ factor(-1, 1, 'symmetric');

export const randomZoomOptions = declareOptions('layers.randomZoom', {
  /** Change of the height seen, from -1 to 1; positive zooms out. A range, or one number for both directions. */
  heightFactor: required(zoom, 0.1),
  /** Change of the width seen. Without it, the zoom of the height is that of the width. */
  widthFactor: optional(zoom),
  ...samplingOptions,
});
export type RandomZoomOptions = OptionsOf<typeof randomZoomOptions>;

/**
 * Zooms each image around its centre while training; otherwise passes it on. A pixel (x, y) from the centre is read at
 * ((1 + widthFactor) x, (1 + heightFactor) y).
 *
 * Input and output [batch, height, width, channels]. Throws a ShapeError for another rank. Keras' RandomZoom.
 *
 *     layers.randomZoom({ heightFactor: [-0.2, 0.2] })
 */
export function randomZoom(options: RandomZoomOptions): Configured<Layer> {
  const settings = randomZoomOptions.read(options);
  const { heightFactor, widthFactor } = settings;
  const layer = affineLayer('randomZoom', settings, (draws, [batch, height, width]) => {
    const tall = add(draws.uniform(perImage(batch), heightFactor), 1);
    const wide = widthFactor ? add(draws.uniform(perImage(batch), widthFactor), 1) : tall;
    const offset = (scale: Tensor, size: number): Tensor => mul(sub(1, scale), (size - 1) / 2);
    return { a: [wide, 0, offset(wide, width)], b: [0, tall, offset(tall, height)] };
  });
  return withLayerConfig(layer, randomZoomOptions, settings);
}

const shear = /* @__PURE__ */ factor(0, 1, 'from 0');

export const randomShearOptions = declareOptions('layers.randomShear', {
  /** Columns that a row moves by for each row, from 0 to 1: a range, or the largest number. The direction is random. @default 0 */
  xFactor: optional(shear, 0),
  /** Rows that a column moves by for each column, from 0 to 1: a range, or the largest number. The direction is random. @default 0 */
  yFactor: optional(shear, 0),
  ...samplingOptions,
});
export type RandomShearOptions = OptionsOf<typeof randomShearOptions>;

/**
 * Shears each image from its upper left corner while training; otherwise passes it on. A pixel (x, y) is read at (x + xFactor y, yFactor x + y).
 * Half of the images get both factors negative, as in Keras' RandomShear.
 *
 * Input and output [batch, height, width, channels]. Throws a ShapeError for another rank.
 *
 *     layers.randomShear({ xFactor: 0.2 })
 */
export function randomShear(options: RandomShearOptions = {}): Configured<Layer> {
  const settings = randomShearOptions.read(options);
  const layer = affineLayer('randomShear', settings, (draws, [batch]) => {
    const sign = where(drawHalf(draws, perImage(batch)), -1, 1);
    const draw = (range: readonly [number, number]): Coefficient => mul(draws.uniform(perImage(batch), range), sign);
    return { a: [1, draw(settings.xFactor), 0], b: [draw(settings.yFactor), 1, 0] };
  });
  return withLayerConfig(layer, randomShearOptions, settings);
}
