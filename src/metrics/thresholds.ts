// Metrics over many thresholds: areas under curves, and the best value of one rate under a condition on another. The state counts true and
// false positives at each threshold, so it does not grow with the samples.
import type { Configured } from '../core/config.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { boolean, integer, listOf, number, oneOf, positiveInteger } from '../core/optionKinds.ts';
import {
  type Declaration,
  type OptionTable,
  type OptionsOf,
  type SettingsOf,
  declareOptions,
  optional,
  required,
} from '../core/options.ts';
import { formatShape } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignEqual, fitWeight } from '../losses/index.ts';
import {
  add,
  cast,
  div,
  expandDims,
  greater,
  greaterEqual,
  log,
  logicalAnd,
  logicalNot,
  max,
  maximum,
  mean,
  minimum,
  mul,
  notEqual,
  reshape,
  sigmoid,
  sub,
  sum,
  tensor,
  where,
} from '../ops/index.ts';
import { sliceAxis } from '../ops/shape/slice.ts';
import { type Count, addToCount, countValue, noCount, ratio } from './accumulate.ts';
import { type Metric, type Streamed, makeMetric, metricOptions } from './metric.ts';

/** True and false positives at each threshold, [T] or, by label, [T, L]; positives and negatives, [] or [L]. */
export type CurveState = {
  readonly truePositives: Count;
  readonly falsePositives: Count;
  readonly positives: Count;
  readonly negatives: Count;
};

/** Values of a CurveState. */
export interface CurveCounts {
  readonly truePositives: Tensor;
  readonly falsePositives: Tensor;
  readonly positives: Tensor;
  readonly negatives: Tensor;
}

const margin = 1e-7;

/** The inner numbers of `count` equal steps from 0 to 1. */
const innerSteps = (count: number): number[] => Array.from({ length: Math.max(0, count - 2) }, (_, i) => (i + 1) / (count - 1));

/** Thresholds of curves. The first is below 0 and the last above 1, so a curve has both ends. */
export const curveThresholds = (count: number, given: readonly number[] | undefined): number[] => [
  -margin,
  ...(given ? given.toSorted((a, b) => a - b) : innerSteps(count)),
  1 + margin,
];

/** Thresholds of rates under a condition: from 0 to 1. */
const rateThresholds = (count: number): number[] => (count === 1 ? [0.5] : [0, ...innerSteps(count), 1]);

interface Counting {
  readonly thresholds: readonly number[];
  /** Number of labels that have a curve each. Undefined if all elements share one. */
  readonly labels?: number | undefined;
  readonly fromLogits?: boolean;
  readonly classId?: number | undefined;
}

/** Targets and predictions of one column. @throws ShapeError if there is no such column. */
function columnOf(name: string, x: Tensor, classId: number): Tensor {
  const last = x.rank - 1;
  if (classId < x.shape[last]) return sliceAxis(x, last, classId, 1);
  throw new ShapeError(
    `${name}: classId is ${classId}, but predictions ${formatShape(x.shape)} have ${x.shape[last]} classes; give a number below it`,
  );
}

/** Counts over thresholds: init and update of the metrics of this file. */
export function countAtThresholds(
  name: string,
  { thresholds, labels, fromLogits = false, classId }: Counting,
): Pick<Streamed<CurveState, unknown>, 'init' | 'update'> {
  const perLabel = labels === undefined ? [] : [labels];
  const rows = thresholds.length;
  return {
    init: () => ({
      truePositives: noCount([rows, ...perLabel]),
      falsePositives: noCount([rows, ...perLabel]),
      positives: noCount(perLabel),
      negatives: noCount(perLabel),
    }),
    update: (state, targets, predictions, sampleWeight) =>
      withScope(name, () => {
        const given = alignEqual(name, targets, predictions);
        const pick = (x: Tensor): Tensor => (classId === undefined ? x : columnOf(name, x, classId));
        const pair = { targets: pick(given.targets), predictions: pick(given.predictions) };
        const { shape } = pair.predictions;
        if (labels !== undefined && shape[shape.length - 1] !== labels) {
          throw new ShapeError(
            `${name}: predictions are ${formatShape(predictions.shape)}, but numLabels is ${labels}; the last axis has the labels`,
          );
        }
        const flat = (x: Tensor): Tensor => reshape(x, [-1, ...perLabel]);
        const weight = sampleWeight && flat(fitWeight(name, sampleWeight, shape));
        const positive = flat(notEqual(pair.targets, 0));
        const scores = flat(fromLogits ? sigmoid(pair.predictions) : pair.predictions);
        const at = tensor([...thresholds], [rows, 1, ...perLabel.map(() => 1)]);
        const above = greater(expandDims(scores, 0), at);
        const counted = (hits: Tensor, axis: number): Tensor => sum(weight ? where(hits, weight, 0) : cast(hits, 'i32'), { axis });
        const negative = logicalNot(positive);
        return {
          truePositives: addToCount(state.truePositives, counted(logicalAnd(above, positive), 1)),
          falsePositives: addToCount(state.falsePositives, counted(logicalAnd(above, negative), 1)),
          positives: addToCount(state.positives, counted(positive, 0)),
          negatives: addToCount(state.negatives, counted(negative, 0)),
        };
      }),
  };
}

export const curveCounts = ({ truePositives, falsePositives, positives, negatives }: CurveState): CurveCounts => ({
  truePositives: countValue(truePositives),
  falsePositives: countValue(falsePositives),
  positives: countValue(positives),
  negatives: countValue(negatives),
});

/** Fields of metrics over the thresholds of a curve. */
export const curveTable = {
  /** Number of thresholds, at equal distances from 0 to 1. It is at least 2. @default 200 */
  numThresholds: /* @__PURE__ */ optional(positiveInteger, 200),
  /** Thresholds from 0 to 1 that are used instead. One below 0 and one above 1 are added. */
  thresholds: /* @__PURE__ */ optional(listOf(number('0 to 1'), 'numbers from 0 to 1', 1)),
  /** True if predictions are logits, to which the sigmoid is applied. @default false */
  fromLogits: /* @__PURE__ */ optional(boolean, false),
  ...metricOptions,
};

export function checkCurve({ numThresholds }: SettingsOf<Declaration<typeof curveTable>>, where: string): void {
  if (numThresholds < 2)
    throw new ArgumentError(`${where}: numThresholds is ${numThresholds}; it must be at least 2, the two ends of a curve`);
}

export const aucOptions = declareOptions(
  'metrics.auc',
  {
    ...curveTable,
    /** 'ROC': true positive rate over false positive rate. 'PR': precision over recall. @default 'ROC' */
    curve: optional(oneOf('ROC', 'PR'), 'ROC'),
    /** Height between two points: the mean ('interpolation'; for PR as Davis and Goadrich), the smaller ('minoring') or the larger ('majoring') one. @default 'interpolation' */
    summationMethod: optional(oneOf('interpolation', 'minoring', 'majoring'), 'interpolation'),
    /** True if the last axis has labels with a curve each. The result is the mean of their areas. @default false */
    multiLabel: optional(boolean, false),
    /** Number of labels. It is needed with multiLabel. */
    numLabels: optional(positiveInteger),
    /** Weight of each label in the mean. It needs multiLabel. */
    labelWeights: optional(listOf(number('at least 0'), 'numbers of at least 0', 1)),
  },
  (settings, where) => {
    checkCurve(settings, where);
    const { multiLabel, numLabels, labelWeights } = settings;
    if (multiLabel && numLabels === undefined) {
      throw new ArgumentError(`${where}: multiLabel is true, but numLabels is missing; give the number of labels, such as numLabels: 3`);
    }
    if (!multiLabel && (numLabels ?? labelWeights) !== undefined) {
      throw new ArgumentError(`${where}: ${numLabels === undefined ? 'labelWeights' : 'numLabels'} needs multiLabel: true`);
    }
    if (labelWeights && labelWeights.length !== numLabels) {
      throw new ArgumentError(
        `${where}: labelWeights has ${labelWeights.length} numbers, but numLabels is ${numLabels}; give one for each label`,
      );
    }
  },
);
export type AucOptions = OptionsOf<typeof aucOptions>;

/**
 * Area under the ROC or PR curve, from true and false positives at fixed thresholds, as Keras's AUC. The ROC area is exact if a threshold is
 * between any two scores that differ. 0 if there are no positives, or for ROC no negatives. Predictions in 0..1, shapes as precision.
 *
 *     model.compile({ loss: 'binaryCrossentropy', metrics: ['auc', metrics.auc({ curve: 'PR', name: 'prAuc' })] })
 *
 * (J. Davis, M. Goadrich, The Relationship Between Precision-Recall and ROC Curves, ICML 2006.)
 */
export const auc = (options: AucOptions = {}): Configured<Metric<CurveState>> =>
  makeMetric<Metric<CurveState>, (typeof aucOptions)['options']>(aucOptions, options, (name, settings) => {
    const { numThresholds, thresholds, fromLogits, curve, summationMethod, numLabels, labelWeights } = settings;
    const at = curveThresholds(numThresholds, thresholds);
    return {
      direction: 'max',
      ...countAtThresholds(name, { thresholds: at, labels: numLabels, fromLogits }),
      result(state) {
        const counts = curveCounts(state);
        const areas =
          curve === 'PR' && summationMethod === 'interpolation' ? interpolatedPr(counts) : areaUnder(counts, curve, summationMethod);
        if (numLabels === undefined) return areas;
        if (!labelWeights) return mean(areas);
        const weights = tensor([...labelWeights]);
        return ratio(sum(mul(areas, weights)), sum(weights));
      },
    };
  });

/** Rows i and i + 1 of [T] or [T, L]: the two ends of each piece of a curve. */
function endsOf(x: Tensor): [lower: Tensor, upper: Tensor] {
  const pieces = x.shape[0] - 1;
  return [sliceAxis(x, 0, 0, pieces), sliceAxis(x, 0, 1, pieces)];
}

const heights = {
  interpolation: (a: Tensor, b: Tensor): Tensor => mul(add(a, b), 0.5),
  minoring: (a: Tensor, b: Tensor): Tensor => minimum(a, b),
  majoring: (a: Tensor, b: Tensor): Tensor => maximum(a, b),
};

/** Sum of (x_i - x_i+1) h(y_i, y_i+1). */
function areaUnder(
  { truePositives, falsePositives, positives, negatives }: CurveCounts,
  curve: 'ROC' | 'PR',
  method: keyof typeof heights,
): Tensor {
  const recall = ratio(truePositives, positives);
  const [x, y] =
    curve === 'ROC' ? [ratio(falsePositives, negatives), recall] : [recall, ratio(truePositives, add(truePositives, falsePositives))];
  const [[x0, x1], [y0, y1]] = [endsOf(x), endsOf(y)];
  return sum(mul(sub(x0, x1), heights[method](y0, y1)), { axis: 0 });
}

/**
 * Area under the PR curve with true positives linear in predicted positives p: each piece is s (Δtp + c log(p_i / p_i+1)) / positives, with
 * the slope s = Δtp / Δp and the intercept c = tp_i+1 - s p_i+1.
 */
function interpolatedPr({ truePositives, falsePositives, positives }: CurveCounts): Tensor {
  const [tp0, tp1] = endsOf(truePositives);
  const [p0, p1] = endsOf(add(truePositives, falsePositives));
  const gained = sub(tp0, tp1);
  const slope = ratio(gained, sub(p0, p1));
  const intercept = sub(tp1, mul(slope, p1));
  const isOpen = logicalAnd(greater(p0, 0), greater(p1, 0));
  const growth = log(where(isOpen, div(p0, where(isOpen, p1, 1)), 1));
  return sum(ratio(mul(slope, add(gained, mul(intercept, growth))), positives), { axis: 0 });
}

const rateTable = {
  /** Number of thresholds, at equal distances from 0 to 1. @default 200 */
  numThresholds: /* @__PURE__ */ optional(positiveInteger, 200),
  /** The class of one-hot targets and predictions [n, classes] that counts as positive. Without it, all elements count. */
  classId: /* @__PURE__ */ optional(integer('at least 0')),
  ...metricOptions,
};

/** Sensitivity (recall), specificity and precision at each threshold. */
const rates = {
  sensitivity: ({ truePositives, positives }: CurveCounts): Tensor => ratio(truePositives, positives),
  specificity: ({ falsePositives, negatives }: CurveCounts): Tensor => ratio(sub(negatives, falsePositives), negatives),
  precision: ({ truePositives, falsePositives }: CurveCounts): Tensor => ratio(truePositives, add(truePositives, falsePositives)),
};

/** Largest value of a rate over the thresholds at which another rate is at least `least`; 0 if there is none. */
function bestUnder<T extends OptionTable & typeof rateTable>(
  declaration: Declaration<T>,
  options: OptionsOf<Declaration<T>>,
  rate: keyof typeof rates,
  condition: keyof typeof rates,
  leastOf: (settings: SettingsOf<Declaration<T>>) => number,
): Configured<Metric<CurveState>> {
  return makeMetric<Metric<CurveState>, T>(declaration, options, (name, settings) => {
    const { numThresholds, classId } = settings as SettingsOf<Declaration<typeof rateTable>>;
    const least = leastOf(settings);
    return {
      direction: 'max',
      ...countAtThresholds(name, { thresholds: rateThresholds(numThresholds), classId }),
      result(state) {
        const counts = curveCounts(state);
        return max(where(greaterEqual(rates[condition](counts), least), rates[rate](counts), 0));
      },
    };
  });
}

export const sensitivityAtSpecificityOptions = declareOptions('metrics.sensitivityAtSpecificity', {
  /** Smallest specificity, from 0 to 1. */
  specificity: required(number('0 to 1'), 0.9),
  ...rateTable,
});
export type SensitivityAtSpecificityOptions = OptionsOf<typeof sensitivityAtSpecificityOptions>;

/**
 * Best sensitivity TP / (TP + FN) over the thresholds with a specificity TN / (TN + FP) of at least `specificity`; 0 if there is none.
 * Predictions in 0..1, shapes as precision; one-hot [n, classes] with classId. (Keras's SensitivityAtSpecificity.)
 *
 *     metrics.sensitivityAtSpecificity({ specificity: 0.95 })
 */
export const sensitivityAtSpecificity = (options: SensitivityAtSpecificityOptions): Configured<Metric<CurveState>> =>
  bestUnder(sensitivityAtSpecificityOptions, options, 'sensitivity', 'specificity', ({ specificity }) => specificity);

export const specificityAtSensitivityOptions = declareOptions('metrics.specificityAtSensitivity', {
  /** Smallest sensitivity, from 0 to 1. */
  sensitivity: required(number('0 to 1'), 0.9),
  ...rateTable,
});
export type SpecificityAtSensitivityOptions = OptionsOf<typeof specificityAtSensitivityOptions>;

/** Best specificity over the thresholds with a sensitivity of at least `sensitivity`; 0 if there is none. As sensitivityAtSpecificity. */
export const specificityAtSensitivity = (options: SpecificityAtSensitivityOptions): Configured<Metric<CurveState>> =>
  bestUnder(specificityAtSensitivityOptions, options, 'specificity', 'sensitivity', ({ sensitivity }) => sensitivity);

export const precisionAtRecallOptions = declareOptions('metrics.precisionAtRecall', {
  /** Smallest recall, from 0 to 1. */
  recall: required(number('0 to 1'), 0.9),
  ...rateTable,
});
export type PrecisionAtRecallOptions = OptionsOf<typeof precisionAtRecallOptions>;

/** Best precision over the thresholds with a recall of at least `recall`; 0 if there is none. As sensitivityAtSpecificity. */
export const precisionAtRecall = (options: PrecisionAtRecallOptions): Configured<Metric<CurveState>> =>
  bestUnder(precisionAtRecallOptions, options, 'precision', 'sensitivity', ({ recall }) => recall);

export const recallAtPrecisionOptions = declareOptions('metrics.recallAtPrecision', {
  /** Smallest precision, from 0 to 1. */
  precision: required(number('0 to 1'), 0.9),
  ...rateTable,
});
export type RecallAtPrecisionOptions = OptionsOf<typeof recallAtPrecisionOptions>;

/** Best recall over the thresholds with a precision of at least `precision`; 0 if there is none. As sensitivityAtSpecificity. */
export const recallAtPrecision = (options: RecallAtPrecisionOptions): Configured<Metric<CurveState>> =>
  bestUnder(recallAtPrecisionOptions, options, 'sensitivity', 'precision', ({ precision }) => precision);
