// Cross-entropies. From logits they never form a probability, so that logits of 1e4 cost nothing; from probabilities they clip as Keras does.
import { ArgumentError } from '../core/errors.ts';
import { formatShape, normalizeAxis } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { inWords } from '../ops/arguments.ts';
import {
  abs,
  add,
  cast,
  clip,
  div,
  equal,
  exp,
  log,
  log1p,
  logSoftmax,
  maximum,
  mul,
  neg,
  notEqual,
  oneHot,
  type TensorLike,
  sub,
  sum,
  tensor,
  where,
} from '../ops/index.ts';
import { productOrZero } from '../ops/zeroFlow.ts';
import { alignClasses, alignEqual, tooFewClasses } from './align.ts';
import { type Loss, type LossOptions, checkLossOptions, makeLoss } from './loss.ts';
import { epsilon } from './regression.ts';

export interface CrossentropyOptions extends LossOptions {
  /** The predictions are logits; false: they are probabilities. */
  fromLogits?: boolean;
  /** 0 to 1: how far targets are pulled towards the uniform distribution; 0. */
  labelSmoothing?: number;
  /** The axis of the classes (of the terms of a sample, for the binary form); -1. */
  axis?: number;
}

export interface BinaryCrossentropyOptions extends CrossentropyOptions {
  /** Factor of the loss of targets 1 (PyTorch's pos_weight): a number from 0 on, or one for each place on the last axis. @default 1 */
  posWeight?: number | readonly number[];
}

export interface CategoricalCrossentropyOptions extends CrossentropyOptions {
  /** Factor of each class's part of the loss, from 0 on, one for each class (PyTorch's weight). The mean still divides by the number of samples. */
  classWeight?: readonly number[];
}

const isFactor = (given: unknown): boolean => typeof given === 'number' && given >= 0 && Number.isFinite(given);

/** Checks factors of a loss that are given one by one. */
function checkFactors(name: string, option: string, factors: readonly number[] | undefined): readonly number[] | undefined {
  const given: unknown = factors;
  if (given === undefined || (Array.isArray(given) && given.length > 0 && given.every(isFactor))) return factors;
  const text = Array.isArray(given) ? `[${given.map(String).join(', ')}]` : inWords(given);
  throw new ArgumentError(`losses.${name}: ${option} is ${text}; it must be an array of numbers from 0 on, such as [1, 2.5]`);
}

function checkPosWeight(name: string, given: number | readonly number[] | undefined): void {
  if (typeof given !== 'number') checkFactors(name, 'posWeight', given);
  else if (!isFactor(given))
    throw new ArgumentError(`losses.${name}: posWeight is ${given}; it must be a number from 0 on, or an array of them`);
}

/** Factors along an axis of x. @throws ArgumentError where their number is not the axis's size. */
function along(name: string, option: string, factors: readonly number[], x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(name, axis, x.rank);
  if (factors.length !== x.shape[at]) {
    throw new ArgumentError(
      `losses.${name}: ${option} has ${factors.length} numbers for predictions ${formatShape(x.shape)}; give ${x.shape[at]}, one for each class`,
    );
  }
  return tensor(
    [...factors],
    x.shape.map((n, i) => (i === at ? n : 1)),
  );
}

/** Checks `labelSmoothing` and gives it back. */
export function checkSmoothing(name: string, smoothing = 0): number {
  if (typeof smoothing === 'number' && smoothing >= 0 && smoothing <= 1) return smoothing;
  throw new ArgumentError(`losses.${name}: labelSmoothing is ${String(smoothing)}; it must lie in 0..1`);
}

/** Probabilities kept off 0 and 1, where their logarithm is infinite. */
export const clipProbabilities = (p: Tensor): Tensor => clip(p, epsilon, 1 - epsilon);

/** t (1 - s) + s / classes. */
export const smooth = (t: Tensor, smoothing: number, classes: number): Tensor =>
  smoothing ? add(mul(t, 1 - smoothing), smoothing / classes) : t;

/**
 * Binary cross-entropy of each target, c t log(1 + e^-x) + (1 - t) log(1 + e^x), as (1 - t) max(x, 0) + c t max(-x, 0) + (1 + (c - 1) t) log(1 +
 * e^-|x|). For c = 1 its gradient in x is sigmoid(x) - t, at 0 as well. An infinite logit of the right sign costs 0.
 */
export function binaryTermsFromLogits(t: Tensor, x: Tensor, posWeight?: TensorLike): Tensor {
  const rest = log1p(exp(neg(abs(x))));
  return add(
    add(productOrZero(sub(1, t), maximum(x, 0)), productOrZero(posWeight === undefined ? t : mul(t, posWeight), maximum(neg(x), 0))),
    posWeight === undefined ? rest : mul(rest, add(mul(t, sub(posWeight, 1)), 1)),
  );
}

/** Binary cross-entropy of each target, -c t log p - (1 - t) log(1 - p), p clipped. */
export function binaryTermsFromProbabilities(t: Tensor, probabilities: Tensor, posWeight?: TensorLike): Tensor {
  const p = clipProbabilities(probabilities);
  return neg(add(mul(posWeight === undefined ? t : mul(t, posWeight), log(p)), mul(sub(1, t), log(sub(1, p)))));
}

/**
 * Binary cross-entropy, mean(-t log p - (1 - t) log(1 - p)) over the last axis; from logits max(x, 0) - x t + log(1 + exp(-|x|)).
 * Targets in 0..1, [n] or [n, d]; predictions [n, 1] or [n, d]. With posWeight c the first term is -c t log p.
 *
 *     losses.binaryCrossentropy({ fromLogits: true })(targets, logits)
 *
 * @throws ShapeError where targets and predictions have different shapes.
 */
export function binaryCrossentropy(options: BinaryCrossentropyOptions = {}): Loss {
  const name = 'binaryCrossentropy';
  checkLossOptions(name, options, ['fromLogits', 'labelSmoothing', 'axis', 'posWeight']);
  const { fromLogits = false, axis = -1, posWeight } = options;
  const smoothing = checkSmoothing(name, options.labelSmoothing);
  checkPosWeight(name, posWeight);
  return makeLoss(
    {
      name,
      targetKind: 'probabilities',
      axis,
      terms(targets, predictions) {
        const pair = alignEqual(name, targets, predictions);
        const t = smooth(pair.targets, smoothing, 2);
        const forOnes =
          posWeight === undefined || typeof posWeight === 'number' ? posWeight : along(name, 'posWeight', posWeight, pair.predictions, -1);
        return { terms: (fromLogits ? binaryTermsFromLogits : binaryTermsFromProbabilities)(t, pair.predictions, forOnes), inner: 'mean' };
      },
    },
    options,
  );
}

/**
 * log p of each class. The maximum leaves first: log(softmax(x)) without ever forming the softmax. Probabilities are made to sum to 1, as in Keras;
 * where all are 0 they stay 0.
 */
export function logProbabilities(predictions: Tensor, fromLogits: boolean, axis: number): Tensor {
  if (fromLogits) return logSoftmax(predictions, { axis });
  const total = sum(predictions, { axis, keepDims: true });
  return log(clipProbabilities(div(predictions, where(equal(total, 0), 1, total))));
}

/**
 * Categorical cross-entropy, -sum(w t log p) over the classes, for targets that are rows of probabilities (one-hot) and class weights w (1 unless
 * given). Both [n, ..., classes]. A class of target 0 adds 0, also where its logit is -Infinity.
 *
 *     losses.categoricalCrossentropy({ labelSmoothing: 0.1 })(oneHot(labels, 10), probabilities)
 *
 * @throws ShapeError where targets and predictions have different shapes, or one class only.
 */
export function categoricalCrossentropy(options: CategoricalCrossentropyOptions = {}): Loss {
  const name = 'categoricalCrossentropy';
  checkLossOptions(name, options, ['fromLogits', 'labelSmoothing', 'axis', 'classWeight']);
  const { fromLogits = false, axis = -1 } = options;
  const weights = checkFactors(name, 'classWeight', options.classWeight);
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
        const t = smooth(pair.targets, smoothing, classes);
        const weighted = weights ? mul(t, along(name, 'classWeight', weights, pair.predictions, axis)) : t;
        return { terms: neg(productOrZero(weighted, logProbabilities(pair.predictions, fromLogits, axis))), inner: 'sum' };
      },
    },
    options,
  );
}

export interface SparseCrossentropyOptions extends LossOptions {
  /**
   * Factor of the loss of each class's samples, from 0 on, one for each class. As in PyTorch (weight), the mean divides by the sum of the samples'
   * factors; fit's classWeight divides by the number of samples.
   */
  classWeight?: readonly number[];
  /** The predictions are logits; false: they are probabilities. */
  fromLogits?: boolean;
  /** 0 to 1: how far targets are pulled towards the uniform distribution; 0. */
  labelSmoothing?: number;
  /** Targets of this class (-1, say) add nothing, and the mean is over the others. */
  ignoreClass?: number;
}

/**
 * Sparse categorical cross-entropy, -w[target] log p[target], for targets that are class indices and class weights w (1 unless given). Targets [n, ...]
 * (or [n, ..., 1]), predictions [n, ..., classes]; float targets are cast. An index outside 0..classes-1 gives loss 0 for its sample; model.fit
 * refuses such data.
 *
 *     losses.sparseCategoricalCrossentropy({ fromLogits: true })(labels, logits)
 *
 * @throws ShapeError where the targets are not of the predictions' shape without its last axis.
 */
export function sparseCategoricalCrossentropy(options: SparseCrossentropyOptions = {}): Loss {
  const name = 'sparseCategoricalCrossentropy';
  checkLossOptions(name, options, ['fromLogits', 'labelSmoothing', 'ignoreClass', 'classWeight']);
  const { fromLogits = false, ignoreClass } = options;
  const weights = checkFactors(name, 'classWeight', options.classWeight);
  const smoothing = checkSmoothing(name, options.labelSmoothing);
  if (ignoreClass !== undefined && !Number.isInteger(ignoreClass)) {
    throw new ArgumentError(`losses.${name}: ignoreClass is ${String(ignoreClass)}; it must be a class index`);
  }
  return makeLoss(
    {
      name,
      targetKind: 'classIndex',
      ignoreClass,
      terms(targets, predictions) {
        const pair = alignClasses(name, targets, predictions);
        const classes = predictions.shape[predictions.rank - 1];
        const logP = logProbabilities(pair.predictions, fromLogits, -1);
        const hit = oneHot(pair.targets, classes, 'bool');
        // Selected, not multiplied: 0 * -Infinity would be NaN.
        if (!smoothing && !weights) return { terms: neg(where(hit, logP, 0)), inner: 'sum' };
        const t = smooth(cast(hit, 'f32'), smoothing, classes);
        const weighted = weights ? mul(t, along(name, 'classWeight', weights, pair.predictions, -1)) : t;
        return { terms: neg(productOrZero(weighted, logP)), inner: 'sum' };
      },
      ...(weights && {
        shares(targets: Tensor, predictions: Tensor) {
          const pair = alignClasses(name, targets, predictions);
          const hit = oneHot(pair.targets, predictions.shape[predictions.rank - 1], 'bool');
          return sum(where(hit, along(name, 'classWeight', weights, pair.predictions, -1), 0), { axis: -1 });
        },
      }),
      ...(ignoreClass !== undefined && {
        valid: (targets: Tensor, predictions: Tensor) => notEqual(alignClasses(name, targets, predictions).targets, ignoreClass),
      }),
    },
    options,
  );
}
