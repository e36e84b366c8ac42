// Checks of index operands.
import { DataError, DtypeError } from '../../core/errors.ts';
import { formatShape, stridesOf } from '../../core/shape.ts';
import type { TensorType } from '../../graph/op.ts';
import type { Tensor } from '../../graph/tensor.ts';

/** Treatment of an index outside the axis, on CPU and GPU. The GPU cannot throw, and both must agree. */
export const clampIndex = (index: number, rows: number): number => Math.min(Math.max(index, 0), rows - 1);

/**
 * Throws for indices outside the axis that the host can check: tensor([...]) values that no kernel has made. Reading values on a device
 * would need a wait, so there the index is clamped, see clampIndex.
 * @throws DataError with the first such index and its position.
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
