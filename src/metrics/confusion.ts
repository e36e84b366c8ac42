// Metrics of true and false positives and negatives. Targets are 0 or 1, predictions above the threshold are treated as 1.
import type { Configured } from '../core/config.ts';
import { ShapeError } from '../core/errors.ts';
import { number } from '../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignEqual, fitWeight } from '../losses/index.ts';
import { add, greater, logicalAnd, logicalNot, mul, notEqual } from '../ops/index.ts';
import { type ThresholdOptions, thresholdOptions } from './accuracy.ts';
import { type Count, countTrue, countValue, noCount, ratio } from './accumulate.ts';
import { type Direction, type Metric, makeMetric } from './metric.ts';

/** The four outcomes of a prediction. */
const outcomes = {
  truePositives: (target: Tensor, prediction: Tensor) => logicalAnd(target, prediction),
  trueNegatives: (target: Tensor, prediction: Tensor) => logicalAnd(logicalNot(target), logicalNot(prediction)),
  falsePositives: (target: Tensor, prediction: Tensor) => logicalAnd(logicalNot(target), prediction),
  falseNegatives: (target: Tensor, prediction: Tensor) => logicalAnd(target, logicalNot(prediction)),
};
type Outcome = keyof typeof outcomes;

type Counting<O extends Outcome> = Metric<Record<O, Count>>;

/** A metric that counts outcomes and computes its value from the counts. */
function ofOutcomes<O extends Outcome, T extends OptionTable & typeof thresholdOptions>(
  declaration: Declaration<T>,
  options: OptionsOf<Declaration<T>>,
  direction: Direction,
  counted: readonly O[],
  value: (counts: Record<O, Tensor>, settings: SettingsOf<Declaration<T>>) => Tensor,
  oneColumn = false,
): Configured<Counting<O>> {
  const record = <T>(make: (outcome: O) => T): Record<O, T> => Object.fromEntries(counted.map((o) => [o, make(o)])) as Record<O, T>;
  return makeMetric<Counting<O>, T>(declaration, options, (name, settings) => ({
    direction,
    init: () => record(() => noCount()),
    update: (state, targets, predictions, sampleWeight) =>
      withScope(name, () => {
        const pair = alignEqual(name, targets, predictions);
        const { shape } = pair.predictions;
        if (oneColumn && shape[shape.length - 1] !== 1) {
          throw new ShapeError(
            `${name}: predictions are ${formatShape(predictions.shape)}; it takes one probability per sample, [n] or [n,1]`,
          );
        }
        const weight = sampleWeight && fitWeight(name, sampleWeight, shape);
        const target = notEqual(pair.targets, 0);
        const prediction = greater(pair.predictions, (settings as SettingsOf<Declaration<typeof thresholdOptions>>).threshold);
        return record((o) => countTrue(state[o], outcomes[o](target, prediction), weight));
      }),
    result: (state) =>
      value(
        record((o) => countValue(state[o])),
        settings,
      ),
  }));
}

export const truePositivesOptions = declareOptions('metrics.truePositives', thresholdOptions);

/** Number (or weight) of targets 1 that were predicted 1. */
export const truePositives = (options: ThresholdOptions = {}): Configured<Metric<Record<'truePositives', Count>>> =>
  ofOutcomes(truePositivesOptions, options, 'max', ['truePositives'], (n) => n.truePositives);

export const trueNegativesOptions = declareOptions('metrics.trueNegatives', thresholdOptions);

/** Number (or weight) of targets 0 that were predicted 0. */
export const trueNegatives = (options: ThresholdOptions = {}): Configured<Metric<Record<'trueNegatives', Count>>> =>
  ofOutcomes(trueNegativesOptions, options, 'max', ['trueNegatives'], (n) => n.trueNegatives);

export const falsePositivesOptions = declareOptions('metrics.falsePositives', thresholdOptions);

/** Number (or weight) of targets 0 that were predicted 1. */
export const falsePositives = (options: ThresholdOptions = {}): Configured<Metric<Record<'falsePositives', Count>>> =>
  ofOutcomes(falsePositivesOptions, options, 'min', ['falsePositives'], (n) => n.falsePositives);

export const falseNegativesOptions = declareOptions('metrics.falseNegatives', thresholdOptions);

/** Number (or weight) of targets 1 that were predicted 0. */
export const falseNegatives = (options: ThresholdOptions = {}): Configured<Metric<Record<'falseNegatives', Count>>> =>
  ofOutcomes(falseNegativesOptions, options, 'min', ['falseNegatives'], (n) => n.falseNegatives);

export const precisionOptions = declareOptions('metrics.precision', thresholdOptions);

/**
 * Precision, true positives / predicted positives; 0 if nothing was predicted positive. Targets and predictions [n], [n, 1] or, for several
 * labels per sample that are counted together, [n, d].
 *
 *     model.compile({ loss: 'binaryCrossentropy', metrics: [metrics.precision({ threshold: 0.7 })] })
 */
export const precision = (options: ThresholdOptions = {}): Configured<Metric<Record<'truePositives' | 'falsePositives', Count>>> =>
  ofOutcomes(precisionOptions, options, 'max', ['truePositives', 'falsePositives'], (n) =>
    ratio(n.truePositives, add(n.truePositives, n.falsePositives)),
  );

export const recallOptions = declareOptions('metrics.recall', thresholdOptions);

/** Recall, true positives / actual positives; 0 if there were none. Shapes as precision. */
export const recall = (options: ThresholdOptions = {}): Configured<Metric<Record<'truePositives' | 'falseNegatives', Count>>> =>
  ofOutcomes(recallOptions, options, 'max', ['truePositives', 'falseNegatives'], (n) =>
    ratio(n.truePositives, add(n.truePositives, n.falseNegatives)),
  );

export const f1ScoreOptions = declareOptions('metrics.f1Score', thresholdOptions);

/** F1 score, the harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN), a scalar. Targets and predictions [n] or [n, 1]. */
export const f1Score = (
  options: ThresholdOptions = {},
): Configured<Metric<Record<'truePositives' | 'falsePositives' | 'falseNegatives', Count>>> =>
  ofOutcomes(
    f1ScoreOptions,
    options,
    'max',
    ['truePositives', 'falsePositives', 'falseNegatives'],
    (n) => {
      const twice = mul(n.truePositives, 2);
      return ratio(twice, add(twice, add(n.falsePositives, n.falseNegatives)));
    },
    true,
  );

export const specificityOptions = declareOptions('metrics.specificity', thresholdOptions);

/** Specificity, true negatives / actual negatives, TN / (TN + FP); 0 if there were none. Shapes as precision. */
export const specificity = (options: ThresholdOptions = {}): Configured<Metric<Record<'trueNegatives' | 'falsePositives', Count>>> =>
  ofOutcomes(specificityOptions, options, 'max', ['trueNegatives', 'falsePositives'], (n) =>
    ratio(n.trueNegatives, add(n.trueNegatives, n.falsePositives)),
  );

export const negativePredictiveValueOptions = declareOptions('metrics.negativePredictiveValue', thresholdOptions);

/** Negative predictive value, true negatives / predicted negatives, TN / (TN + FN); 0 if there were none. Shapes as precision. */
export const negativePredictiveValue = (
  options: ThresholdOptions = {},
): Configured<Metric<Record<'trueNegatives' | 'falseNegatives', Count>>> =>
  ofOutcomes(negativePredictiveValueOptions, options, 'max', ['trueNegatives', 'falseNegatives'], (n) =>
    ratio(n.trueNegatives, add(n.trueNegatives, n.falseNegatives)),
  );

export const fBetaScoreOptions = declareOptions('metrics.fBetaScore', {
  /** Weight of recall against precision, above 0: recall counts beta times as much. @default 1 */
  beta: optional(number('above 0'), 1),
  ...thresholdOptions,
});
export type FBetaScoreOptions = OptionsOf<typeof fBetaScoreOptions>;

/**
 * F-beta score, (1 + b^2) P R / (b^2 P + R) = (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP), of precision P and recall R. Targets and
 * predictions [n] or [n, 1].
 *
 *     metrics.fBetaScore({ beta: 2 })
 */
export const fBetaScore = (
  options: FBetaScoreOptions = {},
): Configured<Metric<Record<'truePositives' | 'falsePositives' | 'falseNegatives', Count>>> =>
  ofOutcomes(
    fBetaScoreOptions,
    options,
    'max',
    ['truePositives', 'falsePositives', 'falseNegatives'],
    (n, { beta }) => {
      const hits = mul(n.truePositives, 1 + beta ** 2);
      return ratio(hits, add(hits, add(n.falsePositives, mul(n.falseNegatives, beta ** 2))));
    },
    true,
  );
