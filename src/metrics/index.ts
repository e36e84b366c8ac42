// Metrics, by name. A new metric that is the mean of a loss is one row here; others are a function in a family's file and a row.
import { ArgumentError } from '../core/errors.ts';
import { lookUp } from '../core/names.ts';
import { type BinaryCrossentropyOptions, type ShortLossName, fullLossName, losses } from '../losses/index.ts';
import {
  accuracy,
  binaryAccuracy,
  categoricalAccuracy,
  sparseCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
  topKCategoricalAccuracy,
} from './accuracy.ts';
import { f1Score, falseNegatives, falsePositives, precision, recall, trueNegatives, truePositives } from './confusion.ts';
import { type MeanState, mean, meanOfLoss, rootOfMean, signTurned, sum } from './mean.ts';
import { type Metric, type MetricOptions, checkMetricOptions } from './metric.ts';

type PlainLoss =
  | 'meanSquaredError'
  | 'meanAbsoluteError'
  | 'meanAbsolutePercentageError'
  | 'meanSquaredLogarithmicError'
  | 'logCosh'
  | 'poisson'
  | 'hinge'
  | 'squaredHinge'
  | 'categoricalHinge'
  | 'klDivergence';

/** The mean of a loss that has no options of its own. */
const plain =
  (loss: PlainLoss) =>
  (options: MetricOptions = {}): Metric<MeanState> =>
    meanOfLoss(checkMetricOptions(loss, options), losses[loss]());

export interface CrossentropyMetricOptions extends MetricOptions, Pick<BinaryCrossentropyOptions, 'fromLogits' | 'labelSmoothing'> {}

/** The mean of a cross-entropy. */
const entropy =
  (loss: 'binaryCrossentropy' | 'categoricalCrossentropy' | 'sparseCategoricalCrossentropy') =>
  (options: CrossentropyMetricOptions = {}): Metric<MeanState> => {
    const name = checkMetricOptions(loss, options, ['fromLogits', 'labelSmoothing']);
    const { fromLogits, labelSmoothing } = options;
    return meanOfLoss(name, losses[loss]({ fromLogits, labelSmoothing }));
  };

const rootMeanSquaredError = (options: MetricOptions = {}): Metric<MeanState> =>
  meanOfLoss(checkMetricOptions('rootMeanSquaredError', options), losses.meanSquaredError(), rootOfMean);

const cosineSimilarity = (options: MetricOptions = {}): Metric<MeanState> =>
  meanOfLoss(checkMetricOptions('cosineSimilarity', options), losses.cosineSimilarity(), signTurned);

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
  meanSquaredError: plain('meanSquaredError'),
  rootMeanSquaredError,
  meanAbsoluteError: plain('meanAbsoluteError'),
  meanAbsolutePercentageError: plain('meanAbsolutePercentageError'),
  meanSquaredLogarithmicError: plain('meanSquaredLogarithmicError'),
  cosineSimilarity,
  logCosh: plain('logCosh'),
  poisson: plain('poisson'),
  hinge: plain('hinge'),
  squaredHinge: plain('squaredHinge'),
  categoricalHinge: plain('categoricalHinge'),
  klDivergence: plain('klDivergence'),
  binaryCrossentropy: entropy('binaryCrossentropy'),
  categoricalCrossentropy: entropy('categoricalCrossentropy'),
  sparseCategoricalCrossentropy: entropy('sparseCategoricalCrossentropy'),
  mean,
  sum,
};

/** The names model.compile({ metrics }) takes. */
export type MetricName = keyof typeof metrics | ShortMetricName;

/** Keras's short names, under which the values then stand in the logs. */
type ShortMetricName = 'acc' | Exclude<ShortLossName, 'kld' | 'KLD'>;

const fullName = (name: string): string => (name === 'acc' ? 'accuracy' : fullLossName(name));

/**
 * The metric of that name, or short name, with its default options; or the metric itself.
 * @throws ArgumentError listing the names, or for a factory that was not called.
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
export type { TopKOptions, ThresholdOptions } from './accuracy.ts';
