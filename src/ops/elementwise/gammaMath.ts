// The gamma function and related functions in f64, for the references of the elementwise ops.

/** Bernoulli numbers B2, B4, …, B16. */
const bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510];

/** Σ 1 / (x + k)^s over all k >= 0, for x > 0 and s > 1: terms up to x = 20, then the Euler-Maclaurin formula. */
export function hurwitzZeta(s: number, x: number): number {
  let sum = 0;
  let y = x;
  for (; y < 20 + s; y++) sum += y ** -s;
  let term = (s * y ** (-s - 1)) / 2;
  sum += y ** (1 - s) / (s - 1) + y ** -s / 2;
  for (let k = 1; k <= bernoulli.length; k++) {
    sum += bernoulli[k - 1] * term;
    term *= ((s + 2 * k - 1) * (s + 2 * k)) / ((2 * k + 1) * (2 * k + 2)) / (y * y);
  }
  return sum;
}

const euler = 0.5772156649015329;

/** (-1)^k (ζ(k) - 1) / k for k ≥ 2, the Taylor coefficients of lgamma at 2. */
const aboutTwo = Array.from({ length: 40 }, (_, i) => ((i % 2 ? -1 : 1) * hurwitzZeta(i + 2, 2)) / (i + 2));

/** lgamma(2 + t) for |t| <= 1/2 by its Taylor series, which is also accurate next to the root. */
function lgammaAboutTwo(t: number): number {
  let sum = 0;
  for (let i = aboutTwo.length - 1; i >= 0; i--) sum = sum * t + aboutTwo[i];
  return t * (1 - euler + t * sum);
}

/** x minus the nearest integer. */
const turnOf = (x: number): number => x - Math.round(x);

/** log |Γ(x)|; Infinity at 0, -1, -2, … and at both infinities. */
export function lgammaOf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (!Number.isFinite(x) || (x <= 0 && Number.isInteger(x))) return Infinity;
  if (Math.abs(x) < 0.5) return lgammaAboutTwo(x) - Math.log1p(x) - Math.log(Math.abs(x));
  // Γ(x) Γ(1 - x) = π / sin(πx)
  if (x < 0) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * turnOf(x)))) - lgammaOf(1 - x);
  if (x < 1.5) return lgammaAboutTwo(x - 1) - Math.log1p(x - 1);
  if (x < 20) {
    let [z, product] = [x, 1];
    while (z >= 2.5) product *= --z;
    return lgammaAboutTwo(z - 2) + Math.log(product);
  }
  // Stirling's series
  let sum = 0;
  let power = 1 / x;
  for (let k = 1; k <= bernoulli.length; k++, power /= x * x) sum += (bernoulli[k - 1] * power) / (2 * k * (2 * k - 1));
  return (x - 0.5) * (Math.log(x) - 1) + (Math.log(2 * Math.PI) - 1) / 2 + sum;
}

/** Γ'(x) / Γ(x); NaN at -1, -2, …, infinite at 0. */
export function digammaOf(x: number): number {
  if (x === 0) return -1 / x;
  if (x < 0) return Number.isInteger(x) || x === -Infinity ? NaN : digammaOf(1 - x) - Math.PI / Math.tan(Math.PI * turnOf(x));
  let [y, below] = [x, 0];
  for (; y < 20; y++) below += 1 / y;
  let sum = Math.log(y) - 1 / (2 * y);
  let power = 1 / (y * y);
  for (let k = 1; k <= bernoulli.length; k++, power /= y * y) sum -= (bernoulli[k - 1] * power) / (2 * k);
  return sum - below;
}

/** Coefficients, constant first, of the polynomial Q in c = cot(πx) with d^n/dx^n cot(πx) = π^n Q(c). The next order has Q' (-(1 + c²)). */
export function cotangentDerivative(order: number): readonly number[] {
  let q = [0, 1];
  for (let n = 0; n < order; n++) {
    const slope = q.slice(1).map((coefficient, i) => -coefficient * (i + 1));
    q = Array.from({ length: slope.length + 2 }, (_, i) => (slope[i] ?? 0) + (slope[i - 2] ?? 0));
  }
  return q;
}

export const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));

/** The derivative of digamma of the given order, at least 1. At 0, -1, -2, … it is Infinity for odd orders and NaN for even ones. */
export function polygammaOf(x: number, order: number): number {
  const odd = order % 2 === 1;
  if (Number.isNaN(x) || x === -Infinity) return NaN;
  if (x === Infinity) return 0;
  if (x <= 0 && Number.isInteger(x)) return odd ? Infinity : NaN;
  const magnitude = factorial(order) * hurwitzZeta(order + 1, x < 0 ? 1 - x : x);
  if (x > 0) return odd ? magnitude : -magnitude;
  // ψ_n(x) = (-1)^n ψ_n(1 - x) - π d^n/dx^n cot(πx), and (-1)^n ψ_n(1 - x) = -magnitude
  const cotangent = 1 / Math.tan(Math.PI * turnOf(x));
  const slope = cotangentDerivative(order).reduceRight((sum, coefficient) => sum * cotangent + coefficient, 0);
  return -magnitude - Math.PI ** (order + 1) * slope;
}
