// The IDX format of the MNIST files: 0, 0, element type, rank, then one big-endian u32 per axis, then the elements row by row. Only
// unsigned bytes are read. Every size in the file is compared with the file's length before anything is allocated.
import { DataError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';

export interface IdxArray {
  readonly shape: readonly number[];
  /** A view of the file's bytes. */
  readonly data: Uint8Array;
}

const unsignedByte = 0x08;
const maxRank = 4;

/**
 * Reads an IDX file of unsigned bytes.
 * @throws DataError with the file's name for a wrong magic number, and for sizes that are not exactly the file's length.
 */
export function parseIdx(bytes: Uint8Array, name: string): IdxArray {
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== unsignedByte) {
    const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new DataError(
      `${name}: not an IDX file of unsigned bytes: it starts with '${start}', the format with '00 00 08'; fetch the file again`,
    );
  }
  const rank = bytes[3];
  const header = 4 + 4 * rank;
  if (rank < 1 || rank > maxRank || bytes.length < header) {
    throw new DataError(
      `${name}: an IDX header of rank ${rank} in a file of ${bytes.length} bytes; ranks 1 to ${maxRank} with a whole header are read`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, n) => product * n, 1);
  if (size !== bytes.length - header) {
    throw new DataError(
      `${name}: sizes ${formatShape(shape)} need ${size} bytes after the header, the file has ${bytes.length - header}; fetch it again`,
    );
  }
  return { shape, data: bytes.subarray(header) };
}
