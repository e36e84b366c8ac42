// Node tests in one compressed file: the length of the header as u32, the header as JSON, then the bytes of all files.
import { gunzipSync, gzipSync } from 'node:zlib';
import type { NodeCase } from './cases.ts';

interface Entry {
  readonly name: string;
  /** Lengths in bytes: of the model, of the inputs, of the outputs. */
  readonly lengths: readonly [number, readonly number[], readonly number[]];
}

export function packCases(cases: readonly NodeCase[]): Uint8Array {
  const entries = cases.map(({ name, model, inputs, outputs }): Entry => {
    return { name, lengths: [model.length, inputs.map(({ length }) => length), outputs.map(({ length }) => length)] };
  });
  const header = Buffer.from(JSON.stringify(entries));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  return gzipSync(Buffer.concat([length, header, ...cases.flatMap(({ model, inputs, outputs }) => [model, ...inputs, ...outputs])]), {
    level: 9,
  });
}

export function unpackCases(packed: Uint8Array): NodeCase[] {
  const bytes = new Uint8Array(gunzipSync(packed));
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const entries = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Entry[];
  let at = 4 + length;
  const take = (size: number): Uint8Array => bytes.subarray(at, (at += size));
  return entries.map(({ name, lengths: [model, inputs, outputs] }) => ({
    name,
    model: take(model),
    inputs: inputs.map(take),
    outputs: outputs.map(take),
  }));
}
