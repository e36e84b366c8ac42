// The rule for cotangents of elementwise ops: a cotangent of exactly 0 gives a gradient of 0, for every slope. A masked element has the
// cotangent 0, and 0 times an infinite slope must not become NaN. Derivatives use propagate() and quotientOrZero(), which test for 0 only
// if a slope can be infinite or NaN at finite arguments. These products and quotients are linear in the cotangent and closed under
// differentiation. So the rule also applies to derivatives of every order, and to jvp, which differentiates by cotangents at 0.
import type { Tensor } from '../../graph/tensor.ts';
import { div, mul, neg } from './arithmetic.ts';
import { binary } from './elementwise.ts';
import { mayBeInfinite } from './infinite.ts';
import type { TensorLike } from '../operands/operands.ts';
import { isDivisor, isOne, isZero, uniformValue } from '../operands/knownValue.ts';

/** Cotangent times slope; 0 if the cotangent is 0. */
export const propagate = (g: Tensor, slope: Tensor): Tensor => (mayBeInfinite(slope) ? productOrZero : mul)(g, slope);

/** g · slope, and 0 if g is 0: TensorFlow's multiply_no_nan(slope, g). Used in a loss, 0 · log(0) is 0. */
export const productOrZero: (g: TensorLike, slope: TensorLike) => Tensor = binary({
  name: 'productOrZero',
  takes: 'float',
  scalar: {
    loop: (out, g, slope) => {
      for (let i = 0; i < out.length; i++) out[i] = g[i] === 0 ? 0 : g[i] * slope[i];
    },
  },
  wgsl: (g, slope) => `productOrZero(${g}, ${slope})`,
  // d(g s) = s dg + g ds, each 0 if its cotangent or the factor g is 0
  derivatives: [(h, _y, _g, slope) => productOrZero(h, slope), (h, _y, g) => productOfNonzero(h, g)],
  simplify: ([g, slope]) =>
    isZero(g) || isOne(slope) ? g : isOne(g) ? slope : isNumber(g) || isFiniteNumber(slope) ? mul(g, slope) : undefined,
});

/** g / divisor, and 0 if g is 0. */
export const quotientOrZero: (g: TensorLike, divisor: TensorLike) => Tensor = binary({
  name: 'quotientOrZero',
  takes: 'float',
  unbounded: ([, divisor]) => !isDivisor(divisor),
  scalar: {
    loop: (out, g, divisor) => {
      for (let i = 0; i < out.length; i++) out[i] = g[i] === 0 ? 0 : g[i] / divisor[i];
    },
  },
  wgsl: (g, divisor) => `quotientOrZero(${g}, ${divisor})`,
  // d(g / s) = dg / s - (g / s) ds / s
  derivatives: [
    (h, _y, _g, divisor) => quotientOrZero(h, divisor),
    (h, y, _g, divisor) => neg(quotientOrZero(productOfNonzero(h, y), divisor)),
  ],
  simplify: ([g, divisor]) => (isZero(g) || isOne(divisor) ? g : isNumber(g) || isDivisor(divisor) ? div(g, divisor) : undefined),
});

/** a · b, and 0 if either is 0: the derivative of a product that is 0 for every slope. */
export const productOfNonzero: (a: TensorLike, b: TensorLike) => Tensor = binary({
  name: 'productOfNonzero',
  takes: 'float',
  scalar: {
    loop: (out, a, b) => {
      for (let i = 0; i < out.length; i++) out[i] = a[i] === 0 || b[i] === 0 ? 0 : a[i] * b[i];
    },
  },
  wgsl: (a, b) => `productOfNonzero(${a}, ${b})`,
  // d(a b) = b da + a db
  derivatives: [(h, _y, _a, b) => productOfNonzero(h, b), (h, _y, a) => productOfNonzero(h, a)],
  simplify: ([a, b]) =>
    isZero(a) || isOne(b) ? a : isZero(b) || isOne(a) ? b : isFiniteNumber(a) || isFiniteNumber(b) ? mul(a, b) : undefined,
});

/** Whether x is a constant. If the caller tests for 0 first, it is not 0. */
const isNumber = (x: Tensor): boolean => uniformValue(x) !== undefined;

/** Whether x is a constant whose product with 0 is not NaN. */
function isFiniteNumber(x: Tensor): boolean {
  const value = uniformValue(x);
  return value !== undefined && Number.isFinite(value);
}
