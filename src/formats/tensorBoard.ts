// The event files of TensorBoard: TFRecords of protocol buffers. A record is its length (u64, little endian), the masked CRC-32C of the length,
// the data, and the masked CRC-32C of the data. An event has a time, a step, and the version of the file, a graph or a summary of values.
import { joinBytes } from '../core/bytes.ts';
import { bytesField, doubleField, doubles, fields, floatField, integerField, mapField, textField, utf8 } from './protobuf.ts';
import { type GraphNode, graphBytes } from './tensorBoardGraph.ts';

/** Values of one tag at one step. */
export type EventValue =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly histogram: Histogram }
  /** Texts in Markdown, in order of the shape: [] for one text, [rows] or [rows, columns] for a table. */
  | { readonly tag: string; readonly texts: readonly string[]; readonly shape: readonly number[] }
  /** PNG files of images of one size. */
  | { readonly tag: string; readonly images: readonly Uint8Array[]; readonly width: number; readonly height: number }
  /** Begin of a training with these hyperparameters, or its end. */
  | { readonly hparams: Hparams }
  | { readonly ended: true };

/** Hyperparameters by name. */
export type Hparams = Readonly<Record<string, string | number | boolean>>;

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
export const versionRecord = (seconds: number): Uint8Array => record(fields(doubleField(1, seconds), textField(3, 'brain.Event:2')));

/** A record of values at a step. */
export function summaryRecord(seconds: number, step: number, values: readonly EventValue[]): Uint8Array {
  const summary = fields(...values.map((value) => bytesField(1, valueBytes(value, seconds))));
  return record(fields(doubleField(1, seconds), integerField(2, step), bytesField(5, summary)));
}

/** A record of the graph of a model. */
export const graphRecord = (seconds: number, nodes: readonly GraphNode[]): Uint8Array =>
  record(fields(doubleField(1, seconds), bytesField(4, graphBytes(nodes))));

function valueBytes(value: EventValue, seconds: number): Uint8Array {
  if ('hparams' in value) return hparamsBytes('session_start_info', 3, startInfo(value.hparams, seconds));
  // The status 1 is success.
  if ('ended' in value) return hparamsBytes('session_end_info', 4, fields(integerField(1, 1), doubleField(2, seconds)));
  return fields(textField(1, value.tag), contentOf(value));
}

function contentOf(value: Extract<EventValue, { tag: string }>): Uint8Array {
  if ('scalar' in value) return floatField(2, value.scalar);
  if ('histogram' in value) return bytesField(5, histogramBytes(value.histogram));
  if ('texts' in value) return stringTensor('text', dataClass.tensor, value.shape, value.texts.map(utf8));
  const { width, height, images } = value;
  // Width, height, then the files.
  return stringTensor('images', dataClass.blobs, [2 + images.length], [utf8(String(width)), utf8(String(height)), ...images]);
}

/** Ways in which TensorBoard stores values: tensorboard/compat/proto/summary.proto, DataClass. */
const dataClass = { tensor: 2, blobs: 3 } as const;

const metadata = (plugin: string, kind: number, content = new Uint8Array(0)): Uint8Array =>
  bytesField(9, fields(bytesField(1, fields(textField(1, plugin), bytesField(2, content))), integerField(4, kind)));

const shapeBytes = (shape: readonly number[]): Uint8Array => fields(...shape.map((size) => bytesField(2, integerField(1, size))));

/** A tensor of byte strings (data type 7) with the plugin that shows it. */
const stringTensor = (plugin: string, kind: number, shape: readonly number[], values: readonly Uint8Array[]): Uint8Array =>
  fields(
    bytesField(8, fields(integerField(1, 7), bytesField(2, shapeBytes(shape)), ...values.map((value) => bytesField(8, value)))),
    metadata(plugin, kind),
  );

/** A value of the plugin hparams: its content is in the metadata, beside an empty tensor of f32 (data type 1). */
const hparamsBytes = (name: string, field: number, content: Uint8Array): Uint8Array =>
  fields(
    textField(1, `_hparams_/${name}`),
    bytesField(8, fields(integerField(1, 1), bytesField(2, shapeBytes([0])))),
    metadata('hparams', dataClass.tensor, bytesField(field, content)),
  );

/** SessionStartInfo of tensorboard/plugins/hparams/plugin_data.proto. The values are messages of google/protobuf/struct.proto. */
const startInfo = (hparams: Hparams, seconds: number): Uint8Array => {
  const values = Object.entries(hparams).map(([name, value]) => [name, plainValue(value)] as const);
  return fields(mapField(1, values), doubleField(5, seconds));
};

function plainValue(value: string | number | boolean): Uint8Array {
  if (typeof value === 'number') return doubleField(2, value);
  return typeof value === 'string' ? textField(3, value) : integerField(4, Number(value));
}

const histogramBytes = ({ min, max, count, sum, sumOfSquares, limits, buckets }: Histogram): Uint8Array =>
  fields(
    ...[min, max, count, sum, sumOfSquares].map((value, i) => doubleField(i + 1, value)),
    bytesField(6, doubles(limits)),
    bytesField(7, doubles(buckets)),
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
  return joinBytes([length, u32(maskedCrc(length)), data, u32(maskedCrc(data))]);
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

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
