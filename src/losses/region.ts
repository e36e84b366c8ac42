// Losses of regions, for segmentation: the overlap of masks of targets 0..1 and predicted probabilities 0..1. The sums of one value are taken
// over whole masks, so that a small region counts as much as a large one.
import type { Configured } from '../core/config.ts';
import { boolean, integer, listOf, number } from '../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, declareOptions, nameOf, optional } from '../core/options.ts';
import { normalizeAxis } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, div, equal, expandDims, lessEqual, max, mul, pow, square, sub, sum, where } from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { alignEqual, tooFewClasses } from './align.ts';
import { type Loss, epsilon, lossOptions, makeLoss } from './loss.ts';

const regionTable = {
  /**
   * Axes of a region. [1, 2] gives one value per sample and channel of [n, height, width, channels], which are averaged. Absent: all axes, so
   * that the batch is one region.
   */
  axis: /* @__PURE__ */ optional(listOf(integer(), 'axes', 1)),
  ...lossOptions,
};

/** Sums over the axes of a region, weighted if the batch axis is one of them. */
interface Region {
  readonly targets: Tensor;
  readonly predictions: Tensor;
  readonly total: (x: Tensor) => Tensor;
}

/** A loss whose value is a function of sums over regions. With keepsClasses the sums leave the last axis to the function. */
function makeRegionLoss<T extends OptionTable & typeof regionTable>(
  declaration: Declaration<T>,
  settings: SettingsOf<Declaration<T>>,
  value: (region: Region) => Tensor,
  keepsClasses = false,
): Configured<Loss> {
  const name = nameOf(declaration);
  const { axis } = settings as SettingsOf<Declaration<typeof regionTable>>;
  const axes = (rank: number): readonly number[] =>
    axis ? [...new Set(axis.map((one) => normalizeAxis(name, one, rank)))] : Array.from({ length: rank }, (_, i) => i);
  return makeLoss(declaration, settings, {
    targetKind: 'probabilities',
    axes: (rank) => (keepsClasses ? [...new Set([...axes(rank), rank - 1])] : axes(rank)),
    terms(targets, predictions, weight) {
      const pair = alignEqual(name, targets, predictions);
      if (keepsClasses && pair.predictions.shape[pair.predictions.rank - 1] < 2) throw tooFewClasses(name, predictions);
      const { rank } = pair.predictions;
      const summed = axes(rank).filter((one) => !keepsClasses || one < rank - 1);
      const weigh = weight && summed.includes(0) ? (x: Tensor) => productOrZero(expandDims(weight, -1), x) : (x: Tensor) => x;
      return { terms: value({ ...pair, total: (x) => sum(weigh(x), { axis: summed }) }) };
    },
  });
}

export const diceOptions = declareOptions('losses.dice', {
  /**
   * Adds up the classes of the last axis before the division, each with the factor 1 / sum(t)^2, so that rare classes count as much as frequent
   * ones. A class without targets has the largest of these factors. @default false
   */
  generalized: optional(boolean, false),
  ...regionTable,
});
export type DiceOptions = OptionsOf<typeof diceOptions>;

/**
 * Dice loss, 1 - 2 sum(t p) / (sum(t) + sum(p) + 1e-7), over all elements or over `axis`. Both [n, ...]. Milletari et al., V-Net, 2016. With
 * `generalized`, numerator and denominator are sums over the classes: Sudre et al., Generalised Dice Overlap, 2017. Weights and masks of samples
 * weigh the elements of the sums if the batch axis is one of the axes.
 *
 *     losses.dice({ axis: [1, 2] })(masks, probabilities)   // [n, height, width, classes]
 *
 * @throws ShapeError if targets and predictions have different shapes; for fewer than 2 classes if generalized.
 */
export function dice(options: DiceOptions = {}): Configured<Loss> {
  const settings = diceOptions.read(options);
  const { generalized } = settings;
  return makeRegionLoss(
    diceOptions,
    settings,
    ({ targets, predictions, total }) => {
      const both = total(mul(targets, predictions));
      const size = total(targets);
      const sizes = add(size, total(predictions));
      if (!generalized) return sub(1, div(mul(both, 2), add(sizes, epsilon)));
      const factor = classFactors(size);
      return sub(1, div(mul(sum(mul(factor, both), { axis: -1 }), 2), add(sum(mul(factor, sizes), { axis: -1 }), epsilon)));
    },
    generalized,
  );
}

/** 1 / size^2 of each class on the last axis; the largest of them for a class of size 0. */
function classFactors(size: Tensor): Tensor {
  const isEmpty = equal(size, 0);
  const factor = div(1, square(where(isEmpty, 1, size)));
  const largest = max(where(isEmpty, 0, factor), { axis: -1, keepDims: true });
  return where(isEmpty, largest, factor);
}

/** sum(t p) / (sum(t p) + alpha sum(t (1 - p)) + beta sum(p (1 - t)) + 1e-7). */
function tverskyIndex({ targets, predictions, total }: Region, alpha: number, beta: number): Tensor {
  const both = total(mul(targets, predictions));
  const missed = total(mul(targets, sub(1, predictions)));
  const wrong = total(mul(predictions, sub(1, targets)));
  return div(both, add(add(both, add(mul(missed, alpha), mul(wrong, beta))), epsilon));
}

export const tverskyOptions = declareOptions('losses.tversky', {
  /** Factor of t (1 - p), the missed elements. @default 0.5 */
  alpha: optional(number('at least 0'), 0.5),
  /** Factor of p (1 - t), the elements that are predicted wrongly. @default 0.5 */
  beta: optional(number('at least 0'), 0.5),
  ...regionTable,
});
export type TverskyOptions = OptionsOf<typeof tverskyOptions>;

/**
 * Tversky loss, 1 - I with I = sum(t p) / (sum(t p) + alpha sum(t (1 - p)) + beta sum(p (1 - t)) + 1e-7), over all elements or over `axis`.
 * Both [n, ...]. alpha belongs to missed elements, as in the formula of Keras; its docs name the two the other way round. Salehi et al.,
 * Tversky Loss Function for Image Segmentation, 2017.
 *
 *     losses.tversky({ alpha: 0.7, beta: 0.3, axis: [1, 2, 3] })(masks, probabilities)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export function tversky(options: TverskyOptions = {}): Configured<Loss> {
  const settings = tverskyOptions.read(options);
  const { alpha, beta } = settings;
  return makeRegionLoss(tverskyOptions, settings, (region) => sub(1, tverskyIndex(region, alpha, beta)));
}

export const focalTverskyOptions = declareOptions('losses.focalTversky', {
  /** Factor of t (1 - p), the missed elements. @default 0.7 */
  alpha: optional(number('at least 0'), 0.7),
  /** Factor of p (1 - t), the elements that are predicted wrongly. @default 0.3 */
  beta: optional(number('at least 0'), 0.3),
  /** Exponent of the Tversky loss; 1 is the plain one. @default 0.75 */
  gamma: optional(number('above 0'), 0.75),
  ...regionTable,
});
export type FocalTverskyOptions = OptionsOf<typeof focalTverskyOptions>;

/**
 * Focal Tversky loss, (1 - I)^gamma with the index I of `tversky`. Both [n, ...]. Its gradient at I = 1 is 0. Abraham and Khan, A Novel Focal
 * Tversky Loss Function, 2018, write the exponent as 1 / gamma with gamma 4/3, and use alpha 0.7 and beta 0.3.
 *
 *     losses.focalTversky({ axis: [1, 2, 3] })(masks, probabilities)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export function focalTversky(options: FocalTverskyOptions = {}): Configured<Loss> {
  const settings = focalTverskyOptions.read(options);
  const { alpha, beta, gamma } = settings;
  return makeRegionLoss(focalTverskyOptions, settings, (region) => {
    const loss = sub(1, tverskyIndex(region, alpha, beta));
    // A GPU's division may give an index just above 1.
    const isZero = lessEqual(loss, 0);
    return where(isZero, 0, pow(where(isZero, 1, loss), gamma));
  });
}
