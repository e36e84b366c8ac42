// The weights manifest of TensorFlow.js: names, shapes and types of weights, one after another in the bytes of the shards of a group.
import { sizeOf } from '../../core/shape.ts';
import { shown } from '../../core/shown.ts';
import { fromF16Bits } from '../../formats/halves.ts';
import type { HostWeight } from '../keras/hostWeight.ts';
import { type JsonRecord, type Place, field, isRecord, listAt, recordAt, textAt } from '../keras/place.ts';

/** One group of the manifest. */
export interface WeightGroup {
  readonly paths: readonly string[];
  readonly weights: readonly WeightSpec[];
}

export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: keyof typeof bytesOf;
  readonly quantization: Quantization | undefined;
}

interface Quantization {
  readonly dtype: 'uint8' | 'uint16' | 'float16';
  readonly min: number;
  readonly scale: number;
}

const bytesOf = { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2, int16: 2, int8: 1 } as const;

/** The groups of a manifest. */
export function readManifest(value: unknown, place: Place): readonly WeightGroup[] {
  return listAt(place, value, 'weightsManifest').map((group, i) => {
    const at = place.at(`weightsManifest[${i}]`);
    const record = recordAt(at, group, 'the group');
    const paths = listAt(at, field(record, 'paths'), 'paths').map((path) => textAt(at, path, 'a path'));
    const weights = listAt(at, field(record, 'weights'), 'weights').map((spec) => readSpec(spec, at));
    return { paths, weights };
  });
}

function readSpec(value: unknown, place: Place): WeightSpec {
  const record = recordAt(place, value, 'a weight');
  const name = textAt(place, field(record, 'name'), 'name');
  const at = place.at(`weight '${name}'`);
  const shape = listAt(at, field(record, 'shape'), 'shape').map((size) =>
    Number.isSafeInteger(size) && (size as number) >= 0
      ? (size as number)
      : at.fail(`shape is ${shown(field(record, 'shape'))}; sizes must be integers of at least 0`),
  );
  const dtype = field(record, 'dtype');
  if (typeof dtype !== 'string' || !Object.hasOwn(bytesOf, dtype)) {
    return at.fail(`dtype is ${shown(dtype)}; it must be one of ${Object.keys(bytesOf).join(', ')}`);
  }
  const quantization = field(record, 'quantization');
  return { name, shape, dtype: dtype as WeightSpec['dtype'], quantization: readQuantization(quantization, at) };
}

function readQuantization(value: unknown, place: Place): Quantization | undefined {
  if (value === undefined || value === null) return undefined;
  const record = recordAt(place, value, 'quantization');
  const dtype = field(record, 'dtype');
  if (dtype !== 'uint8' && dtype !== 'uint16' && dtype !== 'float16') {
    return place.fail(`quantization.dtype is ${shown(dtype)}; it must be uint8, uint16 or float16`);
  }
  if (dtype === 'float16') return { dtype, min: 0, scale: 1 };
  return { dtype, min: finite(record, 'min', place), scale: finite(record, 'scale', place) };
}

function finite(record: JsonRecord, name: string, place: Place): number {
  const value = field(record, name);
  return typeof value === 'number' && Number.isFinite(value)
    ? value
    : place.fail(`quantization.${name} is ${shown(value)}; it must be a number`);
}

/** Bytes that the weights of a group take. */
export const groupBytes = ({ weights }: WeightGroup): number =>
  weights.reduce((total, { shape, dtype, quantization }) => total + sizeOf(shape) * bytesOf[quantization?.dtype ?? dtype], 0);

/**
 * The weights of a group from the bytes of its shards.
 * @throws FormatError if the bytes are not those that the shapes need.
 */
export function readGroup(group: WeightGroup, bytes: Uint8Array, place: Place): Map<string, HostWeight> {
  const needed = groupBytes(group);
  if (!Number.isSafeInteger(needed) || needed !== bytes.length) {
    place.fail(`the files ${group.paths.join(', ')} have ${bytes.length} bytes together; the shapes of the weights need ${needed}`);
  }
  const found = new Map<string, HostWeight>();
  let begin = 0;
  for (const spec of group.weights) {
    const { name, shape, dtype, quantization } = spec;
    if (found.has(name)) place.fail(`the weight '${name}' occurs twice`);
    const stored = quantization?.dtype ?? dtype;
    const count = sizeOf(shape);
    const length = count * bytesOf[stored];
    const view = new DataView(bytes.buffer, bytes.byteOffset + begin, length);
    found.set(name, { shape, data: numbersOf(view, stored, count, quantization) });
    begin += length;
  }
  return found;
}

const readers = {
  float32: (view: DataView, i: number) => view.getFloat32(4 * i, true),
  float16: (view: DataView, i: number) => fromF16Bits(view.getUint16(2 * i, true)),
  int32: (view: DataView, i: number) => view.getInt32(4 * i, true),
  int16: (view: DataView, i: number) => view.getInt16(2 * i, true),
  uint16: (view: DataView, i: number) => view.getUint16(2 * i, true),
  int8: (view: DataView, i: number) => view.getInt8(i),
  uint8: (view: DataView, i: number) => view.getUint8(i),
  bool: (view: DataView, i: number) => view.getUint8(i),
} as const;

/** Numbers in f32. Quantized ones are scale q + min, as TensorFlow.js computes them. */
function numbersOf(view: DataView, dtype: keyof typeof bytesOf, count: number, quantization: Quantization | undefined): Float32Array {
  const read = readers[dtype];
  const data = new Float32Array(count);
  const { min, scale } = quantization ?? { min: 0, scale: 1 };
  const isScaled = quantization !== undefined && dtype !== 'float16';
  for (let i = 0; i < count; i++) data[i] = isScaled ? read(view, i) * scale + min : read(view, i);
  return data;
}

export const isManifest = (value: unknown): boolean => Array.isArray(value) && value.every(isRecord);
