// Checks the operands of linear algebra: square matrices with any leading axes.
import { ShapeError } from '../../core/errors.ts';
import { type Shape, formatShape, sizeOf } from '../../core/shape.ts';
import type { Dtype } from '../../core/dtype.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkTensor } from '../operands/arguments.ts';
import { cast } from '../elementwise/cast.ts';
import { operand } from '../operands/operands.ts';
import { reshape } from '../shape/shape.ts';

export interface Matrices {
  /** f32 [count, n, n] */
  readonly stacked: Tensor;
  /** The leading axes. */
  readonly batch: Shape;
  readonly n: number;
  /** Dtype of the result: the operand's float dtype. */
  readonly dtype: Dtype;
}

/** @throws ShapeError for anything but square matrices. */
export function checkSquare(op: string, name: string, x: unknown): Tensor {
  const t = operand(op, checkTensor(op, name, x), 'float');
  const [rows, columns] = t.shape.slice(-2);
  if (t.rank < 2 || rows !== columns) {
    throw new ShapeError(`${op}: ${name} is ${formatShape(t.shape)}; it must be square matrices [.., n, n], slice or reshape it`);
  }
  return t;
}

/** Reshapes the operand to one stack of square matrices; f16 is computed in f32. */
export function matricesOf(op: string, x: unknown): Matrices {
  const t = checkSquare(op, 'x', x);
  const batch = t.shape.slice(0, -2);
  const n = t.shape[t.rank - 1];
  return { stacked: cast(reshape(t, [sizeOf(batch), n, n]), 'f32'), batch, n, dtype: t.dtype };
}
