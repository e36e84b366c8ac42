// Data sets in chunks: blocks of equal shape, which an index finds. Chunks at the edge reach beyond the data set.
import { formatShape, sizeOf, stridesOf } from '../../core/shape.ts';
import { visitTreeV1 } from './btreeV1.ts';
import { undoFilters } from './filters.ts';
import { type Hdf5Bytes, type Part, partAt } from './part.ts';

/** Place of a chunk: its first element, its bytes, and the filters that were left out. */
export interface StoredChunk {
  readonly origin: readonly number[];
  readonly address: number;
  readonly bytes: number;
  readonly mask: number;
}

export interface ChunkedLayout {
  readonly kind: 'chunked';
  readonly chunkShape: readonly number[];
  readonly chunks: readonly StoredChunk[];
}

/** Chunks of an index of version 1, which is a B-tree. A key has the size, the mask, and the first element with an offset inside elements. */
export function chunksOfTree(file: Hdf5Bytes, root: number | undefined, rank: number): readonly StoredChunk[] {
  const chunks: StoredChunk[] = [];
  if (root === undefined) return chunks;
  const readKey = (node: Part): Part => node.part(8 + 8 * (rank + 1), node.what);
  visitTreeV1(file, root, 1, readKey, (key, address) => {
    const [bytes, mask] = [key.u32(), key.u32()];
    chunks.push({ origin: Array.from({ length: rank }, () => key.uint(8)), address, bytes, mask });
  });
  return chunks;
}

/**
 * Puts chunks together to the bytes of a data set.
 * @param output The bytes, filled with the fill value. Chunks that are missing leave it.
 */
export function joinChunks(
  file: Hdf5Bytes,
  { chunkShape, chunks }: ChunkedLayout,
  filters: readonly number[],
  shape: readonly number[],
  elementBytes: number,
  output: Uint8Array,
  what: string,
): void {
  const chunkBytes = sizeOf(chunkShape) * elementBytes;
  const grid = shape.map((n, axis) => Math.ceil(n / chunkShape[axis]));
  const gridStrides = stridesOf(grid);
  const seen = new Set<number>();
  for (const { origin, address, bytes, mask } of chunks) {
    const isInGrid = origin.every((at, axis) => at % chunkShape[axis] === 0 && at < shape[axis]);
    const number = origin.reduce((sum, at, axis) => sum + (at / chunkShape[axis]) * gridStrides[axis], 0);
    if (!isInGrid || seen.has(number)) {
      file.refuse(`${what} ${formatShape(shape)} has a chunk at ${formatShape(origin)} that is outside, between chunks or there twice`);
    }
    seen.add(number);
    const part = partAt(file, address, `the chunk at ${formatShape(origin)} of ${what}`, bytes);
    copyChunk(undoFilters(filters, mask, part.bytes, chunkBytes, elementBytes, part), chunkShape, origin, shape, elementBytes, output);
  }
}

/** Copies the part of a chunk that is inside the data set, row by row. */
function copyChunk(
  chunk: Uint8Array,
  chunkShape: readonly number[],
  origin: readonly number[],
  shape: readonly number[],
  elementBytes: number,
  output: Uint8Array,
): void {
  const inside = chunkShape.map((n, axis) => Math.min(n, shape[axis] - origin[axis]));
  const [from, to] = [stridesOf(chunkShape), stridesOf(shape)];
  const last = shape.length - 1;
  const rowBytes = inside[last] * elementBytes;
  const rows = sizeOf(inside.slice(0, last));
  const index = new Array<number>(last).fill(0);
  for (let row = 0; row < rows; row++) {
    let [read, write] = [0, origin[last]];
    for (let axis = 0; axis < last; axis++) {
      read += index[axis] * from[axis];
      write += (origin[axis] + index[axis]) * to[axis];
    }
    output.set(chunk.subarray(read * elementBytes, read * elementBytes + rowBytes), write * elementBytes);
    for (let axis = last - 1; axis >= 0 && ++index[axis] === inside[axis]; axis--) index[axis] = 0;
  }
}
