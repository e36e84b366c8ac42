// Roots, exponentials and logarithms. WGSL's log of 0 and of negative numbers differs between implementations, and its exp is inaccurate
// for large arguments. shaders/math.wgsl has the versions used here.
import type { Tensor } from '../../graph/tensor.ts';
import { add, div, mul, neg, sub } from './arithmetic.ts';
import { unary } from './elementwise.ts';
import { type TensorLike, operand } from '../operands/operands.ts';
import { propagate, quotientOrZero } from './zeroFlow.ts';

/** Square root; NaN for negative numbers. */
export const sqrt = unary({
  name: 'sqrt',
  takes: 'float',
  unbounded: true,
  scalar: {
    loop: (out, x) => {
      for (let i = 0; i < out.length; i++) out[i] = Math.sqrt(x[i]);
    },
  },
  wgsl: (x) => `safeSqrt(${x})`,
  // d sqrt(x) = dx / (2 sqrt(x))
  derivatives: [(g, y) => quotientOrZero(mul(g, 0.5), y)],
});

/** Reciprocal square root, 1 / sqrt(x). */
export const rsqrt = unary({
  name: 'rsqrt',
  takes: 'float',
  unbounded: true,
  scalar: (x) => 1 / Math.sqrt(x),
  wgsl: (x) => `(1.0 / safeSqrt(${x}))`,
  // d x^(-1/2) = -x^(-3/2) / 2 dx
  derivatives: [(g, y, x) => propagate(g, div(mul(y, -0.5), x))],
});

/** e^x. */
export const exp = unary({
  name: 'exp',
  takes: 'float',
  unbounded: true,
  scalar: Math.exp,
  wgsl: (x) => `safeExp(${x})`,
  // d e^x = e^x dx
  derivatives: [(g, y) => propagate(g, y)],
});

/** e^x - 1, accurate even if x is near 0. */
export const expm1 = unary({
  name: 'expm1',
  takes: 'float',
  unbounded: true,
  scalar: Math.expm1,
  wgsl: (x) => `expm1(${x})`,
  // d(e^x - 1) = e^x dx
  derivatives: [(g, y) => propagate(g, add(y, 1))],
});

/** 2^x. */
export const exp2 = unary({
  name: 'exp2',
  takes: 'float',
  unbounded: true,
  scalar: (x) => 2 ** x,
  wgsl: (x) => `safeExp2(${x})`,
  // d 2^x = 2^x log(2) dx
  derivatives: [(g, y) => propagate(g, mul(y, Math.LN2))],
});

/** Natural logarithm; -Infinity for 0, NaN for negative numbers. */
export const log = unary({
  name: 'log',
  takes: 'float',
  unbounded: true,
  scalar: Math.log,
  wgsl: (x) => `safeLog(${x})`,
  // d log(x) = dx / x
  derivatives: [(g, _y, x) => quotientOrZero(g, x)],
});

/** log(1 + x), accurate even if x is near 0. */
export const log1p = unary({
  name: 'log1p',
  takes: 'float',
  unbounded: true,
  scalar: Math.log1p,
  wgsl: (x) => `log1p(${x})`,
  // d log(1 + x) = dx / (1 + x)
  derivatives: [(g, _y, x) => quotientOrZero(g, add(x, 1))],
});

/** Logarithm to base 2, exact for powers of two. */
export const log2 = unary({
  name: 'log2',
  takes: 'float',
  unbounded: true,
  scalar: Math.log2,
  wgsl: (x) => `safeLog2(${x})`,
  // d log2(x) = dx / (x log(2))
  derivatives: [(g, _y, x) => quotientOrZero(g, mul(x, Math.LN2))],
});

/** Logistic function, 1 / (1 + e^-x). */
export const sigmoid = unary({
  name: 'sigmoid',
  takes: 'float',
  scalar: (x) => 1 / (1 + Math.exp(-x)),
  wgsl: (x) => `sigmoid(${x})`,
  // s' = s (1 - s)
  derivatives: [(g, y) => propagate(g, mul(y, sub(1, y)))],
});

/** Softplus, log(1 + e^x), without overflow for large x. */
export const softplus = unary({
  name: 'softplus',
  takes: 'float',
  scalar: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  wgsl: (x) => `softplus(${x})`,
  // d softplus(x) = sigmoid(x) dx
  derivatives: [(g, _y, x) => propagate(g, sigmoid(x))],
});

/** log(sigmoid(x)) = -softplus(-x). It avoids the logarithm of a sigmoid that rounds to 0. */
export const logSigmoid = (x: TensorLike): Tensor => neg(softplus(neg(operand('logSigmoid', x, 'float'))));
