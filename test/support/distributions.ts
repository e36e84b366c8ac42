// Exact distribution functions in f64, and distances of samples from them.
import { lgammaOf } from '../../src/ops/elementwise/gammaMath.ts';

/** Sum of a continued fraction b0 + a1 / (b1 + a2 / (b2 + …)) by Lentz's method. */
function continued(first: number, term: (k: number) => readonly [a: number, b: number]): number {
  const tiny = 1e-300;
  let [value, c, d] = [first || tiny, first || tiny, 0];
  for (let k = 1; k < 20000; k++) {
    const [a, b] = term(k);
    d = 1 / (b + a * d || tiny);
    c = b + a / c || tiny;
    value *= c * d;
    if (Math.abs(c * d - 1) < 1e-14) break;
  }
  return value;
}

/**
 * Distribution function of the gamma distribution with scale 1: the regularised incomplete gamma function, by its series or continued
 * fraction.
 */
export function gammaBelow(a: number, x: number): number {
  if (x <= 0) return 0;
  const front = Math.exp(a * Math.log(x) - x - lgammaOf(a));
  if (x < a + 1) {
    let [term, sum] = [1 / a, 1 / a];
    for (let k = 1; term > sum * 1e-16; k++) sum += term *= x / (a + k);
    return sum * front;
  }
  return 1 - front / continued(x + 1 - a, (k) => [k * (a - k), x + 2 * k + 1 - a]);
}

/** Distribution function of the beta distribution: the regularised incomplete beta function, by its continued fraction. */
export function betaBelow(a: number, b: number, x: number): number {
  if (x <= 0 || x >= 1) return Number(x >= 1);
  if (x > (a + 1) / (a + b + 2)) return 1 - betaBelow(b, a, 1 - x);
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) + lgammaOf(a + b) - lgammaOf(a) - lgammaOf(b)) / a;
  const term = (k: number): number => {
    const m = k >> 1;
    return k % 2 === 0 ? (m * (b - m) * x) / ((a + k - 1) * (a + k)) : (-(a + m) * (a + b + m) * x) / ((a + k - 1) * (a + k));
  };
  return front / continued(1, (k) => [term(k), 1]);
}

/**
 * Kolmogorov's distance times √n. It is above 1.95 in one of a thousand samples. Numbers up to `resolved` are only counted, because f32 has
 * rounded them.
 */
export function kolmogorov(sample: readonly number[], below: (x: number) => number, resolved = -Infinity, end = Infinity): number {
  const sorted = [...sample].sort((a, b) => a - b);
  let distance = 0;
  sorted.forEach((x, i) => {
    if (x <= resolved || x >= end) return;
    const p = below(x);
    distance = Math.max(distance, Math.abs(p - i / sorted.length), Math.abs(p - (i + 1) / sorted.length));
  });
  return distance * Math.sqrt(sorted.length);
}

/** Pearson's statistic, as a number of standard deviations from its mean. */
export function chiSquared(counts: readonly number[], probabilities: readonly number[]): number {
  const n = counts.reduce((a, b) => a + b);
  const possible = probabilities.flatMap((p, i) => (p > 0 ? [(counts[i] - n * p) ** 2 / (n * p)] : []));
  const freedom = possible.length - 1;
  return (possible.reduce((a, b) => a + b) - freedom) / Math.sqrt(2 * freedom);
}
