// Safetensors files that are read in parts: the header first, and then the data of the tensors that are needed. Also several files with an index,
// as Hugging Face writes them for large models.
import { FormatError } from '../core/errors.ts';
import { callable } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { shown } from '../core/shown.ts';
import { type FileSource, readFile } from './places.ts';
import { type RangeReader, openRanges } from './ranges.ts';
import { type Safetensors, type SafetensorsEntry, headerEnd, readEntry, readLayout } from './safetensors.ts';
import { indexEnding, shardKey } from './shardSafetensors.ts';
import type { StoredDtype, StoredTensor } from './storedTypes.ts';

/** A tensor of an open file. */
export interface TensorDescription {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
}

/** An open file, or several with an index. */
export interface OpenSafetensors {
  /** Name for messages. */
  readonly name: string;
  readonly tensors: ReadonlyMap<string, TensorDescription>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Reads the data of tensors, all of them by default. @throws FormatError for a name that the file lacks. */
  read(names?: Iterable<string>): Promise<Map<string, StoredTensor>>;
  /** Releases the files. */
  close(): Promise<void>;
}

export const openSafetensorsOptions = declareOptions('openSafetensors', {
  /** Gives the file of a name in the index. @default the file beside the index, if its source is a path or an address */
  shard: optional(callable<(name: string) => FileSource>('a function from the name of a file to its source')),
});
export type OpenSafetensorsOptions = OptionsOf<typeof openSafetensorsOptions>;

/** Bytes of the first read, which usually hold the header. */
const firstBytes = 1 << 16;
const maxIndexBytes = 100_000_000;

/**
 * Opens a safetensors file, or an index `model.safetensors.index.json` of several. Only headers are read. Of an address, only the requested bytes
 * are fetched if the server supports ranges.
 *
 *     const file = await openSafetensors('https://example.org/model.safetensors');
 *     const tensors = await file.read(['embedding/kernel']);
 *     await file.close();
 *
 * @throws FormatError for a damaged file, or an index that does not fit its files.
 */
export async function openSafetensors(source: FileSource, options: OpenSafetensorsOptions = {}): Promise<OpenSafetensors> {
  return openFrom(source, 'openSafetensors', openSafetensorsOptions.read(options).shard);
}

const isIndex = (source: FileSource): source is string | URL =>
  (typeof source === 'string' || source instanceof URL) && String(source).replace(/[?#].*$/, '').endsWith(indexEnding); // prettier-ignore

/** Opens a file, or an index if its name has the ending or `shard` is given. */
export async function openFrom(source: FileSource, where: string, shard?: (name: string) => FileSource): Promise<OpenSafetensors> {
  if (shard) return openShards(source, where, shard);
  if (isIndex(source)) return openShards(source, where, (file) => beside(source, file));
  return openFile(source, where);
}

/** Reads all tensors of a file, or of an index. */
export async function readWhole(source: FileSource, where: string): Promise<Safetensors & { readonly name: string }> {
  const file = await openFrom(source, where);
  try {
    const { name, metadata } = file;
    return { name, metadata, tensors: await file.read() };
  } finally {
    await file.close();
  }
}

async function openFile(source: FileSource, where: string): Promise<OpenSafetensors> {
  const ranges = await openRanges(source, where);
  const { name, size } = ranges;
  try {
    const first = await ranges.read(0, Math.min(firstBytes, size));
    const end = headerEnd(first, size, name);
    const begin = end <= first.length ? first : await ranges.read(0, end);
    const { start, entries, metadata } = readLayout(begin, size, name);
    const byName = new Map(entries.map((entry) => [entry.key, entry]));
    const tensors = new Map(entries.map(({ key, dtype, shape }): [string, TensorDescription] => [key, { dtype, shape }]));
    const read = (names: Iterable<string> = byName.keys()): Promise<Map<string, StoredTensor>> => {
      const wanted = [...new Set(names)].map((key) => byName.get(key) ?? absent(name, key));
      return readEntries(ranges, start, wanted);
    };
    return { name, tensors, metadata, read, close: () => ranges.close() };
  } catch (error) {
    await ranges.close();
    throw error;
  }
}

const absent = (name: string, key: string): never => {
  throw new FormatError(`${name}: has no tensor '${key}'`);
};

/** Reads tensors whose data touch in one range. */
async function readEntries(ranges: RangeReader, start: number, entries: readonly SafetensorsEntry[]): Promise<Map<string, StoredTensor>> {
  const sorted = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  const found = new Map<string, StoredTensor>();
  for (let from = 0; from < sorted.length;) {
    let to = from + 1;
    while (to < sorted.length && sorted[to].begin === sorted[to - 1].end) to++;
    const { begin } = sorted[from];
    const bytes = await ranges.read(start + begin, start + sorted[to - 1].end);
    for (const entry of sorted.slice(from, to)) {
      found.set(entry.key, readEntry(entry, bytes.subarray(entry.begin - begin, entry.end - begin), ranges.name));
    }
    from = to;
  }
  return found;
}

/** The source of a file beside an index. */
function beside(index: string | URL, file: string): string | URL {
  const text = String(index);
  const isWeb = /^(https?|file):/i.test(text);
  return isWeb ? new URL(encodeURIComponent(file), text) : text.replace(/[^/\\]*$/, '') + file;
}

async function openShards(source: FileSource, where: string, shard: (name: string) => FileSource): Promise<OpenSafetensors> {
  const { bytes, name } = await readFile(source, where);
  const { files, metadata } = readIndex(bytes, name);
  const opened = new Map<string, OpenSafetensors>();
  const close = async (): Promise<void> => void (await Promise.all([...opened.values()].map((file) => file.close())));
  try {
    const places = new Map<string, OpenSafetensors>();
    const tensors = new Map<string, TensorDescription>();
    for (const [file, keys] of files) {
      const part = await openFile(shard(file), where);
      opened.set(file, part);
      checkShard(name, file, part, keys, metadata);
      for (const key of keys) {
        tensors.set(key, part.tensors.get(key)!);
        places.set(key, part);
      }
    }
    const read = async (names: Iterable<string> = tensors.keys()): Promise<Map<string, StoredTensor>> => {
      const wanted = [...names].map((key) => [key, places.get(key) ?? absent(name, key)] as const);
      const found = new Map<string, StoredTensor>();
      for (const part of opened.values()) {
        const keys = wanted.filter(([, place]) => place === part).map(([key]) => key);
        for (const [key, tensor] of await part.read(keys)) found.set(key, tensor);
      }
      return found;
    };
    return { name, tensors, metadata, read, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Index {
  /** Names of tensors by file. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  readonly metadata: Readonly<Record<string, string>>;
}

function readIndex(bytes: Uint8Array, name: string): Index {
  const fail = (message: string): never => {
    throw new FormatError(`${name}: not an index of safetensors files: ${message}`);
  };
  if (bytes.length > maxIndexBytes) fail(`it has ${bytes.length} bytes; at most ${maxIndexBytes} are read`);
  let index: unknown;
  try {
    index = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    fail(`it is no JSON in UTF-8 (${(error as Error).message})`);
  }
  const isTable = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const table: Record<string, unknown> = isTable(index) ? index : fail(`it is ${shown(index)}; it must be an object`);
  const map: Record<string, unknown> = isTable(table.weight_map) ? table.weight_map : fail(`weight_map is ${shown(table.weight_map)}; it must be an object of files`); // prettier-ignore
  const files = new Map<string, string[]>();
  for (const [key, file] of Object.entries(map)) {
    if (typeof file !== 'string' || !/^[^/\\.][^/\\]*\.safetensors$/.test(file)) {
      return fail(`the file of '${key}' is ${shown(file)}; it must be a name without folders that ends with .safetensors`);
    }
    const keys = files.get(file);
    if (keys) keys.push(key);
    else files.set(file, [key]);
  }
  const texts = Object.entries(isTable(table.metadata) ? table.metadata : {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'); // prettier-ignore
  return { files, metadata: Object.fromEntries(texts) };
}

/** A file must have the tensors of the index, and be of the same save. */
function checkShard(index: string, file: string, part: OpenSafetensors, keys: readonly string[], metadata: Index['metadata']): void {
  const missing = keys.filter((key) => !part.tensors.has(key));
  const known = new Set(keys);
  const extra = [...part.tensors.keys()].filter((key) => !known.has(key));
  if (missing.length + extra.length) {
    const lists = [['missing', missing], ['not in the index', extra]] as const; // prettier-ignore
    const texts = lists.filter(([, list]) => list.length).map(([what, list]) => `${what}: ${list.join(', ')}`);
    throw new FormatError(`${index}: ${file} has other tensors than the index states; ${texts.join('; ')}`);
  }
  if (Object.hasOwn(metadata, shardKey) && part.metadata[shardKey] !== metadata[shardKey]) {
    throw new FormatError(`${index}: ${file} was written by another save than the index; a save was interrupted; use an older copy`);
  }
}
