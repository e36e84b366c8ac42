// Confusion matrix of whole data sets as plain numbers. The counting is that of metrics.confusionMatrix.
import { checkedLater } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { confusionMatrix, confusionMatrixOptions } from '../metrics/confusionMatrix.ts';
import { type NumbersInput, readNumbers, readWeights, tensorOf } from './numbers.ts';

const { numClasses, threshold, normalize } = confusionMatrixOptions.options;

export const confusionCountsOptions = declareOptions('plots.confusionCounts', {
  /** Number of classes. @default 2 */
  numClasses,
  /** Predictions above it are class 1, if a sample has one probability. Use 0 for logits. @default 0.5 */
  threshold,
  /** Sum of 1: each row ('true'), each column ('pred') or the whole matrix ('all'). Without it, numbers or weights of samples. */
  normalize,
  /** Weight of each sample, [n]. */
  sampleWeight: optional(checkedLater<NumbersInput>('an array of numbers of at least 0, one for each sample')),
});
export type ConfusionCountsOptions = OptionsOf<typeof confusionCountsOptions>;

/**
 * Confusion matrix: the element in row i and column j counts the samples of class i that were predicted as class j. Shapes as
 * metrics.confusionMatrix, which streams batches.
 *
 *     const matrix = await confusionCounts(labels, model.predict(x), { numClasses: 10 });
 *     const svg = plots.confusionMatrix(matrix);
 */
export async function confusionCounts(
  targets: NumbersInput,
  predictions: NumbersInput,
  options: ConfusionCountsOptions = {},
): Promise<number[][]> {
  const where = 'confusionCounts';
  const { sampleWeight, ...settings } = confusionCountsOptions.read(options);
  const labels = await readNumbers(where, 'targets', targets);
  const given = await readNumbers(where, 'predictions', predictions);
  const weights = sampleWeight === undefined ? undefined : await readWeights(where, sampleWeight, given.shape[0]);
  const defined = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const matrix = confusionMatrix(defined);
  const state = matrix.update(
    matrix.init(),
    tensorOf(labels),
    tensorOf(given),
    weights && tensorOf({ data: weights, shape: [weights.length] }),
  );
  return (await matrix.result(state).array()) as number[][];
}
