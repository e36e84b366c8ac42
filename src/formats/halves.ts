// 16-bit floats: IEEE half precision (F16) and bfloat16 (BF16).

const word = new DataView(new ArrayBuffer(4));

/** The number that the bits of an F16 mean. */
export function fromF16Bits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** The bits of the F16 nearest to a number; halfway between two, those of the even one. */
export function toF16Bits(x: number): number {
  word.setFloat32(0, x);
  const sign = (word.getUint32(0) >>> 16) & 0x8000;
  const size = Math.abs(x);
  if (Number.isNaN(x)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // Below 2^-14 the step is 2^-24.
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  const whole = exponent > -14 && 2 ** exponent > size ? exponent - 1 : exponent;
  const steps = roundHalfToEven(size / 2 ** (whole - 10));
  return sign | (size < 2 ** -14 ? steps : ((whole + 14) << 10) + steps);
}

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** The number that the bits of a BF16 mean: an f32 whose lower half is 0. */
export function fromBf16Bits(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}
