// GGUF, the format of llama.cpp (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), versions 2 and 3: metadata, then descriptions of
// tensors, then their data at multiples of an alignment. All numbers are little-endian.
import { FormatError } from '../../core/errors.ts';
import { formatShape, sizeOf } from '../../core/shape.ts';
import { Fields, type Refuse } from '../../formats/fields.ts';
import { type StoredDtype, type StoredTensor, typeOf } from '../../formats/storedTypes.ts';
import { type QuantisedType, blockTypes } from './blocks.ts';

/** A value of the metadata. Integers of 64 bits are bigint. */
export type GgufValue = number | bigint | boolean | string | readonly GgufValue[];

/** Element types of tensors that are read. */
export type GgufType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | QuantisedType;

/** A tensor of a file. */
export interface GgufTensor {
  readonly type: GgufType;
  /** Sizes, the slowest axis first. The file has them in reverse. */
  readonly shape: readonly number[];
  /** Copies the elements. Quantised types become F32. */
  read(): StoredTensor;
}

/** Contents of a file: values and tensors by name, in the order of the file. */
export interface Gguf {
  readonly version: 2 | 3;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** Numbers of the types of tensors. */
const tensorTypes: Readonly<Record<number, GgufType>> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  6: 'Q5_0',
  7: 'Q5_1',
  8: 'Q8_0',
  10: 'Q2_K',
  11: 'Q3_K',
  12: 'Q4_K',
  13: 'Q5_K',
  14: 'Q6_K',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  30: 'BF16',
};

const isQuantised = (type: GgufType): type is QuantisedType => Object.hasOwn(blockTypes, type);

/** Numbers of the types of values, and the bytes that a value takes at least. */
const stringType = 8;
const arrayType = 9;
const leastBytes: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 8: 8, 9: 12, 10: 8, 11: 8, 12: 8 };

const alignmentKey = 'general.alignment';
const defaultAlignment = 32;
/** The limit of ggml. */
const maxRank = 4;
/** Bytes of a description: a name without characters, the rank, no sizes, the type and the position. */
const leastTensorBytes = 24;
const maxDepth = 8;

/**
 * Reads a GGUF file. The tensors are windows on the file, and are converted when they are read.
 * @throws FormatError for a damaged file, big-endian files, and tensors of other types.
 */
export function readGguf(bytes: Uint8Array, name = 'file'): Gguf {
  const refuse: Refuse = (message) => {
    throw new FormatError(`${name}: not a GGUF file that can be read: ${message}`);
  };
  const file = new Fields(bytes, 'the file', refuse);
  file.signature('GGUF');
  const version = file.u32();
  if (version !== 2 && version !== 3) return refuse(`it has the version ${version}; 2 and 3 are read, little-endian`);
  const tensorCount = file.uint(8);
  const valueCount = file.uint(8);
  if (tensorCount * leastTensorBytes > file.left) refuse(`it states ${tensorCount} tensors; its ${bytes.length} bytes cannot hold them`);
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < valueCount; i++) {
    const key = readText(file);
    if (metadata.has(key)) refuse(`two values of its metadata are called '${key}'`);
    metadata.set(key, readValue(file, file.u32(), key, 0));
  }
  const alignment = metadata.get(alignmentKey) ?? defaultAlignment;
  if (typeof alignment !== 'number' || !(alignment > 0) || alignment % 8 !== 0) {
    return refuse(`${alignmentKey} is ${String(alignment)}; it must be a multiple of 8`);
  }
  const entries: Entry[] = [];
  const names = new Set<string>();
  for (let i = 0; i < tensorCount; i++) {
    const entry = readEntry(file, alignment);
    if (names.has(entry.key)) refuse(`two tensors are called '${entry.key}'`);
    names.add(entry.key);
    entries.push(entry);
  }
  const start = Math.ceil(file.at / alignment) * alignment;
  let end = 0;
  for (const { key, from, size } of [...entries].sort((a, b) => a.from - b.from || a.size - b.size)) {
    if (from < end)
      refuse(`'${key}' begins at byte ${from} of the data; the tensor before it ends at ${end}, and tensors must not overlap`);
    end = from + size;
    if (start + end > bytes.length) refuse(`'${key}' ends at byte ${start + end}; the file has ${bytes.length}`);
  }
  const tensors = new Map<string, GgufTensor>();
  for (const { key, type, shape, from, size } of entries) {
    const data = bytes.subarray(start + from, start + from + size);
    tensors.set(key, { type, shape, read: () => readTensor(data, type, shape) });
  }
  return { version, metadata, tensors };
}

const readText = (file: Fields): string => file.text(file.uint(8));

function readValue(file: Fields, type: number, key: string, depth: number): GgufValue {
  switch (type) {
    case 0:
      return file.u8();
    case 1:
      return file.i8();
    case 2:
      return file.u16();
    case 3:
      return file.i16();
    case 4:
      return file.u32();
    case 5:
      return file.i32();
    case 6:
      return file.f32();
    case 7:
      return readBoolean(file, key);
    case stringType:
      return readText(file);
    case arrayType:
      return readArray(file, key, depth + 1);
    case 10:
      return file.u64();
    case 11:
      return file.i64();
    case 12:
      return file.f64();
    default:
      return file.refuse(`the value '${key}' has the type ${type}; the format has the types 0 to 12`);
  }
}

function readBoolean(file: Fields, key: string): boolean {
  const byte = file.u8();
  return byte > 1 ? file.refuse(`the value '${key}' is a boolean of the byte ${byte}; it must be 0 or 1`) : byte === 1;
}

function readArray(file: Fields, key: string, depth: number): GgufValue {
  if (depth > maxDepth) file.refuse(`the value '${key}' has arrays in arrays; at most ${maxDepth} are read`);
  const type = file.u32();
  const count = file.uint(8);
  if (count * (leastBytes[type] ?? 1) > file.left) file.refuse(`the value '${key}' has ${count} elements; the ${file.left} bytes that follow cannot hold them`); // prettier-ignore
  return Array.from({ length: count }, () => readValue(file, type, key, depth));
}

interface Entry {
  readonly key: string;
  readonly type: GgufType;
  readonly shape: readonly number[];
  /** Position after the start of the data. */
  readonly from: number;
  readonly size: number;
}

function readEntry(file: Fields, alignment: number): Entry {
  const key = readText(file);
  const rank = file.u32();
  if (rank > maxRank) file.refuse(`'${key}' has the rank ${rank}; at most ${maxRank} is possible`);
  const shape = Array.from({ length: rank }, () => file.uint(8)).reverse();
  const number = file.u32();
  if (!Object.hasOwn(tensorTypes, number)) {
    return file.refuse(
      `'${key}' has the type ${number}; read are ${Object.values(tensorTypes).join(', ')}; convert the file to one of them`,
    );
  }
  const type = tensorTypes[number];
  const from = file.uint(8);
  if (from % alignment !== 0) file.refuse(`'${key}' begins at byte ${from} of the data; it must be a multiple of ${alignment}`);
  const block = isQuantised(type) ? blockTypes[type] : { elements: 1, bytes: typeOf(type).bytes };
  const rowLength = shape.at(-1) ?? 1;
  if (rowLength % block.elements !== 0) {
    file.refuse(`'${key}' ${type}${formatShape(shape)} has rows of ${rowLength}; blocks of ${type} have ${block.elements} elements`);
  }
  const size = (sizeOf(shape) / block.elements) * block.bytes;
  if (!(size <= file.bytes.length)) file.refuse(`'${key}' ${type}${formatShape(shape)} needs ${size} bytes; the file has ${file.bytes.length}`); // prettier-ignore
  return { key, type, shape, from, size };
}

function readTensor(data: Uint8Array, type: GgufType, shape: readonly number[]): StoredTensor {
  if (!isQuantised(type)) {
    const dtype: StoredDtype = type;
    return { dtype, shape, data: typeOf(dtype).read(new Uint8Array(data).buffer) };
  }
  const { elements, bytes, read } = blockTypes[type];
  const output = new Float32Array((data.length / bytes) * elements);
  for (let from = 0, to = 0; from < data.length; from += bytes, to += elements) read(data, from, output, to);
  return { dtype: 'F32', shape, data: output };
}
