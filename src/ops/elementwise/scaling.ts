// Scaling by powers of two, which is exact. Squares and other powers are computed from numbers near 1, so that they neither overflow nor
// underflow.
import { mul } from './arithmetic.ts';
import { binary, unary } from './elementwise.ts';

const bits = new Uint32Array(1);
const number = new Float32Array(bits.buffer);

/** The f32 with the exponent of 1 / x and an empty fraction. */
function reciprocalPower(x: number): number {
  number[0] = x;
  bits[0] = (254 - Math.min(253, Math.max(1, (bits[0] >>> 23) & 0xff))) << 23;
  return number[0];
}

/**
 * 2^-e for 2^e <= |x| < 2^(e + 1). Multiplied by it, x is between 1 and 2. The result is between 2^-126 and 2^126, also for 0, Infinity and
 * NaN; applied to its own result, the op returns the exact reciprocal. The derivative is 0 almost everywhere and defined as 0.
 */
export const reciprocalScale = unary({
  name: 'reciprocalScale',
  takes: 'float',
  scalar: reciprocalPower,
  wgsl: (x) => `bitcast<f32>((254u - clamp((bitcast<u32>(${x}) >> 23u) & 255u, 1u, 253u)) << 23u)`,
  derivatives: 'zero',
});

/**
 * x s for a power of two s > 0, such as a reciprocalScale(). On GPUs it adds to the exponent by integer arithmetic. NVIDIA's driver
 * computes x * s * s as x * (s * s), and s * s can overflow or underflow although the product does not.
 */
export const scaleByPower = binary({
  name: 'scaleByPower',
  takes: 'float',
  scalar: (x, s) => x * s,
  wgsl: (x, s) => `scaleByPower(${x}, ${s})`,
  // d(x s) = s dx + x ds
  derivatives: [(g, _y, _x, s) => scaleByPower(g, s), (g, _y, x) => mul(g, x)],
});
