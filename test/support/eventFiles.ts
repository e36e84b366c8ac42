// A parser of TensorBoard's event files, independent of the writer: TFRecords of protocol buffers.
import { createRequire } from 'node:module';
import { expect } from 'vitest';
import { crc32c } from '../../src/formats/tensorBoard.ts';

const { PNG } = createRequire(import.meta.url)('pngjs') as { PNG: { sync: { read(file: Buffer): { data: Buffer } } } };

export type Field = number | Buffer;

/** Fields of a message by number, in their order. */
export function fieldsOf(bytes: Buffer): [number, Field][] {
  const fields: [number, Field][] = [];
  let at = 0;
  const varint = (): number => {
    let [value, factor] = [0n, 1n];
    for (;;) {
      if (at >= bytes.length) throw new Error('a number without an end');
      const byte = bytes[at++];
      value += BigInt(byte & 127) * factor;
      factor *= 128n;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const type = key & 7;
    if (type === 0) fields.push([key >> 3, varint()]);
    else if (type === 1) fields.push([key >> 3, bytes.readDoubleLE((at += 8) - 8)]);
    else if (type === 5) fields.push([key >> 3, bytes.readFloatLE((at += 4) - 4)]);
    else {
      expect(type).toBe(2);
      const length = varint();
      expect(at + length).toBeLessThanOrEqual(bytes.length);
      fields.push([key >> 3, bytes.subarray(at, (at += length))]);
    }
  }
  return fields;
}

/** Values of a field that may occur several times. */
const all = (bytes: Field, field: number): Field[] =>
  fieldsOf(bytes as Buffer).flatMap(([number, value]) => (number === field ? [value] : []));
const one = (bytes: Field, field: number): Field | undefined => all(bytes, field)[0];
const part = (bytes: Field, ...path: readonly number[]): Field => path.reduce((at, field) => one(at, field) ?? Buffer.alloc(0), bytes);

/** Entries of a map whose keys are texts. */
const entries = (bytes: Field, field: number): [string, Buffer][] =>
  all(bytes, field).map((entry) => [String(one(entry, 1)), part(entry, 2) as Buffer]);

export interface EventOfValue {
  readonly tag: string;
  readonly scalar?: number;
  readonly histogram?: [number, Field][];
  readonly plugin?: string;
  /** Shape and elements of a tensor of byte strings. */
  readonly strings?: { readonly shape: readonly number[]; readonly values: readonly Buffer[] };
  readonly hparams?: Record<string, unknown>;
  readonly status?: Field;
}

export interface Event {
  readonly time: number;
  readonly step: number;
  readonly version?: string;
  readonly graph?: Buffer;
  readonly values: readonly EventOfValue[];
}

const masked = (bytes: Uint8Array): number => (((crc32c(bytes) >>> 15) | (crc32c(bytes) << 17)) + 0xa282ead8) >>> 0;

/** Events of a file, whose checksums must be right. */
export function eventsOf(file: Uint8Array): Event[] {
  const bytes = Buffer.from(file);
  const events: Event[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(masked(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(masked(data));
    at += 16 + length;
    const [version, graph] = [one(data, 3), one(data, 4)];
    events.push({
      time: one(data, 1) as number,
      step: (one(data, 2) as number | undefined) ?? 0,
      ...(version && { version: String(version) }),
      ...(graph && { graph: graph as Buffer }),
      values: all(part(data, 5), 1).map(valueOf),
    });
  }
  return events;
}

function valueOf(value: Field): EventOfValue {
  const tag = String(one(value, 1));
  const histogram = one(value, 5) as Buffer | undefined;
  if (one(value, 9) === undefined) return { tag, scalar: one(value, 2) as number, ...(histogram && { histogram: fieldsOf(histogram) }) };
  const plugin = String(part(value, 9, 1, 1));
  if (plugin !== 'hparams') {
    expect(part(value, 8, 1)).toBe(7);
    const shape = all(part(value, 8, 2), 2).map((size) => one(size, 1) as number);
    return { tag, plugin, strings: { shape, values: all(part(value, 8), 8) as Buffer[] } };
  }
  const content = part(value, 9, 1, 2);
  const hparams = entries(part(content, 3), 1).map(([name, given]) => {
    const [[field, found]] = fieldsOf(given);
    return [name, field === 2 ? found : field === 3 ? String(found) : found !== 0];
  });
  return { tag, plugin, hparams: Object.fromEntries(hparams) as Record<string, unknown>, status: part(content, 4, 1) };
}

export interface ParsedNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, unknown>>;
}

/** Nodes of a GraphDef. */
export const nodesOf = (graph: Buffer): ParsedNode[] =>
  all(graph, 1).map((node) => ({
    name: String(one(node, 1)),
    op: String(one(node, 2)),
    input: all(node, 3).map(String),
    attr: Object.fromEntries(entries(node, 5).map(([name, value]) => [name, attributeOf(value)])),
  }));

function attributeOf(value: Buffer): unknown {
  const [[field, found]] = fieldsOf(value);
  if (field === 2) return String(found);
  if (field === 5) return found !== 0;
  if (field !== 1) return found;
  const shapes = all(found, 7);
  if (shapes.length === 0) return fieldsOf(found as Buffer).map(([, element]) => element);
  return shapes.map((shape) => all(shape, 2).map((size) => one(size, 1)));
}

/** Red, green, blue and opacity of each pixel of a PNG file, from 0 to 255. */
export const pixelsOf = (file: Buffer): number[] => [...PNG.sync.read(file).data];
