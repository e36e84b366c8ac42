// Factorizations and triangular systems on the CPU, in f64: the reference of the kernels in plan.ts.

export interface Factors {
  /** L below the diagonal, without its ones, and U [n, n]. */
  readonly lu: Float64Array;
  /** Row of A that was moved to each row. */
  readonly rows: readonly number[];
  /** Sign of that permutation. */
  readonly sign: number;
}

/**
 * Gaussian elimination with partial pivoting of the matrix at `start`. A zero pivot is kept; with `perturb` it becomes 2^-24 of the largest
 * element.
 */
export function factorizeMatrix(data: ArrayLike<number>, start: number, n: number, perturb = false): Factors {
  const lu = Float64Array.from({ length: n * n }, (_, i) => data[start + i]);
  const rows = Array.from({ length: n }, (_, i) => i);
  const largest = lu.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let sign = 1;
  for (let k = 0; k < n; k++) {
    let row = k;
    for (let i = k + 1; i < n; i++) {
      const [best, candidate] = [lu[row * n + k], lu[i * n + k]];
      // NaN is chosen as the pivot, so that it propagates.
      if (!Number.isNaN(best) && (Number.isNaN(candidate) || Math.abs(candidate) > Math.abs(best))) row = i;
    }
    if (row !== k) {
      sign = -sign;
      [rows[k], rows[row]] = [rows[row], rows[k]];
      for (let j = 0; j < n; j++) [lu[k * n + j], lu[row * n + j]] = [lu[row * n + j], lu[k * n + j]];
    }
    if (lu[k * n + k] === 0 && perturb) lu[k * n + k] = (largest || 1) * 2 ** -24;
    const pivot = lu[k * n + k];
    for (let i = k + 1; i < n; i++) {
      const factor = pivot === 0 ? 0 : lu[i * n + k] / pivot;
      lu[i * n + k] = factor;
      for (let j = k + 1; j < n; j++) lu[i * n + j] -= factor * lu[k * n + j];
    }
  }
  return { lu, rows, sign };
}

/** Sign of the determinant and logarithm of its absolute value; NaN if a pivot is not finite. */
export function signAndLogarithm({ lu, rows, sign }: Factors): [sign: number, logarithm: number] {
  const n = rows.length;
  let [signs, logarithm] = [sign, 0];
  for (let i = 0; i < n; i++) {
    const pivot = lu[i * n + i];
    if (!Number.isFinite(pivot)) return [NaN, NaN];
    signs *= Math.sign(pivot);
    logarithm += Math.log(Math.abs(pivot));
  }
  return [signs, logarithm];
}

export function determinantOf({ lu, rows, sign }: Factors): number {
  const n = rows.length;
  let product = sign;
  for (let i = 0; i < n; i++) {
    if (!Number.isFinite(lu[i * n + i])) return NaN;
    product *= lu[i * n + i];
  }
  return product;
}

export interface Triangle {
  readonly lower: boolean;
  readonly transposed: boolean;
  readonly unit: boolean;
}

/** Solves T x = b in place for one column of b, with elements `step` apart. NaN if the diagonal has a zero. */
export function solveTriangle(
  { data, start, n }: { readonly data: ArrayLike<number>; readonly start: number; readonly n: number },
  { lower, transposed, unit }: Triangle,
  x: Float64Array,
  first: number,
  step: number,
): void {
  const isForward = lower !== transposed;
  let isRegular = true;
  for (let s = 0; s < n; s++) {
    const i = isForward ? s : n - 1 - s;
    let value = x[first + i * step];
    for (let t = 0; t < s; t++) {
      const j = isForward ? t : n - 1 - t;
      value -= data[start + (transposed ? j * n + i : i * n + j)] * x[first + j * step];
    }
    const diagonal = unit ? 1 : data[start + i * n + i];
    if (diagonal === 0) isRegular = false;
    x[first + i * step] = value / diagonal;
  }
  if (!isRegular) for (let i = 0; i < n; i++) x[first + i * step] = NaN;
}

/** A^-1 b for b [n, m] at `start`. */
export function solveFactors({ lu, rows }: Factors, b: ArrayLike<number>, start: number, m: number): Float64Array {
  const n = rows.length;
  const x = Float64Array.from({ length: n * m }, (_, i) => b[start + rows[Math.floor(i / m)] * m + (i % m)]);
  for (let column = 0; column < m; column++) {
    const matrix = { data: lu, start: 0, n };
    solveTriangle(matrix, { lower: true, transposed: false, unit: true }, x, column, m);
    solveTriangle(matrix, { lower: false, transposed: false, unit: false }, x, column, m);
  }
  return x;
}

/** L with L L^T = A. Only the lower triangle of A is read. NaN if A is not positive definite. */
export function choleskyOf(data: ArrayLike<number>, start: number, n: number): Float64Array {
  const l = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    let diagonal = data[start + k * n + k];
    for (let j = 0; j < k; j++) diagonal -= l[k * n + j] ** 2;
    if (!(diagonal > 0)) return l.fill(NaN);
    const pivot = Math.sqrt(diagonal);
    l[k * n + k] = pivot;
    for (let i = k + 1; i < n; i++) {
      let value = data[start + i * n + k];
      for (let j = 0; j < k; j++) value -= l[i * n + j] * l[k * n + j];
      l[i * n + k] = value / pivot;
    }
  }
  return l;
}
