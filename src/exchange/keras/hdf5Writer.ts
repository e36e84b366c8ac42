// Writes HDF5: groups, and datasets of f32 in one piece. See "HDF5 File Format Specification Version 3.0". The superblock has version 2, and
// groups have their links in their object headers, so that no trees and heaps are needed.
import type { Shape } from '../../core/shape.ts';
import { checksum } from '../hdf5/checksum.ts';

/** A dataset of f32. */
export interface FloatDataset {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** A group: datasets and groups by name. */
export interface Hdf5Tree {
  readonly [name: string]: FloatDataset | Hdf5Tree;
}

const undefinedAddress = 0xffffffffffffffffn;
const messages = { dataspace: 1, linkInfo: 2, datatype: 3, fillValue: 5, link: 6, layout: 8, groupInfo: 10 } as const;
const superblockBytes = 48;

/** Bytes of little-endian fields. */
class Fields {
  private readonly parts: Uint8Array[] = [];

  add(size: 1 | 2 | 4 | 8, ...values: readonly (number | bigint)[]): this {
    for (const value of values) {
      const part = new Uint8Array(size);
      let rest = BigInt(value);
      for (let i = 0; i < size; i++, rest >>= 8n) part[i] = Number(rest & 255n);
      this.parts.push(part);
    }
    return this;
  }

  bytes(part: Uint8Array): this {
    this.parts.push(part);
    return this;
  }

  get result(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.parts.reduce((total, { length }) => total + length, 0));
    let begin = 0;
    for (const part of this.parts) {
      all.set(part, begin);
      begin += part.length;
    }
    return all;
  }
}

const encoder = new TextEncoder();
const isDataset = (node: FloatDataset | Hdf5Tree): node is FloatDataset => (node as Partial<FloatDataset>).data instanceof Float32Array;

/** An object header of version 2. The sizes of its messages take two bytes, and that of all messages four. */
function objectHeader(list: readonly (readonly [type: number, data: Uint8Array])[]): Uint8Array {
  const body = new Fields();
  for (const [type, data] of list) body.add(1, type).add(2, data.length).add(1, 0).bytes(data);
  const content = body.result;
  const header = new Fields().bytes(encoder.encode('OHDR')).add(1, 2, 0b10).add(4, content.length).bytes(content).result;
  return new Fields().bytes(header).add(4, checksum(header)).result;
}

/** IEEE f32, little-endian: class 1, an implied first bit of the mantissa, the sign in bit 31. */
const floatType = new Fields().add(1, 0x11, 0x20, 31, 0).add(4, 4).add(2, 0, 32).add(1, 23, 8, 0, 23).add(4, 127).result;

function datasetHeader({ shape, data }: FloatDataset, address: number): Uint8Array {
  const space = new Fields().add(1, 2, shape.length, 0, shape.length === 0 ? 0 : 1).add(8, ...shape).result;
  const place = data.length === 0 ? undefinedAddress : address;
  return objectHeader([
    [messages.dataspace, space],
    [messages.datatype, floatType],
    // Space is taken when data are written. There is no fill value.
    [messages.fillValue, Uint8Array.of(3, 0b1010)],
    [messages.layout, new Fields().add(1, 3, 1).add(8, place, data.byteLength).result],
  ]);
}

function groupHeader(links: readonly (readonly [name: string, address: number])[]): Uint8Array {
  const written = links.map(([name, address]) => {
    const text = encoder.encode(name);
    // The length of the name takes two bytes, and the name is UTF-8.
    return [messages.link, new Fields().add(1, 1, 0b10001, 1).add(2, text.length).bytes(text).add(8, address).result] as const;
  });
  const info = new Fields().add(1, 0, 0).add(8, undefinedAddress, undefinedAddress).result;
  return objectHeader([[messages.linkInfo, info], [messages.groupInfo, Uint8Array.of(0, 0)], ...written]); // prettier-ignore
}

/** The bytes of a file with these groups and datasets. */
export function writeHdf5(tree: Hdf5Tree): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  let end = superblockBytes;
  /** Address of a part. Parts begin at multiples of 8. */
  const place = (part: Uint8Array): number => {
    const address = end;
    const padded = Math.ceil(part.length / 8) * 8;
    parts.push(part, new Uint8Array(padded - part.length));
    end += padded;
    return address;
  };
  const visit = (node: FloatDataset | Hdf5Tree): number => {
    if (isDataset(node)) return place(datasetHeader(node, place(littleEndian(node.data))));
    return place(groupHeader(Object.entries(node).map(([name, child]) => [name, visit(child)] as const)));
  };
  const root = visit(tree);
  const block = new Fields().bytes(Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a)).add(1, 2, 8, 8, 0).add(8, 0, undefinedAddress, end, root).result; // prettier-ignore
  const all = new Fields().bytes(block).add(4, checksum(block));
  for (const part of parts) all.bytes(part);
  return all.result;
}

function littleEndian(data: Float32Array): Uint8Array {
  const bytes = new Uint8Array(data.byteLength);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < data.length; i++) view.setFloat32(4 * i, data[i], true);
  return bytes;
}
