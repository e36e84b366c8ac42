// Accuracies: the share of samples that are right.
import { ArgumentError } from '../core/errors.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignClasses, alignEqual, fitWeight } from '../losses/index.ts';
import { any, argMax, cast, equal, greater, less, lessEqual, logicalAnd, logicalNot, oneHot, sum, where } from '../ops/index.ts';
import { type Count, countAll, countTrue, countValue, noCount, ratio } from './accumulate.ts';
import { type Metric, type MetricOptions, checkMetricOptions } from './metric.ts';

export type AccuracyState = { readonly correct: Count; readonly count: Count };

/** The share of `hits`, a bool for each thing that can be right. */
function shareOf(name: string, hits: (targets: Tensor, predictions: Tensor) => Tensor): Metric<AccuracyState> {
  return {
    name,
    init: () => ({ correct: noCount(), count: noCount() }),
    update: (state, targets, predictions, sampleWeight) =>
      withScope(name, () => {
        const right = hits(targets, predictions);
        const weight = sampleWeight && fitWeight(name, sampleWeight, right.shape);
        return { correct: countTrue(state.correct, right, weight), count: countAll(state.count, right.size, weight) };
      }),
    result: ({ correct, count }) => ratio(countValue(correct), countValue(count)),
  };
}

export interface ThresholdOptions extends MetricOptions {
  /** Predictions above it count as 1; 0.5. For logits, 0. */
  threshold?: number;
}

/** Checks a threshold and gives it back. */
export function checkThreshold(metric: string, threshold = 0.5): number {
  if (typeof threshold === 'number' && Number.isFinite(threshold)) return threshold;
  throw new ArgumentError(`metrics.${metric}: threshold is ${String(threshold)}; it must be a number`);
}

const binaryHits =
  (name: string, threshold: number) =>
  (targets: Tensor, predictions: Tensor): Tensor => {
    const pair = alignEqual(name, targets, predictions);
    return equal(cast(greater(pair.predictions, threshold), 'f32'), pair.targets);
  };

const categoricalHits =
  (name: string) =>
  (targets: Tensor, predictions: Tensor): Tensor => {
    const pair = alignEqual(name, targets, predictions);
    return equal(argMax(pair.targets, { axis: -1 }), argMax(pair.predictions, { axis: -1 }));
  };

const sparseHits =
  (name: string) =>
  (targets: Tensor, predictions: Tensor): Tensor => {
    const pair = alignClasses(name, targets, predictions);
    return equal(pair.targets, argMax(pair.predictions, { axis: -1 }));
  };

/** Which accuracy 'accuracy' means, as Keras resolves it: from the shapes alone. */
function accuracyKind(targets: Tensor, predictions: Tensor): 'binary' | 'categorical' | 'sparse' {
  if (predictions.rank < 2 || predictions.shape[predictions.rank - 1] === 1) return 'binary';
  return targets.rank < predictions.rank || targets.shape[targets.rank - 1] === 1 ? 'sparse' : 'categorical';
}

/**
 * Accuracy as Keras resolves the name: binaryAccuracy for predictions [n, 1], sparseCategoricalAccuracy for class indices [n] or [n, 1] against
 * predictions [n, classes], else categoricalAccuracy. The loss plays no part: with one output, targets other than 0 and 1 are never right.
 *
 *     model.compile({ loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
 */
export function accuracy(options: MetricOptions = {}): Metric<AccuracyState> {
  const name = checkMetricOptions('accuracy', options);
  const kinds = { binary: binaryHits(name, 0.5), categorical: categoricalHits(name), sparse: sparseHits(name) };
  return shareOf(name, (targets, predictions) => kinds[accuracyKind(targets, predictions)](targets, predictions));
}

/** The share of elements where (prediction > threshold) equals the target. Targets 0 or 1, [n] or as the predictions. */
export function binaryAccuracy(options: ThresholdOptions = {}): Metric<AccuracyState> {
  const name = checkMetricOptions('binaryAccuracy', options, ['threshold']);
  return shareOf(name, binaryHits(name, checkThreshold('binaryAccuracy', options.threshold)));
}

/** The share of samples whose greatest prediction stands where the greatest target does. Both [n, ..., classes]. */
export function categoricalAccuracy(options: MetricOptions = {}): Metric<AccuracyState> {
  const name = checkMetricOptions('categoricalAccuracy', options);
  return shareOf(name, categoricalHits(name));
}

/** The share of samples whose greatest prediction stands at the target's index. Targets [n, ...], predictions [n, ..., classes]. */
export function sparseCategoricalAccuracy(options: MetricOptions = {}): Metric<AccuracyState> {
  const name = checkMetricOptions('sparseCategoricalAccuracy', options);
  return shareOf(name, sparseHits(name));
}

export interface TopKOptions extends MetricOptions {
  /** 5. */
  k?: number;
}

/**
 * Whether fewer than k classes are predicted higher than the target's: ties go in the target's favour. NaN counts as higher than every number, as in
 * argMax, and a class that does not exist is never among the k.
 */
function inTopK(classes: Tensor, predictions: Tensor, k: number): Tensor {
  const hit = oneHot(classes, predictions.shape[predictions.rank - 1], 'bool');
  const own = sum(where(hit, predictions, 0), { axis: -1, keepDims: true });
  const higher = sum(cast(logicalNot(lessEqual(predictions, own)), 'i32'), { axis: -1 });
  return logicalAnd(less(higher, k), any(hit, { axis: -1 }));
}

function checkK(metric: string, k = 5): number {
  if (Number.isInteger(k) && k > 0) return k;
  throw new ArgumentError(`metrics.${metric}: k is ${String(k)}; it must be a whole number above 0`);
}

/** The share of samples whose target class is among the k highest predictions. Targets one-hot, both [n, ..., classes]. */
export function topKCategoricalAccuracy(options: TopKOptions = {}): Metric<AccuracyState> {
  const name = checkMetricOptions('topKCategoricalAccuracy', options, ['k']);
  const k = checkK('topKCategoricalAccuracy', options.k);
  return shareOf(name, (targets, predictions) => {
    const pair = alignEqual(name, targets, predictions);
    return inTopK(argMax(pair.targets, { axis: -1 }), pair.predictions, k);
  });
}

/** topKCategoricalAccuracy for class indices. Targets [n, ...], predictions [n, ..., classes]. */
export function sparseTopKCategoricalAccuracy(options: TopKOptions = {}): Metric<AccuracyState> {
  const name = checkMetricOptions('sparseTopKCategoricalAccuracy', options, ['k']);
  const k = checkK('sparseTopKCategoricalAccuracy', options.k);
  return shareOf(name, (targets, predictions) => {
    const pair = alignClasses(name, targets, predictions);
    return inTopK(pair.targets, pair.predictions, k);
  });
}
