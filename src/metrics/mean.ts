// Means and sums over an epoch: of any values, and of the losses per sample.
import type { Configured } from '../core/config.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, declareOptions } from '../core/options.ts';
import { sizeOf, type Shape } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Loss, fitWeight } from '../losses/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { cast, mul, sum as sumOf } from '../ops/index.ts';
import { type Count, type Total, addToTotal, countAll, countValue, noCount, noTotal, ratio, totalValue } from './accumulate.ts';
import { type Metric, type MetricOptions, makeMetric, metricOptions } from './metric.ts';

export type MeanState = { readonly total: Total; readonly count: Count };

/** Mean of values given one batch at a time; `update(state, values)` or, as a metric of a model, the mean of its predictions. */
export interface MeanMetric extends Metric<MeanState> {
  update(state: MeanState, targets: Tensor, predictions?: Tensor, sampleWeight?: Tensor): MeanState;
}

export const meanOptions = declareOptions('metrics.mean', metricOptions);

/**
 * Weighted mean of all values seen, sum(w v) / sum(w); 0 before the first.
 *
 *     const loss = metrics.mean({ name: 'loss' });
 *     state = loss.update(state, batchLoss, batchLoss, batchSize);   // weight of the batch: its size
 */
export const mean = (options: MetricOptions = {}): Configured<MeanMetric> =>
  makeMetric<MeanMetric, typeof metricOptions>(meanOptions, options, (name) => ({
    init: () => ({ total: noTotal(), count: noCount() }),
    update: (state, targets, predictions = targets, sampleWeight) =>
      withScope(name, () => {
        const weight = sampleWeight && fitWeight(name, sampleWeight, predictions.shape);
        return {
          total: addToTotal(state.total, sumWeighted(predictions, weight)),
          count: countAll(state.count, predictions.size, weight),
        };
      }),
    result: meanOf,
  }));

const sumWeighted = (values: Tensor, weight: Tensor | undefined): Tensor =>
  sumOf(weight ? productOrZero(weight, cast(values, 'f32')) : cast(values, 'f32'));

const meanOf = ({ total, count }: MeanState): Tensor => ratio(totalValue(total), countValue(count));

export type SumState = { readonly total: Total };

export const sumOptions = declareOptions('metrics.sum', metricOptions);

/** Weighted sum of all values seen, sum(w v): `update(state, values)` or, as a metric of a model, the sum of its predictions. */
export const sum = (options: MetricOptions = {}): Configured<Metric<SumState>> =>
  makeMetric<Metric<SumState>, typeof metricOptions>(sumOptions, options, (name) => ({
    init: () => ({ total: noTotal() }),
    update: (state, targets, predictions: Tensor = targets, sampleWeight) =>
      withScope(name, () => {
        const weight = sampleWeight && fitWeight(name, sampleWeight, predictions.shape);
        return { total: addToTotal(state.total, sumWeighted(predictions, weight)) };
      }),
    result: ({ total }) => totalValue(total),
  }));

/** The shape of a loss's values, one for each sample. */
function samplesOf(loss: Loss, predictions: Shape): Shape {
  if (predictions.length >= 2 || loss.targetKind === 'classIndex') return predictions.slice(0, -1);
  return predictions.length ? predictions : [1];
}

/** Mean of a loss over all samples seen, weighted by their weights. `finish` turns it into the metric's value. */
export function meanOfLoss<T extends OptionTable & typeof metricOptions>(
  declaration: Declaration<T>,
  options: OptionsOf<Declaration<T>>,
  lossOf: (settings: SettingsOf<Declaration<T>>) => Loss,
  finish: (mean: Tensor) => Tensor = (x) => x,
): Configured<Metric<MeanState>> {
  return makeMetric<Metric<MeanState>, T>(declaration, options, (name, settings) => {
    const loss = lossOf(settings);
    return {
      init: () => ({ total: noTotal(), count: noCount() }),
      update: (state, targets, predictions, sampleWeight) =>
        withScope(name, () => {
          const samples = samplesOf(loss, predictions.shape);
          const weight = sampleWeight && fitWeight(name, sampleWeight, samples);
          // The loss's own mean is sum(w l) / samples. If the model trains on the same loss, both share one computation.
          const batch = mul(loss(targets, predictions, sampleWeight), sizeOf(samples));
          return { total: addToTotal(state.total, batch), count: countAll(state.count, sizeOf(samples), weight) };
        }),
      result: (state) => finish(meanOf(state)),
    };
  });
}
