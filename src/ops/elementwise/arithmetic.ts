// Arithmetic: + - * / mod floorDiv, extrema, sign and powers.
import { type Tensor, apply } from '../../graph/tensor.ts';
import { cast } from './cast.ts';
import { equal, greater, greaterEqual, logicalAnd } from './comparison.ts';
import { binary, defineElementwise, unary } from './elementwise.ts';
import { log } from './exponential.ts';
import { type TensorLike, matchOperands } from '../operands/operands.ts';
import { powScalar } from './powScalar.ts';
import { floorDivide, floorModulo, integerPower, power } from './hostMath.ts';
import { where } from './select.ts';
import { inputOf, isDivisor, isOne, isZero } from '../operands/knownValue.ts';
import { productOrZero, propagate, quotientOrZero } from './zeroFlow.ts';

/** Sum, a + b. Broadcasts; bool becomes i32. */
export const add = binary({
  name: 'add',
  takes: 'number',
  scalar: {
    loop: (out, a, b) => {
      for (let i = 0; i < out.length; i++) out[i] = a[i] + b[i];
    },
  },
  wgsl: (a, b) => `(${a} + ${b})`,
  // d(a + b) = da + db
  derivatives: [(g) => g, (g) => g],
  simplify: ([a, b]) => (isZero(b) ? a : isZero(a) ? b : undefined),
});

/** Difference, a - b. Broadcasts; bool becomes i32. */
export const sub = binary({
  name: 'sub',
  takes: 'number',
  scalar: {
    loop: (out, a, b) => {
      for (let i = 0; i < out.length; i++) out[i] = a[i] - b[i];
    },
  },
  wgsl: (a, b) => `(${a} - ${b})`,
  // d(a - b) = da - db
  derivatives: [(g) => g, (g) => neg(g)],
  simplify: ([a, b]) => (isZero(b) ? a : undefined),
});

/** Product of elements, a * b. Broadcasts; bool becomes i32. */
export const mul = binary({
  name: 'mul',
  takes: 'number',
  scalar: {
    loop: (out, a, b) => {
      for (let i = 0; i < out.length; i++) out[i] = a[i] * b[i];
    },
  },
  integer: Math.imul,
  wgsl: (a, b) => `(${a} * ${b})`,
  // d(a b) = b da + a db
  derivatives: [(g, _y, _a, b) => propagate(g, b), (g, _y, a) => propagate(g, a)],
  simplify: ([a, b]) => (isOne(b) ? a : isOne(a) ? b : undefined),
});

/** Quotient, a / b, always a float; 1 / 0 is an infinity, 0 / 0 is NaN. Broadcasts. */
export const div = binary({
  name: 'div',
  takes: 'float',
  unbounded: ([, divisor]) => !isDivisor(divisor),
  scalar: {
    loop: (out, a, b) => {
      for (let i = 0; i < out.length; i++) out[i] = a[i] / b[i];
    },
  },
  wgsl: (a, b) => `(${a} / ${b})`,
  // d(a / b) = da / b - (a / b) db / b
  derivatives: [(g, _y, _a, b) => quotientOrZero(g, b), (g, y, _a, b) => neg(quotientOrZero(productOrZero(g, y), b))],
  simplify: ([a, b]) => (isOne(b) ? a : undefined),
});

/**
 * Remainder of floored division, a - b floor(a / b): it has the sign of b, as in Python. It is exact for every quotient, also a large one.
 * A remainder by zero is 0 for integers and NaN for floats; mod(-5, Infinity) is Infinity, as in PyTorch.
 */
export const mod = binary({
  name: 'mod',
  takes: 'number',
  unbounded: ([, divisor]) => !isDivisor(divisor),
  scalar: floorModulo,
  integer: (a, b) => (b === 0 ? 0 : floorModulo(a, b)),
  wgsl: {
    f32: (a, b) => `floorMod(${a}, ${b})`,
    i32: (a, b) => `floorModI32(${a}, ${b})`,
    u32: (a, b) => `floorModU32(${a}, ${b})`,
  },
  // d mod(a, b) = da - floor(a / b) db
  derivatives: [(g) => g, (g, _y, a, b) => neg(propagate(g, floorDiv(a, b)))],
});

/**
 * Floored quotient, floor(a / b), in the operands' own dtype: integers stay integers, and an integer divided by zero gives 0. A float
 * quotient is exact and then rounded once; a / 0 is infinite, and Infinity / b is NaN, as in PyTorch.
 */
export const floorDiv = binary({
  name: 'floorDiv',
  takes: 'number',
  unbounded: ([, divisor]) => !isDivisor(divisor),
  scalar: floorDivide,
  integer: (a, b) => (b === 0 ? 0 : Math.floor(a / b)),
  wgsl: {
    f32: (a, b) => `floorDiv(${a}, ${b})`,
    i32: (a, b) => `floorDivI32(${a}, ${b})`,
    u32: (a, b) => `floorDivU32(${a}, ${b})`,
  },
  derivatives: 'zero',
});

/** The larger of two, elementwise; NaN if either is NaN. Equal operands share the gradient. */
export const maximum = binary({
  name: 'maximum',
  takes: 'number',
  scalar: {
    loop: (out, a, b) => {
      for (let i = 0; i < out.length; i++) out[i] = Math.max(a[i], b[i]);
    },
  },
  wgsl: { f32: (a, b) => `safeMax(${a}, ${b})`, i32: (a, b) => `max(${a}, ${b})`, u32: (a, b) => `max(${a}, ${b})` },
  // d max(a, b) = [a > b] da + [b > a] db, half each if a = b
  derivatives: [(g, _y, a, b) => shareOf(g, a, b), (g, _y, a, b) => shareOf(g, b, a)],
});

/** The smaller of two, elementwise; NaN if either is NaN. Equal operands share the gradient. */
export const minimum = binary({
  name: 'minimum',
  takes: 'number',
  scalar: {
    loop: (out, a, b) => {
      for (let i = 0; i < out.length; i++) out[i] = Math.min(a[i], b[i]);
    },
  },
  wgsl: { f32: (a, b) => `safeMin(${a}, ${b})`, i32: (a, b) => `min(${a}, ${b})`, u32: (a, b) => `min(${a}, ${b})` },
  // d min(a, b) = [a < b] da + [b < a] db, half each if a = b
  derivatives: [(g, _y, a, b) => shareOf(g, b, a), (g, _y, a, b) => shareOf(g, a, b)],
});

/** g if winner > other, g / 2 if both are equal, otherwise 0. */
function shareOf(g: Tensor, winner: Tensor, other: Tensor): Tensor {
  const share = where(greater(winner, other), 1, where(equal(winner, other), 0.5, 0));
  return mul(g, cast(share, g.dtype));
}

/** Negative, -x. bool becomes i32. */
export const neg = unary({
  name: 'neg',
  takes: 'number',
  scalar: {
    loop: (out, x) => {
      for (let i = 0; i < out.length; i++) out[i] = -x[i];
    },
  },
  wgsl: { f32: (x) => `(-(${x}))`, i32: (x) => `(-(${x}))`, u32: (x) => `(0u - ${x})` },
  // d(-x) = -dx
  derivatives: [(g) => neg(g)],
  simplify: ([x]) => inputOf(x, 'neg'),
});

/** Absolute value, |x|; its gradient at 0 is 0. */
export const abs = unary({
  name: 'abs',
  takes: 'number',
  scalar: Math.abs,
  wgsl: (x) => `abs(${x})`,
  // d|x| = sign(x) dx
  derivatives: [(g, _y, x) => propagate(g, sign(x))],
});

/** -1, 0 or 1 with the sign of x; NaN for NaN. */
export const sign = unary({
  name: 'sign',
  takes: 'number',
  scalar: Math.sign,
  wgsl: { f32: (x) => `safeSign(${x})`, i32: (x) => `sign(${x})`, u32: (x) => `min(${x}, 1u)` },
  derivatives: 'zero',
});

/** Reciprocal, 1 / x. */
export const reciprocal = unary({
  name: 'reciprocal',
  takes: 'float',
  unbounded: true,
  scalar: (x) => 1 / x,
  wgsl: (x) => `(1.0 / ${x})`,
  // d(1 / x) = -dx / x / x
  derivatives: [(g, _y, x) => neg(quotientOrZero(quotientOrZero(g, x), x))],
});

/** Square, x * x. */
export const square = unary({
  name: 'square',
  takes: 'number',
  scalar: {
    loop: (out, x) => {
      for (let i = 0; i < out.length; i++) out[i] = x[i] * x[i];
    },
  },
  integer: (x) => Math.imul(x, x),
  wgsl: (x) => `(${x} * ${x})`,
  // d x^2 = 2 x dx
  derivatives: [(g, _y, x) => propagate(g, mul(x, 2))],
});

const powOp = defineElementwise({
  name: 'pow',
  arity: 2,
  takes: 'number',
  unbounded: true,
  scalar: power,
  integer: integerPower,
  wgsl: {
    f32: (a, b) => `safePow(${a}, ${b})`,
    i32: (a, b) => `powI32(${a}, ${b})`,
    u32: (a, b) => `powU32(${a}, ${b})`,
  },
  derivatives: [
    // ∂/∂a a^b = b a^(b-1), which is 0 for b = 0, also at a = 0
    (g, _y, a, b) => propagate(g, productOrZero(b, pow(a, sub(b, 1)))),
    // ∂/∂b a^b = a^b log a, defined as 0 for a = 0 and b >= 0; NaN for negative a, which has no derivative
    (g, y, a, b) => {
      const flat = logicalAnd(equal(a, 0), greaterEqual(b, 0));
      return propagate(g, where(flat, 0, productOrZero(y, log(where(flat, 1, a)))));
    },
  ],
});

/**
 * Power, a^b. A negative base gives NaN unless the exponent is an integer. A plain number as exponent becomes part of the program: x^2,
 * x^0.5 and x^-1 cost one operation, and their gradient needs no logarithm.
 */
export function pow(a: TensorLike, b: TensorLike): Tensor {
  if (typeof b === 'number' && typeof a !== 'number') return powScalar(a, b);
  return apply(powOp, matchOperands('pow', [a, b], 'number'), {});
}
