// The safetensors format (Hugging Face): the length of the header as u64, a JSON header of names, dtypes, shapes and offsets, then the data.
// https://huggingface.co/docs/safetensors. All numbers are little-endian. Every size is checked before memory is taken.
import { FormatError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { shown } from '../core/shown.ts';
import { pickleAdvice } from './pickle.ts';
import { type StoredDtype, type StoredTensor, isStoredDtype, storedDtypes, typeOf } from './storedTypes.ts';

export type { StoredData, StoredDtype, StoredTensor } from './storedTypes.ts';

/** Contents of a file: tensors by name, in the order of their data, and texts by name. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const lengthBytes = 8;
/** The limit of the reference implementation. */
const maxHeaderBytes = 100_000_000;
const metadataName = '__metadata__';

/** Positions of the tensors of a file. */
export interface SafetensorsLayout {
  /** Byte of the first tensor. */
  readonly start: number;
  /** In the order of their data, which touch. */
  readonly entries: readonly SafetensorsEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

const failOf =
  (name: string) =>
  (message: string): never => {
    throw new FormatError(`${name}: not a safetensors file that can be read: ${message}`);
  };

/**
 * Reads a safetensors file. Data are copied.
 * @throws FormatError with the file's name, the field, what it holds and the rule, for everything that the format does not allow: sizes beyond the
 * file, unknown dtypes, data that overlap or leave holes.
 */
export function readSafetensors(bytes: Uint8Array, name = 'file'): Safetensors {
  const { start, entries, metadata } = readLayout(bytes, bytes.length, name);
  const tensors = entries.map(
    (entry) => [entry.key, readEntry(entry, bytes.subarray(start + entry.begin, start + entry.end), name)] as const,
  );
  return { tensors: new Map(tensors), metadata };
}

/** Bytes of a file until the end of its header. `begin` holds the first bytes of a file of `size` bytes. */
export function headerEnd(begin: Uint8Array, size: number, name: string): number {
  const fail = failOf(name);
  if (size < lengthBytes) fail(`it has ${size} bytes; the length of the header takes ${lengthBytes}`);
  const length = Number(new DataView(begin.buffer, begin.byteOffset, begin.byteLength).getBigUint64(0, true));
  if (length > maxHeaderBytes || length > size - lengthBytes) {
    fail(pickleAdvice(begin) ?? `the header has ${length} bytes; at most ${Math.min(maxHeaderBytes, size - lengthBytes)} are possible`);
  }
  return lengthBytes + length;
}

/** Reads the header of a file of `size` bytes. `begin` holds at least the header. */
export function readLayout(begin: Uint8Array, size: number, name: string): SafetensorsLayout {
  const fail = failOf(name);
  const start = headerEnd(begin, size, name);
  const header = parseHeader(begin.subarray(lengthBytes, start), fail);
  const entries = Object.entries(header)
    .filter(([key]) => key !== metadataName)
    .map(([key, entry]) => checkEntry(key, entry, size - start, fail))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { key, begin, end } of entries) {
    if (begin !== at) fail(`'${key}' begins at ${begin}; the data before it end at ${at}, and they must touch`);
    at = end;
  }
  if (at !== size - start) fail(`the tensors end at byte ${at}, the data at ${size - start}; every byte must belong to a tensor`);
  return { start, entries, metadata: readMetadata(header[metadataName], fail) };
}

/** Copies the elements of a tensor from its bytes. */
export function readEntry({ key, dtype, shape }: SafetensorsEntry, bytes: Uint8Array, name: string): StoredTensor {
  // A copy: `slice` of a Buffer of Node makes none.
  const data = typeOf(dtype).read(new Uint8Array(bytes).buffer);
  if (dtype === 'BOOL' && (data as Uint8Array).some((x) => x > 1)) failOf(name)(`'${key}' is BOOL and has a byte that is not 0 or 1`);
  return { dtype, shape, data };
}

function parseHeader(bytes: Uint8Array, fail: (message: string) => never): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    fail(`the header is no JSON in UTF-8 (${(error as Error).message})`);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) fail(`the header is ${shown(header)}; it must be an object`);
  return header as Record<string, unknown>;
}

/** A tensor of a header. */
export interface SafetensorsEntry {
  readonly key: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** First byte after the start of the data, and the byte after the last. */
  readonly begin: number;
  readonly end: number;
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function checkEntry(key: string, entry: unknown, available: number, fail: (message: string) => never): SafetensorsEntry {
  const { dtype, shape, data_offsets: offsets } = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<string, unknown>;
  if (!isStoredDtype(dtype)) return fail(`dtype of '${key}' is ${shown(dtype)}; it must be one of ${storedDtypes}`);
  if (!Array.isArray(shape) || !shape.every(isSize)) return fail(`shape of '${key}' is ${shown(shape)}; it must be a list of sizes`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    return fail(`data_offsets of '${key}' are ${shown(offsets)}; they must be two byte positions`);
  }
  const [begin, end] = offsets;
  if (begin > end || end > available)
    return fail(`data_offsets of '${key}' are ${begin} to ${end}; the file has ${available} bytes of data`);
  const size = shape.reduce((product, n) => product * n, typeOf(dtype).bytes);
  if (size !== end - begin) return fail(`'${key}' ${dtype}${formatShape(shape)} needs ${size} bytes; its data_offsets have ${end - begin}`);
  return { key, dtype, shape: shape, begin, end };
}

function readMetadata(metadata: unknown, fail: (message: string) => never): Readonly<Record<string, string>> {
  if (metadata === undefined) return {};
  const isTexts = typeof metadata === 'object' && metadata !== null && Object.values(metadata).every((text) => typeof text === 'string');
  return isTexts ? (metadata as Record<string, string>) : fail(`${metadataName} is ${shown(metadata)}; it must be an object of texts`);
}

/**
 * Writes a safetensors file: tensors in the order of their element sizes, the largest first, and then of their names, as the reference does.
 * @throws FormatError for a name of the format's own, and for data that do not fit their shape.
 */
export function writeSafetensors(
  tensors: Iterable<readonly [name: string, tensor: StoredTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const list = [...tensors].sort(([a, x], [b, y]) => typeOf(y.dtype).bytes - typeOf(x.dtype).bytes || (a < b ? -1 : a > b ? 1 : 0));
  let at = 0;
  const header: [string, unknown][] = Object.keys(metadata).length ? [[metadataName, metadata]] : [];
  const names = new Set<string>([metadataName]);
  for (const [name, { dtype, shape, data }] of list) {
    if (names.has(name))
      throw new FormatError(`safetensors: two tensors are called '${name}', or the name is of the format's own; rename one`);
    names.add(name);
    const count = shape.reduce((product, n) => product * n, 1);
    if (data.length !== count)
      throw new FormatError(`safetensors: '${name}' ${formatShape(shape)} needs ${count} elements, got ${data.length}`);
    const end = at + count * typeOf(dtype).bytes;
    header.push([name, { dtype, shape, data_offsets: [at, end] }]);
    at = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(lengthBytes + padded + at).fill(0x20, lengthBytes + text.length, lengthBytes + padded);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(text, lengthBytes);
  let to = lengthBytes + padded;
  for (const [, { dtype, data }] of list) {
    const part = typeOf(dtype).write(data);
    file.set(part, to);
    to += part.length;
  }
  return file;
}
