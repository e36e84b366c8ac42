// Metrics of means, variances and covariances: R2, explained variance, correlations. Values are summed relative to the mean of the first
// batch, because sums of squares of large values would cancel in f32.
import type { Configured } from '../core/config.ts';
import { ShapeError } from '../core/errors.ts';
import { integer, oneOf, positiveInteger } from '../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape, sizeOf } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignEqual, fitWeight } from '../losses/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import {
  add,
  clip,
  div,
  equal,
  expandDims,
  greater,
  lessEqual,
  logicalAnd,
  mean,
  mul,
  notEqual,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  where,
  zeros,
} from '../ops/index.ts';
import { type Count, type Total, addToTotal, countAll, countValue, noCount, noTotal, ratio, totalValue } from './accumulate.ts';
import { type MeanState, addToMean, meanOf, noMean } from './mean.ts';
import { type Metric, type MetricOptions, makeMetric, metricOptions } from './metric.ts';

/** Weighted sums over pairs x, y, relative to origins x0, y0: of x, y, x^2, y^2 and x y. Each [D], for D outputs. */
export type MomentState = {
  readonly count: Count;
  readonly x0: Tensor;
  readonly y0: Tensor;
  readonly x: Total;
  readonly y: Total;
  readonly xx: Total;
  readonly yy: Total;
  readonly xy: Total;
};

export const noMoments = (outputs: number): MomentState => ({
  count: noCount(),
  x0: zeros([outputs]),
  y0: zeros([outputs]),
  x: noTotal([outputs]),
  y: noTotal([outputs]),
  xx: noTotal([outputs]),
  yy: noTotal([outputs]),
  xy: noTotal([outputs]),
});

/** Adds pairs x, y [N, D] with weights [N]. The origins are the means of the first batch whose weights are not all 0. */
export function addMoments(state: MomentState, x: Tensor, y: Tensor, weight: Tensor | undefined): MomentState {
  const weighted = (v: Tensor): Tensor => sum(weight ? productOrZero(expandDims(weight, -1), v) : v, { axis: 0 });
  const isFirst = equal(countValue(state.count), 0);
  const share = weight ? sum(weight) : x.shape[0];
  const meanOfBatch = (v: Tensor): Tensor => (typeof share === 'number' ? div(weighted(v), Math.max(1, share)) : ratio(weighted(v), share));
  const x0 = where(isFirst, meanOfBatch(x), state.x0);
  const y0 = where(isFirst, meanOfBatch(y), state.y0);
  const [dx, dy] = [sub(x, x0), sub(y, y0)];
  return {
    count: countAll(state.count, x.shape[0], weight),
    x0,
    y0,
    x: addToTotal(state.x, weighted(dx)),
    y: addToTotal(state.y, weighted(dy)),
    xx: addToTotal(state.xx, weighted(square(dx))),
    yy: addToTotal(state.yy, weighted(square(dy))),
    xy: addToTotal(state.xy, weighted(mul(dx, dy))),
  };
}

interface Moments {
  /** Sum of the weights. */
  readonly count: Tensor;
  readonly meanX: Tensor;
  readonly meanY: Tensor;
  /** Sums of squares and products around the means. */
  readonly xx: Tensor;
  readonly yy: Tensor;
  readonly xy: Tensor;
}

/** A sum of squares that is only rounding is 0: equal values then have no variance. NaN stays. */
const withoutRounding = (centered: Tensor, squares: Tensor): Tensor => where(lessEqual(centered, mul(squares, 1e-6)), 0, centered);

function momentsOf(state: MomentState): Moments {
  const count = countValue(state.count);
  const [x, y, xx, yy, xy] = [state.x, state.y, state.xx, state.yy, state.xy].map(totalValue);
  return {
    count,
    meanX: add(state.x0, ratio(x, count)),
    meanY: add(state.y0, ratio(y, count)),
    xx: withoutRounding(sub(xx, ratio(square(x), count)), xx),
    yy: withoutRounding(sub(yy, ratio(square(y), count)), yy),
    xy: sub(xy, ratio(mul(x, y), count)),
  };
}

const outputTable = {
  /** Number of outputs: size of the last axis of the predictions. @default 1 */
  numOutputs: /* @__PURE__ */ optional(positiveInteger, 1),
  /** Mean over outputs: each counts the same ('uniformAverage'), or by its targets' variance ('varianceWeightedAverage'). @default 'uniformAverage' */
  classAggregation: /* @__PURE__ */ optional(oneOf('uniformAverage', 'varianceWeightedAverage'), 'uniformAverage'),
  ...metricOptions,
};
type OutputSettings = SettingsOf<Declaration<typeof outputTable>>;

/** 1 - lost / total; without variance 1 if nothing is lost, otherwise 0, as in scikit-learn. NaN stays. */
const explained = (lost: Tensor, total: Tensor): Tensor =>
  where(logicalAnd(equal(total, 0), notEqual(lost, 0)), 0, sub(1, ratio(lost, total)));

/** A share of the targets' variance, from the moments of targets (x) and errors (y). */
function ofVariance<T extends OptionTable & typeof outputTable>(
  declaration: Declaration<T>,
  options: OptionsOf<Declaration<T>>,
  lostOf: (moments: Moments) => Tensor,
  finish: (value: Tensor, moments: Moments, settings: SettingsOf<Declaration<T>>) => Tensor = (value) => value,
): Configured<Metric<MomentState>> {
  return makeMetric<Metric<MomentState>, T>(declaration, options, (name, settings) => {
    const { numOutputs, classAggregation } = settings as OutputSettings;
    return {
      direction: 'max',
      init: () => noMoments(numOutputs),
      update: (state, targets, predictions, sampleWeight) =>
        withScope(name, () => {
          const pair = alignEqual(name, targets, predictions);
          const { shape } = pair.predictions;
          if (shape[shape.length - 1] !== numOutputs) {
            throw new ShapeError(
              `${name}: predictions are ${formatShape(predictions.shape)}, but numOutputs is ${numOutputs}; the last axis has the outputs`,
            );
          }
          const samples = shape.slice(0, -1);
          const rows = (x: Tensor): Tensor => reshape(x, [sizeOf(samples), numOutputs]);
          const weight = sampleWeight && reshape(fitWeight(name, sampleWeight, samples), [sizeOf(samples)]);
          return addMoments(state, rows(pair.targets), rows(sub(pair.targets, pair.predictions)), weight);
        }),
      result(state) {
        const moments = momentsOf(state);
        const values = where(greater(moments.count, 0), explained(lostOf(moments), moments.xx), 0);
        const value = classAggregation === 'uniformAverage' ? mean(values) : ratio(sum(mul(values, moments.xx)), sum(moments.xx));
        return finish(value, moments, settings);
      },
    };
  });
}

export const r2ScoreOptions = declareOptions('metrics.r2Score', {
  /** Number p of inputs of the regression: the result is then 1 - (1 - R2) (n - 1) / (n - p - 1) for n samples. 0: not adjusted. @default 0 */
  numRegressors: optional(integer('at least 0'), 0),
  ...outputTable,
});
export type R2ScoreOptions = OptionsOf<typeof r2ScoreOptions>;

/**
 * Coefficient of determination, R2 = 1 - Σ w (t - p)^2 / Σ w (t - mean t)^2. 1 is best; the mean of the targets gives 0. Equal targets give
 * 1 without any error, otherwise 0. Targets and predictions [n], [n, 1] or [n, ..., numOutputs].
 *
 *     model.compile({ loss: 'mse', metrics: ['r2Score', metrics.explainedVariance()] })
 */
export const r2Score = (options: R2ScoreOptions = {}): Configured<Metric<MomentState>> =>
  ofVariance(
    r2ScoreOptions,
    options,
    ({ yy, meanY, count }) => add(yy, mul(count, square(meanY))),
    (value, { count }, { numRegressors }) => {
      if (numRegressors === 0) return value;
      const free = sub(count, numRegressors + 1);
      return where(greater(free, 0), sub(1, mul(sub(1, value), ratio(sub(count, 1), free))), value);
    },
  );

export const explainedVarianceOptions = declareOptions('metrics.explainedVariance', outputTable);
export type ExplainedVarianceOptions = OptionsOf<typeof explainedVarianceOptions>;

/** Explained variance, 1 - Var(t - p) / Var(t): R2 without the mean error. Shapes and limits as r2Score. */
export const explainedVariance = (options: ExplainedVarianceOptions = {}): Configured<Metric<MomentState>> =>
  ofVariance(explainedVarianceOptions, options, ({ yy }) => yy);

/** Moments over all samples for one output; the mean of the samples' own values for several. */
export type CorrelationState = { readonly all: MomentState; readonly rows: MeanState };

/** The correlation of moments whose sums run over one axis. */
type Coefficient = (moments: Moments) => Tensor;

/** Moments along the last axis of [N, D], for each row. */
function momentsOfRows(x: Tensor, y: Tensor): Moments {
  const along = { axis: -1, keepDims: true };
  const [meanX, meanY] = [mean(x, along), mean(y, along)];
  const [dx, dy] = [sub(x, meanX), sub(y, meanY)];
  const total = (v: Tensor): Tensor => sum(v, { axis: -1 });
  return {
    count: total(add(mul(x, 0), 1)),
    meanX: reshape(meanX, [-1]),
    meanY: reshape(meanY, [-1]),
    xx: total(square(dx)),
    yy: total(square(dy)),
    xy: total(mul(dx, dy)),
  };
}

function correlation(
  declaration: Declaration<typeof metricOptions>,
  options: OptionsOf<Declaration<typeof metricOptions>>,
  coefficient: Coefficient,
): Configured<Metric<CorrelationState>> {
  return makeMetric<Metric<CorrelationState>, typeof metricOptions>(declaration, options, (name) => ({
    direction: 'max',
    init: () => ({ all: noMoments(1), rows: noMean() }),
    update: ({ all, rows }, targets, predictions, sampleWeight) =>
      withScope(name, () => {
        const pair = alignEqual(name, targets, predictions);
        const { shape } = pair.predictions;
        const columns = shape[shape.length - 1];
        const samples = shape.slice(0, -1);
        const [x, y] = [pair.targets, pair.predictions].map((v) => reshape(v, [sizeOf(samples), columns]));
        const weight = sampleWeight && reshape(fitWeight(name, sampleWeight, samples), [sizeOf(samples)]);
        if (columns === 1) return { all: addMoments(all, x, y, weight), rows };
        return { all, rows: addToMean(rows, coefficient(momentsOfRows(x, y)), weight) };
      }),
    // Only one of the two has samples.
    result: ({ all, rows }) => add(reshape(coefficient(momentsOf(all)), []), meanOf(rows)),
  }));
}

export const pearsonCorrelationOptions = declareOptions('metrics.pearsonCorrelation', metricOptions);

/**
 * Pearson correlation, cov(t, p) / sqrt(var t var p), -1 to 1; 0 if one of them is constant. One output, [n] or [n, 1]: over all samples
 * seen. Several, [n, ..., d]: the mean of each sample's correlation along the last axis, as in Keras.
 *
 *     metrics.pearsonCorrelation()
 */
export const pearsonCorrelation = (options: MetricOptions = {}): Configured<Metric<CorrelationState>> =>
  correlation(pearsonCorrelationOptions, options, ({ xx, yy, xy }) => clip(ratio(xy, mul(sqrt(xx), sqrt(yy))), -1, 1));

export const concordanceCorrelationOptions = declareOptions('metrics.concordanceCorrelation', metricOptions);

/**
 * Concordance correlation, 2 cov(t, p) / (var t + var p + (mean t - mean p)^2): as pearsonCorrelation, but 1 only if p equals t.
 * (L. Lin, A Concordance Correlation Coefficient to Evaluate Reproducibility, 1989.)
 */
export const concordanceCorrelation = (options: MetricOptions = {}): Configured<Metric<CorrelationState>> =>
  correlation(concordanceCorrelationOptions, options, ({ count, meanX, meanY, xx, yy, xy }) =>
    ratio(mul(xy, 2), add(add(xx, yy), mul(count, square(sub(meanX, meanY))))),
  );
