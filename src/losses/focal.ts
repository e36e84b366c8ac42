// Focal losses: cross-entropy with less weight on samples that are already well classified. Lin et al., Focal Loss for Dense Object Detection, 2017.
import type { Configured } from '../core/config.ts';
import { boolean, number } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { add, exp, mul, neg, pow, sigmoid, sub } from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { alignEqual, tooFewClasses } from './align.ts';
import {
  axisOption,
  binaryTermsFromLogits,
  binaryTermsFromProbabilities,
  clipProbabilities,
  crossentropyOptions,
  logProbabilities,
  smooth,
} from './crossentropy.ts';
import { type Loss, lossOptions, makeLoss } from './loss.ts';

const focalTable = {
  /** Exponent that lowers the loss of well classified samples. 0 is plain cross-entropy. @default 2 */
  gamma: /* @__PURE__ */ optional(number('at least 0'), 2),
  /** Factor of class 1 (binary, with applyClassBalancing) or of every class (categorical). @default 0.25 */
  alpha: /* @__PURE__ */ optional(number('0 to 1'), 0.25),
  ...crossentropyOptions,
  ...axisOption,
  ...lossOptions,
};

export const binaryFocalCrossentropyOptions = declareOptions('losses.binaryFocalCrossentropy', {
  /** Multiplies the loss of class 1 by alpha and that of class 0 by 1 - alpha. @default false */
  applyClassBalancing: optional(boolean, false),
  ...focalTable,
});
export type BinaryFocalOptions = OptionsOf<typeof binaryFocalCrossentropyOptions>;

/**
 * Binary focal cross-entropy, mean((1 - q)^gamma * cross-entropy) where q = t p + (1 - t)(1 - p). Targets in 0..1, shapes as binaryCrossentropy.
 *
 *     losses.binaryFocalCrossentropy({ gamma: 2, fromLogits: true })(targets, logits)
 */
export function binaryFocalCrossentropy(options: BinaryFocalOptions = {}): Configured<Loss> {
  const settings = binaryFocalCrossentropyOptions.read(options);
  const { fromLogits, labelSmoothing, applyClassBalancing, axis, gamma, alpha } = settings;
  return makeLoss(binaryFocalCrossentropyOptions, settings, {
    targetKind: 'probabilities',
    axis,
    terms(targets, predictions) {
      const pair = alignEqual('binaryFocalCrossentropy', targets, predictions);
      const t = smooth(pair.targets, labelSmoothing, 2);
      const x = pair.predictions;
      const p = fromLogits ? sigmoid(x) : clipProbabilities(x);
      const notP = fromLogits ? sigmoid(neg(x)) : sub(1, p);
      // 1 - q, without subtracting from 1.
      const miss = add(mul(t, notP), mul(sub(1, t), p));
      const entropy = (fromLogits ? binaryTermsFromLogits : binaryTermsFromProbabilities)(t, x);
      const terms = mul(pow(miss, gamma), entropy);
      const balance = add(mul(t, alpha), mul(sub(1, t), 1 - alpha));
      return { terms: applyClassBalancing ? mul(balance, terms) : terms, inner: 'mean' };
    },
  });
}

export const categoricalFocalCrossentropyOptions = declareOptions('losses.categoricalFocalCrossentropy', focalTable);
export type FocalOptions = OptionsOf<typeof categoricalFocalCrossentropyOptions>;

/** Categorical focal cross-entropy, -sum(alpha (1 - p)^gamma t log p) over the classes; targets one-hot, shapes as categoricalCrossentropy. */
export function categoricalFocalCrossentropy(options: FocalOptions = {}): Configured<Loss> {
  const name = 'categoricalFocalCrossentropy';
  const settings = categoricalFocalCrossentropyOptions.read(options);
  const { fromLogits, labelSmoothing, axis, gamma, alpha } = settings;
  return makeLoss(categoricalFocalCrossentropyOptions, settings, {
    targetKind: 'oneHot',
    axis,
    terms(targets, predictions) {
      const pair = alignEqual(name, targets, predictions);
      const classes = predictions.shape.at(axis) ?? 0;
      if (predictions.rank === 0 || classes < 2) throw tooFewClasses(name, predictions);
      const logP = logProbabilities(pair.predictions, fromLogits, axis);
      const weight = mul(pow(sub(1, exp(logP)), gamma), alpha);
      return { terms: neg(mul(weight, productOrZero(smooth(pair.targets, labelSmoothing, classes), logP))), inner: 'sum' };
    },
  });
}
