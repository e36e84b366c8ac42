// Accuracies: the fraction of correct samples.
import type { Configured } from '../core/config.ts';
import { number, positiveInteger } from '../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, declareOptions, optional } from '../core/options.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignClasses, alignEqual, fitWeight } from '../losses/index.ts';
import { any, argMax, cast, equal, greater, less, lessEqual, logicalAnd, logicalNot, oneHot, sum, where } from '../ops/index.ts';
import { type Count, countAll, countTrue, countValue, noCount, ratio } from './accumulate.ts';
import { type Direction, type Metric, type MetricOptions, makeMetric, metricOptions } from './metric.ts';

export type AccuracyState = { readonly correct: Count; readonly count: Count };

type Hits = (targets: Tensor, predictions: Tensor) => Tensor;

/** The fraction of hits: true for each correct prediction, or for each wrong one with the direction 'min'. */
export function shareOf<T extends OptionTable & typeof metricOptions>(
  declaration: Declaration<T>,
  options: OptionsOf<Declaration<T>>,
  hitsOf: (name: string, settings: SettingsOf<Declaration<T>>) => Hits,
  direction: Direction = 'max',
): Configured<Metric<AccuracyState>> {
  return makeMetric<Metric<AccuracyState>, T>(declaration, options, (name, settings) => {
    const hits = hitsOf(name, settings);
    return {
      direction,
      init: () => ({ correct: noCount(), count: noCount() }),
      update: (state, targets, predictions, sampleWeight) =>
        withScope(name, () => {
          const right = hits(targets, predictions);
          const weight = sampleWeight && fitWeight(name, sampleWeight, right.shape);
          return { correct: countTrue(state.correct, right, weight), count: countAll(state.count, right.size, weight) };
        }),
      result: ({ correct, count }) => ratio(countValue(correct), countValue(count)),
    };
  });
}

export const thresholdOptions = {
  /** Predictions above it are treated as 1. Use 0 for logits. @default 0.5 */
  threshold: /* @__PURE__ */ optional(number(), 0.5),
  ...metricOptions,
};

/** Options of metrics that treat predictions above a threshold as 1. */
export type ThresholdOptions = OptionsOf<Declaration<typeof thresholdOptions>>;

export const binaryHits =
  (name: string, threshold: number): Hits =>
  (targets, predictions) => {
    const pair = alignEqual(name, targets, predictions);
    return equal(cast(greater(pair.predictions, threshold), 'f32'), pair.targets);
  };

const categoricalHits =
  (name: string): Hits =>
  (targets, predictions) => {
    const pair = alignEqual(name, targets, predictions);
    return equal(argMax(pair.targets, { axis: -1 }), argMax(pair.predictions, { axis: -1 }));
  };

const sparseHits =
  (name: string): Hits =>
  (targets, predictions) => {
    const pair = alignClasses(name, targets, predictions);
    return equal(pair.targets, argMax(pair.predictions, { axis: -1 }));
  };

/** The accuracy that 'accuracy' means. Keras resolves it in the same way, from the shapes only. */
function accuracyKind(targets: Tensor, predictions: Tensor): 'binary' | 'categorical' | 'sparse' {
  if (predictions.rank < 2 || predictions.shape[predictions.rank - 1] === 1) return 'binary';
  return targets.rank < predictions.rank || targets.shape[targets.rank - 1] === 1 ? 'sparse' : 'categorical';
}

export const accuracyOptions = declareOptions('metrics.accuracy', metricOptions);

/**
 * Accuracy as Keras resolves the name: binaryAccuracy for predictions [n, 1], sparseCategoricalAccuracy for class indices [n] or [n, 1]
 * against predictions [n, classes], otherwise categoricalAccuracy. The loss has no influence: with one output, targets other than 0 and 1
 * are never correct.
 *
 *     model.compile({ loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
 */
export const accuracy = (options: MetricOptions = {}): Configured<Metric<AccuracyState>> =>
  shareOf(accuracyOptions, options, (name) => {
    const kinds = { binary: binaryHits(name, 0.5), categorical: categoricalHits(name), sparse: sparseHits(name) };
    return (targets, predictions) => kinds[accuracyKind(targets, predictions)](targets, predictions);
  });

export const binaryAccuracyOptions = declareOptions('metrics.binaryAccuracy', thresholdOptions);

/** The fraction of elements for which (prediction > threshold) equals the target. Targets 0 or 1, [n] or as the predictions. */
export const binaryAccuracy = (options: ThresholdOptions = {}): Configured<Metric<AccuracyState>> =>
  shareOf(binaryAccuracyOptions, options, (name, { threshold }) => binaryHits(name, threshold));

export const categoricalAccuracyOptions = declareOptions('metrics.categoricalAccuracy', metricOptions);

/** The fraction of samples whose largest prediction is at the position of the largest target. Both [n, ..., classes]. */
export const categoricalAccuracy = (options: MetricOptions = {}): Configured<Metric<AccuracyState>> =>
  shareOf(categoricalAccuracyOptions, options, categoricalHits);

export const sparseCategoricalAccuracyOptions = declareOptions('metrics.sparseCategoricalAccuracy', metricOptions);

/** The fraction of samples whose largest prediction is at the target's index. Targets [n, ...], predictions [n, ..., classes]. */
export const sparseCategoricalAccuracy = (options: MetricOptions = {}): Configured<Metric<AccuracyState>> =>
  shareOf(sparseCategoricalAccuracyOptions, options, sparseHits);

const topKTable = {
  /** Number of highest predictions among which the target's class may be. @default 5 */
  k: /* @__PURE__ */ optional(positiveInteger, 5),
  ...metricOptions,
};
export type TopKOptions = OptionsOf<Declaration<typeof topKTable>>;

/**
 * Whether fewer than k classes are predicted higher than the target's. Ties are resolved for the target. NaN is higher than every number,
 * as in argMax. A class index out of range is never among the k.
 */
function inTopK(classes: Tensor, predictions: Tensor, k: number): Tensor {
  const hit = oneHot(classes, predictions.shape[predictions.rank - 1], 'bool');
  const own = sum(where(hit, predictions, 0), { axis: -1, keepDims: true });
  const higher = sum(cast(logicalNot(lessEqual(predictions, own)), 'i32'), { axis: -1 });
  return logicalAnd(less(higher, k), any(hit, { axis: -1 }));
}

export const topKCategoricalAccuracyOptions = declareOptions('metrics.topKCategoricalAccuracy', topKTable);

/** The fraction of samples whose target class is among the k highest predictions. Targets one-hot, both [n, ..., classes]. */
export const topKCategoricalAccuracy = (options: TopKOptions = {}): Configured<Metric<AccuracyState>> =>
  shareOf(topKCategoricalAccuracyOptions, options, (name, { k }) => (targets, predictions) => {
    const pair = alignEqual(name, targets, predictions);
    return inTopK(argMax(pair.targets, { axis: -1 }), pair.predictions, k);
  });

export const sparseTopKCategoricalAccuracyOptions = declareOptions('metrics.sparseTopKCategoricalAccuracy', topKTable);

/** topKCategoricalAccuracy for class indices. Targets [n, ...], predictions [n, ..., classes]. */
export const sparseTopKCategoricalAccuracy = (options: TopKOptions = {}): Configured<Metric<AccuracyState>> =>
  shareOf(sparseTopKCategoricalAccuracyOptions, options, (name, { k }) => (targets, predictions) => {
    const pair = alignClasses(name, targets, predictions);
    return inTopK(pair.targets, pair.predictions, k);
  });
