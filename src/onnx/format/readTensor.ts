// Tensors of a file: types, sizes and bytes are checked before memory is taken.
import { FormatError } from '../../core/errors.ts';
import { formatShape, sizeOf } from '../../core/shape.ts';
import { type ElementName, elementName, elementOf, fromField, shownType } from './elements.ts';
import type { TensorProto } from './schema.ts';

/** Elements of a stored tensor. */
export interface StoredElements {
  readonly type: ElementName;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** A file that is read: its name for messages, and the files of external data by their location. */
export interface OnnxFile {
  readonly name: string;
  readonly externalData: Readonly<Record<string, Uint8Array>>;
}

const maxAxes = 32;
/** More elements than any array of the host. */
const maxElements = 2 ** 31;

/** @throws FormatError for a wrong type, sizes that do not fit the elements, and external data that are not given. */
export function readTensor(proto: TensorProto, where: string, file: OnnxFile): StoredElements {
  const fail = (what: string): never => {
    throw new FormatError(`${file.name}: ${where}: ${what}`);
  };
  const type = elementName(proto.dataType);
  if (type === undefined) return fail(`data_type is ${shownType(proto.dataType)}; numbers and bools are read`);
  const shape = readDims(proto.dims, fail);
  const element = elementOf(type);
  const size = sizeOf(shape);
  const text = `${type}${formatShape(shape)}`;
  const bytes = proto.dataLocation === 1 ? external(proto, size * element.bytes, file, fail) : proto.rawData;
  if (bytes.length > 0) {
    if (bytes.length !== size * element.bytes) fail(`${text} needs ${size * element.bytes} bytes; raw_data has ${bytes.length}`);
    return { type, shape, data: element.fromBytes(new Uint8Array(bytes).buffer) };
  }
  const count = proto[element.field].length;
  if (count !== size) fail(`${text} needs ${size} elements; ${snake(element.field)} has ${count}, and raw_data is empty`);
  return { type, shape, data: fromField(proto, element) };
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export function readDims(dims: readonly bigint[], fail: (what: string) => never): number[] {
  if (dims.length > maxAxes) fail(`dims has ${dims.length} sizes; at most ${maxAxes} are read`);
  const shape = dims.map((n, axis) => (n >= 0n && n < maxElements ? Number(n) : fail(`dims[${axis}] is ${n}; it must be a size`)));
  if (sizeOf(shape) >= maxElements) fail(`dims are ${formatShape(shape)}, more than 2^31 elements`);
  return shape;
}

/** Bytes of a tensor outside of the file. */
function external(proto: TensorProto, needed: number, { externalData }: OnnxFile, fail: (what: string) => never): Uint8Array {
  const fields = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = fields.get('location') ?? '';
  if (!Object.hasOwn(externalData, location)) {
    return fail(`the data are in the file '${location}', which is not given; pass { externalData: { '${location}': bytes } }`);
  }
  const bytes = externalData[location];
  const offset = Number(fields.get('offset') ?? 0);
  const length = Number(fields.get('length') ?? needed);
  const isInside = [offset, length].every((n) => Number.isSafeInteger(n) && n >= 0) && offset + length <= bytes.length;
  if (!isInside) fail(`external data are bytes ${offset} to ${offset + length} of '${location}', which has ${bytes.length} bytes`);
  return bytes.subarray(offset, offset + length);
}
