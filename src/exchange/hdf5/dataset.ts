// Data sets: the layout of their bytes, and their values.
import { formatShape, sizeOf } from '../../core/shape.ts';
import { maxExpansion } from '../zip/inflate.ts';
import { type ChunkedLayout, chunksOfTree, joinChunks } from './chunks.ts';
import { type Hdf5Type, readDataspace, readDatatype } from './datatype.ts';
import { type GlobalHeaps, type Hdf5Value, readElements } from './elements.ts';
import { readFilters } from './filters.ts';
import { type ObjectHeader, messageOf } from './objectHeader.ts';
import { type Hdf5Bytes, type Part, partAt } from './part.ts';

/** Element type, shape and values of a data set. The shape is undefined for a null space. */
export interface DatasetContent {
  readonly dtype: Exclude<Hdf5Value, undefined>['dtype'];
  readonly shape: readonly number[] | undefined;
  read(): Hdf5Value;
}

/** Small files may have fill values of some size. */
const freeBytes = 1 << 20;

/** The content of a data set, whose values are read on demand. Undefined for an object that is no data set. */
export function readDataset(heaps: GlobalHeaps, header: ObjectHeader, what: string): DatasetContent | undefined {
  const { file } = heaps;
  const layoutPart = messageOf(file, header, 'layout');
  if (!layoutPart) return undefined;
  const need = (type: 'datatype' | 'dataspace'): Part =>
    messageOf(file, header, type) ?? file.refuse(`${header.what} has no ${type} message`);
  const type = readDatatype(need('datatype'));
  const shape = readDataspace(need('dataspace'));
  if (messageOf(file, header, 'externalFiles')) file.refuse(`${what} has its data in other files; data in the file itself are read`);
  const dtype = type.kind === 'number' ? type.dtype : 'text';
  if (!shape) return { dtype, shape, read: () => undefined };
  const size = sizeOf(shape) * type.size;
  // Data that are in the file can be this large, and no larger.
  const limit = maxExpansion * file.bytes.length + freeBytes;
  if (size > limit)
    file.refuse(`${what} ${formatShape(shape)} needs ${size} bytes; a file of ${file.bytes.length} bytes holds at most ${limit}`);
  const filterPart = messageOf(file, header, 'filters');
  const filters = filterPart ? readFilters(filterPart) : [];
  const fill = fillValue(messageOf(file, header, 'fillValue'), type);
  const bytesOf = readLayout(file, layoutPart, shape, type, filters, limit, what);
  return {
    dtype,
    shape,
    read: () => readElements(heaps, bytesOf(fill), type, shape, what),
  };
}

/** The bytes of one element that was never written. Undefined for zeros. */
function fillValue(part: Part | undefined, type: Hdf5Type): Uint8Array | undefined {
  if (!part) return undefined;
  const version = part.u8();
  if (version < 1 || version > 3) part.refuse(`${part.what} has the version ${version}; 1 to 3 are read`);
  let isDefined: boolean;
  if (version === 3) isDefined = (part.u8() & 0x20) !== 0;
  else {
    part.skip(2);
    isDefined = part.u8() !== 0 || version === 1;
  }
  const size = isDefined ? part.u32() : 0;
  if (size === 0) return undefined;
  if (size !== type.size) part.refuse(`${part.what} has ${size} bytes; an element has ${type.size}`);
  const value = part.take(size);
  return value.some((byte) => byte !== 0) ? value : undefined;
}

/** Checks a layout. The function returned gives the bytes of all elements. */
function readLayout(
  file: Hdf5Bytes,
  part: Part,
  shape: readonly number[],
  type: Hdf5Type,
  filters: readonly number[],
  limit: number,
  what: string,
): (fill: Uint8Array | undefined) => Uint8Array {
  const size = sizeOf(shape) * type.size;
  const filled = (value: Uint8Array | undefined): Uint8Array => {
    const bytes = new Uint8Array(size);
    if (value) for (let at = 0; at < size; at += value.length) bytes.set(value, at);
    return bytes;
  };
  const version = part.u8();
  if (version !== 3 && version !== 4) part.refuse(`${part.what} has the version ${version}; 3 and 4 (HDF5 1.6.3 and later) are read`);
  const kind = part.u8();
  if (kind > 2) part.refuse(`${part.what} has the class ${kind}; compact (0), contiguous (1) and chunked (2) are read`);
  if (kind < 2) {
    const stated = kind === 0 ? part.u16() : undefined;
    const address = kind === 0 ? undefined : part.address();
    const bytes = stated === undefined ? part.length() : stated;
    if (kind === 1 && address === undefined) return filled;
    if (bytes !== size) part.refuse(`${what} ${formatShape(shape)} has ${bytes} bytes; its shape needs ${size}`);
    const data = address === undefined ? part.take(bytes) : partAt(file, address, what, bytes).bytes;
    return () => data;
  }
  const layout = version === 3 ? chunkedLayout3(part, shape, type) : chunkedLayout4(part, shape, type, filters);
  const chunkBytes = sizeOf(layout.chunkShape) * type.size;
  const chunks = shape.reduce((product, n, axis) => product * Math.ceil(n / layout.chunkShape[axis]), 1);
  if (chunkBytes * chunks > limit) part.refuse(`${what} has ${chunks} chunks of ${chunkBytes} bytes; a file of ${file.bytes.length} bytes cannot hold them`); // prettier-ignore
  return (fill) => {
    const bytes = filled(fill);
    joinChunks(file, layout, filters, shape, type.size, bytes, what);
    return bytes;
  };
}

/** The shape of a chunk: sizes, and the size of an element as the last one. */
function chunkShapeOf(part: Part, count: number, size: () => number, shape: readonly number[], type: Hdf5Type): readonly number[] {
  if (count !== shape.length + 1 || count < 2)
    part.refuse(`${part.what} has ${count} sizes of a chunk; the rank ${shape.length} needs ${shape.length + 1}, and scalars have none`);
  const sizes = Array.from({ length: count }, size);
  const elementBytes = sizes.pop();
  if (elementBytes !== type.size || sizes.some((n) => n < 1)) {
    part.refuse(`${part.what} has chunks of ${formatShape(sizes)} and elements of ${elementBytes} bytes; elements have ${type.size} bytes`);
  }
  if (!Number.isSafeInteger(sizeOf(sizes) * type.size))
    part.refuse(`${part.what} has chunks of ${formatShape(sizes)}, which are too large`);
  return sizes;
}

function chunkedLayout3(part: Part, shape: readonly number[], type: Hdf5Type): ChunkedLayout {
  const count = part.u8();
  const root = part.address();
  const chunkShape = chunkShapeOf(part, count, () => part.u32(), shape, type);
  return { kind: 'chunked', chunkShape, chunks: chunksOfTree(part.file, root, shape.length) };
}

/** Version 4 has several indexes. That of a single chunk is read. */
function chunkedLayout4(part: Part, shape: readonly number[], type: Hdf5Type, filters: readonly number[]): ChunkedLayout {
  const flags = part.u8();
  const count = part.u8();
  const sizeBytes = part.u8();
  if (sizeBytes < 1 || sizeBytes > 8) part.refuse(`${part.what} has sizes of ${sizeBytes} bytes; 1 to 8 are possible`);
  const chunkShape = chunkShapeOf(part, count, () => part.uint(sizeBytes), shape, type);
  const index = part.u8();
  if (index !== 1) part.refuse(`${part.what} has the chunk index ${index}; that of a single chunk (1) and B-trees of version 1 are read; write with libver='earliest'`); // prettier-ignore
  const isFiltered = (flags & 2) !== 0;
  if (isFiltered && filters.length === 0) part.refuse(`${part.what} has a filtered chunk and no filters`);
  const bytes = isFiltered ? part.length() : sizeOf(chunkShape) * type.size;
  const mask = isFiltered ? part.u32() : filters.length ? 0xffffffff : 0;
  const address = part.address();
  const origin = shape.map(() => 0);
  return { kind: 'chunked', chunkShape, chunks: address === undefined ? [] : [{ origin, address, bytes, mask }] };
}
