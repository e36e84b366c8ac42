// Calibration: whether predictions of 80 % are right in 80 % of the cases.
import type { Configured } from '../core/config.ts';
import { oneOf, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignClasses, alignEqual, fitWeight } from '../losses/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import {
  abs,
  argMax,
  cast,
  equal,
  expandDims,
  greater,
  max,
  mul,
  notEqual,
  oneHot,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  tensor,
} from '../ops/index.ts';
import { type Count, type Total, addToCount, addToTotal, countValue, noCount, noTotal, ratio, totalValue } from './accumulate.ts';
import { type Metric, makeMetric, metricOptions } from './metric.ts';

/** By bin, [B]: weight of its samples and of those that are right, and the sum of their confidences. */
export type CalibrationState = { readonly count: Count; readonly right: Count; readonly confidence: Total };

export const calibrationErrorOptions = declareOptions('metrics.calibrationError', {
  /** Number of bins of equal width from 0 to 1. @default 15 */
  numBins: optional(positiveInteger, 15),
  /** 'l1': expected error, weighted by the bins' samples. 'l2': root of the mean square. 'max': error of the worst bin. @default 'l1' */
  norm: optional(oneOf('l1', 'l2', 'max'), 'l1'),
  ...metricOptions,
});
export type CalibrationErrorOptions = OptionsOf<typeof calibrationErrorOptions>;

/** Confidence of each sample, and whether it is right. With one probability, the confidence is that of class 1. */
export function judge(name: string, targets: Tensor, predictions: Tensor): { confidence: Tensor; right: Tensor } {
  if (predictions.rank < 2 || predictions.shape[predictions.rank - 1] === 1) {
    const pair = alignEqual(name, targets, predictions);
    return { confidence: pair.predictions, right: notEqual(pair.targets, 0) };
  }
  const areIndices = targets.rank < predictions.rank || targets.shape[targets.rank - 1] === 1;
  const pair = areIndices ? alignClasses(name, targets, predictions) : alignEqual(name, targets, predictions);
  const labels = areIndices ? pair.targets : argMax(pair.targets, { axis: -1 });
  return { confidence: max(pair.predictions, { axis: -1 }), right: equal(labels, argMax(pair.predictions, { axis: -1 })) };
}

/**
 * Calibration error: difference of mean confidence and share of right samples, over bins ((b - 1)/B, b/B] of the confidence. Targets are
 * class indices [n, ...] or one-hot, predictions probabilities [n, ..., classes], or one probability with targets 0 or 1, [n] or [n, 1].
 * (C. Guo et al., On Calibration of Modern Neural Networks, 2017.)
 *
 *     model.compile({ loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy', 'calibrationError'] })
 */
export const calibrationError = (options: CalibrationErrorOptions = {}): Configured<Metric<CalibrationState>> =>
  makeMetric<Metric<CalibrationState>, (typeof calibrationErrorOptions)['options']>(
    calibrationErrorOptions,
    options,
    (name, { numBins, norm }) => {
      const bins = [numBins];
      const edges = Array.from({ length: numBins - 1 }, (_, i) => (i + 1) / numBins);
      return {
        direction: 'min',
        init: () => ({ count: noCount(bins), right: noCount(bins), confidence: noTotal(bins) }),
        update: (state, targets, predictions, sampleWeight) =>
          withScope(name, () => {
            const judged = judge(name, targets, predictions);
            const weight = sampleWeight && reshape(fitWeight(name, sampleWeight, judged.confidence.shape), [-1]);
            const confidence = reshape(judged.confidence, [-1]);
            const right = reshape(cast(judged.right, 'f32'), [-1]);
            const place =
              numBins === 1
                ? cast(mul(right, 0), 'i32')
                : sum(cast(greater(expandDims(confidence, -1), tensor(edges)), 'i32'), { axis: -1 });
            const inBin = oneHot(place, numBins);
            const perBin = (x: Tensor): Tensor => sum(mul(inBin, expandDims(x, -1)), { axis: 0 });
            return {
              count: addToCount(state.count, weight ? perBin(weight) : sum(inBin, { axis: 0 })),
              right: addToCount(state.right, perBin(weight ? mul(right, weight) : right)),
              confidence: addToTotal(state.confidence, perBin(weight ? productOrZero(weight, confidence) : confidence)),
            };
          }),
        result(state) {
          const count = countValue(state.count);
          const gap = abs(sub(countValue(state.right), totalValue(state.confidence)));
          const all = sum(count);
          if (norm === 'l1') return ratio(sum(gap), all);
          if (norm === 'max') return max(ratio(gap, count));
          return sqrt(ratio(sum(ratio(square(gap), count)), all));
        },
      };
    },
  );
