// Cross-entropies. From logits they never compute a probability, so logits of 1e4 cause no overflow. From probabilities they clip, as Keras
// does.
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { boolean, either, integer, listOf, number } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape, normalizeAxis } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
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
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { alignClasses, alignEqual, tooFewClasses } from './align.ts';
import { type Loss, epsilon, lossOptions, makeLoss } from './loss.ts';

/** Options that cross-entropies share. */
export const crossentropyOptions = {
  /** True if the predictions are logits, false if they are probabilities. @default false */
  fromLogits: /* @__PURE__ */ optional(boolean, false),
  /** Fraction of the uniform distribution that is mixed into the targets, from 0 to 1. @default 0 */
  labelSmoothing: /* @__PURE__ */ optional(number('0 to 1'), 0),
};

export const axisOption = {
  /** Axis of the classes, or of the terms of a sample for the binary form. @default -1 */
  axis: /* @__PURE__ */ optional(integer(), -1),
};

const factor = /* @__PURE__ */ number('at least 0');
/** Factors of classes. */
export const factors = /* @__PURE__ */ listOf(factor, 'numbers of at least 0', 1);

/** Factors along an axis of x. @throws ArgumentError if their number is not the axis's size. */
export function along(name: string, option: string, factors: readonly number[], x: Tensor, axis: number): Tensor {
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

/** Clips probabilities away from 0 and 1, because log(0) is infinite. */
export const clipProbabilities = (p: Tensor): Tensor => clip(p, epsilon, 1 - epsilon);

/** t (1 - s) + s / classes. */
export const smooth = (t: Tensor, smoothing: number, classes: number): Tensor =>
  smoothing ? add(mul(t, 1 - smoothing), smoothing / classes) : t;

/**
 * Binary cross-entropy of each target, c t log(1 + e^-x) + (1 - t) log(1 + e^x), as (1 - t) max(x, 0) + c t max(-x, 0) + (1 + (c - 1) t)
 * log(1 + e^-|x|). For c = 1 its gradient in x is sigmoid(x) - t, at 0 as well. An infinite logit of the right sign has the loss 0.
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

export const binaryCrossentropyOptions = declareOptions('losses.binaryCrossentropy', {
  ...crossentropyOptions,
  ...axisOption,
  /** Factor of the loss of targets 1 (PyTorch's pos_weight): one number, or one per position on the last axis. @default 1 */
  posWeight: optional(either(factor, factors)),
  ...lossOptions,
});
export type BinaryCrossentropyOptions = OptionsOf<typeof binaryCrossentropyOptions>;

/**
 * Binary cross-entropy, mean(-t log p - (1 - t) log(1 - p)) over the last axis; from logits max(x, 0) - x t + log(1 + exp(-|x|)).
 * Targets in 0..1, [n] or [n, d]; predictions [n, 1] or [n, d]. With posWeight c the first term is -c t log p.
 *
 *     losses.binaryCrossentropy({ fromLogits: true })(targets, logits)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export function binaryCrossentropy(options: BinaryCrossentropyOptions = {}): Configured<Loss> {
  const name = 'binaryCrossentropy';
  const settings = binaryCrossentropyOptions.read(options);
  const { fromLogits, labelSmoothing, axis, posWeight } = settings;
  return makeLoss(binaryCrossentropyOptions, settings, {
    targetKind: 'probabilities',
    axis,
    terms(targets, predictions) {
      const pair = alignEqual(name, targets, predictions);
      const t = smooth(pair.targets, labelSmoothing, 2);
      const forOnes =
        posWeight === undefined || typeof posWeight === 'number' ? posWeight : along(name, 'posWeight', posWeight, pair.predictions, -1);
      return { terms: (fromLogits ? binaryTermsFromLogits : binaryTermsFromProbabilities)(t, pair.predictions, forOnes), inner: 'mean' };
    },
  });
}

/**
 * log p of each class. From logits, the maximum is subtracted first and the softmax is never formed. Probabilities are divided by their sum, as in
 * Keras; if all are 0 they stay 0.
 */
export function logProbabilities(predictions: Tensor, fromLogits: boolean, axis: number): Tensor {
  if (fromLogits) return logSoftmax(predictions, { axis });
  const total = sum(predictions, { axis, keepDims: true });
  return log(clipProbabilities(div(predictions, where(equal(total, 0), 1, total))));
}

export const categoricalCrossentropyOptions = declareOptions('losses.categoricalCrossentropy', {
  ...crossentropyOptions,
  ...axisOption,
  /** Factor of the loss of each class, one for each class (PyTorch's weight). The mean still divides by the number of samples. */
  classWeight: optional(factors),
  ...lossOptions,
});
export type CategoricalCrossentropyOptions = OptionsOf<typeof categoricalCrossentropyOptions>;

/**
 * Categorical cross-entropy, -sum(w t log p) over the classes, for targets that are rows of probabilities (one-hot) and class weights w (1
 * unless given). Both [n, ..., classes]. A class of target 0 adds 0, even if its logit is -Infinity.
 *
 *     losses.categoricalCrossentropy({ labelSmoothing: 0.1 })(oneHot(labels, 10), probabilities)
 *
 * @throws ShapeError if targets and predictions have different shapes, or only one class.
 */
export function categoricalCrossentropy(options: CategoricalCrossentropyOptions = {}): Configured<Loss> {
  const name = 'categoricalCrossentropy';
  const settings = categoricalCrossentropyOptions.read(options);
  const { fromLogits, labelSmoothing, axis, classWeight } = settings;
  return makeLoss(categoricalCrossentropyOptions, settings, {
    targetKind: 'oneHot',
    axis,
    terms(targets, predictions) {
      const pair = alignEqual(name, targets, predictions);
      const classes = predictions.shape.at(axis) ?? 0;
      if (predictions.rank === 0 || classes < 2) throw tooFewClasses(name, predictions);
      const t = smooth(pair.targets, labelSmoothing, classes);
      const weighted = classWeight ? mul(t, along(name, 'classWeight', classWeight, pair.predictions, axis)) : t;
      return { terms: neg(productOrZero(weighted, logProbabilities(pair.predictions, fromLogits, axis))), inner: 'sum' };
    },
  });
}

export const sparseCategoricalCrossentropyOptions = declareOptions('losses.sparseCategoricalCrossentropy', {
  ...crossentropyOptions,
  /** Samples of this class (for example -1) are ignored. The mean is over the other samples. */
  ignoreClass: optional(integer()),
  /**
   * Factor of the loss of each class's samples, one for each class. As in PyTorch (weight), the mean divides by the sum of the samples' factors;
   * fit's classWeight divides by the number of samples.
   */
  classWeight: optional(factors),
  ...lossOptions,
});
export type SparseCrossentropyOptions = OptionsOf<typeof sparseCategoricalCrossentropyOptions>;

/**
 * Sparse categorical cross-entropy, -w[target] log p[target], for targets that are class indices and class weights w (1 unless given).
 * Targets [n, ...] (or [n, ..., 1]), predictions [n, ..., classes]; float targets are cast. An index outside 0..classes-1 gives loss 0 for
 * its sample; model.fit throws for such data.
 *
 *     losses.sparseCategoricalCrossentropy({ fromLogits: true })(labels, logits)
 *
 * @throws ShapeError if the targets are not of the predictions' shape without its last axis.
 */
export function sparseCategoricalCrossentropy(options: SparseCrossentropyOptions = {}): Configured<Loss> {
  const name = 'sparseCategoricalCrossentropy';
  const settings = sparseCategoricalCrossentropyOptions.read(options);
  const { fromLogits, labelSmoothing, ignoreClass, classWeight } = settings;
  return makeLoss(sparseCategoricalCrossentropyOptions, settings, {
    targetKind: 'classIndex',
    ignoreClass,
    terms(targets, predictions) {
      const pair = alignClasses(name, targets, predictions);
      const classes = predictions.shape[predictions.rank - 1];
      const logP = logProbabilities(pair.predictions, fromLogits, -1);
      const hit = oneHot(pair.targets, classes, 'bool');
      // Selected, not multiplied: 0 * -Infinity would be NaN.
      if (!labelSmoothing && !classWeight) return { terms: neg(where(hit, logP, 0)), inner: 'sum' };
      const t = smooth(cast(hit, 'f32'), labelSmoothing, classes);
      const weighted = classWeight ? mul(t, along(name, 'classWeight', classWeight, pair.predictions, -1)) : t;
      return { terms: neg(productOrZero(weighted, logP)), inner: 'sum' };
    },
    ...(classWeight && {
      shares(targets: Tensor, predictions: Tensor) {
        const pair = alignClasses(name, targets, predictions);
        const hit = oneHot(pair.targets, predictions.shape[predictions.rank - 1], 'bool');
        return sum(where(hit, along(name, 'classWeight', classWeight, pair.predictions, -1), 0), { axis: -1 });
      },
    }),
    ...(ignoreClass !== undefined && {
      valid: (targets: Tensor, predictions: Tensor) => notEqual(alignClasses(name, targets, predictions).targets, ignoreClass),
    }),
  });
}
