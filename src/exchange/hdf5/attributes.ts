// Attributes: small named values of a group or a data set.
import { sizeOf } from '../../core/shape.ts';
import { recordTypes, recordsOf } from './btreeV2.ts';
import { readDataspace, readDatatype } from './datatype.ts';
import { type GlobalHeaps, type Hdf5Value, readElements } from './elements.ts';
import { openFractalHeap } from './fractalHeap.ts';
import { type ObjectHeader, messageOf, messagesOf } from './objectHeader.ts';
import type { Part } from './part.ts';

/** The attributes of an object, in its header or in a heap. */
export function readAttributes(heaps: GlobalHeaps, header: ObjectHeader): ReadonlyMap<string, Hdf5Value> {
  const { file } = heaps;
  const parts = messagesOf(file, header, 'attribute');
  const info = messageOf(file, header, 'attributeInfo');
  if (info) {
    info.skip(1);
    if (info.u8() & 1) info.skip(2);
    const heapAt = info.address();
    const index = info.address();
    if (heapAt !== undefined && index !== undefined) {
      const objectOf = openFractalHeap(file, heapAt);
      parts.push(...recordsOf(file, index, recordTypes.attributeName).map(objectOf));
    }
  }
  const attributes = new Map<string, Hdf5Value>();
  for (const part of parts) {
    const [name, value] = readAttribute(heaps, part);
    if (attributes.has(name)) file.refuse(`${header.what} has the attribute '${name}' twice`);
    attributes.set(name, value);
  }
  return attributes;
}

function readAttribute(heaps: GlobalHeaps, part: Part): [name: string, value: Hdf5Value] {
  const version = part.u8();
  if (version < 1 || version > 3) part.refuse(`${part.what} has the version ${version}; 1 to 3 are read`);
  const flags = part.u8();
  if (version > 1 && flags) part.refuse(`${part.what} has a shared type or space; its own are read`);
  const sizes = [part.u16(), part.u16(), part.u16()];
  if (version === 3) part.skip(1);
  // Fields of version 1 end at multiples of 8.
  const [nameBytes, typeBytes, spaceBytes] = sizes.map((size) => (version === 1 ? Math.ceil(size / 8) * 8 : size));
  const padded = part.part(nameBytes, part.what);
  const end = padded.bytes.indexOf(0);
  const name = padded.text(end < 0 ? nameBytes : end);
  const what = `the attribute '${name}'`;
  const type = readDatatype(part.part(typeBytes, what));
  const shape = readDataspace(part.part(spaceBytes, what));
  if (!shape) return [name, undefined];
  return [name, readElements(heaps, part.take(sizeOf(shape) * type.size), type, shape, what)];
}
