// The event files of TensorBoard: TFRecords of protocol buffers. A record is its length (u64, little endian), the masked CRC-32C of the length,
// the data, and the masked CRC-32C of the data. An event has a time, a step, and the version of the file or a summary of values.
import { joinBytes } from '../core/bytes.ts';

/** Values of one tag at one step. */
export type EventValue = { readonly tag: string; readonly scalar: number } | { readonly tag: string; readonly histogram: Histogram };

export interface Histogram {
  readonly min: number;
  readonly max: number;
  /** Number of values, their sum, and the sum of their squares. */
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** Upper limits of the buckets, ascending, and the number of values in each. */
  readonly limits: readonly number[];
  readonly buckets: readonly number[];
}

/** The record that begins a file. `seconds` is the time since 1970. */
export const versionRecord = (seconds: number): Uint8Array => record(joined(double(1, seconds), text(3, 'brain.Event:2')));

/** A record of values at a step. */
export function summaryRecord(seconds: number, step: number, values: readonly EventValue[]): Uint8Array {
  const summary = joined(...values.map((value) => message(1, joined(text(1, value.tag), contentOf(value)))));
  return record(joined(double(1, seconds), varintField(2, step), message(5, summary)));
}

const contentOf = (value: EventValue): Uint8Array =>
  'scalar' in value ? float(2, value.scalar) : message(5, histogramBytes(value.histogram));

const histogramBytes = ({ min, max, count, sum, sumOfSquares, limits, buckets }: Histogram): Uint8Array =>
  joined(
    ...[min, max, count, sum, sumOfSquares].map((value, i) => double(i + 1, value)),
    message(6, doubles(limits)),
    message(7, doubles(buckets)),
  );

/** Number of buckets, as in TensorFlow. */
const bucketCount = 30;

/** Histogram of the finite values with buckets of equal width; undefined if there are none. */
export function histogramOf(values: ArrayLike<number>): Histogram | undefined {
  let [min, max, count, sum, sumOfSquares] = [Infinity, -Infinity, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    count++;
    sum += value;
    sumOfSquares += value * value;
  }
  if (count === 0) return undefined;
  if (min === max) return { min, max, count, sum, sumOfSquares, limits: [max], buckets: [count] };
  const width = (max - min) / bucketCount;
  const buckets = new Array<number>(bucketCount).fill(0);
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) buckets[Math.min(bucketCount - 1, Math.floor((values[i] - min) / width))]++;
  }
  const limits = buckets.map((_, i) => (i === bucketCount - 1 ? max : min + (i + 1) * width));
  return { min, max, count, sum, sumOfSquares, limits, buckets };
}

function record(data: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(data.length), true);
  return joined(length, u32(maskedCrc(length)), data, u32(maskedCrc(data)));
}

/** CRC-32C, polynomial 0x1EDC6F41 (reflected 0x82F63B78). */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table()[(crc ^ byte) & 255];
  return (crc ^ 0xffffffff) >>> 0;
}

let tableOfBytes: Uint32Array | undefined;
function table(): Uint32Array {
  return (tableOfBytes ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    return crc;
  }));
}

/** A CRC of data that holds its own CRC would be weak, so TFRecords store it rotated by 15 bits and with a constant added. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array => joinBytes(parts);

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

// Fields of protocol buffers: number * 8 + wire type, then the value. Wire types: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Uint8Array.from([...bytes, Number(rest)]);
}

const varintField = (field: number, value: number): Uint8Array => joined(varint(field * 8), varint(value));

function doubles(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setFloat64(8 * i, value, true));
  return bytes;
}

const double = (field: number, value: number): Uint8Array => joined(varint(field * 8 + 1), doubles([value]));

function float(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return joined(varint(field * 8 + 5), bytes);
}

const message = (field: number, bytes: Uint8Array): Uint8Array => joined(varint(field * 8 + 2), varint(bytes.length), bytes);
const text = (field: number, value: string): Uint8Array => message(field, new TextEncoder().encode(value));
