// Scaling by powers of two, which is exact: squares, and powers in general, are taken of numbers near 1, where they neither overflow nor vanish.
import { unary } from './elementwise.ts';

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
