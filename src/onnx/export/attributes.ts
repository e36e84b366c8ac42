// Attributes and elements of nodes that are written.
import { create } from '@bufbuild/protobuf';
import { toF16Bits } from '../../formats/halves.ts';
import { type ElementName, elementOf } from '../format/elements.ts';
import { type AttributeProto, AttributeSchema, type TensorProto } from '../format/schema.ts';

/** Values of attributes. Integers and floats differ, as in ONNX. */
export type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly text: string }
  | { readonly texts: readonly string[] }
  | { readonly tensor: TensorProto };

export type AttributeValues = Readonly<Record<string, AttributeValue | undefined>>;

export const int = (value: number): AttributeValue => ({ int: value });
export const ints = (values: readonly number[]): AttributeValue => ({ ints: values });
export const float = (value: number): AttributeValue => ({ float: value });
export const text = (value: string): AttributeValue => ({ text: value });

/** The ends of an axis, for Slice. */
export const [firstInteger, lastInteger] = [-(2 ** 63), 2 ** 63];

const toBig = (n: number): bigint => (n >= lastInteger ? 2n ** 63n - 1n : BigInt(n));
const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);

export function attributeProto(name: string, value: AttributeValue): AttributeProto {
  if ('int' in value) return create(AttributeSchema, { name, type: 2, i: toBig(value.int) });
  if ('ints' in value) return create(AttributeSchema, { name, type: 7, ints: value.ints.map(toBig) });
  if ('float' in value) return create(AttributeSchema, { name, type: 1, f: value.float });
  if ('floats' in value) return create(AttributeSchema, { name, type: 6, floats: [...value.floats] });
  if ('tensor' in value) return create(AttributeSchema, { name, type: 4, t: value.tensor });
  if ('text' in value) return create(AttributeSchema, { name, type: 3, s: utf8(value.text) });
  return create(AttributeSchema, { name, type: 8, strings: value.texts.map(utf8) });
}

type Put = (view: DataView, at: number, x: number) => void;

const puts: Readonly<Partial<Record<ElementName, Put>>> = {
  FLOAT: (view, at, x) => view.setFloat32(at, x, true),
  FLOAT16: (view, at, x) => view.setUint16(at, toF16Bits(x), true),
  INT32: (view, at, x) => view.setInt32(at, x, true),
  UINT32: (view, at, x) => view.setUint32(at, x, true),
  INT64: (view, at, x) => view.setBigInt64(at, toBig(x), true),
  BOOL: (view, at, x) => view.setUint8(at, Number(x !== 0)),
};

/** Little-endian bytes of elements. */
export function bytesOf(type: ElementName, data: ArrayLike<number>): Uint8Array {
  const step = elementOf(type).bytes;
  const bytes = new Uint8Array(data.length * step);
  const view = new DataView(bytes.buffer);
  const put = puts[type]!;
  for (let i = 0; i < data.length; i++) put(view, i * step, data[i]);
  return bytes;
}
