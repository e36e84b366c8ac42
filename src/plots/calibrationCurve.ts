// Calibration: mean confidence and share of right samples by bin, for reliability diagrams.
import { ShapeError } from '../core/errors.ts';
import { checkedLater, oneOf, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape } from '../core/shape.ts';
import { readAll } from '../engine/index.ts';
import { judge } from '../metrics/calibration.ts';
import { cast } from '../ops/index.ts';
import { type NumbersInput, readNumbers, readWeights, tensorOf } from './numbers.ts';

export const calibrationCurveOptions = declareOptions('plots.calibrationCurve', {
  /** Number of bins of the confidence. @default 10 */
  numBins: optional(positiveInteger, 10),
  /** 'uniform': bins of equal width from 0 to 1. 'quantile': bins with equal numbers of samples. @default 'uniform' */
  strategy: optional(oneOf('uniform', 'quantile'), 'uniform'),
  /** Weight of each sample, [n]. */
  sampleWeight: optional(checkedLater<NumbersInput>('an array of numbers of at least 0, one for each sample')),
});
export type CalibrationCurveOptions = OptionsOf<typeof calibrationCurveOptions>;

/** One bin of a calibration curve. */
export interface CalibrationBin {
  /** The bin holds confidences above `from` and up to `to`. The first bin includes `from`. */
  readonly from: number;
  readonly to: number;
  /** Sum of the weights of its samples. */
  readonly weight: number;
  /** Mean confidence. Undefined without samples. */
  readonly confidence: number | undefined;
  /** Share of right samples. Undefined without samples. */
  readonly accuracy: number | undefined;
}

export interface CalibrationPoints {
  readonly bins: readonly CalibrationBin[];
  /** Expected calibration error: Σ weight |accuracy - confidence| / Σ weight. */
  readonly expectedError: number;
  /** Largest |accuracy - confidence| of a bin. */
  readonly maximumError: number;
}

/** Value at a share of sorted numbers, with linear interpolation, as numpy.percentile. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = sorted[Math.min(below + 1, sorted.length - 1)];
  return sorted[below] + (above - sorted[below]) * (at - below);
}

/**
 * Calibration curve: mean confidence and share of right samples in each bin of the confidence, with the expected calibration error. The
 * confidence of a sample with several classes is its largest probability; with one probability it is that of class 1.
 *
 * Targets are class indices [n, ...] or one-hot, predictions probabilities [n, ..., classes]; or 0 and 1 with one probability, [n] or [n, 1].
 * @throws ShapeError for other shapes.
 *
 *     const { bins, expectedError } = await calibrationCurve(labels, model.predict(x), { numBins: 15 });
 *
 * (C. Guo et al., On Calibration of Modern Neural Networks, 2017. A. Niculescu-Mizil, R. Caruana, Predicting Good Probabilities, 2005.)
 */
export async function calibrationCurve(
  targets: NumbersInput,
  predictions: NumbersInput,
  options: CalibrationCurveOptions = {},
): Promise<CalibrationPoints> {
  const where = 'calibrationCurve';
  const { numBins, strategy, sampleWeight } = calibrationCurveOptions.read(options);
  const labels = await readNumbers(where, 'targets', targets);
  const given = await readNumbers(where, 'predictions', predictions);
  if (labels.shape[0] !== given.shape[0]) {
    throw new ShapeError(
      `${where}: targets are ${formatShape(labels.shape)} and predictions ${formatShape(given.shape)}; give as many targets as predictions`,
    );
  }
  const judged = judge(where, tensorOf(labels), tensorOf(given));
  const [confidence, right] = await readAll([judged.confidence, cast(judged.right, 'f32')]);
  const weights = await readWeights(where, sampleWeight, confidence.length);
  const sorted = strategy === 'quantile' ? [...confidence].sort((a, b) => a - b) : [];
  const edges = Array.from({ length: numBins + 1 }, (_, i) => (strategy === 'quantile' ? quantile(sorted, i / numBins) : i / numBins));
  const sums = Array.from({ length: numBins }, () => ({ weight: 0, confidence: 0, right: 0 }));
  for (let i = 0; i < confidence.length; i++) {
    // Number of inner edges below the confidence, found by bisection.
    let [low, high] = [0, numBins - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (confidence[i] > Math.fround(edges[middle + 1])) low = middle + 1;
      else high = middle;
    }
    sums[low].weight += weights[i];
    sums[low].confidence += weights[i] * confidence[i];
    sums[low].right += weights[i] * right[i];
  }
  const bins = sums.map(({ weight, confidence, right }, i): CalibrationBin => ({
    from: edges[i],
    to: edges[i + 1],
    weight,
    confidence: weight > 0 ? confidence / weight : undefined,
    accuracy: weight > 0 ? right / weight : undefined,
  }));
  const gaps = sums.map(({ confidence, right }) => Math.abs(right - confidence));
  const all = sums.reduce((sum, { weight }) => sum + weight, 0);
  return {
    bins,
    expectedError: all > 0 ? gaps.reduce((sum, gap) => sum + gap, 0) / all : 0,
    maximumError: sums.reduce((most, { weight }, i) => (weight > 0 ? Math.max(most, gaps[i] / weight) : most), 0),
  };
}
