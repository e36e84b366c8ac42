// Metrics that are the mean of a loss over an epoch. A new one is a declaration and a line here, and an entry in index.ts.
import type { Configured } from '../core/config.ts';
import { type Declaration, type OptionsOf, declareOptions } from '../core/options.ts';
import { crossentropyOptions, losses } from '../losses/index.ts';
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

type MeanFactory<Options> = (options?: Options) => Configured<Metric<MeanState>>;

/* @__NO_SIDE_EFFECTS__ */
const plain =
  (name: keyof typeof plainOptions): MeanFactory<MetricOptions> =>
  (options = {}) =>
    meanOfLoss(plainOptions[name], options, () => losses[name]());

export const meanSquaredError = plain('meanSquaredError');
export const meanAbsoluteError = plain('meanAbsoluteError');
export const meanAbsolutePercentageError = plain('meanAbsolutePercentageError');
export const meanSquaredLogarithmicError = plain('meanSquaredLogarithmicError');
export const logCosh = plain('logCosh');
export const poisson = plain('poisson');
export const hinge = plain('hinge');
export const squaredHinge = plain('squaredHinge');
export const categoricalHinge = plain('categoricalHinge');
export const klDivergence = plain('klDivergence');

export const rootMeanSquaredErrorOptions = declareOptions('metrics.rootMeanSquaredError', metricOptions);

/** Root of the mean squared error over all samples. */
export const rootMeanSquaredError: MeanFactory<MetricOptions> = (options = {}) =>
  meanOfLoss(
    rootMeanSquaredErrorOptions,
    options,
    () => losses.meanSquaredError(),
    (x) => sqrt(x),
  );

export const cosineSimilarityOptions = declareOptions('metrics.cosineSimilarity', metricOptions);

/** Mean of sum(t p) / (|t| |p|): the loss of that name with the opposite sign. */
export const cosineSimilarity: MeanFactory<MetricOptions> = (options = {}) =>
  meanOfLoss(
    cosineSimilarityOptions,
    options,
    () => losses.cosineSimilarity(),
    (x) => neg(x),
  );

const crossentropyTable = { ...crossentropyOptions, ...metricOptions };
export type CrossentropyMetricOptions = OptionsOf<Declaration<typeof crossentropyTable>>;

/** Metrics that are the mean of a cross-entropy. */
export const crossentropies = {
  binaryCrossentropy: declareOptions('metrics.binaryCrossentropy', crossentropyTable),
  categoricalCrossentropy: declareOptions('metrics.categoricalCrossentropy', crossentropyTable),
  sparseCategoricalCrossentropy: declareOptions('metrics.sparseCategoricalCrossentropy', crossentropyTable),
};

/* @__NO_SIDE_EFFECTS__ */
const entropy =
  (name: keyof typeof crossentropies): MeanFactory<CrossentropyMetricOptions> =>
  (options = {}) =>
    meanOfLoss(crossentropies[name], options, ({ fromLogits, labelSmoothing }) => losses[name]({ fromLogits, labelSmoothing }));

export const binaryCrossentropy = entropy('binaryCrossentropy');
export const categoricalCrossentropy = entropy('categoricalCrossentropy');
export const sparseCategoricalCrossentropy = entropy('sparseCategoricalCrossentropy');
