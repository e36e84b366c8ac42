// Histograms and moments of the weights of a model.
import { ArgumentError } from '../core/errors.ts';
import { boolean, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { isFloat } from '../core/dtype.ts';
import type { Model } from '../train/index.ts';

export const weightHistogramsOptions = declareOptions('plots.weightHistograms', {
  /** Number of bins of equal width from the smallest to the largest value. @default 30 */
  numBins: optional(positiveInteger, 30),
  /** Includes state that training updates without a gradient, such as moving averages. @default false */
  includeState: optional(boolean, false),
});
export type WeightHistogramsOptions = OptionsOf<typeof weightHistogramsOptions>;

/** Distribution of the values of one tensor. */
export interface WeightHistogram {
  /** Path of model.variables(), such as `dense_1/kernel`. */
  readonly path: string;
  /** Borders of the bins, in ascending order: one more than counts. */
  readonly edges: readonly number[];
  /** Number of finite values in each bin. */
  readonly counts: readonly number[];
  readonly mean: number;
  readonly standardDeviation: number;
  readonly minimum: number;
  readonly maximum: number;
  /** Number of values that are NaN or infinite. They are in no bin. */
  readonly notFinite: number;
}

/** Histogram of numbers. All are equal: the bins are from half below to half above. */
export function histogramOf(path: string, values: ArrayLike<number>, numBins: number): WeightHistogram {
  let [minimum, maximum, sum, finite] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) continue;
    finite++;
    sum += value;
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
  }
  const mean = finite ? sum / finite : NaN;
  const [from, to] = finite === 0 ? [0, 1] : minimum === maximum ? [minimum - 0.5, maximum + 0.5] : [minimum, maximum];
  const counts = new Array<number>(numBins).fill(0);
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    squares += (values[i] - mean) ** 2;
    counts[Math.min(numBins - 1, Math.floor(((values[i] - from) / (to - from)) * numBins))]++;
  }
  return {
    path,
    edges: Array.from({ length: numBins + 1 }, (_, i) => from + ((to - from) * i) / numBins),
    counts,
    mean,
    standardDeviation: finite ? Math.sqrt(squares / finite) : NaN,
    minimum: finite ? minimum : NaN,
    maximum: finite ? maximum : NaN,
    notFinite: values.length - finite,
  };
}

/**
 * Histogram of each weight of a model, in the order of model.variables(). Packed int8 kernels have none.
 *
 *     const svg = plots.histograms(await weightHistograms(model));
 *
 * @throws ArgumentError if the model has no such weights.
 */
export async function weightHistograms(model: Model, options: WeightHistogramsOptions = {}): Promise<WeightHistogram[]> {
  const { numBins, includeState } = weightHistogramsOptions.read(options);
  const variables = model.variables();
  const parameters = new Set(Object.values(model.parameters()).flatMap((tree) => Object.values(tree)));
  const weights = await model.getWeights();
  const chosen = variables.flatMap(({ path, tensor }, i) =>
    isFloat(tensor.dtype) && (includeState || parameters.has(tensor)) ? [{ path, values: weights[i] }] : [],
  );
  if (chosen.length === 0) throw new ArgumentError('weightHistograms: the model has no parameters of floats; give a model with weights');
  return Promise.all(chosen.map(async ({ path, values }) => histogramOf(path, await values.data(), numBins)));
}
