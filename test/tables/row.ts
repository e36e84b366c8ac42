// One row tests one op: its value against PyTorch, its gradient against f64 central differences, the GPU against the CPU.
import { type Dtype, type HostArray, allocate } from '../../src/core/dtype.ts';
import { sizeOf } from '../../src/core/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';

/** Values spread evenly over [low, high); whole numbers are i32 unless the dtype says otherwise. */
export interface InputSpec {
  readonly shape: readonly number[];
  readonly low: number;
  readonly high: number;
  readonly dtype: Dtype;
}

/** How far the GPU may be from the CPU: nothing, some units in the last place, or a sum's own bound for so many terms. */
export type GpuBound = 'exact' | { readonly ulp: number; readonly absolute?: number };

export interface OpRow {
  /** The exported function, and after a space what is special. */
  readonly name: string;
  readonly inputs: readonly InputSpec[];
  readonly call: (...inputs: Tensor[]) => Tensor;
  /** Which derivatives exist at the inputs and are checked. */
  readonly gradient: 'twice' | 'once' | 'none';
  readonly gpu: GpuBound;
  /** Expected results of ops that PyTorch does not have. */
  readonly expected?: { readonly shape: readonly number[]; readonly value: readonly number[] };
  /** Random rows have no expected value, but are the same on every stack. */
  readonly random?: true;
}

/** Floats between -2 and 2, or within other bounds. */
export const f = (shape: readonly number[], low = -2, high = 2): InputSpec => ({ shape, low, high, dtype: 'f32' });

/** Whole numbers from low up to, not including, high. */
export const w = (shape: readonly number[], low = -5, high = 6, dtype: Dtype = 'i32'): InputSpec => ({ shape, low, high, dtype });

const frac = (x: number): number => x - Math.floor(x);

/** The values of input k of a row; scripts/golden/ops.py makes the same. */
export function valuesOf({ shape, low, high, dtype }: InputSpec, k: number, mode: 'f32' | 'f64'): HostArray {
  const values = allocate(dtype, sizeOf(shape), mode);
  for (let i = 0; i < values.length; i++) {
    const value = low + (high - low) * frac((i + 1) * 0.6180339887498949 + k * 0.7548776662466927);
    values[i] = dtype === 'f32' ? value : Math.floor(value);
  }
  return values;
}

type RowOptions = Partial<Pick<OpRow, 'gradient' | 'gpu' | 'expected' | 'random'>>;

export const row = (name: string, inputs: readonly InputSpec[], call: OpRow['call'], options: RowOptions = {}): OpRow => ({
  name,
  inputs,
  call,
  gradient: 'twice',
  gpu: { ulp: 4, absolute: 1e-6 },
  ...options,
});
