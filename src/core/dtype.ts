// Element types: their promotion, their arrays on the host and their size on the GPU.
import { DtypeError } from './errors.ts';

export type Dtype = 'bool' | 'i32' | 'u32' | 'f16' | 'f32';

/**
 * Array of a tensor's elements on the host. f16 is stored as rounded f32; the f64 mode of the CPU interpreter stores f32 as Float64Array.
 */
export type HostArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

export const dtypes: readonly Dtype[] = ['bool', 'i32', 'u32', 'f16', 'f32'];

export const isFloat = (dtype: Dtype): boolean => dtype === 'f32' || dtype === 'f16';

/** Smallest and largest value of an integer dtype. */
export const integerRange = { i32: [-2147483648, 2147483647], u32: [0, 4294967295] } as const;

/** Whether a number is a value of i32: an integer, and at least -2^31 and less than 2^31. */
export const fitsI32 = (x: number): boolean => (x | 0) === x;

/**
 * Whether a number is in the range of a dtype. Integer dtypes do not contain NaN and the infinities; fractions are truncated. Floats
 * contain every number, rounded.
 */
export function inRange(dtype: Dtype, x: number): boolean {
  if (dtype !== 'i32' && dtype !== 'u32') return true;
  const [low, high] = integerRange[dtype];
  return x > low - 1 && x < high + 1;
}

const f64Bits = new DataView(new ArrayBuffer(8));

/**
 * The f32 nearest to an integer of any size. Rounding to f64 first could give a value halfway between two f32. So the f64 is rounded to
 * odd: truncated, with its last bit set if a non-zero part was cut off (Boldo and Melquiond, Emulation of FMA and Correctly Rounded Sums,
 * 2008).
 */
export function nearestF32(x: bigint): number {
  const near = Number(x);
  const exact = BigInt(near);
  if (exact === x) return Math.fround(near);
  f64Bits.setFloat64(0, near);
  const bits = f64Bits.getBigUint64(0);
  const grewLarger = x < 0n ? exact < x : exact > x;
  f64Bits.setBigUint64(0, (grewLarger ? bits - 1n : bits) | 1n);
  return Math.fround(f64Bits.getFloat64(0));
}

/** 64-bit integers as i32 if all of them fit, otherwise as the nearest f32. */
export function fromBigIntegers(data: BigInt64Array | BigUint64Array): Int32Array | Float32Array {
  const fits = data.every((x: bigint) => x >= -2147483648n && x <= 2147483647n);
  return fits ? Int32Array.from(data, Number) : Float32Array.from(data, nearestF32);
}

export const isBigIntegers = (value: unknown): value is BigInt64Array | BigUint64Array =>
  value instanceof BigInt64Array || value instanceof BigUint64Array;

/** Bytes of one element in a GPU buffer; WGSL has no storable bool, so bool is stored as u32. */
export const bytesPerElement = (dtype: Dtype): number => (dtype === 'f16' ? 2 : 4);

/** Bytes of a tensor's elements in a GPU buffer, in whole 32-bit words. */
export const storedBytes = ({ shape, dtype }: { readonly shape: readonly number[]; readonly dtype: Dtype }): number =>
  Math.ceil((shape.reduce((size, n) => size * n, 1) * bytesPerElement(dtype)) / 4) * 4;

/**
 * The common dtype of two operands: bool < i32, u32 < f16 < f32.
 * @throws DtypeError for i32 with u32, which have no common type without loss.
 */
export function promote(op: string, a: Dtype, b: Dtype): Dtype {
  if (a === b) return a;
  if ((a === 'i32' && b === 'u32') || (a === 'u32' && b === 'i32')) {
    throw new DtypeError(`${op}: i32 and u32 do not mix; cast one operand`);
  }
  return dtypes.indexOf(a) > dtypes.indexOf(b) ? a : b;
}

/** Whether the CPU interpreter keeps floats in f64 without rounding: for finite differences and reference tables. */
export type FloatMode = 'f32' | 'f64';

/** A zeroed host array for `size` elements. */
export function allocate(dtype: Dtype, size: number, mode: FloatMode = 'f32'): HostArray {
  switch (dtype) {
    case 'f32':
    case 'f16':
      return mode === 'f64' ? new Float64Array(size) : new Float32Array(size);
    case 'i32':
      return new Int32Array(size);
    case 'u32':
      return new Uint32Array(size);
    case 'bool':
      return new Uint8Array(size);
    default:
      throw new DtypeError(`unknown dtype '${String(dtype satisfies never)}'; the dtypes are ${dtypes.join(', ')}`);
  }
}

const scratch = new DataView(new ArrayBuffer(4));

/** Rounds to the nearest half-precision value, ties to even; values past ±65504 become infinite. */
export function roundToF16(x: number): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const magnitude = Math.abs(x);
  if (magnitude >= 65520) return x > 0 ? Infinity : -Infinity;
  scratch.setFloat32(0, magnitude);
  const exponent = Math.max((scratch.getUint32(0) >>> 23) - 127, -14);
  const step = 2 ** (exponent - 10);
  const scaled = magnitude / step;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  return Math.sign(x) * rounded * step;
}

/** Converts a number to an integer or bool dtype, like a cast from float: truncation, then clamping. */
export function toElement(dtype: Dtype, x: number): number {
  switch (dtype) {
    case 'bool':
      return x !== 0 ? 1 : 0;
    case 'i32':
      return Number.isNaN(x) ? 0 : Math.min(2147483647, Math.max(-2147483648, Math.trunc(x)));
    case 'u32':
      return Number.isNaN(x) ? 0 : Math.min(4294967295, Math.max(0, Math.trunc(x)));
    case 'f16':
      return roundToF16(x);
    case 'f32':
      return x;
    default:
      return dtype satisfies never;
  }
}
