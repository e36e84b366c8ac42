// Negative log-likelihoods of numbers, as in PyTorch: predictions are the parameters of a distribution.
import type { Configured } from '../core/config.ts';
import { ShapeError } from '../core/errors.ts';
import { boolean, number } from '../core/optionKinds.ts';
import { type OptionsOf, type SettingsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, div, exp, greater, less, log, maximum, mul, reshape, square, stopGradient, sub, where } from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { sliceAxis } from '../ops/shape/slice.ts';
import { type Pair, toFloat } from './align.ts';
import { type Loss, lossOptions, makeLoss, termwise } from './loss.ts';

export const poissonNllOptions = declareOptions('losses.poissonNll', {
  /** True if the predictions are logarithms of rates, false if they are rates. @default true */
  logInput: optional(boolean, true),
  /** Adds Stirling's approximation of log t! for targets above 1. It has no gradient. @default false */
  full: optional(boolean, false),
  /** Summand of a rate inside the logarithm, if logInput is false. @default 1e-8 */
  epsilon: optional(number('above 0'), 1e-8),
  ...lossOptions,
});
export type PoissonNllOptions = OptionsOf<typeof poissonNllOptions>;

/**
 * Negative log-likelihood of counts t under a Poisson distribution, as in PyTorch: mean(exp(x) - t x), or mean(p - t log(p + epsilon)) for
 * rates p. Targets and predictions [n] or [n, ..., d].
 *
 *     losses.poissonNll()(counts, logRates)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export function poissonNll(options: PoissonNllOptions = {}): Configured<Loss> {
  const term = (t: Tensor, p: Tensor, { logInput, full, epsilon }: SettingsOf<typeof poissonNllOptions>): Tensor => {
    const terms = logInput ? sub(exp(p), productOrZero(t, p)) : sub(p, productOrZero(t, log(add(p, epsilon))));
    return full ? add(terms, logFactorial(t)) : terms;
  };
  return termwise(poissonNllOptions, options, term, { targetKind: 'counts' });
}

/** Stirling's t log t - t + log(2 pi t) / 2 for t above 1, otherwise 0. */
function logFactorial(t: Tensor): Tensor {
  const isAbove = greater(t, 1);
  const safe = where(isAbove, t, 1);
  const logT = log(safe);
  return where(isAbove, add(mul(safe, sub(logT, 1)), add(mul(logT, 0.5), 0.5 * Math.log(2 * Math.PI))), 0);
}

export const gaussianNllOptions = declareOptions('losses.gaussianNll', {
  /** Adds the constant log(2 pi) / 2. @default false */
  full: optional(boolean, false),
  /** Smallest variance. Lower ones are replaced by it and keep their gradient. @default 0.000001 */
  epsilon: optional(number('above 0'), 1e-6),
  ...lossOptions,
});
export type GaussianNllOptions = OptionsOf<typeof gaussianNllOptions>;

/**
 * Negative log-likelihood under a normal distribution, as in PyTorch: mean((log v + (m - t)^2 / v) / 2) with mean m and variance v. Targets
 * [n, ..., d]; predictions [n, ..., 2 d] hold d means and then d variances on the last axis. Targets [n] fit predictions [n, 2]. Nix and
 * Weigend, Estimating the Mean and Variance of the Target Probability Distribution, 1994.
 *
 *     const outputs = layers.concatenate().apply([mean, variance]);   // the variance of a softplus
 *     losses.gaussianNll()(targets, predictions)
 *
 * @throws ShapeError if the last axis of the predictions is not twice that of the targets.
 */
export function gaussianNll(options: GaussianNllOptions = {}): Configured<Loss> {
  const settings = gaussianNllOptions.read(options);
  const { full, epsilon } = settings;
  return makeLoss(gaussianNllOptions, settings, {
    targetKind: 'numbers',
    terms(targets, predictions) {
      const { targets: t, predictions: p } = alignHalf('gaussianNll', targets, predictions);
      const count = t.shape[t.rank - 1];
      const [mean, given] = [0, count].map((start) => sliceAxis(p, p.rank - 1, start, count));
      const isLow = less(given, epsilon);
      // The value of epsilon with the gradient of the given variance, which is added as given - given.
      const variance = where(isLow, add(maximum(stopGradient(given), epsilon), sub(given, stopGradient(given))), given);
      const terms = mul(add(log(variance), div(square(sub(mean, t)), variance)), 0.5);
      return { terms: full ? add(terms, 0.5 * Math.log(2 * Math.PI)) : terms, inner: 'mean' };
    },
  });
}

/** Targets and predictions as f32. The last axis of the predictions is twice that of the targets. @throws ShapeError */
function alignHalf(name: string, targets: Tensor, predictions: Tensor): Pair {
  const last = predictions.shape[predictions.rank - 1];
  const shape = [...predictions.shape.slice(0, -1), last / 2];
  const fits = sameShape(targets.shape, shape) || (last === 2 && sameShape(targets.shape, shape.slice(0, -1)));
  if (predictions.rank >= 2 && last % 2 === 0 && last > 0 && fits) {
    return { targets: reshape(toFloat(targets), shape), predictions: toFloat(predictions) };
  }
  const units = 2 * (targets.rank === predictions.rank ? targets.shape[targets.rank - 1] : 1);
  throw new ShapeError(
    `${name}: targets ${formatShape(targets.shape)} do not fit predictions ${formatShape(predictions.shape)}; the last axis of predictions ` +
      `holds a mean and a variance of each target, all means first; give the last layer ${units} units`,
  );
}
