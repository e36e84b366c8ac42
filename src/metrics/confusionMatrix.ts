// Metrics of the confusion matrix: predicted classes by true classes. Its counts are the state, so every value is exact over an epoch.
import type { Configured } from '../core/config.ts';
import { ShapeError } from '../core/errors.ts';
import { type Kind, boolean, kindOf, number, oneOf } from '../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, declareOptions, optional } from '../core/options.ts';
import { type Shape, formatShape, sizeOf } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignClasses, alignEqual, fitWeight } from '../losses/index.ts';
import {
  add,
  argMax,
  cast,
  diagonal,
  equal,
  expandDims,
  greater,
  matmul,
  mean,
  mul,
  oneHot,
  outer,
  reshape,
  sqrt,
  sub,
  sum,
  tensor,
  where,
} from '../ops/index.ts';
import { type Count, addToCount, countValue, noCount, ratio } from './accumulate.ts';
import { type Direction, type Metric, type Report, makeMetric, metricOptions } from './metric.ts';

/** Number of samples by true class (rows) and predicted class (columns), [C, C]. */
export type MatrixState = { readonly counts: Count };

export const classNumber: Kind<number> = /* @__PURE__ */ kindOf({
  rule: 'an integer of at least 2',
  accepts: (value): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 2,
});

/** Fields of metrics of the confusion matrix. */
export const classTable = {
  /** Number of classes. @default 2 */
  numClasses: /* @__PURE__ */ optional(classNumber, 2),
  /** Predictions above it are class 1, if a sample has one probability. Use 0 for logits. @default 0.5 */
  threshold: /* @__PURE__ */ optional(number(), 0.5),
  ...metricOptions,
};
export type ClassOptions = OptionsOf<Declaration<typeof classTable>>;
type ClassSettings = SettingsOf<Declaration<typeof classTable>>;

interface Labels {
  readonly targets: Tensor;
  readonly predictions: Tensor;
}

/** True and predicted classes of samples. @throws ShapeError if the predictions have another number of classes. */
function labelsOf(name: string, targets: Tensor, predictions: Tensor, { numClasses, threshold }: ClassSettings): Labels {
  const columns = predictions.rank < 2 ? 1 : predictions.shape[predictions.rank - 1];
  if (columns !== numClasses && !(columns === 1 && numClasses === 2)) {
    throw new ShapeError(
      `${name}: predictions are ${formatShape(predictions.shape)}, but numClasses is ${numClasses}; the last axis has a score for each class` +
        (numClasses === 2 ? ', or one probability' : ''),
    );
  }
  if (columns === 1) {
    const pair = alignEqual(name, targets, predictions);
    return { targets: cast(pair.targets, 'i32'), predictions: cast(greater(pair.predictions, threshold), 'i32') };
  }
  const areIndices = targets.rank < predictions.rank || targets.shape[targets.rank - 1] === 1;
  const pair = areIndices ? alignClasses(name, targets, predictions) : alignEqual(name, targets, predictions);
  const best = (x: Tensor): Tensor => argMax(x, { axis: -1 });
  return { targets: areIndices ? pair.targets : best(pair.targets), predictions: best(pair.predictions) };
}

/** Adds samples to a matrix. A label that is no class counts nowhere. Products of rows of zeros and ones are exact below 2^24 samples. */
export function countLabels(
  state: MatrixState,
  { targets, predictions }: Labels,
  numClasses: number,
  weight: Tensor | undefined,
): MatrixState {
  const rows = (x: Tensor): Tensor => oneHot(reshape(x, [sizeOf(x.shape)]), numClasses);
  const columns = rows(predictions);
  const weighted = weight ? mul(columns, expandDims(reshape(weight, [sizeOf(weight.shape)]), -1)) : columns;
  return { counts: addToCount(state.counts, matmul(rows(targets), weighted, { transposeA: true })) };
}

/** State and update of a metric of the confusion matrix. */
function byClass(name: string, settings: ClassSettings): Pick<Metric<MatrixState>, 'init' | 'update'> {
  const { numClasses } = settings;
  return {
    init: () => ({ counts: noCount([numClasses, numClasses]) }),
    update: (state, targets, predictions, sampleWeight) =>
      withScope(name, () => {
        const labels = labelsOf(name, targets, predictions, settings);
        const samples: Shape = labels.predictions.shape;
        return countLabels(state, labels, numClasses, sampleWeight && fitWeight(name, sampleWeight, samples));
      }),
  };
}

function ofMatrix<T extends OptionTable & typeof classTable>(
  declaration: Declaration<T>,
  options: OptionsOf<Declaration<T>>,
  value: (matrix: Tensor, settings: SettingsOf<Declaration<T>>) => Tensor,
  direction: Direction = 'max',
): Configured<Metric<MatrixState>> {
  return makeMetric<Metric<MatrixState>, T>(declaration, options, (name, settings) => ({
    direction,
    ...byClass(name, settings),
    result: ({ counts }) => value(countValue(counts), settings),
  }));
}

const ofTargets = (matrix: Tensor): Tensor => sum(matrix, { axis: 1 });
const ofPredictions = (matrix: Tensor): Tensor => sum(matrix, { axis: 0 });

/** Products of two distributions of classes, weighted by the cost of each pair of classes. */
const chance = (a: Tensor, b: Tensor, cost: Tensor): Tensor => sum(mul(outer(a, b), cost));

/** Cost of a prediction by true and predicted class: 1, |i - j| or (i - j)^2, and 0 for the right one. */
function costs(classes: number, weights: 'linear' | 'quadratic' | undefined): Tensor {
  const cost = (distance: number): number =>
    weights === 'quadratic' ? distance ** 2 : weights === 'linear' ? distance : Math.min(1, distance);
  return tensor(
    Array.from({ length: classes ** 2 }, (_, i) => cost(Math.abs(Math.floor(i / classes) - (i % classes)))),
    [classes, classes],
  );
}

export const balancedAccuracyOptions = declareOptions('metrics.balancedAccuracy', {
  /** True if chance shall give 0 and a perfect model 1. @default false */
  adjusted: optional(boolean, false),
  ...classTable,
});
export type BalancedAccuracyOptions = OptionsOf<typeof balancedAccuracyOptions>;

/**
 * Mean recall of the classes that occur in the targets. Targets are class indices [n, ...] or one-hot; predictions [n, ..., numClasses], or
 * for two classes one probability, [n] or [n, 1]. `adjusted` gives (x - 1/k) / (1 - 1/k) for k classes that occur.
 *
 *     metrics.balancedAccuracy({ numClasses: 10 })
 */
export const balancedAccuracy = (options: BalancedAccuracyOptions = {}): Configured<Metric<MatrixState>> =>
  ofMatrix(balancedAccuracyOptions, options, (matrix, { adjusted }) => {
    const support = ofTargets(matrix);
    const occurring = sum(cast(greater(support, 0), 'f32'));
    const value = ratio(sum(ratio(diagonal(matrix), support)), occurring);
    if (!adjusted) return value;
    const byChance = ratio(tensor(1), occurring);
    return ratio(sub(value, byChance), sub(1, byChance));
  });

export const cohenKappaOptions = declareOptions('metrics.cohenKappa', {
  /** Cost of a wrong class: |i - j| ('linear') or (i - j)^2 ('quadratic'), for classes in an order. Without it, every wrong class costs 1. */
  weights: optional(oneOf('linear', 'quadratic')),
  ...classTable,
});
export type CohenKappaOptions = OptionsOf<typeof cohenKappaOptions>;

/**
 * Cohen's kappa, 1 - (observed cost) / (cost by chance): agreement beyond chance. 0 if chance would always agree. Shapes as balancedAccuracy.
 * (J. Cohen, A Coefficient of Agreement for Nominal Scales, 1960.)
 *
 *     metrics.cohenKappa({ numClasses: 5, weights: 'quadratic' })
 */
export const cohenKappa = (options: CohenKappaOptions = {}): Configured<Metric<MatrixState>> =>
  ofMatrix(cohenKappaOptions, options, (matrix, { numClasses, weights }) => {
    const shares = ratio(matrix, sum(matrix));
    const cost = costs(numClasses, weights);
    const expected = chance(ofTargets(shares), ofPredictions(shares), cost);
    return where(equal(expected, 0), 0, sub(1, ratio(sum(mul(shares, cost)), expected)));
  });

export const matthewsOptions = declareOptions('metrics.matthews', classTable);

/**
 * Matthews correlation coefficient of true and predicted classes, -1 to 1: for two classes (TP TN - FP FN) / sqrt((TP + FP) (TP + FN)
 * (TN + FP) (TN + FN)), for more Gorodkin's R_K. 0 if targets or predictions have one class. Shapes as balancedAccuracy.
 *
 *     metrics.matthews({ numClasses: 3 })
 *
 * (J. Gorodkin, Comparing two K-category assignments by a K-category correlation coefficient, 2004.)
 */
export const matthews = (options: ClassOptions = {}): Configured<Metric<MatrixState>> =>
  ofMatrix(matthewsOptions, options, (matrix, { numClasses }) => {
    const shares = ratio(matrix, sum(matrix));
    const [t, p] = [ofTargets(shares), ofPredictions(shares)];
    const cost = costs(numClasses, undefined);
    // Each quantity is a sum over pairs of different classes. 1 - sum(t^2) would cancel if one class has almost all samples.
    const covariance = sub(chance(t, p, cost), sum(mul(shares, cost)));
    return ratio(covariance, sqrt(mul(chance(t, t, cost), chance(p, p, cost))));
  });

export const confusionMatrixOptions = declareOptions('metrics.confusionMatrix', {
  /** Sum of 1: each row ('true'), each column ('pred') or the whole matrix ('all'). Without it, numbers or weights of samples. */
  normalize: optional(oneOf('true', 'pred', 'all')),
  ...classTable,
});
export type ConfusionMatrixOptions = OptionsOf<typeof confusionMatrixOptions>;

/**
 * Confusion matrix [numClasses, numClasses]: rows are true classes, columns predicted ones. It is a report, streamed by hand; compile does
 * not take it. Shapes as balancedAccuracy.
 *
 *     const matrix = metrics.confusionMatrix({ numClasses: 10 });
 *     const state = matrix.update(matrix.init(), labels, await model.predict(x));
 *     await matrix.result(state).array();
 */
export const confusionMatrix = (options: ConfusionMatrixOptions = {}): Configured<Report<Tensor, MatrixState>> =>
  makeMetric<Report<Tensor, MatrixState>, (typeof confusionMatrixOptions)['options']>(
    confusionMatrixOptions,
    options,
    (name, settings) => ({
      isReport: true,
      direction: undefined,
      ...byClass(name, settings),
      result({ counts }) {
        const matrix = countValue(counts);
        const axis = { true: 1, pred: 0, all: undefined };
        const { normalize } = settings;
        if (normalize === undefined) return matrix;
        return ratio(matrix, sum(matrix, { ...(axis[normalize] !== undefined && { axis: axis[normalize] }), keepDims: true }));
      },
    }),
  );

export interface Rates {
  readonly precision: Tensor;
  readonly recall: Tensor;
  readonly f1Score: Tensor;
}

/** Rates and support (weight of the samples) of each class [C], their means, and the accuracy. */
export interface ClassReport extends Rates {
  readonly support: Tensor;
  readonly accuracy: Tensor;
  /** Means over the classes. */
  readonly macroAverage: Rates;
  /** Means over the classes, weighted by their support. */
  readonly weightedAverage: Rates;
}

export const classificationReportOptions = declareOptions('metrics.classificationReport', classTable);

/**
 * Precision, recall, F1 score and support of each class [numClasses], their means, and the accuracy, as scikit-learn's report. A rate
 * without samples is 0. It is a report, streamed by hand; compile does not take it. Shapes as balancedAccuracy.
 *
 *     const report = metrics.classificationReport({ numClasses: 10 });
 *     const { recall, macroAverage } = report.result(report.update(report.init(), labels, predictions));
 */
export const classificationReport = (options: ClassOptions = {}): Configured<Report<ClassReport, MatrixState>> =>
  makeMetric<Report<ClassReport, MatrixState>, typeof classTable>(classificationReportOptions, options, (name, settings) => ({
    isReport: true,
    direction: undefined,
    ...byClass(name, settings),
    result({ counts }) {
      const matrix = countValue(counts);
      const [right, support, predicted] = [diagonal(matrix), ofTargets(matrix), ofPredictions(matrix)];
      const rates: Rates = {
        precision: ratio(right, predicted),
        recall: ratio(right, support),
        f1Score: ratio(mul(right, 2), add(support, predicted)),
      };
      const all = sum(matrix);
      const weighted = (rate: Tensor): Tensor => ratio(sum(mul(rate, support)), all);
      const averages = (average: (rate: Tensor) => Tensor): Rates => ({
        precision: average(rates.precision),
        recall: average(rates.recall),
        f1Score: average(rates.f1Score),
      });
      return {
        ...rates,
        support,
        accuracy: ratio(sum(right), all),
        macroAverage: averages((rate) => mean(rate)),
        weightedAverage: averages(weighted),
      };
    },
  }));
