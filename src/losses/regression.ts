// Losses of numbers against numbers. Targets and predictions [n, ...] of one shape; a sample's loss is the mean over the last axis.
import { ArgumentError } from '../core/errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { abs, add, div, exp, less, lessEqual, log, log1p, maximum, mul, neg, norm, square, sub, where } from '../ops/index.ts';
import { productOrZero } from '../ops/zeroFlow.ts';
import { alignEqual } from './align.ts';
import { type Loss, type LossOptions, checkLossOptions, makeLoss } from './loss.ts';

/** Keras's fuzz factor: keeps divisions and logarithms of zero finite. */
export const epsilon = 1e-7;

/** A loss whose term is a function of one target and one prediction; a sample's loss is their mean. */
export function termwise(
  name: string,
  options: LossOptions,
  own: readonly string[],
  term: (target: Tensor, prediction: Tensor) => Tensor,
  judgesTargets = false,
): Loss {
  checkLossOptions(name, options, own);
  return makeLoss(
    {
      name,
      targetKind: 'numbers',
      judgesTargets,
      terms(targets, predictions) {
        const pair = alignEqual(name, targets, predictions);
        return { terms: term(pair.targets, pair.predictions), inner: 'mean' };
      },
    },
    options,
  );
}

function positive(name: string, option: string, value: number): number {
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
  throw new ArgumentError(`losses.${name}: ${option} is ${String(value)}; it must be a number above 0`);
}

/**
 * Mean squared error, mean((p - t)^2).
 *
 *     losses.meanSquaredError()(targets, predictions)   // [n] or [n, d] both -> scalar
 *
 * @throws ShapeError where targets and predictions have different shapes.
 */
export const meanSquaredError = (options: LossOptions = {}): Loss => termwise('meanSquaredError', options, [], (t, p) => square(sub(p, t)));

/** Mean absolute error, mean(|p - t|); its gradient at p = t is 0. */
export const meanAbsoluteError = (options: LossOptions = {}): Loss => termwise('meanAbsoluteError', options, [], (t, p) => abs(sub(p, t)));

/** Mean absolute percentage error, 100 mean(|p - t| / max(|t|, 1e-7)). */
export const meanAbsolutePercentageError = (options: LossOptions = {}): Loss =>
  termwise('meanAbsolutePercentageError', options, [], (t, p) => mul(div(abs(sub(t, p)), maximum(abs(t), epsilon)), 100));

/** Mean squared logarithmic error, mean((log(1 + p) - log(1 + t))^2), with p and t at least 1e-7. */
export const meanSquaredLogarithmicError = (options: LossOptions = {}): Loss =>
  termwise('meanSquaredLogarithmicError', options, [], (t, p) => square(sub(log1p(maximum(p, epsilon)), log1p(maximum(t, epsilon)))));

export interface HuberOptions extends LossOptions {
  /** Where the parabola becomes a line; 1. */
  delta?: number;
}

/**
 * Huber loss of e = p - t: e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2. Huber, Robust Estimation of a Location Parameter, 1964.
 *
 *     losses.huber({ delta: 0.5 })(targets, predictions)
 */
export function huber(options: HuberOptions = {}): Loss {
  const delta = positive('huber', 'delta', options.delta ?? 1);
  return termwise('huber', options, ['delta'], (t, p) => {
    const error = sub(p, t);
    const size = abs(error);
    const isSmall = lessEqual(size, delta);
    return where(isSmall, mul(square(where(isSmall, error, 0)), 0.5), sub(mul(size, delta), 0.5 * delta * delta));
  });
}

export interface SmoothL1Options extends LossOptions {
  /** Where the parabola becomes a line of slope 1; 1. */
  beta?: number;
}

/** Smooth L1 of e = p - t, as in PyTorch: e^2 / (2 beta) where |e| < beta, else |e| - beta / 2. It is huber({ delta: beta }) / beta. */
export function smoothL1(options: SmoothL1Options = {}): Loss {
  const beta = positive('smoothL1', 'beta', options.beta ?? 1);
  return termwise('smoothL1', options, ['beta'], (t, p) => {
    const error = sub(p, t);
    const size = abs(error);
    const isSmall = less(size, beta);
    return where(isSmall, mul(square(where(isSmall, error, 0)), 0.5 / beta), sub(size, 0.5 * beta));
  });
}

/** Mean of log(cosh(e)), e = p - t, as |e| + log(1 + exp(-2|e|)) - log 2, which does not overflow. */
export const logCosh = (options: LossOptions = {}): Loss =>
  termwise('logCosh', options, [], (t, p) => {
    const size = abs(sub(p, t));
    return add(size, sub(log1p(exp(mul(size, -2))), Math.LN2));
  });

/** Poisson loss, mean(p - t log(p + 1e-7)), for counts t and rates p > 0. */
export const poisson = (options: LossOptions = {}): Loss =>
  termwise('poisson', options, [], (t, p) => sub(p, productOrZero(t, log(add(p, epsilon)))));

export interface CosineSimilarityOptions extends LossOptions {
  /** The axis of the vectors; -1. */
  axis?: number;
}

/** Cosine similarity with its sign turned, -sum(t p) / (|t| |p|): -1 for equal directions, 1 for opposite ones, 0 where a vector is zero. */
export function cosineSimilarity(options: CosineSimilarityOptions = {}): Loss {
  const name = 'cosineSimilarity';
  checkLossOptions(name, options, ['axis']);
  const { axis = -1 } = options;
  return makeLoss(
    {
      name,
      targetKind: 'numbers',
      axis,
      terms(targets, predictions) {
        const pair = alignEqual(name, targets, predictions);
        return { terms: neg(mul(unit(pair.targets, axis), unit(pair.predictions, axis))), inner: 'sum' };
      },
    },
    options,
  );
}

/** x / max(|x|, epsilon), whose gradient at x = 0 is finite. */
const unit = (x: Tensor, axis: number): Tensor => div(x, maximum(norm(x, { axis, keepDims: true }), epsilon));
