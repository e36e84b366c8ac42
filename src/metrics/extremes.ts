// The smallest and the largest value of an epoch.
import type { Configured } from '../core/config.ts';
import { type Declaration, declareOptions } from '../core/options.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { any, cast, greater, max as maxOf, maximum, min as minOf, minimum, notEqual, scalar, where } from '../ops/index.ts';
import { type ValueOptions, valueTable, valuesOf } from './mean.ts';
import { type Metric, makeMetric } from './metric.ts';

/** `seen` is 1 if a value has counted. */
export type ExtremeState = { readonly extreme: Tensor; readonly seen: Tensor };

function extremeOf(
  declaration: Declaration<typeof valueTable>,
  options: ValueOptions,
  worst: number,
  reduce: (values: Tensor) => Tensor,
  better: (a: Tensor, b: Tensor) => Tensor,
): Configured<Metric<ExtremeState>> {
  return makeMetric<Metric<ExtremeState>, typeof valueTable>(declaration, options, (name, { fn, direction }) => ({
    direction,
    init: () => ({ extreme: scalar(worst), seen: scalar(0, 'i32') }),
    update: (state, targets, predictions: Tensor = targets, sampleWeight) =>
      withScope(name, () => {
        const { values, weight } = valuesOf(name, fn, targets, predictions, sampleWeight);
        if (values.size === 0) return state;
        const counts = weight && notEqual(weight, 0);
        const floats = cast(values, 'f32');
        const batch = reduce(counts ? where(counts, floats, worst) : floats);
        return { extreme: better(state.extreme, batch), seen: maximum(state.seen, counts ? cast(any(counts), 'i32') : 1) };
      }),
    result: ({ extreme, seen }) => where(greater(seen, 0), extreme, 0),
  }));
}

export const minOptions = declareOptions('metrics.min', valueTable);

/**
 * Smallest value seen, of those with a weight other than 0; 0 before the first. `update(state, values)` or, as a metric of a model, of its
 * predictions or of `fn`. NaN stays.
 */
export const min = (options: ValueOptions = {}): Configured<Metric<ExtremeState>> =>
  extremeOf(minOptions, options, Infinity, (values) => minOf(values), minimum);

export const maxOptions = declareOptions('metrics.max', valueTable);

/**
 * Largest value seen, as min.
 *
 *     metrics.max({ fn: (targets, predictions) => abs(sub(predictions, targets)), direction: 'min', name: 'maxError' })
 */
export const max = (options: ValueOptions = {}): Configured<Metric<ExtremeState>> =>
  extremeOf(maxOptions, options, -Infinity, (values) => maxOf(values), maximum);
