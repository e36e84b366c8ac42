// Accuracies of samples with several labels of 0 or 1.
import type { Configured } from '../core/config.ts';
import { declareOptions } from '../core/options.ts';
import { all, logicalNot } from '../ops/index.ts';
import { type AccuracyState, type ThresholdOptions, binaryHits, shareOf, thresholdOptions } from './accuracy.ts';
import type { Metric } from './metric.ts';

export const exactMatchOptions = declareOptions('metrics.exactMatch', thresholdOptions);

/**
 * The fraction of samples with every label right: (prediction > threshold) equals the target along the whole last axis. Targets 0 or 1,
 * both [n, ..., labels]. (scikit-learn's accuracy of several labels.)
 *
 *     metrics.exactMatch({ threshold: 0.4 })
 */
export const exactMatch = (options: ThresholdOptions = {}): Configured<Metric<AccuracyState>> =>
  shareOf(
    exactMatchOptions,
    options,
    (name, { threshold }) =>
      (targets, predictions) =>
        all(binaryHits(name, threshold)(targets, predictions), { axis: -1 }),
  );

export const hammingDistanceOptions = declareOptions('metrics.hammingDistance', thresholdOptions);

/**
 * The fraction of wrong labels, those with (prediction > threshold) other than the target. Targets 0 or 1, [n] or as the predictions
 * [n, ..., labels]. 0 is best. (scikit-learn's hamming_loss.)
 */
export const hammingDistance = (options: ThresholdOptions = {}): Configured<Metric<AccuracyState>> =>
  shareOf(
    hammingDistanceOptions,
    options,
    (name, { threshold }) =>
      (targets, predictions) =>
        logicalNot(binaryHits(name, threshold)(targets, predictions)),
    'min',
  );
