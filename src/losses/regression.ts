// Losses of numbers against numbers. Targets and predictions [n, ...] of one shape; a sample's loss is the mean over the last axis.
import type { Configured } from '../core/config.ts';
import { integer, number } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import { abs, add, div, exp, less, lessEqual, log, log1p, maximum, mul, neg, norm, square, sub, where } from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { alignEqual } from './align.ts';
import { type Loss, type LossOptions, epsilon, lossOptions, makeLoss, termwise } from './loss.ts';

export const meanSquaredErrorOptions = declareOptions('losses.meanSquaredError', lossOptions);

/**
 * Mean squared error, mean((p - t)^2).
 *
 *     losses.meanSquaredError()(targets, predictions)   // [n] or [n, d] both -> scalar
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export const meanSquaredError = (options: LossOptions = {}): Configured<Loss> =>
  termwise(meanSquaredErrorOptions, options, (t, p) => square(sub(p, t)));

export const meanAbsoluteErrorOptions = declareOptions('losses.meanAbsoluteError', lossOptions);

/** Mean absolute error, mean(|p - t|); its gradient at p = t is 0. */
export const meanAbsoluteError = (options: LossOptions = {}): Configured<Loss> =>
  termwise(meanAbsoluteErrorOptions, options, (t, p) => abs(sub(p, t)));

export const meanAbsolutePercentageErrorOptions = declareOptions('losses.meanAbsolutePercentageError', lossOptions);

/** Mean absolute percentage error, 100 mean(|p - t| / max(|t|, 1e-7)). */
export const meanAbsolutePercentageError = (options: LossOptions = {}): Configured<Loss> =>
  termwise(meanAbsolutePercentageErrorOptions, options, (t, p) => mul(div(abs(sub(t, p)), maximum(abs(t), epsilon)), 100));

export const meanSquaredLogarithmicErrorOptions = declareOptions('losses.meanSquaredLogarithmicError', lossOptions);

/** Mean squared logarithmic error, mean((log(1 + p) - log(1 + t))^2), with p and t at least 1e-7. */
export const meanSquaredLogarithmicError = (options: LossOptions = {}): Configured<Loss> =>
  termwise(meanSquaredLogarithmicErrorOptions, options, (t, p) => square(sub(log1p(maximum(p, epsilon)), log1p(maximum(t, epsilon)))));

export const huberOptions = declareOptions('losses.huber', {
  /** Size of the error at which the parabola becomes a line. @default 1 */
  delta: optional(number('above 0'), 1),
  ...lossOptions,
});
export type HuberOptions = OptionsOf<typeof huberOptions>;

/**
 * Huber loss of e = p - t: e^2 / 2 if |e| <= delta, otherwise delta |e| - delta^2 / 2. Huber, Robust Estimation of a Location Parameter,
 * 1964.
 *
 *     losses.huber({ delta: 0.5 })(targets, predictions)
 */
export function huber(options: HuberOptions = {}): Configured<Loss> {
  return termwise(huberOptions, options, (t, p, { delta }) => {
    const error = sub(p, t);
    const size = abs(error);
    const isSmall = lessEqual(size, delta);
    return where(isSmall, mul(square(where(isSmall, error, 0)), 0.5), sub(mul(size, delta), 0.5 * delta * delta));
  });
}

export const smoothL1Options = declareOptions('losses.smoothL1', {
  /** Size of the error at which the parabola becomes a line of slope 1. @default 1 */
  beta: optional(number('above 0'), 1),
  ...lossOptions,
});
export type SmoothL1Options = OptionsOf<typeof smoothL1Options>;

/** Smooth L1 of e = p - t, as in PyTorch: e^2 / (2 beta) if |e| < beta, otherwise |e| - beta / 2. It is huber({ delta: beta }) / beta. */
export function smoothL1(options: SmoothL1Options = {}): Configured<Loss> {
  return termwise(smoothL1Options, options, (t, p, { beta }) => {
    const error = sub(p, t);
    const size = abs(error);
    const isSmall = less(size, beta);
    return where(isSmall, mul(square(where(isSmall, error, 0)), 0.5 / beta), sub(size, 0.5 * beta));
  });
}

export const logCoshOptions = declareOptions('losses.logCosh', lossOptions);

/** Mean of log(cosh(e)), e = p - t, as |e| + log(1 + exp(-2|e|)) - log 2, which does not overflow. */
export const logCosh = (options: LossOptions = {}): Configured<Loss> =>
  termwise(logCoshOptions, options, (t, p) => {
    const size = abs(sub(p, t));
    return add(size, sub(log1p(exp(mul(size, -2))), Math.LN2));
  });

export const poissonOptions = declareOptions('losses.poisson', lossOptions);

/** Poisson loss, mean(p - t log(p + 1e-7)), for counts t and rates p > 0. */
export const poisson = (options: LossOptions = {}): Configured<Loss> =>
  termwise(poissonOptions, options, (t, p) => sub(p, productOrZero(t, log(add(p, epsilon)))), { targetKind: 'counts' });

export const cosineSimilarityOptions = declareOptions('losses.cosineSimilarity', {
  /** Axis of the vectors. @default -1 */
  axis: optional(integer(), -1),
  ...lossOptions,
});
export type CosineSimilarityOptions = OptionsOf<typeof cosineSimilarityOptions>;

/** Cosine similarity with the opposite sign, -sum(t p) / (|t| |p|): -1 for equal directions, 1 for opposite ones, 0 if a vector is zero. */
export function cosineSimilarity(options: CosineSimilarityOptions = {}): Configured<Loss> {
  const settings = cosineSimilarityOptions.read(options);
  const { axis } = settings;
  return makeLoss(cosineSimilarityOptions, settings, {
    targetKind: 'numbers',
    axis,
    terms(targets, predictions) {
      const pair = alignEqual('cosineSimilarity', targets, predictions);
      return { terms: neg(mul(unit(pair.targets, axis), unit(pair.predictions, axis))), inner: 'sum' };
    },
  });
}

/** x / max(|x|, epsilon), whose gradient at x = 0 is finite. */
export const unit = (x: Tensor, axis: number): Tensor => div(x, maximum(norm(x, { axis, keepDims: true }), epsilon));
