// Numbers in WGSL text: literals, and the 32-bit words in which numbers reach a kernel through uniforms.
import type { Dtype } from '../core/dtype.ts';

const bits = new DataView(new ArrayBuffer(4));

/** The bits of the nearest f32. */
export function f32Bits(value: number): number {
  bits.setFloat32(0, value);
  return bits.getUint32(0);
}

/** The 32-bit word of a scalar, as it is stored in the buffer of scalars and in uniforms. */
export function wordOf(value: number, dtype: Dtype): number {
  if (dtype === 'f32' || dtype === 'f16') return f32Bits(value);
  if (dtype === 'bool') return value ? 1 : 0;
  return value >>> 0;
}

/** The expression of a value whose 32-bit word is given. */
export function fromWord(dtype: Dtype, word: string): string {
  switch (dtype) {
    case 'bool':
      return `${word} != 0u`;
    case 'u32':
      return word;
    case 'i32':
      return `bitcast<i32>(${word})`;
    default:
      return `bitcast<f32>(${word})`;
  }
}

/** The f32 literal of a finite number, such as `1.5f` or `-0.0f`. */
export function finiteLiteral(value: number): string {
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) throw new Error(`${value} has no f32 literal; WGSL has none for infinities and NaN`);
  const text = Object.is(rounded, -0) ? '-0.0' : String(rounded);
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}

/** Any number as an f32 expression. Infinities and NaN call shaders/math.wgsl, because such constants do not compile. */
export function f32Literal(value: number): string {
  const rounded = Math.fround(value);
  if (Number.isNaN(rounded)) return 'notANumber()';
  if (!Number.isFinite(rounded)) return rounded > 0 ? 'infinity()' : '(-infinity())';
  return `(${finiteLiteral(rounded)})`;
}

/** A literal of any dtype; undefined for infinities and NaN. */
export function literalOf(value: number, dtype: Dtype): string | undefined {
  switch (dtype) {
    case 'bool':
      return value ? 'true' : 'false';
    case 'u32':
      return `${value >>> 0}u`;
    case 'i32':
      return value === -2147483648 ? 'bitcast<i32>(2147483648u)' : `${value | 0}i`;
    default:
      return Number.isFinite(Math.fround(value)) ? finiteLiteral(value) : undefined;
  }
}

/** Whether an expression is a number. */
export const isLiteral = (text: string): boolean => /^-?\d/.test(text);

/** Whether an expression is the literal 0 of f32. */
export const isZeroLiteral = (text: string): boolean => /^0\.0f?$/.test(text);
