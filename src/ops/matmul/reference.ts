// The matrix product on the CPU, used by matmul, convolution and the CPU fallback. It is blocked for the cache: a panel of four columns of
// b stays in the cache, and two rows of a at a time are multiplied with it, with eight sums in registers.

/**
 * c += a b, with a [m, k], b [k, n] and c [m, n] row-major. Each element starts from the value in c and adds its products in ascending k.
 */
export function addProduct(a: Float64Array, b: Float64Array, c: Float64Array, m: number, k: number, n: number): void {
  const panel = new Float64Array(k * 4);
  for (let column = 0; column < n; column += 4) {
    const width = Math.min(4, n - column);
    packPanel(panel, b, k, n, column, width);
    for (let row = 0; row < m; row += 2) {
      const height = Math.min(2, m - row);
      addTile(a, panel, c, row * k, height === 2 ? row * k + k : row * k, k, row * n + column, n, height, width);
    }
  }
}

function packPanel(panel: Float64Array, b: Float64Array, k: number, n: number, column: number, width: number): void {
  if (width < 4) panel.fill(0);
  for (let p = 0; p < k; p++) {
    for (let j = 0; j < width; j++) panel[4 * p + j] = b[p * n + column + j];
  }
}

/**
 * Multiplies the two rows of a at `a0` and `a1` with the panel, and adds the result to c at `at`. For a single last row, a1 equals a0 and
 * its sums are dropped.
 */
function addTile(
  a: Float64Array,
  panel: Float64Array,
  c: Float64Array,
  a0: number,
  a1: number,
  k: number,
  at: number,
  n: number,
  height: number,
  width: number,
): void {
  // Reads past a narrow tile return undefined or a neighbour's value. Neither is stored.
  let c00 = +c[at];
  let c01 = +c[at + 1];
  let c02 = +c[at + 2];
  let c03 = +c[at + 3];
  let c10 = +c[at + n];
  let c11 = +c[at + n + 1];
  let c12 = +c[at + n + 2];
  let c13 = +c[at + n + 3];
  for (let p = 0, q = 0; p < k; p++, q += 4) {
    const x = a[a0 + p];
    const y = a[a1 + p];
    const b0 = panel[q];
    const b1 = panel[q + 1];
    const b2 = panel[q + 2];
    const b3 = panel[q + 3];
    c00 += x * b0;
    c01 += x * b1;
    c02 += x * b2;
    c03 += x * b3;
    c10 += y * b0;
    c11 += y * b1;
    c12 += y * b2;
    c13 += y * b3;
  }
  c[at] = c00;
  if (width > 1) c[at + 1] = c01;
  if (width > 2) c[at + 2] = c02;
  if (width > 3) c[at + 3] = c03;
  if (height < 2) return;
  c[at + n] = c10;
  if (width > 1) c[at + n + 1] = c11;
  if (width > 2) c[at + n + 2] = c12;
  if (width > 3) c[at + n + 3] = c13;
}
