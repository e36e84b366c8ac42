// Margin losses of PyTorch for several classes and several labels, and the logistic forms of both.
import type { Configured } from '../core/config.ts';
import { number, oneOf } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  cast,
  cumProd,
  equal,
  expandDims,
  greaterEqual,
  logicalAnd,
  logicalNot,
  mul,
  neg,
  oneHot,
  relu,
  softplus,
  square,
  sub,
  sum,
  where,
} from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { alignClasses, alignEqual, tooFewClasses } from './align.ts';
import { along, binaryTermsFromLogits, factors } from './crossentropy.ts';
import { type Loss, type LossOptions, lossOptions, makeLoss, termwise } from './loss.ts';
import { ofSigns, signedTargets } from './margin.ts';
import { atTarget, classIndexOptions, counted } from './nll.ts';

export const multiMarginOptions = declareOptions('losses.multiMargin', {
  /** Exponent of a violation of the margin, 1 or 2. @default 1 */
  p: optional(oneOf(1, 2), 1),
  /** Smallest distance of the target's score to the other scores that has the loss 0. @default 1 */
  margin: optional(number(), 1),
  /** Factor of the loss of each class's samples, one for each class (PyTorch's weight). The mean divides by the number of samples. */
  classWeight: optional(factors),
  ...classIndexOptions,
  ...lossOptions,
});
export type MultiMarginOptions = OptionsOf<typeof multiMarginOptions>;

/**
 * Multi-class margin loss, w[t] sum(max(margin - x[t] + x[i], 0)^p over i other than t) / classes, as in PyTorch. Targets are class indices
 * [n, ...], predictions scores [n, ..., classes]. Crammer and Singer, On the Algorithmic Implementation of Multiclass Kernel-based Vector
 * Machines, 2001.
 *
 *     losses.multiMargin({ p: 2 })(labels, scores)
 *
 * @throws ShapeError if the targets are not of the predictions' shape without its last axis.
 */
export function multiMargin(options: MultiMarginOptions = {}): Configured<Loss> {
  const name = 'multiMargin';
  const settings = multiMarginOptions.read(options);
  const { p, margin, classWeight, ignoreClass } = settings;
  return makeLoss(multiMarginOptions, settings, {
    targetKind: 'classIndex',
    terms(targets, predictions) {
      const pair = alignClasses(name, targets, predictions);
      const classes = predictions.shape[predictions.rank - 1];
      const own = expandDims(atTarget(name, targets, predictions), -1);
      const violation = relu(sub(pair.predictions, sub(own, margin)));
      const isOwn = oneHot(pair.targets, classes, 'bool');
      // A class outside 0..classes-1 has the loss 0, as in the other losses of class indices.
      const isClass = logicalAnd(greaterEqual(pair.targets, 0), greaterEqual(classes - 1, pair.targets));
      const terms = where(logicalAnd(expandDims(isClass, -1), logicalNot(isOwn)), p === 2 ? square(violation) : violation, 0);
      if (!classWeight) return { terms, inner: 'mean' };
      const weight = atTarget(name, targets, predictions, (x) => along(name, 'classWeight', classWeight, x, -1));
      return { terms: productOrZero(expandDims(weight, -1), terms), inner: 'mean' };
    },
    ...counted(name, ignoreClass),
  });
}

export const multiLabelMarginOptions = declareOptions('losses.multiLabelMargin', lossOptions);

/**
 * Multi-label margin loss, the sum of max(1 - x[t] + x[i], 0) / classes over all labels t and all other classes i, as in PyTorch. Both
 * [n, ..., classes]. A row of targets holds class indices up to the first negative number; the rest of the row is not read.
 *
 *     losses.multiLabelMargin()(tensor([[3, 0, -1, 1]], undefined, 'i32'), tensor([[0.1, 0.2, 0.4, 0.8]]))   // labels 3 and 0
 *
 * @throws ShapeError if targets and predictions have different shapes, or only one class.
 */
export function multiLabelMargin(options: LossOptions = {}): Configured<Loss> {
  const name = 'multiLabelMargin';
  return makeLoss(multiLabelMarginOptions, multiLabelMarginOptions.read(options), {
    targetKind: 'numbers',
    terms(targets, predictions) {
      const { targets: labels, predictions: x } = alignEqual(name, targets, predictions);
      const classes = x.shape[x.rank - 1];
      if (predictions.rank === 0 || classes < 2) throw tooFewClasses(name, predictions);
      const isListed = cumProd(cast(greaterEqual(labels, 0), 'f32'), { axis: -1 });
      // Times that each class is listed, [n, ..., classes].
      const count = sum(mul(oneHot(cast(labels, 'i32'), classes, 'f32'), expandDims(isListed, -1)), { axis: -2 });
      // [n, ..., label, other class]
      const violation = relu(sub(1, sub(expandDims(x, -1), expandDims(x, -2))));
      const others = expandDims(equal(count, 0), -2);
      return { terms: sum(productOrZero(expandDims(count, -1), where(others, violation, 0)), { axis: -1 }), inner: 'mean' };
    },
  });
}

export const multiLabelSoftMarginOptions = declareOptions('losses.multiLabelSoftMargin', {
  /** Factor of the loss of each class, one for each class (PyTorch's weight). */
  classWeight: optional(factors),
  ...lossOptions,
});
export type MultiLabelSoftMarginOptions = OptionsOf<typeof multiLabelSoftMarginOptions>;

/**
 * Multi-label logistic loss, -mean(w (t log s(x) + (1 - t) log s(-x))) over the classes with the sigmoid s, as in PyTorch. Targets 0 or 1,
 * predictions logits, both [n, ..., classes].
 *
 *     losses.multiLabelSoftMargin()(tensor([[1, 0, 1]]), logits)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export function multiLabelSoftMargin(options: MultiLabelSoftMarginOptions = {}): Configured<Loss> {
  const name = 'multiLabelSoftMargin';
  const settings = multiLabelSoftMarginOptions.read(options);
  const { classWeight } = settings;
  return makeLoss(multiLabelSoftMarginOptions, settings, {
    targetKind: 'probabilities',
    terms(targets, predictions) {
      const pair = alignEqual(name, targets, predictions);
      const terms = binaryTermsFromLogits(pair.targets, pair.predictions);
      const weight = classWeight && along(name, 'classWeight', classWeight, pair.predictions, -1);
      return { terms: weight ? productOrZero(weight, terms) : terms, inner: 'mean' };
    },
  });
}

export const softMarginOptions = declareOptions('losses.softMargin', lossOptions);

const logistic = (t: Tensor, p: Tensor): Tensor => softplus(neg(productOrZero(signedTargets(t), p)));

/**
 * Logistic loss, mean(log(1 + exp(-t p))), as in PyTorch. Targets are -1 or 1 (0 and 1 are converted, as in hinge), predictions any numbers.
 * Both [n] or [n, ..., d].
 *
 *     losses.softMargin()(tensor([1, -1]), scores)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export const softMargin = (options: LossOptions = {}): Configured<Loss> => termwise(softMarginOptions, options, logistic, ofSigns);
