// Diagonals of matrices, and matrices of diagonals.
import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { formatShape, normalizeAxis } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkTensor, inWords } from '../operands/arguments.ts';
import { add } from '../elementwise/arithmetic.ts';
import { cast } from '../elementwise/cast.ts';
import { equal } from '../elementwise/comparison.ts';
import { iota } from '../create/create.ts';
import { pad } from './pad.ts';
import { where } from '../elementwise/select.ts';
import { expandDims, mainDiagonal, reshape, transpose } from './shape.ts';
import { sliceAxis } from './slice.ts';

function checkOffset(op: string, offset: unknown): void {
  if (Number.isInteger(offset)) return;
  throw new ArgumentError(`${op}: offset is ${inWords(offset)}; it must be a whole number, 0 for the main diagonal`);
}

export interface DiagonalOptions {
  /**
   * Offset of the diagonal: 0 is the main one, positive is above it, negative below.
   * @default 0
   */
  readonly offset?: number;
  /**
   * The axis of the rows.
   * @default -2
   */
  readonly axis1?: number;
  /**
   * The axis of the columns.
   * @default -1
   */
  readonly axis2?: number;
}

/**
 * A diagonal of two axes, y[.., i] = x[.., i, i + offset]. It is empty if the offset is outside the matrix. It is a view: nothing is
 * copied.
 *
 * x [.., M, N] -> [.., K], the diagonal last; K = min(M, N - offset), below the main one min(M + offset, N).
 * @throws ShapeError for less than two axes, axes that x does not have, or the same axis twice, ArgumentError for an offset that is no
 * whole number.
 *
 *     diagonal(tensor([[1, 2], [3, 4]]))                  // [1, 4]
 *     diagonal(tensor([[1, 2], [3, 4]]), { offset: 1 })   // [2]
 */
export function diagonal(x: Tensor, options: DiagonalOptions = {}): Tensor {
  checkTensor('diagonal', 'x', x);
  checkOptions('diagonal', options, ['offset', 'axis1', 'axis2']);
  const { offset = 0 } = options;
  checkOffset('diagonal', offset);
  if (x.rank < 2) throw new ShapeError(`diagonal: takes matrices, got ${formatShape(x.shape)}; reshape to at least two axes`);
  const axis1 = normalizeAxis('diagonal', options.axis1 ?? -2, x.rank);
  const axis2 = normalizeAxis('diagonal', options.axis2 ?? -1, x.rank);
  if (axis1 === axis2) throw new ShapeError(`diagonal: axis1 and axis2 are both ${axis1}; a matrix has two axes, name another one`);
  const order = [...x.shape.map((_, i) => i).filter((i) => i !== axis1 && i !== axis2), axis1, axis2];
  const moved = order.every((axis, i) => axis === i) ? x : transpose(x, order);
  if (offset === 0) return mainDiagonal(moved);
  const along = x.rank - (offset > 0 ? 1 : 2);
  const n = moved.shape[along];
  const begin = Math.min(Math.abs(offset), n);
  return mainDiagonal(sliceAxis(moved, along, begin, n - begin));
}

export interface DiagOptions {
  /**
   * Offset of the diagonal: 0 is the main one, positive is above it, negative below.
   * @default 0
   */
  readonly offset?: number;
}

/**
 * Square matrices with x on a diagonal and zeros elsewhere, y[.., i, i + offset] = x[.., i]: the inverse of diagonal.
 *
 * x [.., N] -> [.., N + |offset|, N + |offset|].
 * @throws ShapeError for a scalar, ArgumentError for an offset that is no whole number. (torch.diag_embed, tf.linalg.diag.)
 *
 *     diag(tensor([1, 2]))                   // [[1, 0], [0, 2]]
 *     diag(tensor([1]), { offset: 1 })       // [[0, 1], [0, 0]]
 */
export function diag(x: Tensor, options: DiagOptions = {}): Tensor {
  checkTensor('diag', 'x', x);
  checkOptions('diag', options, ['offset']);
  const { offset = 0 } = options;
  checkOffset('diag', offset);
  if (x.rank === 0) throw new ShapeError('diag: takes at least one axis, got []; reshape(x, [1]) first');
  const added = Math.abs(offset);
  const long = added === 0 ? x : pad(x, [...x.shape.slice(1).map((): [number, number] => [0, 0]), [0, added]]);
  const n = long.shape[x.rank - 1];
  const places = iota(n);
  const isOn = equal(add(reshape(places, [n, 1]), offset), places);
  // Above the main diagonal, the value is selected by the row. Below it, by the column.
  return cast(where(isOn, expandDims(long, offset < 0 ? -2 : -1), 0), x.dtype);
}
