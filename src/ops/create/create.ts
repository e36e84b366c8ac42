// Creates tensors from values, from one number, or from a rule.
import { type Dtype, type HostArray, allocate, fitsI32, fromBigIntegers, isBigIntegers, isFloat, toElement } from '../../core/dtype.ts';
import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, formatShape, sizeOf } from '../../core/shape.ts';
import { defineOp } from '../../graph/op.ts';
import { constant } from '../../graph/leaves.ts';
import { Tensor, apply, hostTensor } from '../../graph/tensor.ts';
import { checkDtype, checkInRange, checkNumber, checkTensor, inWords } from '../operands/arguments.ts';
import { add, div, mul, sub } from '../elementwise/arithmetic.ts';
import { cast } from '../elementwise/cast.ts';
import { equal, greaterEqual } from '../elementwise/comparison.ts';
import { where } from '../elementwise/select.ts';
import { broadcastTo, checkShape, expandDims, reshape } from '../shape/shape.ts';

export type NestedValues = number | boolean | HostArray | readonly NestedValues[];

/** Numbers or booleans nested as deep as the tensor has axes, or a typed array. */
export type Values = NestedValues | BigInt64Array | BigUint64Array;

/**
 * A tensor of a copy of the given values. Arrays of numbers give f32, arrays of booleans bool. Typed arrays keep their type; Float64Array
 * gives f32, Uint8Array gives i32 (pass 'bool' for flags). 64-bit integers give i32 if all fit, otherwise the nearest f32. The values stay
 * on the host until a kernel needs them.
 *
 * @throws ShapeError if the nesting is ragged or the shape does not fit the number of values. DtypeError for values outside the range of a
 * given integer dtype.
 *
 *     tensor([[1, 2], [3, 4]])                        // f32[2,2]
 *     tensor(new Uint8Array(28 * 28), [28, 28])       // i32[28,28]
 *     tensor([0, 2, 1], [3], 'i32')
 */
export function tensor(given: Values, shape?: Shape, dtype?: Dtype): Tensor {
  checkValues(given);
  if (dtype !== undefined) checkDtype('tensor', dtype);
  // f64 holds every value of an integer dtype exactly.
  const values = !isBigIntegers(given)
    ? given
    : dtype === 'i32' || dtype === 'u32'
      ? Float64Array.from(given, Number)
      : fromBigIntegers(given);
  const flat = isTypedArray(values) ? values : Array.isArray(values) || typeof values === 'object' ? flattenNested(values) : [values];
  const found = isTypedArray(values) ? [values.length] : nestedShape(values);
  const wanted = shape === undefined ? found : checkShape('tensor', shape);
  if (sizeOf(wanted) !== flat.length) {
    throw new ShapeError(
      `tensor: ${flat.length} values do not fill ${formatShape(wanted)}, which holds ${sizeOf(wanted)}; give as many values`,
    );
  }
  const type = dtype ?? dtypeOf(values, flat);
  const data = allocate(type, flat.length);
  if (isTypedArray(values) && holdsAll(type, values)) {
    data.set(values);
    return hostTensor({ shape: wanted, dtype: type }, data);
  }
  for (let i = 0; i < data.length; i++) {
    const value = flat[i];
    if (typeof value !== 'number' && typeof value !== 'boolean') {
      const fix = typeof value === 'bigint' ? ': convert it with Number(), or use a BigInt64Array' : '';
      throw new ArgumentError(`tensor: value ${i} is ${value === null ? 'null' : typeof value}; values are numbers or booleans${fix}`);
    }
    if (!isFloat(type)) checkInRange('tensor', `value ${i}`, Number(value), type);
    data[i] = isFloat(type) && type !== 'f16' ? Number(value) : toElement(type, Number(value));
  }
  return hostTensor({ shape: wanted, dtype: type }, data);
}

/** Throws unless the argument is an array. The values are checked when they are read. */
function checkValues(values: unknown): void {
  if (typeof values === 'number' || typeof values === 'boolean' || Array.isArray(values)) return;
  if (ArrayBuffer.isView(values) && !(values instanceof DataView)) return;
  const fix = values instanceof Tensor ? 'it is a tensor already' : 'give numbers or booleans, nested arrays of them or a typed array';
  throw new ArgumentError(`tensor: values is ${inWords(values)}; ${fix}`);
}

const isTypedArray = (values: NestedValues): values is HostArray => ArrayBuffer.isView(values);

/** Whether an array of the dtype stores these elements unchanged (f64 is rounded). A large array is then copied at once. */
function holdsAll(dtype: Dtype, values: HostArray): boolean {
  if (dtype === 'f32') return values instanceof Float32Array || values instanceof Float64Array;
  if (dtype === 'i32') return values instanceof Int32Array || values instanceof Uint8Array;
  return dtype === 'u32' && values instanceof Uint32Array;
}

function dtypeOf(values: NestedValues, flat: ArrayLike<number | boolean>): Dtype {
  if (values instanceof Int32Array || values instanceof Uint8Array) return 'i32';
  if (values instanceof Uint32Array) return 'u32';
  return flat.length > 0 && Array.prototype.every.call(flat, (v: unknown) => typeof v === 'boolean') ? 'bool' : 'f32';
}

function nestedShape(values: NestedValues): number[] {
  const shape: number[] = [];
  let level: NestedValues = values;
  while (typeof level === 'object') {
    shape.push(level.length);
    if (level.length === 0) break;
    level = level[0];
  }
  return shape;
}

/** Flattens nested arrays in order. All arrays of one depth must have the same length. */
function flattenNested(values: NestedValues): (number | boolean)[] {
  const shape = nestedShape(values);
  const flat: (number | boolean)[] = [];
  const visit = (part: NestedValues, depth: number): void => {
    const isList = typeof part === 'object' && part !== null;
    if (isList !== depth < shape.length || (isList && part.length !== shape[depth])) {
      const what = isList ? `${part.length} values` : 'one value';
      throw new ShapeError(
        `tensor: ragged array: ${what} at depth ${depth} where its first sibling has shape ${formatShape(shape.slice(depth))}`,
      );
    }
    if (!isList) flat.push(part);
    else for (let i = 0; i < part.length; i++) visit(part[i], depth + 1);
  };
  visit(values, 0);
  return flat;
}

/** A tensor of one number and no axes. */
export function scalar(value: number | boolean, dtype?: Dtype): Tensor {
  if (typeof value !== 'boolean') checkNumber('scalar', 'value', value);
  if (dtype !== undefined) checkDtype('scalar', dtype);
  return tensor(value, [], dtype);
}

/**
 * A tensor with one value in every element. Memory holds the number only once.
 *
 *     full([2, 3], 7)
 */
export function full(shape: Shape, value: number, dtype: Dtype = 'f32'): Tensor {
  return filled('full', shape, value, dtype);
}

/** Common part of full, zeros and ones. `op` is the name in errors. */
function filled(op: string, shape: Shape, value: number, dtype: Dtype): Tensor {
  checkShape(op, shape);
  if (typeof (value as unknown) !== 'boolean') checkNumber(op, 'value', value);
  checkDtype(op, dtype);
  checkInRange(op, 'value', Number(value), dtype);
  return broadcastTo(constant(dtype === 'f32' ? Number(value) : toElement(dtype, Number(value)), dtype), shape);
}

/** A tensor of zeros. */
export const zeros = (shape: Shape, dtype: Dtype = 'f32'): Tensor => filled('zeros', shape, 0, dtype);

/** A tensor of ones. */
export const ones = (shape: Shape, dtype: Dtype = 'f32'): Tensor => filled('ones', shape, 1, dtype);

/** A tensor with the shape of x and one value, in x's dtype unless another is given. */
export const fullLike = (x: Tensor, value: number, dtype: Dtype = x.dtype): Tensor => full(x.shape, value, dtype);

/** Zeros in the shape and dtype of x. */
export const zerosLike = (x: Tensor): Tensor => fullLike(checkTensor('zerosLike', 'x', x), 0);

/** Ones in the shape and dtype of x. */
export const onesLike = (x: Tensor): Tensor => fullLike(checkTensor('onesLike', 'x', x), 1);

const iotaOp = defineOp<{ readonly size: number }>({
  name: 'iota',
  infer: (_, { size }) => [{ shape: [size], dtype: 'i32' }],
  // It has no inputs.
  vjp: () => [],
  reference: ({ attributes: { size }, allocate }) => {
    const out = allocate('i32', size);
    for (let i = 0; i < size; i++) out[i] = i;
    return [out];
  },
  lowering: { kind: 'elementwise', expression: (_, { index }) => `i32(${index})` },
});

/** 0, 1, … size - 1 as i32. */
export const iota = (size: number): Tensor => apply(iotaOp, [], { size });

/**
 * Numbers from start up to, not including, stop: arange(stop), arange(start, stop) or arange(start, stop, step). The default dtype is i32
 * if all numbers are integers within i32, otherwise f32.
 *
 * @throws ArgumentError for a step of 0 or a number that is not finite. DtypeError for numbers outside the range of a given integer dtype.
 *
 *     arange(3)            // i32 [0, 1, 2]
 *     arange(1, 2, 0.25)   // f32 [1, 1.25, 1.5, 1.75]
 */
export function arange(start: number, stop?: number, step = 1, dtype?: Dtype): Tensor {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (dtype !== undefined) checkDtype('arange', dtype);
  if (![from, to, step].every(Number.isFinite) || step === 0) {
    throw new ArgumentError(
      `arange: from ${String(from)} to ${String(to)} in steps of ${String(step)} never ends; use finite numbers and a step other than 0`,
    );
  }
  const size = Math.max(0, Math.ceil((to - from) / step));
  const last = size === 0 ? from : from + (size - 1) * step;
  const type = dtype ?? ([from, to, step].every(Number.isInteger) && fitsI32(from) && fitsI32(last) ? 'i32' : 'f32');
  if (size === 0) return zeros([0], type);
  for (const end of [from, last]) checkInRange('arange', 'an element', end, type);
  // A single element needs no step. The step may be out of the dtype's range.
  if (size === 1) return full([1], from, type);
  if (isFloat(type) || !Number.isInteger(from) || !Number.isInteger(step)) return cast(add(mul(cast(iota(size), 'f32'), step), from), type);
  // Integers wrap around modulo 2^32, so a step outside i32, or a negative one in u32, still gives the right elements.
  if (type === 'u32') return add(mul(cast(iota(size), type), step >>> 0), from);
  return cast(add(mul(iota(size), step | 0), from), type);
}

/**
 * `num` numbers from start to stop, both included, at equal distances.
 *
 *     linspace(0, 1, 5)   // [0, 0.25, 0.5, 0.75, 1]
 */
export function linspace(start: number, stop: number, num = 50): Tensor {
  if (!Number.isFinite(start) || !Number.isFinite(stop)) {
    throw new ArgumentError(`linspace: from ${String(start)} to ${String(stop)} there are no steps; use finite numbers`);
  }
  if (!Number.isInteger(num) || num < 0) throw new ArgumentError(`linspace: num ${String(num)} is no count; use a whole number from 0 on`);
  if (num === 1) return full([1], start);
  const t = div(cast(iota(num), 'f32'), num - 1);
  // A weighted mean of both ends gives the last one exactly.
  return add(mul(sub(1, t), start), mul(t, stop));
}

/** Row and column indices of a matrix; they broadcast together. */
const gridOf = (rows: number, columns: number): [Tensor, Tensor] => [reshape(iota(rows), [rows, 1]), reshape(iota(columns), [1, columns])];

/** The identity matrix: ones on the diagonal. It has `columns` columns; square by default. */
export function eye(rows: number, columns = rows, dtype: Dtype = 'f32'): Tensor {
  checkShape('eye', [rows, columns]);
  checkDtype('eye', dtype);
  return cast(equal(...gridOf(rows, columns)), dtype);
}

/**
 * Rows of zeros with a one at each index. An index outside 0 … depth - 1, or a fraction, gives a row of zeros on every device, as in
 * TensorFlow. Such an index marks an ignored label.
 *
 * indices [..] -> [.., depth].
 * @throws ArgumentError for a depth that is not an integer of at least 0.
 *
 *     oneHot(tensor([0, 2], [2], 'i32'), 3)   // [[1, 0, 0], [0, 0, 1]]
 */
export function oneHot(indices: Tensor, depth: number, dtype: Dtype = 'f32'): Tensor {
  checkTensor('oneHot', 'indices', indices);
  if (!Number.isInteger(depth) || depth < 0) {
    throw new ArgumentError(`oneHot: depth ${String(depth)} is no size; use a whole number from 0 on`);
  }
  checkDtype('oneHot', dtype);
  const classes = indices.dtype === 'u32' ? cast(iota(depth), 'u32') : iota(depth);
  return cast(equal(expandDims(indices, -1), classes), dtype);
}

export interface TriangleOptions {
  /**
   * Diagonal that bounds the triangle: 0 is the main one, positive is above it.
   * @default 0
   */
  readonly k?: number;
}

/** Mask of column - row <= k, for the last two axes of x. */
function lowerMask(op: string, x: Tensor, k: number): Tensor {
  if (x.rank < 2) throw new ShapeError(`${op}: takes matrices, got ${formatShape(x.shape)}; reshape to at least two axes`);
  const [rows, columns] = gridOf(x.shape[x.rank - 2], x.shape[x.rank - 1]);
  return greaterEqual(add(rows, k), columns);
}

/** The diagonal of the options. Throws the user-facing errors. */
function diagonalOf(op: string, x: unknown, options: TriangleOptions): number {
  checkTensor(op, 'x', x);
  checkOptions(op, options, ['k']);
  const { k = 0 } = options;
  if (Number.isInteger(k)) return k;
  throw new ArgumentError(`${op}: k is ${inWords(k)}; it must be a whole number, 0 for the main diagonal`);
}

/**
 * Sets elements to 0 above diagonal k of the last two axes.
 * @throws ShapeError below rank 2, ArgumentError for a k that is not an integer.
 */
export function triL(x: Tensor, options: TriangleOptions = {}): Tensor {
  const k = diagonalOf('triL', x, options);
  return where(lowerMask('triL', x, k), x, zerosLike(x));
}

/**
 * Sets elements to 0 below diagonal k of the last two axes.
 * @throws ShapeError below rank 2, ArgumentError for a k that is not an integer.
 */
export function triU(x: Tensor, options: TriangleOptions = {}): Tensor {
  const k = diagonalOf('triU', x, options);
  return where(lowerMask('triU', x, k - 1), zerosLike(x), x);
}
