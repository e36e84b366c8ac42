// Spearman's correlation. Ranks need all values, so they are stored, up to a fixed number.
import type { Configured } from '../core/config.ts';
import { positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { sizeOf } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignEqual, fitWeight } from '../losses/index.ts';
import {
  add,
  any,
  arange,
  argSort,
  cast,
  concat,
  cumSum,
  equal,
  expandDims,
  gather,
  greater,
  greaterEqual,
  isNaN,
  less,
  logicalAnd,
  logicalOr,
  mul,
  notEqual,
  ones,
  reshape,
  scalar,
  searchSorted,
  sqrt,
  square,
  sub,
  sum,
  where,
  zeros,
} from '../ops/index.ts';
import { ratio } from './accumulate.ts';
import { type MeanState, addToMean, meanOf, noMean } from './mean.ts';
import { type Metric, makeMetric, metricOptions } from './metric.ts';

/** Values and weights [capacity], of which the first `count` are used; the mean of the samples' own values for several outputs. */
export type RankState = {
  readonly targets: Tensor;
  readonly predictions: Tensor;
  readonly weight: Tensor;
  readonly count: Tensor;
  readonly rows: MeanState;
};

export const spearmanCorrelationOptions = declareOptions('metrics.spearmanCorrelation', {
  /** Number of samples that the state has space for. With more samples the result is NaN. @default 10000 */
  capacity: optional(positiveInteger, 10000),
  ...metricOptions,
});
export type SpearmanCorrelationOptions = OptionsOf<typeof spearmanCorrelationOptions>;

/** Weight of the values below each, plus half the weight of those equal to it: for weights 1 the mean rank, less 1/2. */
function ranks(x: Tensor, weight: Tensor): Tensor {
  const order = argSort(x);
  const sorted = gather(x, order);
  const below = concat([zeros([1]), cumSum(gather(weight, order))]);
  const at = (side: 'left' | 'right'): Tensor => gather(below, searchSorted(sorted, x, { side }));
  return mul(add(at('left'), at('right')), 0.5);
}

/** The same along the last axis of [N, D], for each row, with weights 1. */
function ranksOfRows(x: Tensor): Tensor {
  const [own, other] = [expandDims(x, -1), expandDims(x, -2)];
  return sum(add(cast(less(other, own), 'f32'), mul(cast(equal(other, own), 'f32'), 0.5)), { axis: -1 });
}

/** Weighted Pearson correlation along the last axis. */
function pearson(x: Tensor, y: Tensor, weight: Tensor): Tensor {
  const total = (v: Tensor, keepDims = false): Tensor => sum(mul(weight, v), { axis: -1, keepDims });
  const centered = (v: Tensor): Tensor => sub(v, ratio(total(v, true), total(ones(v.shape), true)));
  const [dx, dy] = [centered(x), centered(y)];
  return ratio(total(mul(dx, dy)), mul(sqrt(total(square(dx))), sqrt(total(square(dy)))));
}

/**
 * Spearman correlation: Pearson's of the ranks, with mean ranks for equal values, -1 to 1; 0 if one of them is constant. A sample of
 * weight w counts as w equal samples. One output, [n] or [n, 1]: over all samples seen, at most `capacity`. Several, [n, ..., d]: the mean
 * of each sample's correlation along the last axis.
 *
 *     metrics.spearmanCorrelation({ capacity: 50000 })
 */
export const spearmanCorrelation = (options: SpearmanCorrelationOptions = {}): Configured<Metric<RankState>> =>
  makeMetric<Metric<RankState>, (typeof spearmanCorrelationOptions)['options']>(
    spearmanCorrelationOptions,
    options,
    (name, { capacity }) => ({
      direction: 'max',
      init: () => ({
        targets: zeros([capacity]),
        predictions: zeros([capacity]),
        weight: zeros([capacity]),
        count: scalar(0, 'i32'),
        rows: noMean(),
      }),
      update: (state, targets, predictions, sampleWeight) =>
        withScope(name, () => {
          const pair = alignEqual(name, targets, predictions);
          const { shape } = pair.predictions;
          const columns = shape[shape.length - 1];
          const samples = shape.slice(0, -1);
          const added = sizeOf(samples);
          const weight = sampleWeight && reshape(fitWeight(name, sampleWeight, samples), [added]);
          if (columns > 1) {
            const [x, y] = [pair.targets, pair.predictions].map((v) => ranksOfRows(reshape(v, [added, columns])));
            return { ...state, rows: addToMean(state.rows, pearson(x, y, ones([1])), weight) };
          }
          if (added === 0) return state;
          const given = weight ?? ones([added]);
          // The slot j takes the value j - count of the batch, if there is one.
          const source = sub(arange(capacity), state.count);
          const isNew = logicalAnd(greaterEqual(source, 0), less(source, added));
          const place = where(isNew, source, 0);
          const stored = (old: Tensor, batch: Tensor): Tensor =>
            where(isNew, gather(where(notEqual(given, 0), reshape(batch, [added]), 0), place), old);
          return {
            targets: stored(state.targets, pair.targets),
            predictions: stored(state.predictions, pair.predictions),
            weight: stored(state.weight, given),
            count: add(state.count, added),
            rows: state.rows,
          };
        }),
      result: ({ targets, predictions, weight, count, rows }) => {
        const value = pearson(ranks(targets, weight), ranks(predictions, weight), weight);
        const isUnknown = logicalOr(greater(count, capacity), any(logicalOr(isNaN(targets), isNaN(predictions))));
        // Only one of the two has samples.
        return add(where(isUnknown, NaN, value), meanOf(rows));
      },
    }),
  );
