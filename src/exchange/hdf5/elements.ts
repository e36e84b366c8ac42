// Elements from their bytes: numbers, and texts of fixed and variable length.
import { decodeText } from '../../formats/fields.ts';
import { type StoredTensor, swapBytes, typeOf } from '../../formats/storedTypes.ts';
import type { Hdf5Type } from './datatype.ts';
import { type Hdf5Bytes, Part, partAt } from './part.ts';

/** Texts of a data set or an attribute, row by row. */
export interface Hdf5Texts {
  readonly dtype: 'text';
  readonly shape: readonly number[];
  readonly data: readonly string[];
}

/** Numbers or texts. Undefined for a null space. */
export type Hdf5Value = StoredTensor | Hdf5Texts | undefined;

/** Makes the elements of bytes. The caller has checked their number. The bytes are copied. */
export function readElements(heaps: GlobalHeaps, bytes: Uint8Array, type: Hdf5Type, shape: readonly number[], what: string): Hdf5Value {
  const { refuse } = heaps.file;
  if (type.kind === 'number') {
    const copy = new Uint8Array(bytes);
    if (type.isBigEndian) swapBytes(copy, type.size);
    const data = typeOf(type.dtype).read(copy.buffer);
    if (type.dtype === 'BOOL' && copy.some((x) => x > 1)) refuse(`${what} is a boolean and has a byte that is not 0 or 1`);
    return { dtype: type.dtype, shape, data };
  }
  const data: string[] = [];
  const part = new Part(heaps.file, bytes, what);
  while (part.left) data.push(type.kind === 'text' ? fixedText(part.take(type.size), type.padding, part) : heaps.text(part));
  return { dtype: 'text', shape, data };
}

/** Texts of fixed length end at their first null character, or before the spaces at their end. */
function fixedText(bytes: Uint8Array, padding: 'null' | 'space', { what, refuse }: Part): string {
  const end = padding === 'null' ? bytes.indexOf(0) : -1;
  const text = decodeText(end < 0 ? bytes : bytes.subarray(0, end), what, refuse);
  return padding === 'space' ? text.replace(/ +$/, '') : text;
}

/** Global heaps, which hold texts of variable length. Each heap is read once. */
export class GlobalHeaps {
  readonly file: Hdf5Bytes;
  private readonly heaps = new Map<number, ReadonlyMap<number, Uint8Array>>();
  /** Texts by object: many elements may share one. */
  private readonly texts = new Map<Uint8Array, { readonly length: number; readonly text: string }>();

  constructor(file: Hdf5Bytes) {
    this.file = file;
  }

  /** The text that a reference of a length, a position of a heap and a number names. */
  text(reference: Part): string {
    const { refuse } = this.file;
    const length = reference.u32();
    const address = reference.address();
    const index = reference.u32();
    if (length === 0 || address === undefined) return '';
    const heap = this.heaps.get(address) ?? this.readHeap(address);
    const object = heap.get(index);
    if (!object) return refuse(`${reference.what} names the object ${index} of the heap at byte ${address}, which does not exist`);
    if (length > object.length) refuse(`${reference.what} has a text of ${length} bytes; its object has ${object.length}`);
    const known = this.texts.get(object);
    if (known && known.length !== length) refuse(`${reference.what} has two lengths of the object ${index}: ${known.length} and ${length}`);
    if (known) return known.text;
    const text = fixedText(object.subarray(0, length), 'null', reference);
    this.texts.set(object, { length, text });
    return text;
  }

  private readHeap(address: number): ReadonlyMap<number, Uint8Array> {
    const what = `the global heap at byte ${address}`;
    const head = partAt(this.file, address, what);
    head.signature('GCOL');
    const version = head.u8();
    if (version !== 1) this.file.refuse(`${what} has the version ${version}; 1 is read`);
    head.skip(3);
    const size = head.length();
    const heap = partAt(this.file, address, what, size);
    heap.skip(head.at);
    const objects = new Map<number, Uint8Array>();
    while (heap.left >= 8 + this.file.lengthSize) {
      const index = heap.u16();
      heap.skip(6);
      const length = heap.length();
      // The object 0 is free space up to the end.
      if (index === 0) break;
      if (objects.has(index)) this.file.refuse(`${what} has the object ${index} twice`);
      objects.set(index, heap.take(length));
      heap.skip(Math.min(heap.left, (8 - (length % 8)) % 8));
    }
    this.heaps.set(address, objects);
    return objects;
  }
}
