// Metrics, by name. A new metric is a function in the file of its family, and a name in metrics.ts.
import { ArgumentError } from '../core/errors.ts';
import { lookUp, namedEntries } from '../core/names.ts';
import { shown } from '../core/shown.ts';
import { type ShortLossName, fullLossName } from '../losses/index.ts';
import type { Metric, MetricOptions, Report } from './metric.ts';
import * as metrics from './metrics.ts';

/** Metric factories by name: `metrics.f1Score({ average: 'macro' })`. */
export { metrics };

/** The names that model.compile({ metrics }) accepts. */
export type MetricName = NameAlone | ShortMetricName;

/** Names of metrics that need no options and give one number. */
type NameAlone = { [N in keyof typeof metrics]: (typeof metrics)[N] extends () => Metric ? N : never }[keyof typeof metrics];

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
    const factory = lookUp<(options?: MetricOptions) => Metric>('metric', full, 'metrics');
    return oneNumber(full === metric ? factory() : factory({ name: metric }));
  }
  const uncalled = namedEntries('metrics').find(([, factory]) => factory === metric);
  if (uncalled)
    throw new ArgumentError(`compile: metrics.${uncalled[0]} makes a metric and was not called; write metrics.${uncalled[0]}()`);
  if (typeof metric === 'object' && metric !== null && typeof metric.update === 'function') {
    const { name, direction } = metric;
    const missing = (['init', 'result'] as const).find((method) => typeof metric[method] !== 'function');
    if (missing) throw new ArgumentError(`compile: the metric '${name}' has no ${missing}(); a metric has name, init, update and result`);
    if (direction === undefined || direction === 'max' || direction === 'min') return oneNumber(metric);
    throw new ArgumentError(`compile: direction of the metric '${name}' is ${shown(direction)}; it must be 'max' or 'min', or left out`);
  }
  throw new ArgumentError(
    `compile: a metric is ${metric === null ? 'null' : typeof metric}; give a name such as 'accuracy' or metrics.NAME(options)`,
  );
}

/** @throws ArgumentError for a report. */
function oneNumber(metric: Metric | Report<unknown>): Metric {
  if (!metric.isReport) return metric;
  throw new ArgumentError(
    `compile: the metric '${metric.name}' gives several numbers, and a log holds one; stream it by hand with its init, update and result`,
  );
}

export type { Direction, Metric, MetricOptions, MetricState, Report } from './metric.ts';
export type { AccuracyState, TopKOptions, ThresholdOptions } from './accuracy.ts';
export type { Count, Total } from './accumulate.ts';
export type { MeanMetric, MeanState, SumState } from './mean.ts';
export type { CrossentropyMetricOptions } from './ofLosses.ts';
export type {
  AucOptions,
  PrecisionAtRecallOptions,
  RecallAtPrecisionOptions,
  SensitivityAtSpecificityOptions,
  SpecificityAtSensitivityOptions,
} from './thresholds.ts';
export type { CalibrationErrorOptions } from './calibration.ts';
export type { BalancedAccuracyOptions, ClassOptions, ClassReport, CohenKappaOptions, ConfusionMatrixOptions } from './confusionMatrix.ts';
export type { ExplainedVarianceOptions, R2ScoreOptions } from './moments.ts';
export type { SpearmanCorrelationOptions } from './rankCorrelation.ts';
export type { FBetaScoreOptions } from './confusion.ts';
export type { CurveOptions, PrecisionRecallCurve, RocCurve } from './curves.ts';
export type { PsnrOptions, SsimOptions } from './images.ts';
export type { BinaryIoUOptions, IouOptions, MeanIoUOptions, OneHotIoUOptions, OneHotMeanIoUOptions } from './iou.ts';
export type { ValueOptions } from './mean.ts';
export type { HitRateOptions, MeanReciprocalRankOptions, NdcgOptions } from './ranking.ts';
export type { PerplexityOptions } from './text.ts';
export type { EditDistanceOptions, EditMetric, EditState, ErrorRateOptions } from './editDistance.ts';
export type { CalibrationState } from './calibration.ts';
export type { MatrixState, Rates } from './confusionMatrix.ts';
export type { CurveState } from './thresholds.ts';
export type { ExtremeState } from './extremes.ts';
export type { ValuesOf } from './mean.ts';
export type { CorrelationState, MomentState } from './moments.ts';
export type { PercentageState } from './percentage.ts';
export type { RankState } from './rankCorrelation.ts';
