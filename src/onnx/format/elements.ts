// Element types of ONNX, and the dtypes that hold them. 64-bit integers become i32 and doubles f32 on the device; the host keeps both in f64.
import { type Dtype, type HostArray, allocate } from '../../core/dtype.ts';
import { fromBf16Bits, fromF16Bits } from '../../formats/halves.ts';
import type { TensorProto } from './schema.ts';

type NumberField = 'floatData' | 'int32Data' | 'int64Data' | 'doubleData' | 'uint64Data';

/** One element type of ONNX. */
export interface ElementType {
  /** Number of the type in TensorProto.DataType. */
  readonly code: number;
  readonly bytes: number;
  readonly dtype: Dtype;
  /** Field that holds the elements if raw_data does not. */
  readonly field: NumberField;
  /** Elements from a copy of their little-endian bytes. */
  readonly fromBytes: (bytes: ArrayBuffer) => ArrayLike<number>;
  /** An element from its number in the field. @default the number itself */
  readonly fromField?: (x: number) => number;
  /** Smallest and largest value of integers that are narrower than i32. */
  readonly range?: readonly [number, number];
}

const integers = (bytes: ArrayBuffer, array: 'i' | 'u'): Float64Array =>
  Float64Array.from(array === 'i' ? new BigInt64Array(bytes) : new BigUint64Array(bytes), Number);

export const elementTypes = {
  FLOAT: { code: 1, bytes: 4, dtype: 'f32', field: 'floatData', fromBytes: (b) => new Float32Array(b) },
  UINT8: { code: 2, bytes: 1, dtype: 'i32', field: 'int32Data', fromBytes: (b) => new Uint8Array(b), range: [0, 255] },
  INT8: { code: 3, bytes: 1, dtype: 'i32', field: 'int32Data', fromBytes: (b) => new Int8Array(b), range: [-128, 127] },
  UINT16: { code: 4, bytes: 2, dtype: 'i32', field: 'int32Data', fromBytes: (b) => new Uint16Array(b), range: [0, 65535] },
  INT16: { code: 5, bytes: 2, dtype: 'i32', field: 'int32Data', fromBytes: (b) => new Int16Array(b), range: [-32768, 32767] },
  INT32: { code: 6, bytes: 4, dtype: 'i32', field: 'int32Data', fromBytes: (b) => new Int32Array(b) },
  INT64: { code: 7, bytes: 8, dtype: 'i32', field: 'int64Data', fromBytes: (b) => integers(b, 'i') },
  BOOL: { code: 9, bytes: 1, dtype: 'bool', field: 'int32Data', fromBytes: (b) => Uint8Array.from(new Uint8Array(b), Math.sign) },
  FLOAT16: {
    code: 10,
    bytes: 2,
    dtype: 'f16',
    field: 'int32Data',
    fromBytes: (b) => Float32Array.from(new Uint16Array(b), fromF16Bits),
    fromField: fromF16Bits,
  },
  DOUBLE: { code: 11, bytes: 8, dtype: 'f32', field: 'doubleData', fromBytes: (b) => new Float64Array(b) },
  UINT32: { code: 12, bytes: 4, dtype: 'u32', field: 'uint64Data', fromBytes: (b) => new Uint32Array(b) },
  UINT64: { code: 13, bytes: 8, dtype: 'u32', field: 'uint64Data', fromBytes: (b) => integers(b, 'u') },
  BFLOAT16: {
    code: 16,
    bytes: 2,
    dtype: 'f32',
    field: 'int32Data',
    fromBytes: (b) => Float32Array.from(new Uint16Array(b), fromBf16Bits),
    fromField: fromBf16Bits,
  },
} as const satisfies Readonly<Record<string, ElementType>>;

export type ElementName = keyof typeof elementTypes;

export const elementOf = (name: ElementName): ElementType => elementTypes[name];

/** Names of types that the library has no numbers for, for messages. */
const otherTypes: Readonly<Record<number, string>> = { 0: 'UNDEFINED', 8: 'STRING', 14: 'COMPLEX64', 15: 'COMPLEX128' };

const namesByCode = new Map(Object.entries(elementTypes).map(([name, { code }]) => [code as number, name as ElementName]));

/** Name of a type by its number; undefined for types without numbers, such as strings. */
export const elementName = (code: number): ElementName | undefined => namesByCode.get(code);

/** A type as messages show it. */
export const shownType = (code: number): string => namesByCode.get(code) ?? otherTypes[code] ?? `type ${code}`;

/** Type that a tensor of a dtype has in a file. */
export const elementOfDtype = { f32: 'FLOAT', f16: 'FLOAT16', i32: 'INT32', u32: 'UINT32', bool: 'BOOL' } as const satisfies Readonly<
  Record<Dtype, ElementName>
>;

/** Elements as a tensor's array. Integers outside the dtype become its nearest value. */
export function toHostArray(dtype: Dtype, data: ArrayLike<number>): HostArray {
  if (dtype === 'f32' && data instanceof Float32Array) return data;
  if (dtype === 'i32' && data instanceof Int32Array) return data;
  const out = allocate(dtype, data.length);
  const [low, high] = dtype === 'i32' ? [-2147483648, 2147483647] : dtype === 'u32' ? [0, 4294967295] : [-Infinity, Infinity];
  for (let i = 0; i < out.length; i++) out[i] = Math.min(high, Math.max(low, data[i]));
  return out;
}

/** Elements of a stored tensor from the field of its type. */
export function fromField(proto: TensorProto, { field, fromField: convert, dtype }: ElementType): ArrayLike<number> {
  const numbers = proto[field];
  const out = field === 'floatData' ? new Float32Array(numbers.length) : new Float64Array(numbers.length);
  for (let i = 0; i < out.length; i++) {
    const x = Number(numbers[i]);
    out[i] = convert ? convert(x) : dtype === 'bool' ? Number(x !== 0) : x;
  }
  return out;
}
