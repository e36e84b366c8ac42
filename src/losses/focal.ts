// Focal losses: cross-entropy that looks away from what is already well classified. Lin et al., Focal Loss for Dense Object Detection, 2017.
import { ArgumentError } from '../core/errors.ts';
import { add, exp, mul, neg, pow, sigmoid, sub } from '../ops/index.ts';
import { productOrZero } from '../ops/zeroFlow.ts';
import { alignEqual, tooFewClasses } from './align.ts';
import {
  type CrossentropyOptions,
  binaryTermsFromLogits,
  binaryTermsFromProbabilities,
  checkSmoothing,
  clipProbabilities,
  logProbabilities,
  smooth,
} from './crossentropy.ts';
import { type Loss, checkLossOptions, makeLoss } from './loss.ts';

export interface FocalOptions extends CrossentropyOptions {
  /** How strongly easy examples fade; 2. */
  gamma?: number;
  /** Weight of class 1 (binary, with applyClassBalancing) or of every class (categorical); 0.25. */
  alpha?: number;
}

export interface BinaryFocalOptions extends FocalOptions {
  /** Weighs class 1 by alpha and class 0 by 1 - alpha; false. */
  applyClassBalancing?: boolean;
}

function checkFocal(name: string, { gamma = 2, alpha = 0.25 }: FocalOptions): { gamma: number; alpha: number } {
  if (!(gamma >= 0)) throw new ArgumentError(`losses.${name}: gamma is ${String(gamma)}; it must be a number of at least 0`);
  if (!(alpha >= 0 && alpha <= 1)) throw new ArgumentError(`losses.${name}: alpha is ${String(alpha)}; it must lie in 0..1`);
  return { gamma, alpha };
}

/**
 * Binary focal cross-entropy, mean((1 - q)^gamma * cross-entropy) where q = t p + (1 - t)(1 - p). Targets in 0..1, shapes as binaryCrossentropy.
 *
 *     losses.binaryFocalCrossentropy({ gamma: 2, fromLogits: true })(targets, logits)
 */
export function binaryFocalCrossentropy(options: BinaryFocalOptions = {}): Loss {
  const name = 'binaryFocalCrossentropy';
  checkLossOptions(name, options, ['applyClassBalancing', 'alpha', 'gamma', 'fromLogits', 'labelSmoothing', 'axis']);
  const { fromLogits = false, applyClassBalancing = false, axis = -1 } = options;
  const { gamma, alpha } = checkFocal(name, options);
  const smoothing = checkSmoothing(name, options.labelSmoothing);
  return makeLoss(
    {
      name,
      targetKind: 'probabilities',
      axis,
      terms(targets, predictions) {
        const pair = alignEqual(name, targets, predictions);
        const t = smooth(pair.targets, smoothing, 2);
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
    },
    options,
  );
}

/** Categorical focal cross-entropy, -sum(alpha (1 - p)^gamma t log p) over the classes; targets one-hot, shapes as categoricalCrossentropy. */
export function categoricalFocalCrossentropy(options: FocalOptions = {}): Loss {
  const name = 'categoricalFocalCrossentropy';
  checkLossOptions(name, options, ['alpha', 'gamma', 'fromLogits', 'labelSmoothing', 'axis']);
  const { fromLogits = false, axis = -1 } = options;
  const { gamma, alpha } = checkFocal(name, options);
  const smoothing = checkSmoothing(name, options.labelSmoothing);
  return makeLoss(
    {
      name,
      targetKind: 'oneHot',
      axis,
      terms(targets, predictions) {
        const pair = alignEqual(name, targets, predictions);
        const classes = predictions.shape.at(axis) ?? 0;
        if (predictions.rank === 0 || classes < 2) throw tooFewClasses(name, predictions);
        const logP = logProbabilities(pair.predictions, fromLogits, axis);
        const weight = mul(pow(sub(1, exp(logP)), gamma), alpha);
        return { terms: neg(mul(weight, productOrZero(smooth(pair.targets, smoothing, classes), logP))), inner: 'sum' };
      },
    },
    options,
  );
}
