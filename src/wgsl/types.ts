// WGSL types of tensor elements: how they are stored, and what a kernel computes with.
import type { Dtype } from '../core/dtype.ts';

export type StorageType = 'f32' | 'f16' | 'i32' | 'u32';
export type ValueType = 'f32' | 'i32' | 'u32' | 'bool';

/** Type of an element in a storage buffer. WGSL has no storable bool. */
export const storageType = (dtype: Dtype): StorageType => (dtype === 'bool' ? 'u32' : dtype);

/** Type of an element in an expression. f16 is computed in f32. */
export const valueType = (dtype: Dtype): ValueType => (dtype === 'f16' ? 'f32' : dtype);

/** Type of an element in a kernel that moves or merges elements: flags stay words. */
export function computeType(dtype: Dtype): Exclude<ValueType, 'bool'> {
  const type = valueType(dtype);
  return type === 'bool' ? 'u32' : type;
}

/** Converts a stored element to its value. */
export function loaded(dtype: Dtype, stored: string): string {
  if (dtype === 'bool') return `${stored} != 0u`;
  return dtype === 'f16' ? `f32(${stored})` : stored;
}

/** Converts a value to its stored element. */
export function stored(dtype: Dtype, value: string): string {
  if (dtype === 'bool') return `select(0u, 1u, ${value})`;
  return dtype === 'f16' ? `f16(${value})` : value;
}
