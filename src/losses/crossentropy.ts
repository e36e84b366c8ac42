// Cross-entropies. From logits they never form a probability, so that logits of 1e4 cost nothing; from probabilities they clip as Keras does.
import { ArgumentError } from '../core/errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  abs,
  add,
  cast,
  clip,
  div,
  exp,
  log,
  log1p,
  logSoftmax,
  maximum,
  mul,
  neg,
  notEqual,
  oneHot,
  sub,
  sum,
  where,
} from '../ops/index.ts';
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

/** Binary cross-entropy of each target, max(x, 0) - x t + log(1 + exp(-|x|)); its gradient in x is sigmoid(x) - t, at 0 as well. */
export const binaryTermsFromLogits = (t: Tensor, x: Tensor): Tensor => add(sub(maximum(x, 0), mul(x, t)), log1p(exp(neg(abs(x)))));

/** Binary cross-entropy of each target, -t log p - (1 - t) log(1 - p), p clipped. */
export function binaryTermsFromProbabilities(t: Tensor, probabilities: Tensor): Tensor {
  const p = clipProbabilities(probabilities);
  return neg(add(mul(t, log(p)), mul(sub(1, t), log(sub(1, p)))));
}

/**
 * Binary cross-entropy, mean(-t log p - (1 - t) log(1 - p)) over the last axis; from logits max(x, 0) - x t + log(1 + exp(-|x|)).
 * Targets in 0..1, [n] or [n, d]; predictions [n, 1] or [n, d].
 *
 *     losses.binaryCrossentropy({ fromLogits: true })(targets, logits)
 *
 * @throws ShapeError where targets and predictions have different shapes.
 */
export function binaryCrossentropy(options: CrossentropyOptions = {}): Loss {
  const name = 'binaryCrossentropy';
  checkLossOptions(name, options, ['fromLogits', 'labelSmoothing', 'axis']);
  const { fromLogits = false, axis = -1 } = options;
  const smoothing = checkSmoothing(name, options.labelSmoothing);
  return makeLoss(
    {
      name,
      targetKind: 'probabilities',
      terms(targets, predictions) {
        const pair = alignEqual(name, targets, predictions);
        const t = smooth(pair.targets, smoothing, 2);
        return { terms: (fromLogits ? binaryTermsFromLogits : binaryTermsFromProbabilities)(t, pair.predictions), inner: 'mean', axis };
      },
    },
    options,
  );
}

/** log p of each class. The maximum leaves first: log(softmax(x)) without ever forming the softmax. Probabilities are made to sum to 1, as in Keras. */
export function logProbabilities(predictions: Tensor, fromLogits: boolean, axis: number): Tensor {
  if (fromLogits) return logSoftmax(predictions, { axis });
  return log(clipProbabilities(div(predictions, sum(predictions, { axis, keepDims: true }))));
}

/**
 * Categorical cross-entropy, -sum(t log p) over the classes, for targets that are rows of probabilities (one-hot). Both [n, ..., classes].
 *
 *     losses.categoricalCrossentropy({ labelSmoothing: 0.1 })(oneHot(labels, 10), probabilities)
 *
 * @throws ShapeError where targets and predictions have different shapes, or one class only.
 */
export function categoricalCrossentropy(options: CrossentropyOptions = {}): Loss {
  const name = 'categoricalCrossentropy';
  checkLossOptions(name, options, ['fromLogits', 'labelSmoothing', 'axis']);
  const { fromLogits = false, axis = -1 } = options;
  const smoothing = checkSmoothing(name, options.labelSmoothing);
  return makeLoss(
    {
      name,
      targetKind: 'oneHot',
      terms(targets, predictions) {
        const pair = alignEqual(name, targets, predictions);
        const classes = predictions.shape.at(axis) ?? 0;
        if (predictions.rank === 0 || classes < 2) throw tooFewClasses(name, predictions);
        return {
          terms: neg(mul(smooth(pair.targets, smoothing, classes), logProbabilities(pair.predictions, fromLogits, axis))),
          inner: 'sum',
          axis,
        };
      },
    },
    options,
  );
}

export interface SparseCrossentropyOptions extends LossOptions {
  /** The predictions are logits; false: they are probabilities. */
  fromLogits?: boolean;
  /** 0 to 1: how far targets are pulled towards the uniform distribution; 0. */
  labelSmoothing?: number;
  /** Targets of this class (-1, say) add nothing, and the mean is over the others. */
  ignoreClass?: number;
}

/**
 * Sparse categorical cross-entropy, -log p[target], for targets that are class indices. Targets [n, ...] (or [n, ..., 1]), predictions
 * [n, ..., classes]; float targets are cast. An index outside 0..classes-1 gives loss 0 for its sample; model.fit refuses such data.
 *
 *     losses.sparseCategoricalCrossentropy({ fromLogits: true })(labels, logits)
 *
 * @throws ShapeError where the targets are not of the predictions' shape without its last axis.
 */
export function sparseCategoricalCrossentropy(options: SparseCrossentropyOptions = {}): Loss {
  const name = 'sparseCategoricalCrossentropy';
  checkLossOptions(name, options, ['fromLogits', 'labelSmoothing', 'ignoreClass']);
  const { fromLogits = false, ignoreClass } = options;
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
        const terms = smoothing ? mul(logP, smooth(cast(hit, 'f32'), smoothing, classes)) : where(hit, logP, 0);
        return { terms: neg(terms), inner: 'sum' };
      },
      ...(ignoreClass !== undefined && {
        valid: (targets: Tensor, predictions: Tensor) => notEqual(alignClasses(name, targets, predictions).targets, ignoreClass),
      }),
    },
    options,
  );
}
