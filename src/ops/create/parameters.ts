// Parameters of distributions: a number, or a tensor with one for each element.
import { ArgumentError, ShapeError } from '../../core/errors.ts';
import { type Shape, formatShape } from '../../core/shape.ts';
import { Tensor } from '../../graph/tensor.ts';
import { cast } from '../elementwise/cast.ts';
import { inWords } from '../operands/arguments.ts';
import type { TensorLike } from '../operands/operands.ts';
import { checkShape } from '../shape/shape.ts';

/** Whether a tensor of a shape broadcasts to another, which stays as it is. */
export const broadcastsTo = (from: Shape, to: Shape): boolean =>
  from.length <= to.length && from.every((size, i) => size === 1 || size === to[to.length - from.length + i]);

/**
 * The parameter as a number or as f32 that broadcasts to the shape of the result.
 * @throws ArgumentError for a number outside the range, ShapeError for a tensor of another shape.
 */
export function parameter(op: string, name: string, value: unknown, shape: Shape, range: 'finite' | 'above 0'): TensorLike {
  checkShape(op, shape);
  if (value instanceof Tensor) {
    if (broadcastsTo(value.shape, shape)) return cast(value, 'f32');
    throw new ShapeError(
      `${op}: ${name} ${formatShape(value.shape)} does not broadcast to the shape ${formatShape(shape)}; its axes must have these sizes, or 1`,
    );
  }
  if (Number.isFinite(value) && (range === 'finite' || (value as number) > 0)) return value as number;
  throw new ArgumentError(
    `${op}: ${name} is ${inWords(value)}; it must be ${range === 'finite' ? 'a finite number' : 'a number above 0'}, or a tensor of them`,
  );
}
