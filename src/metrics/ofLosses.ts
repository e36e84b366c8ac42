// Metrics that are the mean of a loss over an epoch. A new one is a declaration and a line here, and a name in metrics.ts.
import type { Configured } from '../core/config.ts';
import { type Declaration, type OptionsOf, declareOptions } from '../core/options.ts';
import { type Loss, crossentropyOptions, losses } from '../losses/index.ts';
import { neg, sqrt } from '../ops/index.ts';
import { type MeanState, meanOfLoss } from './mean.ts';
import { type Metric, type MetricOptions, metricOptions } from './metric.ts';

/** Metrics that are the mean of a loss without options. */
export const plainOptions = {
  meanSquaredError: declareOptions('metrics.meanSquaredError', metricOptions),
  meanAbsoluteError: declareOptions('metrics.meanAbsoluteError', metricOptions),
  meanAbsolutePercentageError: declareOptions('metrics.meanAbsolutePercentageError', metricOptions),
  meanSquaredLogarithmicError: declareOptions('metrics.meanSquaredLogarithmicError', metricOptions),
  logCosh: declareOptions('metrics.logCosh', metricOptions),
  poisson: declareOptions('metrics.poisson', metricOptions),
  hinge: declareOptions('metrics.hinge', metricOptions),
  squaredHinge: declareOptions('metrics.squaredHinge', metricOptions),
  categoricalHinge: declareOptions('metrics.categoricalHinge', metricOptions),
  klDivergence: declareOptions('metrics.klDivergence', metricOptions),
};

const plain = (name: keyof typeof plainOptions, options: MetricOptions, loss: () => Loss): Configured<Metric<MeanState>> =>
  meanOfLoss(plainOptions[name], options, () => loss());

/** Mean of (p - t)² over all samples. */
export const meanSquaredError = (options: MetricOptions = {}): Configured<Metric<MeanState>> =>
  plain('meanSquaredError', options, losses.meanSquaredError);

/** Mean of |p - t| over all samples. */
export const meanAbsoluteError = (options: MetricOptions = {}): Configured<Metric<MeanState>> =>
  plain('meanAbsoluteError', options, losses.meanAbsoluteError);

/** Mean of 100 |p - t| / max(|t|, 1e-7) over all samples. */
export const meanAbsolutePercentageError = (options: MetricOptions = {}): Configured<Metric<MeanState>> =>
  plain('meanAbsolutePercentageError', options, losses.meanAbsolutePercentageError);

/** Mean of (log(1 + p) - log(1 + t))² over all samples. */
export const meanSquaredLogarithmicError = (options: MetricOptions = {}): Configured<Metric<MeanState>> =>
  plain('meanSquaredLogarithmicError', options, losses.meanSquaredLogarithmicError);

/** Mean of log(cosh(p - t)) over all samples, as Keras's LogCoshError. */
export const logCosh = (options: MetricOptions = {}): Configured<Metric<MeanState>> => plain('logCosh', options, losses.logCosh);

/** Mean of p - t log(p) over all samples. */
export const poisson = (options: MetricOptions = {}): Configured<Metric<MeanState>> => plain('poisson', options, losses.poisson);

/** Mean of max(1 - t p, 0) over all samples. Targets -1 or 1; 0 counts as -1. */
export const hinge = (options: MetricOptions = {}): Configured<Metric<MeanState>> => plain('hinge', options, losses.hinge);

/** Mean of max(1 - t p, 0)² over all samples. Targets -1 or 1; 0 counts as -1. */
export const squaredHinge = (options: MetricOptions = {}): Configured<Metric<MeanState>> =>
  plain('squaredHinge', options, losses.squaredHinge);

/** Mean of max(1 + max((1 - t) p) - sum(t p), 0) over all samples. Targets one-hot, [n, classes]. */
export const categoricalHinge = (options: MetricOptions = {}): Configured<Metric<MeanState>> =>
  plain('categoricalHinge', options, losses.categoricalHinge);

/** Mean of the Kullback-Leibler divergence sum(t log(t / p)) over all samples. Both [n, classes]. */
export const klDivergence = (options: MetricOptions = {}): Configured<Metric<MeanState>> =>
  plain('klDivergence', options, losses.klDivergence);

export const logCoshErrorOptions = declareOptions('metrics.logCoshError', metricOptions);

/** Mean of log(cosh(p - t)): logCosh under the name of Keras's metric. */
export const logCoshError = (options: MetricOptions = {}): Configured<Metric<MeanState>> =>
  meanOfLoss(logCoshErrorOptions, options, () => losses.logCosh());

export const rootMeanSquaredErrorOptions = declareOptions('metrics.rootMeanSquaredError', metricOptions);

/** Root of the mean squared error over all samples. */
export const rootMeanSquaredError = (options: MetricOptions = {}): Configured<Metric<MeanState>> =>
  meanOfLoss(
    rootMeanSquaredErrorOptions,
    options,
    () => losses.meanSquaredError(),
    (x) => sqrt(x),
  );

export const cosineSimilarityOptions = declareOptions('metrics.cosineSimilarity', metricOptions);

/** Mean of sum(t p) / (|t| |p|): the loss of that name with the opposite sign. */
export const cosineSimilarity = (options: MetricOptions = {}): Configured<Metric<MeanState>> =>
  meanOfLoss(
    cosineSimilarityOptions,
    options,
    () => losses.cosineSimilarity(),
    (x) => neg(x),
    'max',
  );

const crossentropyTable = { ...crossentropyOptions, ...metricOptions };
export type CrossentropyMetricOptions = OptionsOf<Declaration<typeof crossentropyTable>>;

/** Metrics that are the mean of a cross-entropy. */
export const crossentropies = {
  binaryCrossentropy: declareOptions('metrics.binaryCrossentropy', crossentropyTable),
  categoricalCrossentropy: declareOptions('metrics.categoricalCrossentropy', crossentropyTable),
  sparseCategoricalCrossentropy: declareOptions('metrics.sparseCategoricalCrossentropy', crossentropyTable),
};

type Crossentropy = (options: Pick<CrossentropyMetricOptions, 'fromLogits' | 'labelSmoothing'>) => Loss;

const entropy = (
  name: keyof typeof crossentropies,
  options: CrossentropyMetricOptions,
  loss: Crossentropy,
): Configured<Metric<MeanState>> =>
  meanOfLoss(crossentropies[name], options, ({ fromLogits, labelSmoothing }) => loss({ fromLogits, labelSmoothing }));

/** Mean of the cross-entropy of probabilities against targets 0 to 1. Targets and predictions have one shape. */
export const binaryCrossentropy = (options: CrossentropyMetricOptions = {}): Configured<Metric<MeanState>> =>
  entropy('binaryCrossentropy', options, losses.binaryCrossentropy);

/** Mean of the cross-entropy of probabilities against one-hot targets. Both [n, ..., classes]. */
export const categoricalCrossentropy = (options: CrossentropyMetricOptions = {}): Configured<Metric<MeanState>> =>
  entropy('categoricalCrossentropy', options, losses.categoricalCrossentropy);

/** Mean of the cross-entropy of probabilities against class indices. Targets [n, ...], predictions [n, ..., classes]. */
export const sparseCategoricalCrossentropy = (options: CrossentropyMetricOptions = {}): Configured<Metric<MeanState>> =>
  entropy('sparseCategoricalCrossentropy', options, losses.sparseCategoricalCrossentropy);
