// Losses of rankings: relevances and scores of the items of a list, both [n, items]. Items of negative relevance are not read, so that lists
// of different lengths may be padded with -1.
import type { Configured } from '../core/config.ts';
import { number } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { expandDims, greater, greaterEqual, less, logSoftmax, logicalAnd, mul, neg, softplus, sub, sum, where } from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { alignEqual } from './align.ts';
import { type Loss, lossOptions, makeLoss } from './loss.ts';

const rankingTable = {
  /** Divisor of the scores. @default 1 */
  temperature: /* @__PURE__ */ optional(number('above 0'), 1),
  ...lossOptions,
};

/** Score of an item that is not read: its probability is 0, and lists without items have finite gradients. */
const lowest = -1e30;

export const rankingSoftmaxOptions = declareOptions('losses.rankingSoftmax', rankingTable);
export type RankingOptions = OptionsOf<typeof rankingSoftmaxOptions>;

/**
 * Listwise softmax loss of relevances y and scores s, -sum(y log softmax(s / temperature)). Both [n, items]; items of y < 0 are not read. Cao et
 * al., Learning to Rank: From Pairwise Approach to Listwise Approach, 2007, as in TensorFlow Ranking.
 *
 *     losses.rankingSoftmax()(tensor([[2, 0, 1, -1]]), scores)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export function rankingSoftmax(options: RankingOptions = {}): Configured<Loss> {
  const settings = rankingSoftmaxOptions.read(options);
  const { temperature } = settings;
  return makeLoss(rankingSoftmaxOptions, settings, {
    targetKind: 'numbers',
    terms(targets, predictions) {
      const { targets: y, predictions: s } = alignEqual('rankingSoftmax', targets, predictions);
      const logP = logSoftmax(where(less(y, 0), lowest, mul(s, 1 / temperature)));
      return { terms: neg(productOrZero(where(less(y, 0), 0, y), logP)), inner: 'sum' };
    },
  });
}

export const pairwiseLogisticOptions = declareOptions('losses.pairwiseLogistic', rankingTable);

/**
 * Pairwise logistic loss of relevances y and scores s, sum(log(1 + exp(-(s_i - s_j) / temperature)) over all j of y_i > y_j), averaged over the
 * items i of the list. Both [n, items]; items of y < 0 are not read. Burges et al., Learning to Rank using Gradient Descent, 2005, reduced as in
 * Keras Recommenders.
 *
 *     losses.pairwiseLogistic()(tensor([[2, 0, 1, -1]]), scores)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export function pairwiseLogistic(options: RankingOptions = {}): Configured<Loss> {
  const settings = pairwiseLogisticOptions.read(options);
  const { temperature } = settings;
  return makeLoss(pairwiseLogisticOptions, settings, {
    targetKind: 'numbers',
    terms(targets, predictions) {
      const { targets: y, predictions: s } = alignEqual('pairwiseLogistic', targets, predictions);
      // [n, i, j]: item i is more relevant than item j.
      const other = expandDims(y, -2);
      const isPair = logicalAnd(greater(expandDims(y, -1), other), greaterEqual(other, 0));
      const difference = where(isPair, mul(sub(expandDims(s, -1), expandDims(s, -2)), 1 / temperature), 0);
      return { terms: sum(where(isPair, softplus(neg(difference)), 0), { axis: -1 }), inner: 'mean' };
    },
  });
}
