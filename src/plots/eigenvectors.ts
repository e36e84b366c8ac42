// The first principal axes of rows: eigenvectors of the smaller of the two matrices of products.
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** Principal axes of rows [n, d], by descending eigenvalue of the sum of squares. */
export interface PrincipalAxes {
  /** Unit vectors of length d. */
  readonly axes: readonly Float64Array[];
  /** Sum of the squared coordinates of the rows along each axis, and along all axes. */
  readonly squares: readonly number[];
  readonly total: number;
}

/** Eigenvectors of a symmetric matrix in row-major order, by descending eigenvalue. */
export function symmetricEigenvectors(products: Float64Array, size: number): { values: number[]; vectors: Float64Array[] } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(Matrix.from1DArray(size, size, products), {
    assumeSymmetric: true,
  });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b] - realEigenvalues[a]);
  return {
    values: order.map((i) => realEigenvalues[i]),
    vectors: order.map((i) => Float64Array.from(eigenvectorMatrix.getColumn(i))),
  };
}

/** Makes the sign of an axis reproducible: its element of the largest magnitude is positive. */
export function orient(axis: Float64Array): Float64Array {
  const largest = axis.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  return largest < 0 ? axis.map((value) => -value) : axis;
}

/** Sums of products of each pair of rows [n, n] in f64. */
export function productsOfRows(rows: readonly ArrayLike<number>[]): Float64Array {
  const n = rows.length;
  const products = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const [a, b] = [rows[i], rows[j]];
      let sum = 0;
      for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
      products[i * n + j] = products[j * n + i] = sum;
    }
  }
  return products;
}

/**
 * The first `count` principal axes of rows, which are already centered. `byRow` are the products of pairs of rows [n, n]; `byColumn` makes
 * those of pairs of columns [d, d]. The smaller matrix is decomposed.
 */
export function axesByRows(rows: readonly ArrayLike<number>[], products: Float64Array, count: number): PrincipalAxes {
  const n = rows.length;
  const d = rows[0].length;
  const { values, vectors } = symmetricEigenvectors(products, n);
  const axes = vectors.slice(0, count).map((weights, component) => {
    const axis = new Float64Array(d);
    const length = Math.sqrt(Math.max(0, values[component]));
    if (length > 0) rows.forEach((row, i) => axis.forEach((_, k) => (axis[k] += (weights[i] * row[k]) / length)));
    return orient(axis);
  });
  return {
    axes,
    squares: values.slice(0, count).map((value) => Math.max(0, value)),
    total: values.reduce((a, b) => a + Math.max(0, b), 0),
  };
}
