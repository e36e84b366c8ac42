// Connectionist temporal classification: the likelihood of a row of labels whose places in the sequence are not known.
import type { Configured } from '../core/config.ts';
import { ShapeError } from '../core/errors.ts';
import { boolean, integer } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  arange,
  broadcastTo,
  cast,
  equal,
  exp,
  expandDims,
  full,
  less,
  log,
  logSoftmax,
  logSumExp,
  logicalAnd,
  logicalOr,
  maximum,
  mul,
  neg,
  notEqual,
  pad,
  reshape,
  stack,
  stopGradient,
  sub,
  sum,
  takeAlongAxis,
  tensor,
  where,
} from '../ops/index.ts';
import { sliceAxis } from '../ops/shape/slice.ts';
import { toFloat } from './align.ts';
import { type Loss, lossOptions, makeLoss } from './loss.ts';

export const ctcOptions = declareOptions('losses.ctc', {
  /** Class of the blank. It also fills rows of labels that are shorter than others. @default 0 */
  blank: optional(integer('at least 0'), 0),
  /** Gives samples whose labels cannot fit into their steps the loss 0 instead of Infinity, as PyTorch's zero_infinity. @default false */
  zeroInfinity: optional(boolean, false),
  ...lossOptions,
});
export type CtcOptions = OptionsOf<typeof ctcOptions>;

/** Logarithm of a probability of 0: finite, so that differences are defined. */
const lowest = -1e30;

/**
 * Connectionist temporal classification loss, -log p(labels | logits): the sum over all alignments, as in Keras. Targets are labels
 * [n, labels], filled up with the blank or -1; predictions are logits [n, time, classes]. A mask [n, time] leaves out steps, so
 * that sequences have different lengths. Samples whose labels do not fit have the loss Infinity and the gradient 0. The mean is over the samples;
 * PyTorch's also divides by the number of labels. Graves et al., Connectionist Temporal Classification, 2006.
 *
 *     losses.ctc()(tensor([[1, 2, 2], [3, 0, 0]], undefined, 'i32'), logits)   // logits [2, time, 4]
 *
 * @throws ShapeError if predictions are not [n, time, classes], or targets not [n, labels].
 */
export function ctc(options: CtcOptions = {}): Configured<Loss> {
  const settings = ctcOptions.read(options);
  const { blank, zeroInfinity } = settings;
  return makeLoss(ctcOptions, settings, {
    targetKind: 'classIndex',
    ignoreClass: -1,
    axes: () => [1, 2],
    readsMask: true,
    terms(targets, predictions, _, mask) {
      checkShapes(targets, predictions, blank, mask);
      const given = cast(targets, 'i32');
      const labels = where(less(given, 0), blank, given);
      const total = logLikelihood(labels, logSoftmax(toFloat(predictions)), blank, mask);
      const isImpossible = less(total, lowest / 2);
      return { terms: where(isImpossible, zeroInfinity ? 0 : Infinity, neg(where(isImpossible, 0, total))) };
    },
  });
}

/**
 * Log-likelihood [n] of labels [n, L] under log-probabilities [n, time, classes], by the forward algorithm over the states blank, label 1, blank,
 * ..., label L, blank. State s follows itself, state s - 1, and state s - 2 if it is a label other than the last one.
 */
function logLikelihood(labels: Tensor, logP: Tensor, blank: number, mask: Tensor | undefined): Tensor {
  const [n, time] = logP.shape;
  const states = 2 * labels.shape[1] + 1;
  const blanks = full(labels.shape, blank, 'i32');
  // [n, states]
  const classes = pad(reshape(stack([blanks, labels], 2), [n, states - 1]), [[0, 0], [0, 1]], { value: blank }); // prettier-ignore
  const maySkip = logicalAnd(notEqual(classes, blank), notEqual(classes, before(classes, 2, blank)));
  const emitted = maximum(takeAlongAxis(logP, expandDims(classes, 1), { axis: 2 }), lowest);
  // Before the first step all probability is in the first state.
  const start = Array.from({ length: states }, (_, s) => (s === 0 ? 0 : lowest));
  let forward = broadcastTo(tensor([start]), [n, states]);
  for (let t = 0; t < time; t++) {
    const skipped = where(maySkip, before(forward, 2, lowest), lowest);
    const step = add(logAddExp(forward, before(forward, 1, lowest), skipped), reshape(sliceAxis(emitted, 1, t, 1), [n, states]));
    forward = mask ? where(sliceAxis(mask, 1, t, 1), step, forward) : step;
  }
  // The last label, or the blank after it.
  const end = expandDims(mul(sum(cast(notEqual(labels, blank), 'i32'), { axis: 1 }), 2), 1);
  const at = arange(0, states, 1, 'i32');
  const isEnd = logicalOr(equal(at, end), equal(at, sub(end, 1)));
  return logSumExp(where(isEnd, forward, lowest), { axis: 1 });
}

/** The element `distance` before each one of a row; `fill` before the first. */
function before(x: Tensor, distance: number, fill: number): Tensor {
  const [, size] = x.shape;
  const shift = Math.min(distance, size);
  return pad(sliceAxis(x, 1, 0, size - shift), [[0, 0], [shift, 0]], { value: fill }); // prettier-ignore
}

/** log(e^a + e^b + e^c), without overflow. */
function logAddExp(...terms: readonly Tensor[]): Tensor {
  const largest = stopGradient(terms.reduce((a, b) => maximum(a, b)));
  return add(log(terms.map((x) => exp(sub(x, largest))).reduce((a, b) => add(a, b))), largest);
}

function checkShapes(targets: Tensor, predictions: Tensor, blank: number, mask: Tensor | undefined): void {
  const classes = predictions.shape[2];
  const fits = predictions.rank === 3 && targets.rank === 2 && targets.shape[0] === predictions.shape[0];
  if (!fits || blank >= classes || classes < 2) {
    throw new ShapeError(
      `ctc: targets ${formatShape(targets.shape)} do not fit predictions ${formatShape(predictions.shape)} with blank ${blank}; targets are labels ` +
        '[n, labels], predictions logits [n, time, classes], and the blank is one of two or more classes',
    );
  }
  const steps = predictions.shape.slice(0, 2);
  if (mask && !sameShape(mask.shape, steps)) {
    throw new ShapeError(
      `ctc: the mask ${formatShape(mask.shape)} does not fit the steps ${formatShape(steps)}; keep the time axis up to the output`,
    );
  }
}
