// Fractal heaps, which hold many links or attributes of one object. A table of blocks doubles its block size from row to row.
import { recordTypes, recordsOf } from './btreeV2.ts';
import { type Hdf5Bytes, Part, partAt } from './part.ts';

interface HeapHeader {
  readonly what: string;
  readonly idBytes: number;
  readonly hasBlockChecksums: boolean;
  /** Index of objects above the largest managed size. */
  readonly largeObjects: number | undefined;
  readonly width: number;
  readonly startBytes: number;
  readonly maxDirectBytes: number;
  /** Bytes of positions inside the heap, and of lengths. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly root: number | undefined;
  readonly rootRows: number;
}

const isPowerOf2 = (n: number): boolean => n > 0 && Number.isInteger(Math.log2(n));

/** Opens a heap. The function returned gives the object of an identifier. */
export function openFractalHeap(file: Hdf5Bytes, address: number): (id: Part) => Part {
  const header = readHeader(file, address);
  let large: ReadonlyMap<number, Part> | undefined;
  return (id) => {
    const kind = id.u8();
    const { what } = header;
    if (kind >> 6 !== 0) file.refuse(`${what} has an identifier of version ${kind >> 6}; 0 is read`);
    switch ((kind >> 4) & 3) {
      case 0:
        return managedObject(file, header, id.uint(header.offsetBytes), id.uint(header.lengthBytes));
      case 1: {
        // Identifiers that are long enough hold the position and the size.
        if (header.idBytes - 1 >= file.offsetSize + file.lengthSize) return partAt(file, id.place(), `an object of ${what}`, id.length());
        large ??= largeObjects(file, header);
        const key = id.uint(Math.min(8, id.left));
        return fresh(large.get(key) ?? file.refuse(`${what} has no large object ${key}`));
      }
      case 2:
        return id.part(header.idBytes - 1 > 16 ? ((kind & 15) << 8) + id.u8() + 1 : (kind & 15) + 1, `an object of ${what}`);
      default:
        return file.refuse(`${what} has an identifier of the type 3; 0 to 2 are possible`);
    }
  };
}

const fresh = (part: Part): Part => new Part(part.file, part.bytes, part.what);

function readHeader(file: Hdf5Bytes, address: number): HeapHeader {
  const what = `the heap at byte ${address}`;
  const head = partAt(file, address, what);
  head.signature('FRHP');
  const version = head.u8();
  if (version !== 0) file.refuse(`${what} has the version ${version}; 0 is read`);
  const idBytes = head.u16();
  const filterBytes = head.u16();
  if (filterBytes) file.refuse(`${what} is compressed; heaps without filters are read`);
  const flags = head.u8();
  const maxManaged = head.u32();
  head.length();
  const largeIndex = head.address();
  head.length();
  head.address();
  head.skip(8 * file.lengthSize);
  const width = head.u16();
  const startBytes = head.length();
  const maxDirectBytes = head.length();
  const maxBits = head.u16();
  head.skip(2);
  const root = head.address();
  const rootRows = head.u16();
  head.check();
  if (!isPowerOf2(width) || !isPowerOf2(startBytes) || !isPowerOf2(maxDirectBytes) || maxDirectBytes < startBytes || maxBits > 53) {
    file.refuse(
      `${what} has rows of ${width} blocks of ${startBytes} to ${maxDirectBytes} bytes in ${maxBits} bits; sizes must be powers of 2`,
    );
  }
  const lengthBytes = Math.min(Math.ceil(Math.log2(maxDirectBytes) / 8), Math.floor(Math.log2(Math.max(1, maxManaged)) / 8) + 1);
  return {
    what,
    idBytes,
    hasBlockChecksums: (flags & 2) !== 0,
    largeObjects: largeIndex,
    width,
    startBytes,
    maxDirectBytes,
    offsetBytes: Math.ceil(maxBits / 8),
    lengthBytes: Math.max(1, lengthBytes),
    root,
    rootRows,
  };
}

/** Objects above the largest managed size, by number. */
function largeObjects(file: Hdf5Bytes, { what, largeObjects: index }: HeapHeader): ReadonlyMap<number, Part> {
  if (index === undefined) return file.refuse(`${what} has no index of large objects`);
  return new Map(
    recordsOf(file, index, recordTypes.largeObject).map((record) => {
      const [at, length] = [record.place(), record.length()];
      return [record.length(), partAt(file, at, `an object of ${what}`, length)];
    }),
  );
}

/** An object in a direct block. Positions in the heap count the blocks' own headers. */
function managedObject(file: Hdf5Bytes, header: HeapHeader, offset: number, length: number): Part {
  const { what, width, startBytes, maxDirectBytes, offsetBytes, rootRows } = header;
  let at = header.root ?? file.refuse(`${what} has no blocks`);
  let begin = 0;
  let rows = rootRows;
  let blockBytes = startBytes;
  while (rows > 0) {
    const block = partAt(file, at, `a block table of ${what}`);
    block.signature('FHIB');
    block.skip(1);
    block.place();
    const stated = block.uint(offsetBytes);
    if (stated !== begin) file.refuse(`${block.what} begins at ${stated} in the heap; it must begin at ${begin}`);
    const inside = offset - begin;
    // Rows 0 and 1 have blocks of the first size.
    const row = inside < startBytes * width ? 0 : Math.floor(Math.log2(inside / (startBytes * width))) + 1;
    if (row >= rows) file.refuse(`${what} has no block for its position ${offset}`);
    blockBytes = row === 0 ? startBytes : startBytes * 2 ** (row - 1);
    const rowBegin = row === 0 ? 0 : startBytes * width * 2 ** (row - 1);
    const column = Math.floor((inside - rowBegin) / blockBytes);
    block.skip((row * width + column) * file.offsetSize);
    at = block.place();
    begin += rowBegin + column * blockBytes;
    rows = blockBytes <= maxDirectBytes ? 0 : Math.log2(blockBytes / (startBytes * width)) + 1;
    if (rows < 0 || !Number.isInteger(rows)) file.refuse(`${what} has block tables of ${blockBytes} bytes, which are too small`);
  }
  const block = partAt(file, at, `a block of ${what}`, blockBytes);
  block.signature('FHDB');
  block.skip(1);
  block.place();
  const stated = block.uint(offsetBytes);
  if (stated !== begin) file.refuse(`${block.what} begins at ${stated} in the heap; it must begin at ${begin}`);
  if (header.hasBlockChecksums) block.skip(4);
  const inside = offset - begin;
  if (inside < block.at || inside + length > blockBytes) file.refuse(`${block.what} has an object of ${length} bytes at ${inside}; it ends at ${blockBytes}`); // prettier-ignore
  return new Part(file, block.bytes.subarray(inside, inside + length), `an object of ${what}`);
}
