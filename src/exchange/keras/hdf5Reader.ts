// Reads the part of HDF5 that files of Keras have: groups by symbol tables or link messages, attributes of numbers and texts, and datasets in one
// piece. See "HDF5 File Format Specification Version 3.0". Chunks, filters, links to other files and dense storage are refused.
import { type Shape, sizeOf } from '../../core/shape.ts';
import { fromBf16Bits, fromF16Bits } from '../../formats/halves.ts';
import type { HostWeight } from './hostWeight.ts';
import type { Place } from './place.ts';

const messageTypes = {
  dataspace: 1,
  linkInfo: 2,
  datatype: 3,
  layout: 8,
  attribute: 12,
  link: 6,
  continuation: 16,
  symbolTable: 17,
} as const;
const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const mostMessages = 100_000;
const unset = 2 ** 53;

/** Little-endian fields of a file, one after another. Reads beyond the end are errors. */
class Cursor {
  at: number;
  private readonly file: File;

  constructor(file: File, at: number) {
    this.file = file;
    this.at = at;
  }

  take(size: number): number {
    const begin = this.at;
    if (!(size >= 0) || !(begin >= 0) || begin + size > this.file.bytes.length) {
      this.file.place.fail(`a field of ${size} bytes at ${begin} is beyond the end of the file, which has ${this.file.bytes.length} bytes`);
    }
    this.at += size;
    return begin;
  }

  u8(): number {
    return this.file.bytes[this.take(1)];
  }
  u16(): number {
    return this.file.view.getUint16(this.take(2), true);
  }
  u32(): number {
    return this.file.view.getUint32(this.take(4), true);
  }
  /** An address or a length of 8 bytes. Values above 2^53, such as an undefined address, become 2^53. */
  u64(): number {
    const value = this.file.view.getBigUint64(this.take(8), true);
    return value >= 9007199254740992n ? unset : Number(value);
  }
  unsigned(size: number): number {
    return size === 1 ? this.u8() : size === 2 ? this.u16() : size === 4 ? this.u32() : this.u64();
  }
  bytes(size: number): Uint8Array {
    const begin = this.take(size);
    return this.file.bytes.subarray(begin, begin + size);
  }
  text(size: number): string {
    return textOf(this.bytes(size));
  }
  skip(size: number): this {
    this.take(size);
    return this;
  }
  expect(text: string): this {
    const found = this.text(4);
    return found === text ? this : this.file.place.fail(`the signature '${text}' is missing at ${this.at - 4}`);
  }
}

/** Text up to its first zero. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

interface File {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly place: Place;
}

interface Message {
  readonly type: number;
  readonly begin: number;
  readonly size: number;
}

type Datatype =
  | { readonly kind: 'number'; readonly size: number; readonly read: (view: DataView, at: number) => number }
  | { readonly kind: 'text'; readonly size: number }
  | { readonly kind: 'long text'; readonly size: number };

/** A group or a dataset. */
export class Hdf5Node {
  private readonly file: File;
  private readonly messages: readonly Message[];

  /** @internal */
  constructor(file: File, address: number) {
    this.file = file;
    this.messages = readMessages(file, address);
  }

  /** Names of the nodes in a group, in the order of the file. */
  get names(): string[] {
    return [...this.links().keys()];
  }

  /** The node of a path such as `layers/dense`; undefined if there is none. */
  find(path: string): Hdf5Node | undefined {
    const [first, ...rest] = path.split('/');
    const address = this.links().get(first);
    if (address === undefined) return undefined;
    const node = new Hdf5Node(this.file, address);
    return rest.length ? node.find(rest.join('/')) : node;
  }

  get isDataset(): boolean {
    return this.messages.some(({ type }) => type === messageTypes.layout);
  }

  /** Numbers of a dataset. */
  read(): HostWeight {
    const { place } = this.file;
    const datatype = readDatatype(this.file, this.cursor(messageTypes.datatype));
    const shape = readDataspace(this.file, this.cursor(messageTypes.dataspace));
    if (datatype.kind !== 'number') return place.fail('a dataset has texts; it must have numbers');
    const layout = this.cursor(messageTypes.layout);
    const [version, kind] = [layout.u8(), layout.u8()];
    if ((version !== 3 && version !== 4) || kind > 1)
      place.fail(`a dataset has the layout ${kind} of version ${version}; it must be in one piece, without chunks and filters`);
    const count = sizeOf(shape);
    const [begin, length] = kind === 0 ? ((size) => [layout.at, size])(layout.u16()) : [layout.u64(), layout.u64()];
    if (count === 0) return { shape, data: new Float32Array(0) };
    if (!Number.isSafeInteger(count) || count * datatype.size !== length) {
      place.fail(`a dataset of shape [${shape.join(',')}] has ${length} bytes; it needs ${count * datatype.size}`);
    }
    new Cursor(this.file, begin).skip(length);
    const data = new Float32Array(count);
    for (let i = 0; i < count; i++) data[i] = datatype.read(this.file.view, begin + i * datatype.size);
    return { shape, data };
  }

  /** Texts of an attribute; undefined if there is none of this name. */
  texts(name: string): string[] | undefined {
    for (const message of this.messages) {
      if (message.type !== messageTypes.attribute) continue;
      const found = readAttribute(this.file, message, name);
      if (found) return found;
    }
    return undefined;
  }

  private cursor(type: number): Cursor {
    const message = this.messages.find((one) => one.type === type);
    return message
      ? new Cursor(this.file, message.begin)
      : this.file.place.fail(`a node of the file has no message of type ${type}, which a dataset has`);
  }

  /** Addresses of the nodes in a group. */
  private links(): Map<string, number> {
    const { file } = this;
    const found = new Map<string, number>();
    for (const { type, begin, size } of this.messages) {
      const cursor = new Cursor(file, begin);
      if (type === messageTypes.symbolTable) readSymbolTable(file, cursor.u64(), cursor.u64(), found);
      else if (type === messageTypes.link) readLink(file, cursor, found);
      else if (type === messageTypes.linkInfo && size >= 18) {
        const flags = cursor.skip(1).u8();
        if (cursor.skip(flags & 1 ? 8 : 0).u64() < unset)
          file.place.fail('a group has dense links, which are not supported; write the file again by h5py with its default options');
      }
    }
    return found;
  }
}

/** The root group of a file. */
export function openHdf5(bytes: Uint8Array, place: Place): Hdf5Node {
  const file: File = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), place };
  if (!signature.every((byte, i) => bytes[i] === byte)) place.fail('it is no HDF5 file: it does not begin with its signature');
  const cursor = new Cursor(file, 8);
  const version = cursor.u8();
  if (version > 3) place.fail(`the superblock has version ${version}; versions 0 to 3 are supported`);
  if (version <= 1) cursor.skip(4);
  const [offsets, lengths] = [cursor.u8(), cursor.u8()];
  if (offsets !== 8 || lengths !== 8) place.fail(`offsets have ${offsets} bytes and lengths ${lengths}; they must have 8`);
  // Old superblocks have sizes of tree nodes and four addresses before the root, new ones three addresses.
  if (version <= 1) cursor.skip(1 + 4 + 4 + (version === 1 ? 4 : 0) + 4 * 8 + 8);
  else cursor.skip(1 + 3 * 8);
  return new Hdf5Node(file, cursor.u64());
}

function readMessages(file: File, address: number): Message[] {
  const cursor = new Cursor(file, address);
  const isNew = file.bytes[address] === 0x4f;
  const messages: Message[] = [];
  const blocks: [begin: number, size: number][] = [];
  let creationOrder = false;
  if (isNew) {
    cursor.expect('OHDR');
    if (cursor.u8() !== 2) file.place.fail(`the object header at ${address} has an unknown version; it must be 2`);
    const flags = cursor.u8();
    creationOrder = (flags & 4) !== 0;
    cursor.skip((flags & 32 ? 16 : 0) + (flags & 16 ? 4 : 0));
    const size = cursor.unsigned(1 << (flags & 3));
    blocks.push([cursor.at, size]);
  } else {
    if (cursor.u8() !== 1) file.place.fail(`the object header at ${address} has an unknown version; it must be 1 or 2`);
    cursor.skip(7);
    const size = cursor.u32();
    blocks.push([cursor.skip(4).at, size]);
  }
  const seen = new Set<number>();
  for (let i = 0; i < blocks.length; i++) {
    const [begin, size] = blocks[i];
    if (seen.has(begin)) file.place.fail(`the object header at ${address} continues in a circle`);
    seen.add(begin);
    readBlock(file, begin, size, isNew, creationOrder, messages, blocks);
  }
  return messages;
}

function readBlock(
  file: File,
  begin: number,
  size: number,
  isNew: boolean,
  creationOrder: boolean,
  messages: Message[],
  blocks: [number, number][],
): void {
  const cursor = new Cursor(file, begin);
  const prefix = isNew ? (creationOrder ? 6 : 4) : 8;
  while (cursor.at + prefix <= begin + size) {
    const type = isNew ? cursor.u8() : cursor.u16();
    const length = cursor.u16();
    const flags = cursor.u8();
    cursor.skip(prefix - (isNew ? 4 : 5));
    const message = { type, begin: cursor.at, size: length };
    if (cursor.at + length > begin + size) file.place.fail(`a message of ${length} bytes at ${cursor.at} is longer than its header`);
    cursor.skip(length);
    if (type === messageTypes.continuation) {
      const next = new Cursor(file, message.begin);
      const [address, bytes] = [next.u64(), next.u64()];
      // A block of the new form has a signature before its messages and a checksum after them.
      if (isNew) new Cursor(file, address).expect('OCHK');
      blocks.push(isNew ? [address + 4, bytes - 8] : [address, bytes]);
    } else if (flags & 2 && (type === messageTypes.datatype || type === messageTypes.dataspace))
      file.place.fail('a shared type or space is not supported');
    else messages.push(message);
    if (messages.length > mostMessages) file.place.fail(`an object header has more than ${mostMessages} messages`);
  }
}

function readLink(file: File, cursor: Cursor, found: Map<string, number>): void {
  if (cursor.u8() !== 1) file.place.fail('a link has an unknown version; it must be 1');
  const flags = cursor.u8();
  const kind = flags & 8 ? cursor.u8() : 0;
  cursor.skip((flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0));
  const name = cursor.text(cursor.unsigned(1 << (flags & 3)));
  if (kind !== 0) file.place.fail(`'${name}' is a link to another place or file; only hard links are supported`);
  found.set(name, cursor.u64());
}

/** Links of a group in the old form: a tree of nodes of names, and the names in a heap. */
function readSymbolTable(file: File, tree: number, heap: number, found: Map<string, number>): void {
  const header = new Cursor(file, heap).expect('HEAP').skip(4);
  const length = header.u64();
  const data = header.skip(8).u64();
  new Cursor(file, data).skip(length);
  const seen = new Set<number>();
  const visit = (address: number, level: number | undefined): void => {
    if (seen.has(address)) file.place.fail(`the group at ${tree} contains a node twice`);
    seen.add(address);
    const cursor = new Cursor(file, address);
    if (file.bytes[address] === 0x53) {
      cursor.expect('SNOD').skip(2);
      const count = cursor.u16();
      for (let i = 0; i < count; i++) {
        const [offset, target, cache] = [cursor.u64(), cursor.u64(), cursor.u32()];
        cursor.skip(20);
        if (offset >= length) file.place.fail(`the name at ${offset} is beyond its heap of ${length} bytes`);
        const name = textOf(file.bytes.subarray(data + offset, data + length));
        if (cache === 2) file.place.fail(`'${name}' is a link to another place; only hard links are supported`);
        found.set(name, target);
      }
      return;
    }
    const own = cursor.expect('TREE').skip(1).u8();
    if (level !== undefined && own !== level - 1)
      file.place.fail(`the tree of the group at ${tree} has a node of level ${own} under level ${level}`);
    const count = cursor.u16();
    cursor.skip(16);
    for (let i = 0; i < count; i++) visit(cursor.skip(8).u64(), own);
  };
  visit(tree, undefined);
}

function readDataspace({ place }: File, cursor: Cursor): Shape {
  const version = cursor.u8();
  const [rank, flags] = [cursor.u8(), cursor.u8()];
  if (version !== 1 && version !== 2) place.fail(`a dataspace has version ${version}; versions 1 and 2 are supported`);
  if (rank > 32) place.fail(`a dataspace has ${rank} axes; at most 32 are allowed`);
  const kind = version === 2 ? cursor.u8() : (cursor.skip(5), flags, 1);
  if (kind === 2) return [0];
  return Array.from({ length: rank }, () => cursor.u64());
}

function readDatatype({ place }: File, cursor: Cursor): Datatype {
  const first = cursor.u8();
  const [bits, , ] = [cursor.u8(), cursor.u8(), cursor.u8()]; // prettier-ignore
  const size = cursor.u32();
  const kind = first & 15;
  if (kind === 3) return { kind: 'text', size };
  if (kind === 9 && (bits & 15) === 1) return { kind: 'long text', size };
  const isBig = (bits & 1) === 1;
  if (kind === 0) {
    const isSigned = (bits & 8) !== 0;
    if (size === 1) return { kind: 'number', size, read: (view, at) => (isSigned ? view.getInt8(at) : view.getUint8(at)) };
    if (size === 2)
      return { kind: 'number', size, read: (view, at) => (isSigned ? view.getInt16(at, !isBig) : view.getUint16(at, !isBig)) };
    if (size === 4)
      return { kind: 'number', size, read: (view, at) => (isSigned ? view.getInt32(at, !isBig) : view.getUint32(at, !isBig)) };
    if (size === 8)
      return { kind: 'number', size, read: (view, at) => Number(isSigned ? view.getBigInt64(at, !isBig) : view.getBigUint64(at, !isBig)) };
  }
  if (kind === 1 || (kind === 5 && size === 2)) {
    if (size === 8) return { kind: 'number', size, read: (view, at) => view.getFloat64(at, !isBig) };
    if (size === 4) return { kind: 'number', size, read: (view, at) => view.getFloat32(at, !isBig) };
    // Bits of the exponent distinguish the two floats of 16 bits.
    const exponent = kind === 5 ? 8 : (cursor.skip(5), cursor.u8());
    if (size === 2)
      return { kind: 'number', size, read: (view, at) => (exponent === 8 ? fromBf16Bits : fromF16Bits)(view.getUint16(at, !isBig)) };
  }
  return place.fail(`a type of class ${kind} and ${size} bytes is not supported; only floats, integers and texts are`);
}

/** Texts of an attribute if it has the name. */
function readAttribute(file: File, { begin }: Message, wanted: string): string[] | undefined {
  const cursor = new Cursor(file, begin);
  const version = cursor.u8();
  if (version < 1 || version > 3) file.place.fail(`an attribute has version ${version}; versions 1 to 3 are supported`);
  cursor.skip(1);
  const sizes = [cursor.u16(), cursor.u16(), cursor.u16()];
  if (version === 3) cursor.skip(1);
  const padded = (size: number): number => (version === 1 ? Math.ceil(size / 8) * 8 : size);
  const starts = sizes.map((size) => cursor.skip(padded(size)).at - padded(size));
  if (new Cursor(file, starts[0]).text(sizes[0]) !== wanted) return undefined;
  const shape = readDataspace(file, new Cursor(file, starts[2]));
  const count = sizeOf(shape);
  if (count === 0) return [];
  const datatype = readDatatype(file, new Cursor(file, starts[1]));
  if (datatype.kind === 'number') return file.place.fail(`the attribute '${wanted}' has numbers; it must have texts`);
  new Cursor(file, cursor.at).skip(count * datatype.size);
  return Array.from({ length: count }, () => (datatype.kind === 'text' ? cursor.text(datatype.size) : readLongText(file, cursor)));
}

/** A text of any length, in a collection of such texts. */
function readLongText(file: File, cursor: Cursor): string {
  const [length, collection, index] = [cursor.u32(), cursor.u64(), cursor.u32()];
  if (length === 0) return '';
  const heap = new Cursor(file, collection).expect('GCOL').skip(4);
  const end = collection + heap.u64();
  while (heap.at + 16 <= end) {
    const own = heap.u16();
    const size = heap.skip(6).u64();
    if (own === 0) break;
    if (own !== index) heap.skip(Math.ceil(size / 8) * 8);
    else if (length <= size) return heap.text(length);
    else break;
  }
  return file.place.fail(`the text ${index} of ${length} bytes is not in the collection at ${collection}`);
}
