// Checks of arguments that are not operands of arithmetic: tensors (a number or an array is an error), flags, numbers, dtypes. Each check
// throws the user-facing error.
import { isBatchSize } from '../../core/batchAxis.ts';
import { type Dtype, dtypes, inRange, integerRange } from '../../core/dtype.ts';
import { ArgumentError, DtypeError, ShapeError } from '../../core/errors.ts';
import { type Shape, formatShape } from '../../core/shape.ts';
import { disown } from '../../graph/reads.ts';
import { Tensor } from '../../graph/tensor.ts';

/** Describes the received value, with its article. */
export function inWords(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  if (value instanceof Promise) {
    // The caller's error is reported instead of the promise's own.
    disown(value);
    return 'a promise';
  }
  switch (typeof value) {
    case 'number':
    case 'bigint':
      return `the number ${value}`;
    case 'string':
      return `the text ${JSON.stringify(value)}`;
    case 'boolean':
      return String(value);
    case 'function':
      return 'a function';
    default:
      return value instanceof Tensor ? `a tensor ${value.dtype}${formatShape(value.shape)}` : 'an object';
  }
}

/** Whether the value is an array. Callers without type checks may pass anything. */
export const isList = (value: unknown): boolean => Array.isArray(value);

/** Suggests how to make a tensor of the value. */
function remedyFor(value: unknown): string {
  if (Array.isArray(value)) return 'wrap arrays in tensor([...])';
  if (ArrayBuffer.isView(value)) return 'wrap it in tensor(values, shape)';
  if (typeof value === 'number') return `use scalar(${value})`;
  if (value instanceof Promise) return 'await it first';
  return 'make one by tensor([...])';
}

/**
 * Returns the argument as a tensor.
 * @throws ArgumentError for anything else.
 */
export function checkTensor(op: string, name: string, value: unknown): Tensor {
  if (value instanceof Tensor) return value;
  throw new ArgumentError(`${op}: ${name} is ${inWords(value)}; it must be a tensor: ${remedyFor(value)}`);
}

/** @throws ArgumentError for an option that is neither true nor false. undefined means the default. */
export function checkFlag(op: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return;
  throw new ArgumentError(`${op}: ${name} is ${inWords(value)}; it must be true or false`);
}

/** @throws ArgumentError for anything but a number. NaN and infinities are allowed; the op defines their meaning. */
export function checkNumber(op: string, name: string, value: unknown): void {
  if (typeof value === 'number') return;
  throw new ArgumentError(`${op}: ${name} is ${inWords(value)}; it must be a number`);
}

/** @throws ArgumentError for anything but a finite number. */
export function checkFinite(op: string, name: string, value: unknown): void {
  if (Number.isFinite(value)) return;
  throw new ArgumentError(`${op}: ${name} is ${inWords(value)}; it must be a finite number`);
}

/** @throws DtypeError for a name that is no dtype. */
export function checkDtype(op: string, dtype: Dtype): void {
  if (!dtypes.includes(dtype)) throw new DtypeError(`${op}: '${String(dtype)}' is no dtype; use one of ${dtypes.join(', ')}`);
}

/** @throws DtypeError for a number outside the range of an integer dtype. Conversions never wrap around, and NaN is not an integer. */
export function checkInRange(op: string, name: string, value: number, dtype: Dtype, fix = "use dtype 'f32'"): void {
  if (inRange(dtype, value)) return;
  const [low, high] = integerRange[dtype as keyof typeof integerRange];
  throw new DtypeError(`${op}: ${name} is ${value}, which is not a value of ${dtype} (${low} to ${high}); ${fix}`);
}

/** @throws ShapeError if an axis has no elements to select from. */
export function checkNotEmpty(op: string, shape: Shape, axes: readonly number[]): void {
  for (const axis of axes) {
    if (shape[axis] !== 0) continue;
    throw new ShapeError(`${op}: axis ${axis} of ${formatShape(shape)} has no elements to choose from; check for empty input first`);
  }
}

/** Throws if the size of an axis is an unknown batch size, for ops that build tables for the axis. */
export function refuseBatchAxis(op: string, size: number): void {
  if (!isBatchSize(size)) return;
  throw new ShapeError(
    `${op}: builds tables for the size of its axis, which is the batch and not known yet; use another axis, or layers.lambda({ fn })`,
  );
}
