// Regression losses that limit the effect of outliers, or that estimate a quantile. Shapes are those of regression.ts.
import type { Configured } from '../core/config.ts';
import { number } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { abs, add, greater, less, lessEqual, mul, sqrt, square, sub, where } from '../ops/index.ts';
import { type Loss, lossOptions, termwise } from './loss.ts';

export const charbonnierOptions = declareOptions('losses.charbonnier', {
  /** Size of the error below which the loss is close to a parabola. @default 0.001 */
  epsilon: optional(number('above 0'), 0.001),
  ...lossOptions,
});
export type CharbonnierOptions = OptionsOf<typeof charbonnierOptions>;

/**
 * Charbonnier loss of e = p - t, mean(sqrt(e^2 + epsilon^2)): a smooth absolute error. Targets and predictions [n] or [n, ..., d].
 * Charbonnier et al., Two Deterministic Half-Quadratic Regularization Algorithms, 1994; the default is that of Lai et al., LapSRN, 2017.
 *
 *     losses.charbonnier({ epsilon: 1e-3 })(images, restored)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export function charbonnier(options: CharbonnierOptions = {}): Configured<Loss> {
  return termwise(charbonnierOptions, options, (t, p, { epsilon }) => {
    const error = sub(p, t);
    const size = abs(error);
    // Beyond 1e8 epsilon the root is |e| to the last bit of an f64. The square of a larger error could overflow.
    const isSmall = less(size, epsilon * 1e8);
    return where(isSmall, sqrt(add(square(where(isSmall, error, 0)), epsilon * epsilon)), size);
  });
}

export const tukeyBiweightOptions = declareOptions('losses.tukeyBiweight', {
  /** Size of the error from which the loss is constant. @default 4.685 */
  c: optional(number('above 0'), 4.685),
  ...lossOptions,
});
export type TukeyBiweightOptions = OptionsOf<typeof tukeyBiweightOptions>;

/**
 * Tukey's biweight loss of e = p - t: (c^2 / 6) (1 - (1 - (e / c)^2)^3) if |e| <= c, otherwise c^2 / 6. Errors above c have no gradient.
 * The default c has 95 % efficiency for normal errors of deviation 1. Targets and predictions [n] or [n, ..., d]. Beaton and Tukey, The
 * Fitting of Power Series, 1974.
 *
 *     losses.tukeyBiweight({ c: 4.685 })(targets, predictions)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export function tukeyBiweight(options: TukeyBiweightOptions = {}): Configured<Loss> {
  return termwise(tukeyBiweightOptions, options, (t, p, { c }) => {
    const error = sub(p, t);
    const isSmall = lessEqual(abs(error), c);
    const squares = square(where(isSmall, error, 0));
    const u = mul(squares, 1 / (c * c));
    // 1 - (1 - u)^3 is u (3 - 3 u + u^2). This form keeps the digits of small errors.
    return where(isSmall, mul(squares, add(mul(u, sub(mul(u, 1 / 6), 0.5)), 0.5)), (c * c) / 6);
  });
}

export const quantileOptions = declareOptions('losses.quantile', {
  /** Quantile of the targets that the predictions approach, above 0 and below 1. @default 0.5 */
  quantile: optional(number('within 0 and 1'), 0.5),
  ...lossOptions,
});
export type QuantileLossOptions = OptionsOf<typeof quantileOptions>;

/**
 * Quantile (pinball) loss of e = t - p with quantile q: mean(max(q e, (q - 1) e)). Its gradient at e = 0 is 0. Targets and predictions [n] or
 * [n, ..., d]. Koenker and Bassett, Regression Quantiles, 1978.
 *
 *     losses.quantile({ quantile: 0.9 })(targets, predictions)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export function quantile(options: QuantileLossOptions = {}): Configured<Loss> {
  return termwise(quantileOptions, options, (t, p, { quantile: q }) => {
    const error = sub(t, p);
    return mul(abs(error), where(greater(error, 0), q, 1 - q));
  });
}
