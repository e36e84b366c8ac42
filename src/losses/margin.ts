// Hinge losses: a prediction outside the margin has the loss 0. Targets are -1 or 1 (0 and 1 are converted, as in Keras), predictions any
// number.
import type { Configured } from '../core/config.ts';
import { declareOptions } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, cast, equal, logicalOr, max, maximum, min, mul, neg, square, sub, sum, where } from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { alignEqual, tooFewClasses } from './align.ts';
import { type Loss, type LossOptions, lossOptions, makeLoss, termwise } from './loss.ts';

/** 2 t - 1 if all targets are 0 or 1, otherwise the targets unchanged. */
export function signedTargets(t: Tensor): Tensor {
  const binary = min(cast(logicalOr(equal(t, 0), equal(t, 1)), 'i32'));
  return where(equal(binary, 1), sub(mul(t, 2), 1), t);
}

/** Rules of losses that take 0 and 1 for -1 and 1. */
export const ofSigns = { targetKind: 'signs', judgesTargets: true } as const;

const margin = (t: Tensor, p: Tensor): Tensor => maximum(sub(1, productOrZero(signedTargets(t), p)), 0);

export const hingeOptions = declareOptions('losses.hinge', lossOptions);

/** Hinge loss, mean(max(1 - t p, 0)). */
export const hinge = (options: LossOptions = {}): Configured<Loss> => termwise(hingeOptions, options, margin, ofSigns);

export const squaredHingeOptions = declareOptions('losses.squaredHinge', lossOptions);

/** Squared hinge loss, mean(max(1 - t p, 0)^2). */
export const squaredHinge = (options: LossOptions = {}): Configured<Loss> =>
  termwise(squaredHingeOptions, options, (t, p) => square(margin(t, p)), ofSigns);

export const categoricalHingeOptions = declareOptions('losses.categoricalHinge', lossOptions);

/** Categorical hinge loss, max(max((1 - t) p) - sum(t p) + 1, 0), for one-hot targets. Both [n, ..., classes]. */
export function categoricalHinge(options: LossOptions = {}): Configured<Loss> {
  const name = 'categoricalHinge';
  return makeLoss(categoricalHingeOptions, categoricalHingeOptions.read(options), {
    targetKind: 'oneHot',
    terms(targets, predictions) {
      const pair = alignEqual(name, targets, predictions);
      if (predictions.rank === 0 || predictions.shape[predictions.rank - 1] < 2) throw tooFewClasses(name, predictions);
      const right = sum(productOrZero(pair.targets, pair.predictions), { axis: -1 });
      const wrong = max(productOrZero(sub(1, pair.targets), pair.predictions), { axis: -1 });
      return { terms: maximum(add(wrong, add(neg(right), 1)), 0) };
    },
  });
}
