// Inflation to a size that the file states. The inflater of the package would grow its output as far as the data ask for.
import { Inflate } from 'fflate';
import { FormatError } from '../../core/errors.ts';
import type { Refuse } from '../../formats/fields.ts';
import { adler32 } from '../../formats/checksums.ts';

/** Deflate makes at most 1032 bytes of one byte: a match of 258 bytes takes at least 2 bits. */
export const maxExpansion = 1032;

/** Bytes that go into the inflater at once. Its output is at most `maxExpansion` times as long. */
const pieceBytes = 1 << 14;

/** Inflates data of deflate (RFC 1951) to exactly `size` bytes. Refuses a size that no data of this length can have before memory is taken. */
export function inflate(data: Uint8Array, size: number, what: string, refuse: Refuse): Uint8Array<ArrayBuffer> {
  if (size > maxExpansion * data.length)
    refuse(`${what} has ${data.length} bytes that claim to inflate to ${size}; deflate cannot do that`);
  const output = new Uint8Array(size);
  let length = 0;
  const inflater = new Inflate((piece) => {
    if (length + piece.length > size) refuse(`${what} inflates to more than the ${size} bytes that the file states`);
    output.set(piece, length);
    length += piece.length;
  });
  try {
    for (let from = 0; from < data.length; from += pieceBytes) {
      const end = from + pieceBytes;
      inflater.push(data.subarray(from, end), end >= data.length);
    }
  } catch (error) {
    if (error instanceof FormatError) throw error;
    refuse(`${what} cannot be inflated (${error instanceof Error ? error.message : String(error)})`);
  }
  if (length !== size) refuse(`${what} inflates to ${length} bytes; the file states ${size}`);
  return output;
}

/** Inflates data of zlib (RFC 1950) to exactly `size` bytes, and compares their checksum. */
export function inflateZlib(data: Uint8Array, size: number, what: string, refuse: Refuse): Uint8Array<ArrayBuffer> {
  const end = data.length - 4;
  const [method, flags] = data;
  // Deflate with a window of at most 32 KiB, and no dictionary.
  if (end < 2 || (method & 15) !== 8 || method >> 4 > 7 || (method * 256 + flags) % 31 !== 0 || flags & 32) {
    refuse(`${what} is no data of zlib: it begins with ${Array.from(data.subarray(0, 2)).join(', ')}`);
  }
  const output = inflate(data.subarray(2, end), size, what, refuse);
  const expected = new DataView(data.buffer, data.byteOffset + end).getUint32(0);
  if (adler32(output) !== expected) refuse(`${what} has the checksum ${adler32(output)}; the file states ${expected}`);
  return output;
}
