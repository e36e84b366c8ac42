// Filters of chunks: deflate, shuffle and Fletcher's checksum.
import { inflateZlib } from '../zip/inflate.ts';
import type { Part } from './part.ts';

const filterNames = { deflate: 1, shuffle: 2, fletcher32: 3 } as const;

/** Reads the filters of a message, by number. They were applied in this order. */
export function readFilters(part: Part): readonly number[] {
  const version = part.u8();
  if (version !== 1 && version !== 2) part.refuse(`${part.what} has the version ${version}; 1 and 2 are read`);
  const count = part.u8();
  if (count > 32) part.refuse(`${part.what} has ${count} filters; at most 32 are possible`);
  if (version === 1) part.skip(6);
  return Array.from({ length: count }, () => {
    const id = part.u16();
    const nameBytes = version === 1 || id >= 256 ? part.u16() : 0;
    part.skip(2);
    const values = part.u16();
    part.skip(version === 1 ? Math.ceil(nameBytes / 8) * 8 : nameBytes);
    // In version 1 an odd number of values is followed by an empty one.
    part.skip(4 * (version === 1 ? values + (values % 2) : values));
    if (!Object.values<number>(filterNames).includes(id))
      part.refuse(`${part.what} has the filter ${id}; deflate, shuffle and fletcher32 are read`);
    return id;
  });
}

/**
 * Undoes the filters of a chunk, the last one first.
 * @param mask Bits of filters that were left out for this chunk.
 * @param size Bytes of the chunk before the filters. The caller has checked that memory for them may be taken.
 */
export function undoFilters(
  filters: readonly number[],
  mask: number,
  stored: Uint8Array,
  size: number,
  elementBytes: number,
  part: Part,
): Uint8Array {
  const { what, refuse } = part;
  let bytes = stored;
  const active = filters.map((id, i) => ((mask >> i) & 1 ? undefined : id));
  active.reverse().forEach((id, i) => {
    /** A checksum that was added before this filter takes 4 bytes. */
    const inner = active.slice(i + 1).filter((other) => other === filterNames.fletcher32).length * 4;
    if (id === filterNames.deflate) bytes = inflateZlib(bytes, size + inner, what, refuse);
    if (id === filterNames.shuffle) bytes = unshuffle(bytes, elementBytes);
    if (id === filterNames.fletcher32) bytes = checkFletcher(bytes, part);
  });
  if (bytes.length !== size) refuse(`${what} has ${bytes.length} bytes; its shape needs ${size}`);
  return bytes;
}

/** Shuffled data have the first bytes of all elements, then the second bytes, and so on. Bytes after the last whole element are unchanged. */
function unshuffle(bytes: Uint8Array, elementBytes: number): Uint8Array {
  const count = Math.floor(bytes.length / elementBytes);
  if (elementBytes <= 1 || count <= 1) return bytes;
  const output = new Uint8Array(bytes);
  for (let byte = 0; byte < elementBytes; byte++) {
    for (let i = 0, from = byte * count, to = byte; i < count; i++, to += elementBytes) output[to] = bytes[from + i];
  }
  return output;
}

/** Fletcher's checksum of 32 bits over big-endian words of 16 bits, in the last 4 bytes. */
function checkFletcher(bytes: Uint8Array, { what, refuse }: Part): Uint8Array {
  const end = bytes.length - 4;
  if (end < 0) return refuse(`${what} has ${bytes.length} bytes; its checksum takes 4`);
  let [a, b] = [0, 0];
  for (let i = 0; i < end; i += 2) {
    a = (a + bytes[i] * 256 + (i + 1 < end ? bytes[i + 1] : 0)) % 65535;
    b = (b + a) % 65535;
  }
  const stated = new DataView(bytes.buffer, bytes.byteOffset + end).getUint32(0, true);
  const computed = b * 65536 + a;
  if (computed !== stated) refuse(`${what} has the checksum ${computed}; the file states ${stated}`);
  return bytes.subarray(0, end);
}
