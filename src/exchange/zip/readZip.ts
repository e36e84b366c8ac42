// Zip archives (APPNOTE 6.3.10): the central directory is read and checked first, with Zip64, then each entry. Entries are stored or deflated.
import { FormatError } from '../../core/errors.ts';
import { type Kind, kindOf } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../core/options.ts';
import { Fields, type Refuse } from '../../formats/fields.ts';
import { crc32 } from '../../formats/checksums.ts';
import { inflate, maxExpansion } from './inflate.ts';

const bytesKind: Kind<number> = /* @__PURE__ */ kindOf({
  rule: 'a number of bytes, at least 0',
  accepts: (value): value is number => typeof value === 'number' && value >= 0,
});

export const zipLimits = declareOptions('readZip', {
  /** The most bytes of one entry after inflation. @default 4294967296 */
  maxEntryBytes: optional(bytesKind, 2 ** 32),
  /** The most bytes of all entries after inflation. @default 17179869184 */
  maxTotalBytes: optional(bytesKind, 2 ** 34),
});
/** Limits of an archive's entries after inflation. */
export type ZipLimits = OptionsOf<typeof zipLimits>;

/** An entry of an archive. Folders are left out. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes after inflation. */
  readonly size: number;
  /** Inflates the entry and compares its checksum. A stored entry is a window on the archive. */
  read(): Uint8Array;
}

const endBytes = 22;
const maxComment = 65535;
const unset16 = 0xffff;
const unset32 = 0xffffffff;

/**
 * Entries of a zip archive by name, in the order of its directory. The limits hold for the sizes that the archive states, and no entry inflates
 * to more than it states.
 * @throws FormatError for a damaged archive, encryption, methods other than store and deflate, names that are absolute, have `..` or occur twice,
 * entries that overlap, and sizes above the limits.
 */
export function readZip(bytes: Uint8Array, name = 'file', limits: ZipLimits = {}): ReadonlyMap<string, ZipEntry> {
  const { maxEntryBytes, maxTotalBytes } = zipLimits.read(limits);
  const refuse: Refuse = (message) => {
    throw new FormatError(`${name}: not a zip archive that can be read: ${message}`);
  };
  const directory = readDirectory(bytes, refuse);
  let total = 0;
  let end = 0;
  const entries = new Map<string, ZipEntry>();
  for (const record of [...directory].sort((a, b) => a.at - b.at)) {
    const { name: entry, packed, size, method } = record;
    if (size > maxEntryBytes)
      refuse(`'${entry}' has ${size} bytes; at most ${maxEntryBytes} are allowed; raise maxEntryBytes if you trust it`);
    total += size;
    if (total > maxTotalBytes) refuse(`the entries have ${total} bytes and more; at most ${maxTotalBytes} are allowed; raise maxTotalBytes if you trust it`); // prettier-ignore
    if (method === 0 ? size !== packed : size > maxExpansion * packed) {
      refuse(`'${entry}' has ${packed} bytes that claim to be ${size} bytes; the method ${method} cannot do that`);
    }
    if (record.at < end) refuse(`'${entry}' begins at byte ${record.at}; the entry before it ends at ${end}, and entries must not overlap`);
    const from = dataOf(bytes, record, refuse);
    end = from + packed;
  }
  for (const record of directory) {
    if (record.name.endsWith('/')) continue;
    if (entries.has(record.name)) refuse(`two entries are called '${record.name}'`);
    entries.set(record.name, { name: record.name, size: record.size, read: () => readEntry(bytes, record, refuse) });
  }
  return entries;
}

interface EntryRecord {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Position of the local header. */
  readonly at: number;
}

/** Records of the central directory. Its position is at the end of the file, before a comment. */
function readDirectory(bytes: Uint8Array, refuse: Refuse): readonly EntryRecord[] {
  const at = findEnd(bytes);
  if (at === undefined) return refuse('it has no end record of a directory; the file is cut off, or is of another format');
  const end = new Fields(bytes.subarray(at), 'the end record', refuse);
  end.skip(4);
  const disks = [end.u16(), end.u16()];
  let [, count] = [end.u16(), end.u16()];
  let size = end.u32();
  let start = end.u32();
  if (disks.some((disk) => disk !== 0 && disk !== unset16)) refuse(`it has parts on several disks (${disks.join(', ')}); join them first`);
  if (count === unset16 || size === unset32 || start === unset32)
    ({ count, size, start } = readEnd64(bytes, at, refuse) ?? { count, size, start });
  if (start + size > at) refuse(`the directory has ${size} bytes from byte ${start}; its end record begins at ${at}`);
  const directory = new Fields(bytes.subarray(start, start + size), 'the directory', refuse);
  const records: EntryRecord[] = [];
  for (let i = 0; i < count; i++) records.push(readRecord(directory, refuse));
  if (directory.left) refuse(`the directory has ${count} entries, and ${directory.left} bytes after them`);
  return records;
}

/** Position of the last end record whose comment ends with the file. */
function findEnd(bytes: Uint8Array): number | undefined {
  for (let at = bytes.length - endBytes; at >= Math.max(0, bytes.length - endBytes - maxComment); at--) {
    const isRecord = bytes[at] === 0x50 && bytes[at + 1] === 0x4b && bytes[at + 2] === 5 && bytes[at + 3] === 6;
    if (isRecord && bytes[at + 20] + 256 * bytes[at + 21] === bytes.length - endBytes - at) return at;
  }
  return undefined;
}

/** The record of Zip64, if there is one before the end record. */
function readEnd64(bytes: Uint8Array, end: number, refuse: Refuse): { count: number; size: number; start: number } | undefined {
  if (end < 20) return undefined;
  const locator = new Fields(bytes.subarray(end - 20, end), 'the Zip64 locator', refuse);
  if (locator.u32() !== 0x07064b50) return undefined;
  locator.skip(4);
  const at = locator.uint(8);
  if (at > end - 20) refuse(`the Zip64 record begins at byte ${at}; its locator is at ${end - 20}`);
  const record = new Fields(bytes.subarray(at, end - 20), 'the Zip64 record', refuse);
  record.signature('PK\u0006\u0006');
  record.skip(28);
  return { count: record.uint(8), size: record.uint(8), start: record.uint(8) };
}

function readRecord(directory: Fields, refuse: Refuse): EntryRecord {
  directory.signature('PK\u0001\u0002');
  directory.skip(4);
  const flags = directory.u16();
  const method = directory.u16();
  directory.skip(4);
  const crc = directory.u32();
  let packed = directory.u32();
  let size = directory.u32();
  const lengths = [directory.u16(), directory.u16(), directory.u16()];
  directory.skip(8);
  let at = directory.u32();
  const name = directory.text(lengths[0]);
  const extra = new Fields(directory.take(lengths[1]), `the extra field of '${name}'`, refuse);
  directory.skip(lengths[2]);
  while (extra.left >= 4) {
    const id = extra.u16();
    const field = new Fields(extra.take(extra.u16()), `the Zip64 field of '${name}'`, refuse);
    if (id !== 1) continue;
    if (size === unset32) size = field.uint(8);
    if (packed === unset32) packed = field.uint(8);
    if (at === unset32) at = field.uint(8);
  }
  checkName(name, refuse);
  if (flags & 0x41) refuse(`'${name}' is encrypted; decrypt the archive first`);
  if (method !== 0 && method !== 8) refuse(`'${name}' has the compression method ${method}; store (0) and deflate (8) are read`);
  return { name, method, crc, packed, size, at };
}

/** Names are relative paths with slashes. */
function checkName(name: string, refuse: Refuse): void {
  const parts = name.replace(/\/$/, '').split('/');
  if (/[\0\\]|^[a-z]:/i.test(name) || parts.some((part) => part === '' || part === '.' || part === '..')) {
    refuse(`an entry has the name ${JSON.stringify(name)}; names must be relative paths without '..', empty parts and backslashes`);
  }
}

/** Position of an entry's data, after its local header. */
function dataOf(bytes: Uint8Array, { name, method, at, packed }: EntryRecord, refuse: Refuse): number {
  if (at > bytes.length) refuse(`the header of '${name}' begins at byte ${at}; the file has ${bytes.length}`);
  const header = new Fields(bytes.subarray(at), `the header of '${name}'`, refuse);
  header.signature('PK\u0003\u0004');
  header.skip(4);
  const localMethod = header.u16();
  header.skip(16);
  const [nameLength, extraLength] = [header.u16(), header.u16()];
  const localName = header.text(nameLength);
  if (localName !== name || localMethod !== method) {
    refuse(`'${name}' (method ${method}) is ${JSON.stringify(localName)} (method ${localMethod}) in its own header; the two must agree`);
  }
  header.skip(extraLength);
  const from = at + header.at;
  header.skip(packed);
  return from;
}

function readEntry(bytes: Uint8Array, record: EntryRecord, refuse: Refuse): Uint8Array {
  const from = dataOf(bytes, record, refuse);
  const packed = bytes.subarray(from, from + record.packed);
  const data = record.method === 0 ? packed : inflate(packed, record.size, `'${record.name}'`, refuse);
  const crc = crc32(data);
  if (crc !== record.crc) refuse(`'${record.name}' has the checksum ${crc}; the archive states ${record.crc}`);
  return data;
}
