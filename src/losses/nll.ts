// Losses of class indices or one-hot rows that are functions of the target's probability.
import type { Configured } from '../core/config.ts';
import { boolean, integer, number } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, exp, expm1, less, logSoftmax, mul, neg, notEqual, oneHot, pow, sub, sum, where } from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { alignClasses, alignEqual, tooFewClasses } from './align.ts';
import { along, axisOption, crossentropyOptions, factors, logProbabilities, smooth } from './crossentropy.ts';
import { type Loss, type LossDefinition, epsilon, lossOptions, makeLoss } from './loss.ts';

/** Options of losses of class indices. */
export const classIndexOptions = {
  /** Samples of this class (for example -100) are ignored. The mean is over the other samples. */
  ignoreClass: /* @__PURE__ */ optional(integer()),
};

/** The element of each row at the target's class; 0 for a class outside 0..classes-1. */
export function atTarget(name: string, targets: Tensor, predictions: Tensor, of: (x: Tensor) => Tensor = (x) => x): Tensor {
  const pair = alignClasses(name, targets, predictions);
  const hit = oneHot(pair.targets, predictions.shape[predictions.rank - 1], 'bool');
  // Selected, not multiplied: 0 * -Infinity would be NaN.
  return sum(where(hit, of(pair.predictions), 0), { axis: -1 });
}

/** Marks the samples whose class is not ignored. */
export const counted = (name: string, ignoreClass: number | undefined): Partial<LossDefinition> =>
  ignoreClass === undefined
    ? {}
    : { ignoreClass, valid: (targets, predictions) => notEqual(alignClasses(name, targets, predictions).targets, ignoreClass) };

export const nllOptions = declareOptions('losses.nll', {
  ...classIndexOptions,
  /** Factor of the loss of each class's samples, one for each class. The mean divides by the sum of the samples' factors. */
  classWeight: optional(factors),
  ...lossOptions,
});
export type NllOptions = OptionsOf<typeof nllOptions>;

/**
 * Negative log-likelihood of class indices, -w[target] x[target], for log-probabilities x, as in PyTorch (weight is classWeight,
 * ignore_index is ignoreClass). Targets [n, ...], predictions [n, ..., classes]. A class outside 0..classes-1 has the loss 0.
 *
 *     losses.nll()(labels, logSoftmax(logits))
 *
 * @throws ShapeError if the targets are not of the predictions' shape without its last axis.
 */
export function nll(options: NllOptions = {}): Configured<Loss> {
  const settings = nllOptions.read(options);
  const { ignoreClass, classWeight } = settings;
  const weightOf = (targets: Tensor, predictions: Tensor): Tensor =>
    atTarget('nll', targets, predictions, (x) => along('nll', 'classWeight', classWeight!, x, -1));
  return makeLoss(nllOptions, settings, {
    targetKind: 'classIndex',
    terms(targets, predictions) {
      const terms = neg(atTarget('nll', targets, predictions));
      return { terms: classWeight ? productOrZero(weightOf(targets, predictions), terms) : terms };
    },
    ...(classWeight && { shares: weightOf }),
    ...counted('nll', ignoreClass),
  });
}

export const polyLossOptions = declareOptions('losses.polyLoss', {
  /** Factor of 1 - p, the first term of the series of the cross-entropy. 0 is plain cross-entropy. @default 2 */
  epsilon: optional(number(), 2),
  ...crossentropyOptions,
  ...axisOption,
  ...lossOptions,
});
export type PolyLossOptions = OptionsOf<typeof polyLossOptions>;

/**
 * Poly-1 loss, -sum(t log p) + epsilon (1 - sum(t p)) over the classes, for one-hot targets. Both [n, ..., classes]. Leng et al., PolyLoss,
 * 2022; the default is that of optax.
 *
 *     losses.polyLoss({ fromLogits: true })(oneHot(labels, 10), logits)
 *
 * @throws ShapeError if targets and predictions have different shapes, or only one class.
 */
export function polyLoss(options: PolyLossOptions = {}): Configured<Loss> {
  const settings = polyLossOptions.read(options);
  const { epsilon: factor, fromLogits, labelSmoothing, axis } = settings;
  return makeLoss(polyLossOptions, settings, {
    targetKind: 'oneHot',
    axis,
    terms(targets, predictions) {
      const pair = alignEqual('polyLoss', targets, predictions);
      const classes = predictions.shape.at(axis) ?? 0;
      if (predictions.rank === 0 || classes < 2) throw tooFewClasses('polyLoss', predictions);
      const t = smooth(pair.targets, labelSmoothing, classes);
      const logP = logProbabilities(pair.predictions, fromLogits, axis);
      const linear = sub(1, sum(mul(t, exp(logP)), { axis }));
      return { terms: add(neg(sum(productOrZero(t, logP), { axis })), mul(linear, factor)) };
    },
  });
}

export const categoricalGeneralizedCrossEntropyOptions = declareOptions('losses.categoricalGeneralizedCrossEntropy', {
  /** Exponent above 0 and below 1: near 0 the loss is the cross-entropy, near 1 the absolute error. @default 0.5 */
  q: optional(number('within 0 and 1'), 0.5),
  /** True if the predictions are logits, false if they are probabilities. @default false */
  fromLogits: optional(boolean, false),
  ...classIndexOptions,
  ...lossOptions,
});
export type GeneralizedCrossEntropyOptions = OptionsOf<typeof categoricalGeneralizedCrossEntropyOptions>;

/**
 * Generalized cross-entropy of class indices, (1 - p[target]^q) / q, which noisy labels affect less. Targets [n, ...], predictions
 * [n, ..., classes]. Below p = 1e-7 the power is a line through 0, so that its slope is finite. Zhang and Sabuncu, Generalized Cross Entropy
 * Loss for Training Deep Neural Networks with Noisy Labels, 2018.
 *
 *     losses.categoricalGeneralizedCrossEntropy({ q: 0.7 })(labels, probabilities)
 *
 * @throws ShapeError if the targets are not of the predictions' shape without its last axis.
 */
export function categoricalGeneralizedCrossEntropy(options: GeneralizedCrossEntropyOptions = {}): Configured<Loss> {
  const name = 'categoricalGeneralizedCrossEntropy';
  const settings = categoricalGeneralizedCrossEntropyOptions.read(options);
  const { q, fromLogits, ignoreClass } = settings;
  return makeLoss(categoricalGeneralizedCrossEntropyOptions, settings, {
    targetKind: 'classIndex',
    terms(targets, predictions) {
      // 1 - p^q, as -(e^(q log p) - 1).
      if (fromLogits)
        return {
          terms: mul(
            expm1(
              mul(
                atTarget(name, targets, predictions, (x) => logSoftmax(x)),
                q,
              ),
            ),
            -1 / q,
          ),
        };
      const p = atTarget(name, targets, predictions);
      const isLow = less(p, epsilon);
      const power = where(isLow, mul(p, epsilon ** (q - 1)), pow(where(isLow, 1, p), q));
      return { terms: mul(sub(1, power), 1 / q) };
    },
    ...counted(name, ignoreClass),
  });
}
