// Scaling by powers of two, which is exact: squares, and powers in general, are taken of numbers near 1, where they neither overflow nor vanish.
import { mul } from './arithmetic.ts';
import { binary, unary } from './elementwise.ts';

const bits = new Uint32Array(1);
const number = new Float32Array(bits.buffer);

/** The f32 with the exponent of 1 / x and no fraction. */
function reciprocalPower(x: number): number {
  number[0] = x;
  bits[0] = (254 - Math.min(253, Math.max(1, (bits[0] >>> 23) & 0xff))) << 23;
  return number[0];
}

/**
 * 2^-e for 2^e <= |x| < 2^(e + 1): multiplied by it, x lies between 1 and 2. At least 2^-126 and at most 2^126, also for 0, Infinity and NaN; its
 * own result is the exact reciprocal. The derivative is 0 almost everywhere and taken as 0.
 */
export const reciprocalScale = unary({
  name: 'reciprocalScale',
  takes: 'float',
  scalar: reciprocalPower,
  wgsl: (x) => `bitcast<f32>((254u - clamp((bitcast<u32>(${x}) >> 23u) & 255u, 1u, 253u)) << 23u)`,
  derivatives: 'zero',
});

/**
 * x s for a power of two s > 0, such as a reciprocalScale(). On GPUs the exponent moves by integer arithmetic: NVIDIA's driver computes
 * x * s * s as x * (s * s), and s * s overflows or vanishes where the product does not.
 */
export const scaleByPower = binary({
  name: 'scaleByPower',
  takes: 'float',
  scalar: (x, s) => x * s,
  wgsl: (x, s) => `scaleByPower(${x}, ${s})`,
  // d(x s) = s dx + x ds
  derivatives: [(g, _y, _x, s) => scaleByPower(g, s), (g, _y, x) => mul(g, x)],
});
