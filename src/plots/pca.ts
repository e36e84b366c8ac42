// Principal component analysis of data sets.
import { ArgumentError } from '../core/errors.ts';
import { positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape } from '../core/shape.ts';
import { axesByRows, orient, productsOfRows, symmetricEigenvectors } from './eigenvectors.ts';
import { type Numbers, type NumbersInput, readNumbers, rowsOf } from './numbers.ts';

export const pcaOptions = declareOptions('plots.pca', {
  /** Number of components. It is at most the number of samples and of features. @default 2 */
  components: optional(positiveInteger, 2),
});
export type PcaOptions = OptionsOf<typeof pcaOptions>;

export interface PrincipalComponents {
  /** Coordinates of the samples: [n][components]. */
  readonly points: readonly (readonly number[])[];
  /** Unit vectors of the components: [components][features]. The element of the largest magnitude is positive. */
  readonly components: readonly (readonly number[])[];
  /** Variance of the samples along each component, with the divisor n - 1. */
  readonly variances: readonly number[];
  /** Share of the whole variance that each component explains. */
  readonly shares: readonly number[];
  /** Mean of each feature. */
  readonly mean: readonly number[];
}

/** Rows minus the mean of their columns, in f64. */
function centered(given: Numbers): { rows: Float64Array[]; mean: Float64Array } {
  const { data, rows, columns } = rowsOf(given);
  const mean = new Float64Array(columns);
  for (let i = 0; i < rows * columns; i++) mean[i % columns] += data[i] / rows;
  return {
    rows: Array.from({ length: rows }, (_, i) => Float64Array.from(mean, (value, k) => data[i * columns + k] - value)),
    mean,
  };
}

/** Transposed rows. */
const transposed = (rows: readonly Float64Array[]): Float64Array[] =>
  Array.from({ length: rows[0].length }, (_, k) => Float64Array.from(rows, (row) => row[k]));

/** Principal components of rows that readNumbers read. */
export function principalComponents(where: string, given: Numbers, count: number): PrincipalComponents {
  const { rows, mean } = centered(given);
  const [samples, features] = [rows.length, mean.length];
  if (samples < 2 || count > Math.min(samples, features)) {
    throw new ArgumentError(
      `${where}: x ${formatShape(given.shape)} has ${samples} samples of ${features} features, which give at most ${samples < 2 ? 0 : Math.min(samples, features)} components; components is ${count}`,
    );
  }
  let axes: readonly Float64Array[];
  let squares: readonly number[];
  let total: number;
  if (samples <= features) ({ axes, squares, total } = axesByRows(rows, productsOfRows(rows), count));
  else {
    const { values, vectors } = symmetricEigenvectors(productsOfRows(transposed(rows)), features);
    axes = vectors.slice(0, count).map(orient);
    squares = values.slice(0, count).map((value) => Math.max(0, value));
    total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  }
  return {
    points: rows.map((row) => axes.map((axis) => axis.reduce((sum, value, k) => sum + value * row[k], 0))),
    components: axes.map((axis) => [...axis]),
    variances: squares.map((value) => value / (samples - 1)),
    shares: squares.map((value) => (total > 0 ? value / total : 0)),
    mean: [...mean],
  };
}

/**
 * Principal component analysis, exact and in f64 on the host: the eigenvectors of the covariance. The time grows with the cube of the number
 * of samples or features, the smaller of both.
 *
 * x [n, ...] is read as n rows.
 * @throws ArgumentError for more components than samples or features, or for one sample.
 *
 *     const { points, shares } = await pca(features, { components: 2 });
 *     const svg = plots.embedding(points, { labels });
 *
 * (K. Pearson, On Lines and Planes of Closest Fit to Systems of Points in Space, 1901.)
 */
export async function pca(x: NumbersInput, options: PcaOptions = {}): Promise<PrincipalComponents> {
  const where = 'pca';
  const { components } = pcaOptions.read(options);
  return principalComponents(where, await readNumbers(where, 'x', x), components);
}
