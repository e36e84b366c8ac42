// What ops that take positions ask of them.
import { DtypeError } from '../core/errors.ts';
import type { TensorType } from '../graph/op.ts';

/** What both sides do with an index outside the axis: the GPU cannot throw, and the two must agree. */
export const clampIndex = (index: number, rows: number): number => Math.min(Math.max(index, 0), rows - 1);

export function checkIndices(op: string, indices: Pick<TensorType, 'dtype'>): void {
  if (indices.dtype === 'i32' || indices.dtype === 'u32') return;
  throw new DtypeError(`${op}: indices are ${indices.dtype}; whole numbers are needed, use cast(indices, 'i32')`);
}
