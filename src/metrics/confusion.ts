// Metrics of true and false positives and negatives. Targets are 0 or 1, predictions above the threshold count as 1.
import { ShapeError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignEqual, fitWeight } from '../losses/index.ts';
import { add, greater, logicalAnd, logicalNot, mul, notEqual } from '../ops/index.ts';
import { checkThreshold, type ThresholdOptions } from './accuracy.ts';
import { type Count, countTrue, countValue, noCount, ratio } from './accumulate.ts';
import { type Metric, checkMetricOptions } from './metric.ts';

/** What a sample can be: predicted rightly or wrongly, as 1 or as 0. */
const outcomes = {
  truePositives: (target: Tensor, prediction: Tensor) => logicalAnd(target, prediction),
  trueNegatives: (target: Tensor, prediction: Tensor) => logicalAnd(logicalNot(target), logicalNot(prediction)),
  falsePositives: (target: Tensor, prediction: Tensor) => logicalAnd(logicalNot(target), prediction),
  falseNegatives: (target: Tensor, prediction: Tensor) => logicalAnd(target, logicalNot(prediction)),
};
type Outcome = keyof typeof outcomes;

/** A metric that counts outcomes and makes its value of the counts. */
function ofOutcomes<O extends Outcome>(
  metric: string,
  options: ThresholdOptions,
  counted: readonly O[],
  value: (counts: Record<O, Tensor>) => Tensor,
  oneColumn = false,
): Metric<Record<O, Count>> {
  const name = checkMetricOptions(metric, options, ['threshold']);
  const threshold = checkThreshold(metric, options.threshold);
  const record = <T>(make: (outcome: O) => T): Record<O, T> => Object.fromEntries(counted.map((o) => [o, make(o)])) as Record<O, T>;
  return {
    name,
    init: () => record(noCount),
    update: (state, targets, predictions, sampleWeight) =>
      withScope(name, () => {
        const pair = alignEqual(name, targets, predictions);
        const { shape } = pair.predictions;
        if (oneColumn && shape[shape.length - 1] !== 1) {
          throw new ShapeError(
            `${name}: predictions are ${formatShape(predictions.shape)}; it takes one probability per sample, [n] or [n,1]`,
          );
        }
        const weight = sampleWeight && fitWeight(name, sampleWeight, shape);
        const target = notEqual(pair.targets, 0);
        const prediction = greater(pair.predictions, threshold);
        return record((o) => countTrue(state[o], outcomes[o](target, prediction), weight));
      }),
    result: (state) => value(record((o) => countValue(state[o]))),
  };
}

/** Number (or weight) of targets 1 that were predicted 1. */
export const truePositives = (options: ThresholdOptions = {}): Metric<Record<'truePositives', Count>> =>
  ofOutcomes('truePositives', options, ['truePositives'], (n) => n.truePositives);

/** Number (or weight) of targets 0 that were predicted 0. */
export const trueNegatives = (options: ThresholdOptions = {}): Metric<Record<'trueNegatives', Count>> =>
  ofOutcomes('trueNegatives', options, ['trueNegatives'], (n) => n.trueNegatives);

/** Number (or weight) of targets 0 that were predicted 1. */
export const falsePositives = (options: ThresholdOptions = {}): Metric<Record<'falsePositives', Count>> =>
  ofOutcomes('falsePositives', options, ['falsePositives'], (n) => n.falsePositives);

/** Number (or weight) of targets 1 that were predicted 0. */
export const falseNegatives = (options: ThresholdOptions = {}): Metric<Record<'falseNegatives', Count>> =>
  ofOutcomes('falseNegatives', options, ['falseNegatives'], (n) => n.falseNegatives);

/**
 * Precision, true positives / predicted positives; 0 where nothing was predicted positive. Targets and predictions [n], [n, 1] or, for several
 * labels a sample counted together, [n, d].
 *
 *     model.compile({ loss: 'binaryCrossentropy', metrics: [metrics.precision({ threshold: 0.7 })] })
 */
export const precision = (options: ThresholdOptions = {}): Metric<Record<'truePositives' | 'falsePositives', Count>> =>
  ofOutcomes('precision', options, ['truePositives', 'falsePositives'], (n) =>
    ratio(n.truePositives, add(n.truePositives, n.falsePositives)),
  );

/** Recall, true positives / actual positives; 0 where there were none. Shapes as precision. */
export const recall = (options: ThresholdOptions = {}): Metric<Record<'truePositives' | 'falseNegatives', Count>> =>
  ofOutcomes('recall', options, ['truePositives', 'falseNegatives'], (n) => ratio(n.truePositives, add(n.truePositives, n.falseNegatives)));

/** F1 score, the harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN), a scalar. Targets and predictions [n] or [n, 1]. */
export const f1Score = (options: ThresholdOptions = {}): Metric<Record<'truePositives' | 'falsePositives' | 'falseNegatives', Count>> =>
  ofOutcomes(
    'f1Score',
    options,
    ['truePositives', 'falsePositives', 'falseNegatives'],
    (n) => {
      const twice = mul(n.truePositives, 2);
      return ratio(twice, add(twice, add(n.falsePositives, n.falseNegatives)));
    },
    true,
  );
