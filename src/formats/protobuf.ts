// Fields of protocol buffers, written one by one: number * 8 + wire type, then the value. Wire types: 0 varint, 1 eight bytes, 2 length and
// bytes, 5 four bytes. The entry for ONNX has a library for this; the main entry needs few messages and has none.
import { joinBytes } from '../core/bytes.ts';

/** Bytes of fields, which together are one message. */
export const fields = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => joinBytes(parts);

/** A negative number is written as its 64-bit two's complement. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Uint8Array.from([...bytes, Number(rest)]);
}

export const integerField = (field: number, value: number): Uint8Array => fields(varint(field * 8), varint(value));

/** f64 values in the order of the file. */
export function doubles(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setFloat64(8 * i, value, true));
  return bytes;
}

export const doubleField = (field: number, value: number): Uint8Array => fields(varint(field * 8 + 1), doubles([value]));

export function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return fields(varint(field * 8 + 5), bytes);
}

/** A message or bytes as a field. */
export const bytesField = (field: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  fields(varint(field * 8 + 2), varint(bytes.length), bytes);

/** Text in UTF-8 as a field. */
export const textField = (field: number, value: string): Uint8Array => bytesField(field, utf8(value));

export const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Entries of a map, each with a text as key and a message as value. */
export const mapField = (field: number, entries: readonly (readonly [name: string, message: Uint8Array])[]): Uint8Array =>
  fields(...entries.map(([name, message]) => bytesField(field, fields(textField(1, name), bytesField(2, message)))));
