// Fields of binary files: a position in a part of a file. A read beyond the end of the part is refused. Numbers are little-endian.

/** Throws the FormatError of a reader. */
export type Refuse = (message: string) => never;

/** Reads the fields of a part of a file in order. */
export class Fields {
  readonly bytes: Uint8Array;
  /** Name of the part, for messages. */
  readonly what: string;
  readonly refuse: Refuse;
  /** Bytes read. */
  at = 0;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, what: string, refuse: Refuse) {
    this.bytes = bytes;
    this.what = what;
    this.refuse = refuse;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Moves on by a number of bytes, and returns the position before. */
  skip(count: number): number {
    if (count > this.left) this.refuse(`${this.what} ends at byte ${this.bytes.length}; a field at byte ${this.at} takes ${count} bytes`);
    this.at += count;
    return this.at - count;
  }

  /** A window on the next bytes. */
  take(count: number): Uint8Array {
    const from = this.skip(count);
    return this.bytes.subarray(from, from + count);
  }

  u8(): number {
    return this.view.getUint8(this.skip(1));
  }

  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  u64(): bigint {
    return this.view.getBigUint64(this.skip(8), true);
  }

  i64(): bigint {
    return this.view.getBigInt64(this.skip(8), true);
  }

  i8(): number {
    return this.view.getInt8(this.skip(1));
  }

  i16(): number {
    return this.view.getInt16(this.skip(2), true);
  }

  i32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  f32(): number {
    return this.view.getFloat32(this.skip(4), true);
  }

  f64(): number {
    return this.view.getFloat64(this.skip(8), true);
  }

  /** An unsigned integer of 1 to 8 bytes. Those above 2^53 are refused, because no file has such sizes. */
  uint(size: number): number {
    const from = this.skip(size);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.bytes[from + i];
    if (value > Number.MAX_SAFE_INTEGER)
      this.refuse(`${this.what} has the size or position ${value} at byte ${from}; at most 2^53 - 1 is possible`);
    return value;
  }

  /** Text in UTF-8. */
  text(count: number): string {
    return decodeText(this.take(count), this.what, this.refuse);
  }

  /** Refuses a part that does not go on with these ASCII characters. */
  signature(expected: string): void {
    const from = this.at;
    const given = String.fromCharCode(...this.take(expected.length));
    if (given !== expected) this.refuse(`${this.what} has ${shownText(given)} at byte ${from}; it must have '${expected}'`);
  }
}

/** Text in UTF-8. Other bytes are refused. */
export function decodeText(bytes: Uint8Array, what: string, refuse: Refuse): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse(`${what} has a text that is no UTF-8`);
  }
}

/** A text with its control characters as JSON shows them. */
const shownText = (text: string): string => `'${JSON.stringify(text).slice(1, -1)}'`;
