// The discrete Fourier transform on the CPU, in f64, and the factorization of a length.

/** Supported factors of one pass. */
const radices = [4, 2, 3, 5, 7, 11, 13];

/** The factors of n in the order of the passes; undefined if n has a prime factor above 13. */
export function factorsOf(n: number): readonly number[] | undefined {
  const factors: number[] = [];
  let rest = n;
  for (const radix of radices) for (; rest % radix === 0; rest /= radix) factors.push(radix);
  return rest === 1 ? factors : undefined;
}

/** cos and sin of 2π k / n for k = 0 … n - 1, exact at multiples of π/2. */
function circle(n: number): Float64Array {
  const table = new Float64Array(2 * n);
  for (let k = 0; k < n; k++) {
    const quarter = Math.round((4 * k) / n);
    const angle = ((4 * k - quarter * n) * Math.PI) / (2 * n);
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    [table[2 * k], table[2 * k + 1]] = [
      [c, s],
      [-s, c],
      [-c, -s],
      [s, -c],
    ][quarter % 4];
  }
  return table;
}

/**
 * The sums Σ x[j] e^(∓2πi jk/n) along the middle axis of complex numbers [outer, n, inner], stored as pairs; no factor 1 / n. n has only
 * the factors above.
 */
export function transform(
  x: ArrayLike<number>,
  { outer, n, inner }: { readonly outer: number; readonly n: number; readonly inner: number },
  inverse: boolean,
): Float64Array {
  const table = circle(n);
  const direction = inverse ? 1 : -1;
  let from = Float64Array.from(x);
  let to = new Float64Array(from.length);
  let span = 1;
  for (const radix of factorsOf(n) ?? []) {
    const count = n / radix;
    const long = span * radix;
    for (let p = 0; p < outer * count * inner; p++) {
      const line = Math.floor(p / inner / count) * n * inner + (p % inner);
      const b = Math.floor(p / inner) % count;
      const k = b % span;
      const start = line + ((b - k) * radix + k) * inner;
      for (let q = 0; q < radix; q++) {
        let [real, imaginary] = [0, 0];
        for (let j = 0; j < radix; j++) {
          const at = 2 * (line + (b + j * count) * inner);
          const turn = 2 * (((j * (k + q * span)) % long) * (n / long));
          const [c, s] = [table[turn], direction * table[turn + 1]];
          real += from[at] * c - from[at + 1] * s;
          imaginary += from[at] * s + from[at + 1] * c;
        }
        const place = 2 * (start + q * span * inner);
        to[place] = real;
        to[place + 1] = imaginary;
      }
    }
    [from, to] = [to, from];
    span = long;
  }
  return from;
}
