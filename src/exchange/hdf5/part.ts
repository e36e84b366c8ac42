// Parts of an HDF5 file. Positions and sizes take as many bytes as the superblock says.
import { Fields, type Refuse } from '../../formats/fields.ts';
import { checksum } from './checksum.ts';

/** A file from its base address on. */
export interface Hdf5Bytes {
  readonly bytes: Uint8Array;
  /** Bytes of a position. */
  readonly offsetSize: number;
  /** Bytes of a size. */
  readonly lengthSize: number;
  readonly refuse: Refuse;
}

/** Reads the fields of a part of a file. */
export class Part extends Fields {
  readonly file: Hdf5Bytes;

  constructor(file: Hdf5Bytes, bytes: Uint8Array, what: string) {
    super(bytes, what, file.refuse);
    this.file = file;
  }

  /** A position. Undefined if all of its bits are 1. */
  address(): number | undefined {
    const { offsetSize } = this.file;
    if (this.left >= offsetSize && this.bytes.subarray(this.at, this.at + offsetSize).every((byte) => byte === 255)) {
      this.skip(offsetSize);
      return undefined;
    }
    return this.uint(offsetSize);
  }

  /** A position that must be defined. */
  place(): number {
    return this.address() ?? this.refuse(`${this.what} has an undefined position before byte ${this.at}`);
  }

  /** A size. */
  length(): number {
    return this.uint(this.file.lengthSize);
  }

  /** The next bytes as a part. */
  part(count: number, what: string): Part {
    return new Part(this.file, this.take(count), what);
  }

  /** Compares the checksum that follows with that of all bytes before it. */
  check(): void {
    const computed = checksum(this.bytes.subarray(0, this.at));
    const stated = this.u32();
    if (computed !== stated) this.refuse(`${this.what} has the checksum ${computed}; the file states ${stated}`);
  }
}

/** The part of a file from a position on: `length` bytes, or all up to the end. */
export function partAt(file: Hdf5Bytes, address: number, what: string, length = file.bytes.length - address): Part {
  if (address > file.bytes.length || length < 0 || length > file.bytes.length - address) {
    file.refuse(`${what} has ${Math.max(0, length)} bytes from byte ${address}; the file has ${file.bytes.length}`);
  }
  return new Part(file, file.bytes.subarray(address, address + length), what);
}
