// ROC and precision-recall curves with a point at each distinct score. metrics.rocCurve counts at fixed thresholds instead, so that its state
// does not grow with the samples.
import { DataError, ShapeError } from '../core/errors.ts';
import { boolean, checkedLater, integer } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape } from '../core/shape.ts';
import { type NumbersInput, readNumbers, readWeights } from './numbers.ts';

const scoreOptions = {
  /** Weight of each sample, [n]. */
  sampleWeight: /* @__PURE__ */ optional(checkedLater<NumbersInput>('an array of numbers of at least 0, one for each sample')),
  /** Column of the scores [n, classes]. Targets of this class are positive. Needed if there are several columns. */
  classId: /* @__PURE__ */ optional(integer('at least 0')),
};

export const rocCurveOptions = declareOptions('plots.rocCurve', {
  ...scoreOptions,
  /** Leaves out points on a line between their neighbours. The curve and its area stay the same. @default true */
  dropCollinear: optional(boolean, true),
});
export type RocCurveOptions = OptionsOf<typeof rocCurveOptions>;

export const precisionRecallCurveOptions = declareOptions('plots.precisionRecallCurve', scoreOptions);
export type PrecisionRecallCurveOptions = OptionsOf<typeof precisionRecallCurveOptions>;

/** Rates at descending thresholds. The first threshold is Infinity, at which no sample is positive. */
export interface RocPoints {
  readonly falsePositiveRate: readonly number[];
  readonly truePositiveRate: readonly number[];
  readonly thresholds: readonly number[];
  /** Area under the curve, by the trapezoidal rule. */
  readonly area: number;
}

/** Precision and recall at descending thresholds. The first point is precision 1 and recall 0, with the threshold Infinity. */
export interface PrecisionRecallPoints {
  readonly precision: readonly number[];
  readonly recall: readonly number[];
  readonly thresholds: readonly number[];
  /** Σ (Rᵢ - Rᵢ₋₁) Pᵢ over the points. */
  readonly averagePrecision: number;
  /** Share of positive samples: the precision of a model that guesses. */
  readonly prevalence: number;
}

/** Weights of the positive and negative samples with scores of at least each threshold. */
interface Counts {
  readonly thresholds: number[];
  readonly truePositives: number[];
  readonly falsePositives: number[];
  readonly positives: number;
  readonly negatives: number;
}

interface ScoreSettings {
  readonly sampleWeight: NumbersInput | undefined;
  readonly classId: number | undefined;
}

async function countAtScores(
  where: string,
  targets: NumbersInput,
  scores: NumbersInput,
  { sampleWeight, classId }: ScoreSettings,
): Promise<Counts> {
  const labels = await readNumbers(where, 'targets', targets);
  const given = await readNumbers(where, 'scores', scores);
  const [count, columns = 1] = given.shape;
  if (given.shape.length > 2 || labels.data.length !== count) {
    throw new ShapeError(
      `${where}: targets are ${formatShape(labels.shape)} and scores ${formatShape(given.shape)}; give targets [n] with scores [n] or [n, classes]`,
    );
  }
  if (columns > 1 && (classId === undefined || classId >= columns)) {
    throw new ShapeError(
      `${where}: scores are ${formatShape(given.shape)}${classId === undefined ? '' : ` and classId is ${classId}`}; give the column of one class, such as classId: ${columns - 1}`,
    );
  }
  const column = columns > 1 ? classId! : 0;
  const scoreOf = (i: number): number => given.data[i * columns + column];
  const isPositive = (i: number): boolean => (columns > 1 ? labels.data[i] === classId : labels.data[i] !== 0);
  const weights = await readWeights(where, sampleWeight, count);
  for (let i = 0; i < count; i++) if (Number.isNaN(scoreOf(i))) throw new DataError(`${where}: the score of sample ${i} is NaN`);
  // Samples of weight 0 make no points.
  const order = Array.from({ length: count }, (_, i) => i).filter((i) => weights[i] > 0);
  order.sort((a, b) => scoreOf(b) - scoreOf(a));
  const counts: Counts = { thresholds: [], truePositives: [], falsePositives: [], positives: 0, negatives: 0 };
  let [hits, alarms] = [0, 0];
  order.forEach((sample, i) => {
    if (isPositive(sample)) hits += weights[sample];
    else alarms += weights[sample];
    if (i + 1 < order.length && scoreOf(order[i + 1]) === scoreOf(sample)) return;
    counts.thresholds.push(scoreOf(sample));
    counts.truePositives.push(hits);
    counts.falsePositives.push(alarms);
  });
  return { ...counts, positives: hits, negatives: alarms };
}

function requireBoth(where: string, needed: Readonly<Record<string, number>>): void {
  const missing = Object.keys(needed).find((kind) => needed[kind] === 0);
  if (missing !== undefined)
    throw new DataError(`${where}: no target is ${missing}, so the curve is not defined; give samples of both kinds`);
}

/** Area under y(x) by the trapezoidal rule. */
const trapezoids = (x: readonly number[], y: readonly number[]): number =>
  x.reduce((area, at, i) => (i === 0 ? 0 : area + ((at - x[i - 1]) * (y[i] + y[i - 1])) / 2), 0);

/**
 * ROC curve with a point at each distinct score, as scikit-learn's roc_curve: FP / negatives and TP / positives of the samples with scores
 * of at least the threshold.
 *
 * targets [n] (0 or 1) with scores [n]; or class indices [n] with scores [n, classes] and `classId`.
 * @throws ShapeError for other shapes, DataError if all targets are positive or all are negative, or a score is NaN.
 *
 *     const { area } = await rocCurve(labels, model.predict(x), { classId: 3 });
 *
 * (T. Fawcett, An Introduction to ROC Analysis, 2006.)
 */
export async function rocCurve(targets: NumbersInput, scores: NumbersInput, options: RocCurveOptions = {}): Promise<RocPoints> {
  const where = 'rocCurve';
  const { dropCollinear, ...settings } = rocCurveOptions.read(options);
  const { thresholds, truePositives, falsePositives, positives, negatives } = await countAtScores(where, targets, scores, settings);
  requireBoth(where, { positive: positives, negative: negatives });
  const hits = [0, ...truePositives];
  const alarms = [0, ...falsePositives];
  const isCorner = (_: unknown, i: number): boolean =>
    !dropCollinear ||
    i === 0 ||
    i === hits.length - 1 ||
    (hits[i] - hits[i - 1]) * (alarms[i + 1] - alarms[i]) !== (hits[i + 1] - hits[i]) * (alarms[i] - alarms[i - 1]);
  const falsePositiveRate = alarms.filter(isCorner).map((value) => value / negatives);
  const truePositiveRate = hits.filter(isCorner).map((value) => value / positives);
  return {
    falsePositiveRate,
    truePositiveRate,
    thresholds: [Infinity, ...thresholds].filter(isCorner),
    area: trapezoids(falsePositiveRate, truePositiveRate),
  };
}

/**
 * Precision TP / (TP + FP) and recall TP / positives, with a point at each distinct score: of the samples with at least that score. As
 * scikit-learn's precision_recall_curve and average_precision_score.
 *
 * Shapes as rocCurve.
 * @throws ShapeError for other shapes, DataError if no target is positive or a score is NaN.
 *
 *     const { averagePrecision } = await precisionRecallCurve(labels, scores);
 */
export async function precisionRecallCurve(
  targets: NumbersInput,
  scores: NumbersInput,
  options: PrecisionRecallCurveOptions = {},
): Promise<PrecisionRecallPoints> {
  const where = 'precisionRecallCurve';
  const settings = precisionRecallCurveOptions.read(options);
  const { thresholds, truePositives, falsePositives, positives, negatives } = await countAtScores(where, targets, scores, settings);
  requireBoth(where, { positive: positives });
  const precision = [1, ...truePositives.map((hits, i) => hits / (hits + falsePositives[i]))];
  const recall = [0, ...truePositives.map((hits) => hits / positives)];
  return {
    precision,
    recall,
    thresholds: [Infinity, ...thresholds],
    averagePrecision: recall.reduce((sum, value, i) => (i === 0 ? 0 : sum + (value - recall[i - 1]) * precision[i]), 0),
    prevalence: positives / (positives + negatives),
  };
}
