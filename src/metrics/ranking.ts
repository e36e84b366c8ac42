// Metrics of rankings: each sample is a list of items with a score each, of which some are relevant.
import type { Configured } from '../core/config.ts';
import { oneOf, positiveInteger } from '../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, declareOptions, optional } from '../core/options.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignClasses, alignEqual, fitWeight } from '../losses/index.ts';
import {
  add,
  any,
  cast,
  exp2,
  greater,
  isNaN,
  lessEqual,
  logicalAnd,
  logicalNot,
  max,
  mul,
  oneHot,
  reciprocal,
  sub,
  sum,
  takeAlongAxis,
  tensor,
  topK,
  where,
} from '../ops/index.ts';
import { ratio } from './accumulate.ts';
import { type MeanState, addToMean, meanOf, noMean } from './mean.ts';
import { type Metric, makeMetric, metricOptions } from './metric.ts';

/** The mean of a value per list. */
function ofLists<T extends OptionTable & typeof metricOptions>(
  declaration: Declaration<T>,
  options: OptionsOf<Declaration<T>>,
  valueOf: (name: string, targets: Tensor, predictions: Tensor, settings: SettingsOf<Declaration<T>>) => Tensor,
): Configured<Metric<MeanState>> {
  return makeMetric<Metric<MeanState>, T>(declaration, options, (name, settings) => ({
    direction: 'max',
    init: noMean,
    update: (state, targets, predictions, sampleWeight) =>
      withScope(name, () => {
        const values = valueOf(name, targets, predictions, settings);
        return addToMean(state, values, sampleWeight && fitWeight(name, sampleWeight, values.shape));
      }),
    result: meanOf,
  }));
}

export const ndcgOptions = declareOptions('metrics.ndcg', {
  /** Number of items at the top that count. Without it, all items count. */
  k: optional(positiveInteger),
  /** Gain of an item of relevance r: 2^r - 1 ('exponential') or r ('linear', as in scikit-learn). @default 'exponential' */
  gain: optional(oneOf('exponential', 'linear'), 'exponential'),
  ...metricOptions,
});
export type NdcgOptions = OptionsOf<typeof ndcgOptions>;

/**
 * Normalized discounted cumulative gain: Σ gain / log2(rank + 1) of the ranking by score, divided by its largest possible value. Targets are
 * relevances of at least 0, predictions scores, both [n, ..., items]. A list without relevant items gives 0; equal scores keep their order.
 *
 *     metrics.ndcg({ k: 10 })
 *
 * (K. Järvelin, J. Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques, 2002.)
 */
export const ndcg = (options: NdcgOptions = {}): Configured<Metric<MeanState>> =>
  ofLists(ndcgOptions, options, (name, targets, predictions, settings) => {
    const pair = alignEqual(name, targets, predictions);
    const items = pair.predictions.shape[pair.predictions.rank - 1];
    const k = Math.min(settings.k ?? items, items);
    const gains = settings.gain === 'linear' ? pair.targets : sub(exp2(pair.targets), 1);
    const discounts = tensor(Array.from({ length: k }, (_, i) => 1 / Math.log2(i + 2)));
    const discounted = (top: Tensor): Tensor => sum(mul(top, discounts), { axis: -1 });
    const [, order] = topK(pair.predictions, k);
    const [ideal] = topK(gains, k);
    return ratio(discounted(takeAlongAxis(gains, order, { axis: -1 })), discounted(ideal));
  });

/** Marks of relevant items, from class indices or relevances, and scores, [n, ..., items]. */
function relevantItems(name: string, targets: Tensor, predictions: Tensor): { relevant: Tensor; scores: Tensor } {
  const items = predictions.shape[predictions.rank - 1];
  const areIndices = items > 1 && (targets.rank < predictions.rank || targets.shape[targets.rank - 1] === 1);
  const pair = areIndices ? alignClasses(name, targets, predictions) : alignEqual(name, targets, predictions);
  return { relevant: areIndices ? oneHot(pair.targets, items, 'bool') : greater(pair.targets, 0), scores: pair.predictions };
}

/** Rank of the highest relevant item from 1, and whether there is one within the top k. Equal scores rank the relevant item first. */
function firstRelevant(name: string, targets: Tensor, predictions: Tensor, k: number | undefined): { rank: Tensor; isFound: Tensor } {
  const { relevant, scores } = relevantItems(name, targets, predictions);
  const best = max(where(logicalAnd(relevant, logicalNot(isNaN(scores))), scores, -Infinity), { axis: -1, keepDims: true });
  const rank = add(sum(cast(logicalNot(lessEqual(scores, best)), 'f32'), { axis: -1 }), 1);
  const exists = any(relevant, { axis: -1 });
  return { rank, isFound: k === undefined ? exists : logicalAnd(exists, lessEqual(rank, k)) };
}

export const meanReciprocalRankOptions = declareOptions('metrics.meanReciprocalRank', {
  /** Number of items at the top that count. Without it, all items count. */
  k: optional(positiveInteger),
  ...metricOptions,
});
export type MeanReciprocalRankOptions = OptionsOf<typeof meanReciprocalRankOptions>;

/**
 * Mean of 1 / (rank of the highest relevant item); 0 for a list without one in the top k. Targets are indices of the relevant item [n, ...],
 * or relevances [n, ..., items], relevant above 0; predictions scores [n, ..., items]. Ties are resolved for the relevant item.
 *
 *     metrics.meanReciprocalRank({ k: 10 })
 */
export const meanReciprocalRank = (options: MeanReciprocalRankOptions = {}): Configured<Metric<MeanState>> =>
  ofLists(meanReciprocalRankOptions, options, (name, targets, predictions, { k }) => {
    const { rank, isFound } = firstRelevant(name, targets, predictions, k);
    return where(isFound, reciprocal(rank), 0);
  });

export const hitRateOptions = declareOptions('metrics.hitRate', {
  /** Number of items at the top that count. @default 10 */
  k: optional(positiveInteger, 10),
  ...metricOptions,
});
export type HitRateOptions = OptionsOf<typeof hitRateOptions>;

/** The fraction of lists with a relevant item among the k highest scores. Shapes and ties as meanReciprocalRank. */
export const hitRate = (options: HitRateOptions = {}): Configured<Metric<MeanState>> =>
  ofLists(hitRateOptions, options, (name, targets, predictions, { k }) =>
    cast(firstRelevant(name, targets, predictions, k).isFound, 'f32'),
  );
