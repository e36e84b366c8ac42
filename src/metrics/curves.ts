// Curves over thresholds, as reports: their results have one number for each threshold.
import type { Configured } from '../core/config.ts';
import { type Declaration, type OptionsOf, declareOptions } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, tensor } from '../ops/index.ts';
import { ratio } from './accumulate.ts';
import { type Report, makeMetric } from './metric.ts';
import {
  type CurveCounts,
  type CurveState,
  checkCurve,
  countAtThresholds,
  curveCounts,
  curveTable,
  curveThresholds,
} from './thresholds.ts';

export type CurveOptions = OptionsOf<Declaration<typeof curveTable>>;

function ofCurve<R>(
  declaration: Declaration<typeof curveTable>,
  options: CurveOptions,
  points: (counts: CurveCounts, thresholds: Tensor) => R,
): Configured<Report<R, CurveState>> {
  return makeMetric<Report<R, CurveState>, typeof curveTable>(declaration, options, (name, settings) => {
    const thresholds = curveThresholds(settings.numThresholds, settings.thresholds);
    return {
      isReport: true,
      direction: undefined,
      ...countAtThresholds(name, { thresholds, fromLogits: settings.fromLogits }),
      result: (state) => points(curveCounts(state), tensor(thresholds)),
    };
  });
}

/** Rates [T] at thresholds [T] in ascending order. */
export interface RocCurve {
  readonly falsePositiveRate: Tensor;
  readonly truePositiveRate: Tensor;
  readonly thresholds: Tensor;
}

export const rocCurveOptions = declareOptions('metrics.rocCurve', curveTable, checkCurve);

/**
 * ROC curve: FP / negatives and TP / positives at each threshold, in ascending order of the thresholds. The first is below 0, the last above
 * 1. It is a report, streamed by hand; compile does not take it. Predictions in 0..1, shapes as precision.
 *
 *     const roc = metrics.rocCurve({ numThresholds: 50 });
 *     const { falsePositiveRate, truePositiveRate } = roc.result(roc.update(roc.init(), targets, predictions));
 */
export const rocCurve = (options: CurveOptions = {}): Configured<Report<RocCurve, CurveState>> =>
  ofCurve(rocCurveOptions, options, ({ truePositives, falsePositives, positives, negatives }, thresholds) => ({
    falsePositiveRate: ratio(falsePositives, negatives),
    truePositiveRate: ratio(truePositives, positives),
    thresholds,
  }));

/** Rates [T] at thresholds [T] in ascending order. */
export interface PrecisionRecallCurve {
  readonly precision: Tensor;
  readonly recall: Tensor;
  readonly thresholds: Tensor;
}

export const precisionRecallCurveOptions = declareOptions('metrics.precisionRecallCurve', curveTable, checkCurve);

/**
 * Precision TP / (TP + FP) and recall TP / positives at each threshold. The precision is 0 if no prediction is above a threshold. Order,
 * shapes and use as rocCurve.
 */
export const precisionRecallCurve = (options: CurveOptions = {}): Configured<Report<PrecisionRecallCurve, CurveState>> =>
  ofCurve(precisionRecallCurveOptions, options, ({ truePositives, falsePositives, positives }, thresholds) => ({
    precision: ratio(truePositives, add(truePositives, falsePositives)),
    recall: ratio(truePositives, positives),
    thresholds,
  }));
