// Trigonometric and hyperbolic functions, in radians. WGSL's own versions have large error bounds (2^-11 for sin and cos), so
// shaders/math.wgsl has more accurate ones.
import trigonometrySource from '../../../shaders/trigonometry.wgsl?raw';
import { provideFunctions } from '../../wgsl/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { abs, add, maximum, mul, neg, square, sub } from './arithmetic.ts';
import { cast } from './cast.ts';
import { binary, unary } from './elementwise.ts';
import { rsqrt } from './exponential.ts';
import { reciprocalScale } from './scaling.ts';
import { stopGradient } from '../shape/shape.ts';
import { productOrZero, propagate, quotientOrZero } from './zeroFlow.ts';

provideFunctions('trigonometry', trigonometrySource);

/** Sine of any finite angle, on the GPU within 3 units in the last place; NaN for infinities. */
export const sin = unary({
  name: 'sin',
  takes: 'float',
  scalar: Math.sin,
  wgsl: (x) => `safeSin(${x})`,
  // d sin(x) = cos(x) dx
  derivatives: [(g, _y, x) => propagate(g, cos(x))],
});

/** Cosine of any finite angle, on the GPU within 4 units in the last place; NaN for infinities. */
export const cos = unary({
  name: 'cos',
  takes: 'float',
  scalar: Math.cos,
  wgsl: (x) => `safeCos(${x})`,
  // d cos(x) = -sin(x) dx
  derivatives: [(g, _y, x) => neg(propagate(g, sin(x)))],
});

/** Tangent of any finite angle, on the GPU within 4 units in the last place; NaN for infinities. */
export const tan = unary({
  name: 'tan',
  takes: 'float',
  scalar: Math.tan,
  wgsl: (x) => `safeTan(${x})`,
  // d tan(x) = (1 + tan^2(x)) dx
  derivatives: [(g, y) => propagate(g, add(square(y), 1))],
});

/** Inverse sine, for x in [-1, 1]; NaN outside. */
export const asin = unary({
  name: 'asin',
  takes: 'float',
  unbounded: true,
  scalar: Math.asin,
  wgsl: (x) => `safeAsin(${x})`,
  // d asin(x) = dx / sqrt(1 - x^2)
  derivatives: [(g, _y, x) => propagate(g, rsqrt(sub(1, square(x))))],
});

/** Inverse cosine, for x in [-1, 1]; NaN outside. */
export const acos = unary({
  name: 'acos',
  takes: 'float',
  unbounded: true,
  scalar: Math.acos,
  wgsl: (x) => `safeAcos(${x})`,
  // d acos(x) = -dx / sqrt(1 - x^2)
  derivatives: [(g, _y, x) => neg(propagate(g, rsqrt(sub(1, square(x)))))],
});

/** Inverse tangent, in (-π/2, π/2). */
export const atan = unary({
  name: 'atan',
  takes: 'float',
  scalar: Math.atan,
  wgsl: (x) => `safeAtan(${x})`,
  // d atan(x) = dx / (1 + x^2)
  derivatives: [(g, _y, x) => quotientOrZero(g, add(square(x), 1))],
});

/**
 * g a / (a² + b²), or 0 at the origin. It squares s a and s b, which are near 1; the result does not depend on s. f16 is computed in f32,
 * because f16 cannot represent the s of a subnormal number.
 */
function perSquaredRadius(g: Tensor, a: Tensor, b: Tensor): Tensor {
  const [wideA, wideB] = [cast(a, 'f32'), cast(b, 'f32')];
  const s = stopGradient(reciprocalScale(maximum(abs(wideA), abs(wideB))));
  const [p, q] = [mul(wideA, s), mul(wideB, s)];
  return cast(mul(quotientOrZero(productOrZero(cast(g, 'f32'), p), add(square(p), square(q))), s), g.dtype);
}

/** Angle of the point (x, y), in [-π, π]: atan2(y, x). */
export const atan2 = binary({
  name: 'atan2',
  takes: 'float',
  scalar: Math.atan2,
  wgsl: (y, x) => `safeAtan2(${y}, ${x})`,
  // d atan2(y, x) = (x dy - y dx) / (x^2 + y^2), defined as 0 at the origin
  derivatives: [(g, _angle, y, x) => perSquaredRadius(g, x, y), (g, _angle, y, x) => neg(perSquaredRadius(g, y, x))],
});

/** 1 / √(x² ± 1) as s / √((s x)² ± s²), with squares of at most 4; it does not depend on s. f16 cannot represent the s of Infinity. */
function inverseRoot(x: Tensor, combine: (a: Tensor, b: Tensor) => Tensor): Tensor {
  const wide = cast(x, 'f32');
  const s = stopGradient(reciprocalScale(maximum(abs(wide), 1)));
  return cast(mul(s, rsqrt(combine(square(mul(wide, s)), square(s)))), x.dtype);
}

/** Hyperbolic sine. */
export const sinh = unary({
  name: 'sinh',
  takes: 'float',
  unbounded: true,
  scalar: Math.sinh,
  wgsl: (x) => `safeSinh(${x})`,
  // d sinh(x) = cosh(x) dx
  derivatives: [(g, _y, x) => propagate(g, cosh(x))],
});

/** Hyperbolic cosine. */
export const cosh = unary({
  name: 'cosh',
  takes: 'float',
  unbounded: true,
  scalar: Math.cosh,
  wgsl: (x) => `safeCosh(${x})`,
  // d cosh(x) = sinh(x) dx
  derivatives: [(g, _y, x) => propagate(g, sinh(x))],
});

/** Hyperbolic tangent. */
export const tanh = unary({
  name: 'tanh',
  takes: 'float',
  scalar: Math.tanh,
  wgsl: (x) => `safeTanh(${x})`,
  // d tanh(x) = (1 - tanh^2(x)) dx
  derivatives: [(g, y) => propagate(g, sub(1, square(y)))],
});

/** Inverse hyperbolic sine. */
export const asinh = unary({
  name: 'asinh',
  takes: 'float',
  scalar: Math.asinh,
  wgsl: (x) => `safeAsinh(${x})`,
  // d asinh(x) = dx / sqrt(x^2 + 1)
  derivatives: [(g, _y, x) => propagate(g, inverseRoot(x, add))],
});

/** Inverse hyperbolic cosine, for x >= 1; NaN below. */
export const acosh = unary({
  name: 'acosh',
  takes: 'float',
  unbounded: true,
  scalar: Math.acosh,
  wgsl: (x) => `safeAcosh(${x})`,
  // d acosh(x) = dx / sqrt(x^2 - 1)
  derivatives: [(g, _y, x) => propagate(g, inverseRoot(x, sub))],
});

/** Inverse hyperbolic tangent, for x in [-1, 1]; NaN outside. */
export const atanh = unary({
  name: 'atanh',
  takes: 'float',
  unbounded: true,
  scalar: Math.atanh,
  wgsl: (x) => `safeAtanh(${x})`,
  // d atanh(x) = dx / (1 - x^2)
  derivatives: [(g, _y, x) => quotientOrZero(g, sub(1, square(x)))],
});
