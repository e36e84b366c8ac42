// What ops that take positions ask of them.
import { DataError, DtypeError } from '../../core/errors.ts';
import { formatShape, stridesOf } from '../../core/shape.ts';
import type { TensorType } from '../../graph/op.ts';
import type { Tensor } from '../../graph/tensor.ts';

/** What both sides do with an index outside the axis: the GPU cannot throw, and the two must agree. */
export const clampIndex = (index: number, rows: number): number => Math.min(Math.max(index, 0), rows - 1);

/**
 * Refuses indices that the host knows to lie outside the axis: those of tensor([...]) that no kernel has made. What a device holds cannot be looked
 * at without waiting for it; there the index is moved to the axis's nearest end, see clampIndex.
 * @throws DataError naming the first one and its place.
 */
export function checkRange(op: string, indices: Tensor, rows: number, of: string): void {
  if (indices.value?.kind !== 'host') return;
  const at = indices.value.data.findIndex((index) => index < 0 || index >= rows);
  if (at < 0) return;
  const place = stridesOf(indices.shape).map((stride, axis) => Math.floor(at / stride) % indices.shape[axis]);
  const index = indices.value.data[at];
  const back = index < 0 && index >= -rows ? `, ${index + rows} for the one counted from the end` : '';
  throw new DataError(`${op}: index ${index} at ${formatShape(place)} is outside ${of}; use 0 to ${rows - 1}${back}`);
}

export function checkIndices(op: string, indices: Pick<TensorType, 'dtype'>): void {
  if (indices.dtype === 'i32' || indices.dtype === 'u32') return;
  throw new DtypeError(`${op}: indices are ${indices.dtype}; whole numbers are needed, use cast(indices, 'i32')`);
}
