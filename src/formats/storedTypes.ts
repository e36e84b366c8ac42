// Element types of files, and arrays of them on the host. All bytes are little-endian.
import { fromBf16Bits, fromF16Bits, toF16Bits } from './halves.ts';

/** Elements of a stored tensor. F16 and BF16 are Float32Array, which holds them exactly; BOOL is Uint8Array of 0 and 1. */
export type StoredData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

export interface StoredTensor {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly data: StoredData;
}

export interface StoredType {
  readonly bytes: number;
  /** Elements from a copy of their bytes. */
  read(bytes: ArrayBuffer): StoredData;
  /** Bytes of elements. */
  write(data: StoredData): Uint8Array;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: StoredData): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);
const plain = (bytes: number, array: new (buffer: ArrayBuffer) => StoredData): StoredType => ({
  bytes,
  read: (buffer) => new array(buffer),
  write: bytesOf,
});

const types = {
  F64: plain(8, Float64Array),
  I64: plain(8, BigInt64Array),
  U64: plain(8, BigUint64Array),
  F32: plain(4, Float32Array),
  I32: plain(4, Int32Array),
  U32: plain(4, Uint32Array),
  F16: {
    bytes: 2,
    read: (buffer) => Float32Array.from(new Uint16Array(buffer), fromF16Bits),
    write: (data) => bytesOf(Uint16Array.from(data as Float32Array, toF16Bits)),
  },
  BF16: {
    bytes: 2,
    read: (buffer) => Float32Array.from(new Uint16Array(buffer), fromBf16Bits),
    write: (data) => bytesOf(new Uint16Array(Float32Array.from(data as Float32Array).buffer).filter((_, i) => i % 2 === 1)),
  },
  I16: plain(2, Int16Array),
  U16: plain(2, Uint16Array),
  I8: plain(1, Int8Array),
  U8: plain(1, Uint8Array),
  BOOL: plain(1, Uint8Array),
} as const satisfies Readonly<Record<string, StoredType>>;

/** Element types of the format. */
export type StoredDtype = keyof typeof types;

/** Sizes and conversions of an element type. */
export const typeOf = (dtype: StoredDtype): StoredType => types[dtype];
export const isStoredDtype = (value: unknown): value is StoredDtype => typeof value === 'string' && Object.hasOwn(types, value);

/** Names of all element types, for messages. */
export const storedDtypes = Object.keys(types).join(', ');

/** Reverses the bytes of each element in place. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  if (size === 1) return;
  for (let i = 0; i + size <= bytes.length; i += size) bytes.subarray(i, i + size).reverse();
}
