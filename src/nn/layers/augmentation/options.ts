// Options that augmentations share, and the layers that change images while training.
import { type Kind, kindOf, oneOf, seed } from '../../../core/optionKinds.ts';
import { optional } from '../../../core/options.ts';
import { ShapeError } from '../../../core/errors.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer, LayerOptions } from '../../layer.ts';
import { layerOptions } from '../../layerOptions.ts';
import { formatBatch } from '../../spec.ts';
import { checkAxes } from '../../windows.ts';
import { type Draws, type Range, drawsOf } from './draws.ts';

/** A number, or the smallest and the largest one. */
export type FactorOption = number | readonly [low: number, high: number];

const isFinite = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** Two numbers without -0, which JSON would not keep. */
const pairOf = (low: number, high: number): Range => Object.freeze([low + 0, high + 0] as const);

const isPair = (value: unknown, accepts: (number: number) => boolean): value is Range =>
  Array.isArray(value) && value.length === 2 && Array.from<unknown>(value).every((element) => isFinite(element) && accepts(element));

/**
 * The range that a factor is drawn from. `single` gives the range of one number: from -f to f, from 0 to f, or f twice, for amounts below and
 * above.
 */
/* @__NO_SIDE_EFFECTS__ */
export function factor(low: number, high: number, single: 'symmetric' | 'from 0' | 'both'): Kind<FactorOption, Range> {
  const accepts = (value: number): boolean => value >= low && value <= high;
  const limits = Number.isFinite(high) ? `from ${low} to ${high}` : `of at least ${low}`;
  return kindOf<FactorOption, Range>({
    rule: `a number ${limits}, or a list of two`,
    accepts: (value): value is FactorOption => (isFinite(value) && accepts(value)) || isPair(value, accepts),
    convert: (value) => {
      if (typeof value !== 'number') return single === 'both' ? pairOf(value[0], value[1]) : pairOf(Math.min(...value), Math.max(...value));
      if (single === 'both') return pairOf(value, value);
      return single === 'from 0' ? pairOf(Math.min(0, value), Math.max(0, value)) : pairOf(-Math.abs(value), Math.abs(value));
    },
  });
}

/** The smallest and the largest value of images. */
export const valueRange: Kind<readonly [low: number, high: number]> = /* @__PURE__ */ kindOf<readonly [low: number, high: number]>({
  rule: 'a list of two numbers: the smallest and the largest value of images',
  accepts: (value): value is Range => isPair(value, () => true) && value[0] < value[1],
  convert: ([low, high]) => pairOf(low, high),
});

/** Value of pixels outside of an image. */
export type FillMode = 'constant' | 'nearest' | 'reflect' | 'wrap';

export const fillMode: Kind<FillMode> = /* @__PURE__ */ oneOf('constant', 'nearest', 'reflect', 'wrap');

export const augmentationOptions = {
  /** Layers of one seed draw the same numbers in a step, such as for an image and its mask. The seed of `fit` fixes the steps. */
  seed: /* @__PURE__ */ optional(seed),
  ...layerOptions,
};

/** Options of a layer that draws numbers. */
export interface Seeded extends LayerOptions {
  readonly seed: number | undefined;
}

/** A layer that changes images [batch, height, width, channels] while training, and keeps their shape. */
export const augmentation = (
  kind: string,
  settings: Seeded,
  change: (x: Tensor, draws: Draws) => Tensor,
  checkSample?: (where: string, shape: readonly number[]) => void,
): Layer =>
  defineLayer({
    kind,
    options: settings,
    precision: 'f32',
    outputShape: (shape, where) => {
      checkAxes(where, shape, 2);
      checkSample?.(where, shape);
      return shape;
    },
    apply: (_, x, { training }) => (training ? change(x, drawsOf(settings.seed)) : x),
  });

/** @throws ShapeError for images that are not red, green and blue. */
export function checkRgb(where: string, shape: readonly number[]): void {
  if (shape[2] === 3) return;
  throw new ShapeError(`${where}: takes images of 3 channels (red, green, blue), got inputs ${formatBatch(shape)}; repeat a single channel 3 times`); // prettier-ignore
}
