// Arrays that a user gives as data, in one form: samples as numbers on the host, one after another. Typed arrays are borrowed, not copied.
import { DataError, DtypeError, ShapeError, asText } from '../core/errors.ts';
import { type HostArray, fitsI32, fromBigIntegers, isBigIntegers } from '../core/dtype.ts';
import { type Shape, formatShape, sizeOf } from '../core/shape.ts';
import { Tensor } from '../graph/tensor.ts';

export type NumericArray = Int8Array | Uint8ClampedArray | Int16Array | Uint16Array | HostArray;
/** Read as i32 if all values fit, else as the nearest f32. */
export type BigIntegerArray = BigInt64Array | BigUint64Array;
export type NestedNumbers = readonly (number | boolean | NestedNumbers)[];

/** Samples along the first axis: a tensor, a typed array with its shape, a flat typed array (one number per sample), or nested arrays. */
export type ArrayInput =
  Tensor | NumericArray | BigIntegerArray | { readonly data: NumericArray | BigIntegerArray; readonly shape: Shape } | NestedNumbers;

/** The dtype of a batch at the model's input. */
export type SampleDtype = 'f32' | 'i32';

/** Samples of one shape, one after another. A class, so that trees treat it as a leaf. */
export class Samples {
  readonly data: NumericArray;
  readonly count: number;
  /** Shape of one sample, without the batch axis. */
  readonly shape: Shape;
  /** Number of elements of one sample. */
  readonly size: number;
  /** Dtype of the batches. */
  readonly dtype: SampleDtype;

  constructor(data: NumericArray, count: number, shape: Shape, dtype: SampleDtype) {
    this.data = data;
    this.count = count;
    this.shape = shape;
    this.size = sizeOf(shape);
    this.dtype = dtype;
  }
}

const arrayTypes = [
  ...[Float32Array, Float64Array, Int32Array, Uint32Array, Uint8Array],
  ...[Int8Array, Uint8ClampedArray, Int16Array, Uint16Array],
] as const;

export const isNumericArray = (value: unknown): value is NumericArray => arrayTypes.some((type) => value instanceof type);

/** Whether a value is `{ data, shape }`, with data in a typed array. */
const isShapedArray = (value: unknown): boolean => {
  const data = typeof value === 'object' && value !== null && 'data' in value ? value.data : undefined;
  return isNumericArray(data) || isBigIntegers(data);
};

/** Whether a value is one array, other than nested arrays. */
export const isPlainArray = (value: unknown): boolean =>
  value instanceof Tensor || isNumericArray(value) || isBigIntegers(value) || isShapedArray(value);

/** Shape of an input. Checks all but the values, and reads no tensor from a device. */
export function shapeOfInput(where: string, argument: string, input: unknown): Shape {
  return open(where, argument, input).shape;
}

/**
 * Samples of an input as `dtype`. Without it, whole numbers within i32 are i32, and everything else is f32.
 * @throws DtypeError if values are not numbers; ShapeError for scalars, ragged arrays and shapes that do not fit, DataError for no samples and
 * for values that do not fit i32 if `dtype` is i32.
 */
export async function samplesOf(where: string, argument: string, input: unknown, dtype?: SampleDtype): Promise<Samples> {
  const opened = open(where, argument, input);
  return toSamples(where, argument, opened.shape, opened.data instanceof Tensor ? await opened.data.data() : opened.data, dtype);
}

/**
 * Numbers and shape of an input that is on the host, without a wait.
 * @throws DataError for a tensor on a device, and the errors of samplesOf.
 */
export function hostSamplesOf(where: string, argument: string, input: unknown): Samples {
  const { shape, data } = open(where, argument, input);
  if (!(data instanceof Tensor)) return toSamples(where, argument, shape, data);
  throw new DataError(
    `${where}: ${argument} is a tensor on a device; read it first: { data: await ${argument}.data(), shape: ${argument}.shape }`,
  );
}

interface Opened {
  readonly shape: Shape;
  readonly data: NumericArray | Tensor;
}

function toSamples(where: string, argument: string, shape: Shape, data: NumericArray, wanted?: SampleDtype): Samples {
  const samples = new Samples(data, shape[0], shape.slice(1), wanted ?? (holdsFloats(data) ? 'f32' : 'i32'));
  if (wanted === 'i32') checkI32(where, argument, samples);
  return samples;
}

/** Position of an element in the user's array: `[12,403]`. */
export function positionOf(samples: Samples, index: number): string {
  const position = [Math.floor(index / samples.size)];
  let rest = index % samples.size;
  let stride = samples.size;
  for (const n of samples.shape) {
    stride /= n;
    position.push(Math.floor(rest / stride));
    rest %= stride;
  }
  return formatShape(position);
}

/** Throws a DataError for the first value that does not fit i32. */
function checkI32(where: string, argument: string, samples: Samples): void {
  const { data } = samples;
  const i = data.findIndex((value: number) => !fitsI32(value));
  if (i < 0) return;
  throw new DataError(
    `${where}: ${argument} holds ${data[i]} at ${positionOf(samples, i)}; the model takes whole numbers from -2147483648 to 2147483647 (i32): ` +
      'correct the value, or let the first layer take floats',
  );
}

/** Whether the values need f32: Uint32Arrays do if a value is beyond i32. */
function holdsFloats(data: NumericArray): boolean {
  if (data instanceof Uint32Array) return data.some((value) => value > 2147483647);
  return data instanceof Float32Array || data instanceof Float64Array;
}

function open(where: string, argument: string, input: unknown): Opened {
  const opened = openAny(where, argument, input);
  if (opened.shape.length === 0) throw new ShapeError(`${where}: ${argument} is a scalar; it needs a first axis that counts the samples`);
  if (sizeOf(opened.shape) === 0) {
    throw new DataError(`${where}: ${argument} is empty (shape ${formatShape(opened.shape)}); it needs one sample or more`);
  }
  return opened;
}

function openAny(where: string, argument: string, input: unknown): Opened {
  if (input instanceof Tensor) {
    const data = input.value?.kind === 'host' ? input.value.data : input;
    return { shape: input.shape, data };
  }
  if (isNumericArray(input)) return { shape: [input.length], data: input };
  if (isBigIntegers(input)) return { shape: [input.length], data: fromBigIntegers(input) };
  if (Array.isArray(input)) return openNested(where, argument, input);
  if (typeof input === 'object' && input !== null && 'data' in input && 'shape' in input) return openShaped(where, argument, input);
  throw new DtypeError(
    `${where}: ${argument} is ${describe(input)}; pass a tensor, a typed array, { data, shape }, nested arrays or a dataset`,
  );
}

function openShaped(where: string, argument: string, { data: given, shape }: { data: unknown; shape: unknown }): Opened {
  const data = isBigIntegers(given) ? fromBigIntegers(given) : given;
  if (!isNumericArray(data)) throw new DtypeError(`${where}: ${argument}.data is ${describe(data)}; it must be a typed array of numbers`);
  const isShape = Array.isArray(shape) && shape.every((n) => Number.isInteger(n) && (n as number) >= 0);
  if (!isShape || sizeOf(shape as Shape) !== data.length) {
    throw new ShapeError(`${where}: ${argument} has ${data.length} elements, which its shape ${asText(shape)} does not hold`);
  }
  return { shape: shape as Shape, data };
}

/** Nested arrays: integers within i32 give i32 (labels); any other number gives f32. */
function openNested(where: string, argument: string, input: readonly unknown[]): Opened {
  const shape: number[] = [];
  for (let level: unknown = input; Array.isArray(level); level = (level as unknown[])[0]) shape.push(level.length);
  const data = new Float64Array(sizeOf(shape));
  let next = 0;
  let whole = true;
  const visit = (value: unknown, axis: number, path: string): void => {
    if (axis < shape.length) {
      if (!Array.isArray(value) || value.length !== shape[axis]) {
        const got = Array.isArray(value) ? `${value.length} elements` : describe(value);
        throw new ShapeError(
          `${where}: ${argument}${path} has ${got}, ${argument} is ${formatShape(shape)} by its first elements; arrays must not be ragged`,
        );
      }
      return value.forEach((child, i) => visit(child, axis + 1, `${path}[${i}]`));
    }
    if (Array.isArray(value))
      throw new ShapeError(`${where}: ${argument}${path} is an array instead of a number; arrays must not be ragged`);
    if (typeof value !== 'number' && typeof value !== 'boolean') {
      throw new DtypeError(`${where}: ${argument}${path} is ${describe(value)}; data are numbers`);
    }
    whole &&= typeof value === 'boolean' || fitsI32(value);
    data[next++] = Number(value);
  };
  visit(input, 0, '');
  return { shape, data: whole ? Int32Array.from(data) : data };
}

/** A value that is not data, as messages show it. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'string') return `the text ${JSON.stringify(value)}`;
  if (typeof value === 'object')
    return `an object (${(Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null)?.constructor?.name ?? 'Object'})`;
  return `a ${typeof value}`;
}

/** Samples from `begin` to `end`, without `end`. */
export const sliceSamples = ({ data, size, shape, dtype }: Samples, begin: number, end: number): Samples =>
  new Samples(data.subarray(begin * size, end * size), end - begin, shape, dtype);

/** Copies the samples with the numbers order[begin], order[begin + 1], ... into `out`, which holds `count` of them. Converts to its dtype. */
export function gatherSamples(samples: Samples, order: ArrayLike<number>, begin: number, count: number, out: HostArray): void {
  const { data, size } = samples;
  if (size === 1) for (let i = 0; i < count; i++) out[i] = data[order[begin + i]];
  else for (let i = 0; i < count; i++) out.set(data.subarray(order[begin + i] * size, (order[begin + i] + 1) * size), i * size);
}
