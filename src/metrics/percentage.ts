// Errors of regressions in percent.
import type { Configured } from '../core/config.ts';
import { declareOptions } from '../core/options.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignEqual, fitWeight } from '../losses/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { abs, add, expandDims, broadcastTo, mul, sub, sum } from '../ops/index.ts';
import { type Total, addToTotal, noTotal, ratio, totalValue } from './accumulate.ts';
import { type MeanState, addToMean, meanOf, noMean } from './mean.ts';
import { type Metric, type MetricOptions, makeMetric, metricOptions } from './metric.ts';

/** Aligned targets and predictions [n, ..., d], and the weight of each element. */
export function elementsOf(
  name: string,
  targets: Tensor,
  predictions: Tensor,
  sampleWeight: Tensor | undefined,
): { t: Tensor; p: Tensor; weight: Tensor | undefined } {
  const pair = alignEqual(name, targets, predictions);
  const { shape } = pair.predictions;
  const weight = sampleWeight && broadcastTo(expandDims(fitWeight(name, sampleWeight, shape.slice(0, -1)), -1), shape);
  return { t: pair.targets, p: pair.predictions, weight };
}

export const symmetricMeanAbsolutePercentageErrorOptions = declareOptions('metrics.symmetricMeanAbsolutePercentageError', metricOptions);

/**
 * Symmetric mean absolute percentage error, mean(200 |t - p| / (|t| + |p|)), 0 to 200 percent; an element with t = p = 0 gives 0. Targets
 * and predictions [n] or [n, ..., d]. In percent as meanAbsolutePercentageError; torchmetrics gives a hundredth.
 */
export const symmetricMeanAbsolutePercentageError = (options: MetricOptions = {}): Configured<Metric<MeanState>> =>
  makeMetric<Metric<MeanState>, typeof metricOptions>(symmetricMeanAbsolutePercentageErrorOptions, options, (name) => ({
    direction: 'min',
    init: noMean,
    update: (state, targets, predictions, sampleWeight) =>
      withScope(name, () => {
        const { t, p, weight } = elementsOf(name, targets, predictions, sampleWeight);
        return addToMean(state, mul(ratio(abs(sub(t, p)), add(abs(t), abs(p))), 200), weight);
      }),
    result: meanOf,
  }));

export type PercentageState = { readonly errors: Total; readonly sizes: Total };

export const weightedMeanAbsolutePercentageErrorOptions = declareOptions('metrics.weightedMeanAbsolutePercentageError', metricOptions);

/**
 * Weighted mean absolute percentage error, 100 Σ |t - p| / Σ |t|: small targets do not dominate, as they do in
 * meanAbsolutePercentageError. 0 if all targets are 0. Targets and predictions [n] or [n, ..., d]. In percent; torchmetrics gives a hundredth.
 */
export const weightedMeanAbsolutePercentageError = (options: MetricOptions = {}): Configured<Metric<PercentageState>> =>
  makeMetric<Metric<PercentageState>, typeof metricOptions>(weightedMeanAbsolutePercentageErrorOptions, options, (name) => ({
    direction: 'min',
    init: () => ({ errors: noTotal(), sizes: noTotal() }),
    update: (state, targets, predictions, sampleWeight) =>
      withScope(name, () => {
        const { t, p, weight } = elementsOf(name, targets, predictions, sampleWeight);
        const total = (x: Tensor): Tensor => sum(weight ? productOrZero(weight, x) : x);
        return { errors: addToTotal(state.errors, total(abs(sub(t, p)))), sizes: addToTotal(state.sizes, total(abs(t))) };
      }),
    result: ({ errors, sizes }) => mul(ratio(totalValue(errors), totalValue(sizes)), 100),
  }));
