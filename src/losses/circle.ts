// Circle loss: embeddings of one class attract each other, those of different classes repel each other.
import type { Configured } from '../core/config.ts';
import { ShapeError } from '../core/errors.ts';
import { boolean, number } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  cast,
  equal,
  expandDims,
  eye,
  greater,
  logSumExp,
  logicalAnd,
  logicalNot,
  matmul,
  maximum,
  mul,
  notEqual,
  reshape,
  softplus,
  sub,
  transpose,
  where,
} from '../ops/index.ts';
import { toFloat } from './align.ts';
import { type Loss, lossOptions, makeLoss } from './loss.ts';

export const circleOptions = declareOptions('losses.circle', {
  /** Factor of the exponents. @default 80 */
  gamma: optional(number('above 0'), 80),
  /** Relaxation: cosines of one class are to exceed 1 - margin, those of different classes to stay below margin. @default 0.4 */
  margin: optional(number('at least 0'), 0.4),
  /** Leaves out the pair of a sample with itself. @default true */
  removeDiagonal: optional(boolean, true),
  ...lossOptions,
});
export type CircleOptions = OptionsOf<typeof circleOptions>;

/** Logit of a pair that does not count: its exponential is 0. */
const lowest = -1e30;

/**
 * Circle loss of a batch of embeddings, as in Keras: softplus(log sum(exp(g (m + d)(d - m))) + log sum(exp(g (1 + m - d)(1 - m - d)))) with the
 * cosine distances d = 1 - x_i x_j to the samples of the same class, then to those of other classes. Targets are labels [n], predictions embeddings
 * [n, d] of length 1. The mean is over the samples whose loss is above 0. Samples of weight 0 form no pairs, and do not count. Sun et al., Circle Loss, 2020.
 *
 *     losses.circle({ gamma: 64, margin: 0.25 })(labels, embeddings)
 *
 * @throws ShapeError if predictions are not [n, d], or targets are not [n].
 */
export function circle(options: CircleOptions = {}): Configured<Loss> {
  const settings = circleOptions.read(options);
  const { gamma, margin, removeDiagonal } = settings;
  const valuesOf = (targets: Tensor, predictions: Tensor, weight: Tensor | undefined): Tensor => {
    const { labels, x } = alignLabels(targets, predictions);
    const [n] = x.shape;
    const distance = maximum(sub(1, matmul(x, transpose(x))), 0);
    const isSame = equal(expandDims(labels, 1), expandDims(labels, 0));
    const paired = (isPair: Tensor): Tensor => (weight ? logicalAnd(isPair, expandDims(notEqual(weight, 0), 0)) : isPair);
    const isPositive = paired(removeDiagonal ? logicalAnd(isSame, logicalNot(eye(n, n, 'bool'))) : isSame);
    const isNegative = paired(logicalNot(isSame));
    const pull = mul(mul(add(distance, margin), sub(distance, margin)), gamma);
    const push = mul(mul(maximum(sub(1 + margin, distance), 0), sub(1 - margin, distance)), gamma);
    const total = (isPair: Tensor, logits: Tensor): Tensor => logSumExp(where(isPair, logits, lowest), { axis: -1 });
    return softplus(add(total(isPositive, pull), total(isNegative, push)));
  };
  return makeLoss(circleOptions, settings, {
    targetKind: 'numbers',
    terms: (targets, predictions, weight) => ({ terms: valuesOf(targets, predictions, weight) }),
    shares(targets, predictions, weight) {
      const isAbove = greater(valuesOf(targets, predictions, weight), 0);
      return cast(weight ? logicalAnd(isAbove, notEqual(weight, 0)) : isAbove, 'f32');
    },
  });
}

/** Labels [n] and embeddings [n, d] as f32. @throws ShapeError */
function alignLabels(targets: Tensor, predictions: Tensor): { labels: Tensor; x: Tensor } {
  const [n] = predictions.shape;
  if (predictions.rank === 2 && (sameShape(targets.shape, [n]) || sameShape(targets.shape, [n, 1]))) {
    return { labels: reshape(targets, [n]), x: toFloat(predictions) };
  }
  throw new ShapeError(
    `circle: targets ${formatShape(targets.shape)} do not fit predictions ${formatShape(predictions.shape)}; targets are labels [n] of ` +
      'embeddings [n, d]: give one label per sample, and flatten the embeddings',
  );
}
