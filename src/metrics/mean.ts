// Means and sums over an epoch: of any values, and of the losses per sample.
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { callable, oneOf } from '../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, declareOptions, optional } from '../core/options.ts';
import { sizeOf, type Shape } from '../core/shape.ts';
import { shown } from '../core/shown.ts';
import { withScope } from '../graph/scope.ts';
import { Tensor } from '../graph/tensor.ts';
import { type Loss, fitWeight } from '../losses/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { cast, mul, sum as sumOf } from '../ops/index.ts';
import { type Count, type Total, addToTotal, countAll, countValue, noCount, noTotal, ratio, totalValue } from './accumulate.ts';
import { type Direction, type Metric, makeMetric, metricOptions } from './metric.ts';

export type MeanState = { readonly total: Total; readonly count: Count };

/** Mean of values given one batch at a time; `update(state, values)` or, as a metric of a model, the mean of its predictions. */
export interface MeanMetric extends Metric<MeanState> {
  update(state: MeanState, targets: Tensor, predictions?: Tensor, sampleWeight?: Tensor): MeanState;
}

/** A function whose values are reduced, such as one value for each sample. */
export type ValuesOf = (targets: Tensor, predictions: Tensor) => Tensor;

/** Fields of reductions of any values. */
export const valueTable = {
  /** Function of targets and predictions whose values are reduced. Without it, the predictions are. */
  fn: /* @__PURE__ */ optional(callable<ValuesOf>('a function of targets and predictions')),
  /** Whether larger ('max') or smaller ('min') results are better, for callbacks with mode 'auto'. */
  direction: /* @__PURE__ */ optional(oneOf('max', 'min')),
  ...metricOptions,
};
export type ValueOptions = OptionsOf<Declaration<typeof valueTable>>;

/** Values to reduce, and a weight for each. @throws ArgumentError if `fn` gives no tensor. */
export function valuesOf(
  name: string,
  fn: ValuesOf | undefined,
  targets: Tensor,
  predictions: Tensor,
  sampleWeight: Tensor | undefined,
): { readonly values: Tensor; readonly weight: Tensor | undefined } {
  const values: unknown = fn ? fn(targets, predictions) : predictions;
  if (!(values instanceof Tensor))
    throw new ArgumentError(`${name}: fn gave ${shown(values)}; it must give a tensor, such as one value per sample`);
  return { values, weight: sampleWeight && fitWeight(name, sampleWeight, values.shape) };
}

export const meanOptions = declareOptions('metrics.mean', valueTable);

/**
 * Weighted mean of all values seen, sum(w v) / sum(w); 0 before the first. As a metric of a model, of its predictions or of `fn`.
 *
 *     metrics.mean({ fn: (targets, predictions) => abs(sub(predictions, targets)), direction: 'min', name: 'error' })
 *     const loss = metrics.mean({ name: 'loss' });
 *     state = loss.update(state, batchLoss, batchLoss, batchSize);   // weight of the batch: its size
 */
export const mean = (options: ValueOptions = {}): Configured<MeanMetric> =>
  makeMetric<MeanMetric, typeof valueTable>(meanOptions, options, (name, { fn, direction }) => ({
    direction,
    init: noMean,
    update: (state, targets, predictions = targets, sampleWeight) =>
      withScope(name, () => {
        const { values, weight } = valuesOf(name, fn, targets, predictions, sampleWeight);
        return addToMean(state, values, weight);
      }),
    result: meanOf,
  }));

const sumWeighted = (values: Tensor, weight: Tensor | undefined): Tensor =>
  sumOf(weight ? productOrZero(weight, cast(values, 'f32')) : cast(values, 'f32'));

export const noMean = (): MeanState => ({ total: noTotal(), count: noCount() });

/** Adds values with their weights, of the same shape. A weight of 0 adds 0 for any value. */
export const addToMean = ({ total, count }: MeanState, values: Tensor, weight: Tensor | undefined): MeanState => ({
  total: addToTotal(total, sumWeighted(values, weight)),
  count: countAll(count, values.size, weight),
});

/** The mean; 0 if there are no values. */
export const meanOf = ({ total, count }: MeanState): Tensor => ratio(totalValue(total), countValue(count));

export type SumState = { readonly total: Total };

export const sumOptions = declareOptions('metrics.sum', valueTable);

/** Weighted sum of all values seen, sum(w v): `update(state, values)` or, as a metric of a model, the sum of its predictions or of `fn`. */
export const sum = (options: ValueOptions = {}): Configured<Metric<SumState>> =>
  makeMetric<Metric<SumState>, typeof valueTable>(sumOptions, options, (name, { fn, direction }) => ({
    direction,
    init: () => ({ total: noTotal() }),
    update: (state, targets, predictions: Tensor = targets, sampleWeight) =>
      withScope(name, () => {
        const { values, weight } = valuesOf(name, fn, targets, predictions, sampleWeight);
        return { total: addToTotal(state.total, sumWeighted(values, weight)) };
      }),
    result: ({ total }) => totalValue(total),
  }));

/** The shape of a loss's values, one for each sample. */
function samplesOf(loss: Loss, predictions: Shape): Shape {
  if (predictions.length >= 2 || loss.targetKind === 'classIndex') return predictions.slice(0, -1);
  return predictions.length ? predictions : [1];
}

/** Mean of a loss over all samples seen, weighted by their weights. `finish` turns it into the metric's value. A smaller loss is better, so 'min' is the usual direction. */
export function meanOfLoss<T extends OptionTable & typeof metricOptions>(
  declaration: Declaration<T>,
  options: OptionsOf<Declaration<T>>,
  lossOf: (settings: SettingsOf<Declaration<T>>) => Loss,
  finish: (mean: Tensor) => Tensor = (x) => x,
  direction: Direction = 'min',
): Configured<Metric<MeanState>> {
  return makeMetric<Metric<MeanState>, T>(declaration, options, (name, settings) => {
    const loss = lossOf(settings);
    return {
      direction,
      init: noMean,
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
