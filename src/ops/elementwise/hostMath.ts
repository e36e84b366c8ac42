// Scalar functions that JavaScript's Math lacks, in f64, for the references of the elementwise ops.

/** Rounds to the nearest integer, halves to the even one. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return rest < 0.5 ? below : below + 1;
}

/** Remainder with the sign of the divisor. */
export function floorModulo(a: number, b: number): number {
  const remainder = a % b;
  return remainder !== 0 && remainder < 0 !== b < 0 ? remainder + b : remainder;
}

/**
 * The floored quotient that belongs to floorModulo. Rounding a / b first could reach the next integer. NaN for an infinite a, as in
 * PyTorch.
 */
export function floorDivide(a: number, b: number): number {
  if (b === 0) return a / b;
  const remainder = a % b;
  const truncated = (a - remainder) / b;
  const isFloored = remainder !== 0 && remainder < 0 !== b < 0;
  // Already an integer, except for the rounding of the difference.
  const quotient = Math.round(truncated) - (isFloored ? 1 : 0);
  return quotient === 0 ? quotient * Math.sign(a) * Math.sign(b) : quotient;
}

/** The truncated quotient that belongs to a % b; -0 is negative. For an infinite a it is a / b, as in PyTorch. */
export function truncDivide(a: number, b: number): number {
  if (Math.abs(a) === Infinity) return a / b;
  const quotient = floorDivide(Math.abs(a), Math.abs(b));
  const isNegative = (x: number): boolean => x < 0 || Object.is(x, -0);
  return isNegative(a) !== isNegative(b) ? -quotient : quotient;
}

/** a^b with C's rules. In JavaScript 1 ** NaN and (-1) ** Infinity are NaN. */
export function power(a: number, b: number): number {
  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b;
}

/** a^b modulo 2^32. For a negative exponent, the truncated quotient 1 / a^-b, and 0 for base 0. */
export function integerPower(a: number, b: number): number {
  if (b < 0) return a === 1 ? 1 : a === -1 ? (b % 2 === 0 ? 1 : -1) : 0;
  let result = 1;
  let base = a;
  for (let rest = b >>> 0; rest > 0; rest >>>= 1) {
    if (rest & 1) result = Math.imul(result, base);
    base = Math.imul(base, base);
  }
  return result;
}

const rootPi = Math.sqrt(Math.PI);

/** Below this, erf uses its series; above, erfc uses its continued fraction. */
const crossover = 2.5;

/** erf by its series of positive terms, 2/√π e^(-x²) Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)) (Abramowitz & Stegun 7.1.6). */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / rootPi) * Math.exp(-x * x) * sum;
}

/** erfc for x >= crossover by Laplace's continued fraction (Abramowitz & Stegun 7.1.14), evaluated from the inside. */
function erfcFraction(x: number): number {
  let tail = 0;
  for (let n = 60; n >= 1; n--) tail = n / 2 / (x + tail);
  return Math.exp(-x * x) / rootPi / (x + tail);
}

export function erfOf(x: number): number {
  if (Number.isNaN(x)) return x;
  const magnitude = Math.abs(x);
  return magnitude < crossover ? erfSeries(x) : Math.sign(x) * (1 - erfcFraction(magnitude));
}

export function erfcOf(x: number): number {
  if (Number.isNaN(x)) return x;
  // Up to 0.5, 1 - erf(x) has no cancellation. From there to the crossover it loses a few digits of f64, which do not affect f32 results.
  if (x < crossover) return x > -crossover ? 1 - erfSeries(x) : 2 - erfcFraction(-x);
  return erfcFraction(x);
}

/** Inverse of erf: Giles' single-precision approximation (GPU Computing Gems, 2011), refined by Newton's method. */
export function erfInvOf(x: number): number {
  if (!(Math.abs(x) < 1)) return Math.abs(x) === 1 ? x * Infinity : NaN;
  let w = -Math.log1p(-x * x);
  const polynomial = (coefficients: readonly number[], at: number): number => coefficients.reduce((sum, c) => sum * at + c);
  let y: number;
  if (w < 5) {
    w -= 2.5;
    y = polynomial(
      [
        2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 2.1858087e-4, -1.25372503e-3, -4.17768164e-3, 2.46640727e-1,
        1.50140941,
      ],
      w,
    );
  } else {
    w = Math.sqrt(w) - 3;
    y = polynomial(
      [-2.00214257e-4, 1.00950558e-4, 1.34934322e-3, -3.67342844e-3, 5.73950773e-3, -7.6224613e-3, 9.43887047e-3, 1.00167406, 2.83297682],
      w,
    );
  }
  y *= x;
  // erf(y) - x is inaccurate near 1, so there the complements are compared.
  for (let i = 0; i < 3; i++) {
    const error = Math.abs(x) < 0.5 ? erfOf(y) - x : Math.sign(x) * (1 - Math.abs(x) - erfcOf(Math.abs(y)));
    y -= (error * rootPi * Math.exp(y * y)) / 2;
  }
  return y;
}
