// Metrics, by name. A new metric is a function in the file of its family, and an entry here.
import { ArgumentError } from '../core/errors.ts';
import { lookUp } from '../core/names.ts';
import { type ShortLossName, fullLossName } from '../losses/index.ts';
import {
  accuracy,
  binaryAccuracy,
  categoricalAccuracy,
  sparseCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
  topKCategoricalAccuracy,
} from './accuracy.ts';
import { f1Score, falseNegatives, falsePositives, precision, recall, trueNegatives, truePositives } from './confusion.ts';
import { mean, sum } from './mean.ts';
import type { Metric, MetricOptions } from './metric.ts';
import {
  binaryCrossentropy,
  categoricalCrossentropy,
  categoricalHinge,
  cosineSimilarity,
  hinge,
  klDivergence,
  logCosh,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanSquaredError,
  meanSquaredLogarithmicError,
  poisson,
  rootMeanSquaredError,
  sparseCategoricalCrossentropy,
  squaredHinge,
} from './ofLosses.ts';

export const metrics = {
  accuracy,
  binaryAccuracy,
  categoricalAccuracy,
  sparseCategoricalAccuracy,
  topKCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
  truePositives,
  trueNegatives,
  falsePositives,
  falseNegatives,
  precision,
  recall,
  f1Score,
  meanSquaredError,
  rootMeanSquaredError,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanSquaredLogarithmicError,
  cosineSimilarity,
  logCosh,
  poisson,
  hinge,
  squaredHinge,
  categoricalHinge,
  klDivergence,
  binaryCrossentropy,
  categoricalCrossentropy,
  sparseCategoricalCrossentropy,
  mean,
  sum,
};

/** The names that model.compile({ metrics }) accepts. */
export type MetricName = keyof typeof metrics | ShortMetricName;

/** Keras's short names. The logs then use the short name. */
type ShortMetricName = 'acc' | Exclude<ShortLossName, 'kld' | 'KLD'>;

const fullName = (name: string): string => (name === 'acc' ? 'accuracy' : fullLossName(name));

/**
 * The metric of that name, or short name, with its default options; or the metric itself.
 * @throws ArgumentError listing the names, or if a factory was not called.
 */
export function resolveMetric(metric: string | Metric): Metric {
  if (typeof metric === 'string') {
    const full = fullName(metric);
    const factory = lookUp<(options?: MetricOptions) => Metric>('metric', full, metrics);
    return full === metric ? factory() : factory({ name: metric });
  }
  const uncalled = Object.entries<unknown>(metrics).find(([, factory]) => factory === metric);
  if (uncalled)
    throw new ArgumentError(`compile: metrics.${uncalled[0]} makes a metric and was not called; write metrics.${uncalled[0]}()`);
  if (typeof metric === 'object' && metric !== null && typeof metric.update === 'function') return metric;
  throw new ArgumentError(
    `compile: a metric is ${metric === null ? 'null' : typeof metric}; give a name such as 'accuracy' or metrics.NAME(options)`,
  );
}

export type { Metric, MetricOptions, MetricState } from './metric.ts';
export type { AccuracyState, TopKOptions, ThresholdOptions } from './accuracy.ts';
export type { Count, Total } from './accumulate.ts';
export type { MeanMetric, MeanState, SumState } from './mean.ts';
export type { CrossentropyMetricOptions } from './ofLosses.ts';
