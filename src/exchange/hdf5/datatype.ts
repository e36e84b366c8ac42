// Datatypes and dataspaces: element types and sizes of data sets and attributes.
import { formatShape } from '../../core/shape.ts';
import type { StoredDtype } from '../../formats/storedTypes.ts';
import type { Part } from './part.ts';

/** An element type. `size` is in bytes. */
export type Hdf5Type =
  | { readonly kind: 'number'; readonly dtype: StoredDtype; readonly size: number; readonly isBigEndian: boolean }
  | { readonly kind: 'text'; readonly size: number; readonly padding: 'null' | 'space' }
  | { readonly kind: 'variableText'; readonly size: number };

const classes = [
  'integer',
  'float',
  'time',
  'string',
  'bit field',
  'opaque',
  'compound',
  'reference',
  'enumeration',
  'variable length',
  'array',
];

/** Bits of the floats that are read: sign, exponent position and size, mantissa size, bias. */
const floats: Readonly<Record<string, StoredDtype>> = {
  '15 10 5 10 15': 'F16',
  '15 7 8 7 127': 'BF16',
  '31 23 8 23 127': 'F32',
  '63 52 11 52 1023': 'F64',
};

/** Reads a datatype message. Types without arrays on the host are refused. */
export function readDatatype(part: Part): Hdf5Type {
  const head = part.u8();
  const version = head >> 4;
  const kind = head & 15;
  const bits = part.uint(3);
  const size = part.u32();
  const { what } = part;
  if (version < 1 || version > 4) part.refuse(`${what} has a datatype of version ${version}; 1 to 4 are read`);
  if (size === 0) part.refuse(`${what} has a datatype of 0 bytes`);
  switch (kind) {
    case 0:
      return readInteger(part, bits, size);
    case 1:
      return readFloat(part, bits, size);
    case 3:
      return { kind: 'text', size, padding: (bits & 15) === 2 ? 'space' : 'null' };
    case 8:
      return readBoolean(part, bits & 0xffff, version, size);
    case 9:
      if ((bits & 15) !== 1) part.refuse(`${what} has lists of variable length; texts of variable length are read`);
      if (size !== 8 + part.file.offsetSize)
        part.refuse(`${what} has texts of variable length of ${size} bytes; they take ${8 + part.file.offsetSize}`);
      return { kind: 'variableText', size };
    default:
      return part.refuse(`${what} has the datatype ${classes[kind] ?? kind}; numbers, booleans and texts are read`);
  }
}

function readInteger(part: Part, bits: number, size: number): Hdf5Type {
  const [offset, precision] = [part.u16(), part.u16()];
  if (![1, 2, 4, 8].includes(size) || offset !== 0 || precision !== 8 * size) {
    part.refuse(
      `${part.what} has integers of ${precision} bits from bit ${offset} in ${size} bytes; whole integers of 1, 2, 4 and 8 bytes are read`,
    );
  }
  return { kind: 'number', dtype: `${bits & 8 ? 'I' : 'U'}${8 * size}` as StoredDtype, size, isBigEndian: (bits & 1) !== 0 };
}

function readFloat(part: Part, bits: number, size: number): Hdf5Type {
  const [offset, precision] = [part.u16(), part.u16()];
  const [exponentAt, exponentBits, mantissaAt, mantissaBits] = [part.u8(), part.u8(), part.u8(), part.u8()];
  const key = [(bits >> 8) & 255, exponentAt, exponentBits, mantissaBits, part.u32()].join(' ');
  const hasImpliedBit = ((bits >> 4) & 3) === 2;
  if (!Object.hasOwn(floats, key) || offset !== 0 || precision !== 8 * size || mantissaAt !== 0 || !hasImpliedBit || bits & 64) {
    part.refuse(`${part.what} has floats of ${precision} bits in ${size} bytes of a form that is not F16, BF16, F32 or F64`);
  }
  return { kind: 'number', dtype: floats[key], size, isBigEndian: (bits & 1) !== 0 };
}

/** h5py stores booleans as an enumeration of FALSE = 0 and TRUE = 1 with one byte. */
function readBoolean(part: Part, count: number, version: number, size: number): Hdf5Type {
  const base = readDatatype(part);
  const names = Array.from({ length: Math.min(count, 3) }, () => {
    const from = part.at;
    while (part.u8() !== 0);
    const length = part.at - from - 1;
    if (version < 3) part.skip((8 - ((length + 1) % 8)) % 8);
    return String.fromCharCode(...part.bytes.subarray(from, from + length));
  });
  const isBoolean = count === 2 && base.size === 1 && size === 1 && names[0] === 'FALSE' && names[1] === 'TRUE';
  if (!isBoolean || part.u8() !== 0 || part.u8() !== 1) {
    part.refuse(`${part.what} has an enumeration of ${count} names; only booleans (FALSE = 0, TRUE = 1, one byte) are read`);
  }
  return { kind: 'number', dtype: 'BOOL', size: 1, isBigEndian: false };
}

const maxRank = 32;

/** Reads a dataspace message. Undefined for a null space, which has no elements. */
export function readDataspace(part: Part): readonly number[] | undefined {
  const version = part.u8();
  if (version !== 1 && version !== 2) part.refuse(`${part.what} has a dataspace of version ${version}; 1 and 2 are read`);
  const rank = part.u8();
  part.skip(1);
  const kind = part.u8();
  if (version === 1) part.skip(4);
  if (rank > maxRank) part.refuse(`${part.what} has the rank ${rank}; at most ${maxRank} is possible`);
  if (version === 2 && kind === 2) return undefined;
  const shape = Array.from({ length: rank }, () => part.length());
  if (!Number.isSafeInteger(shape.reduce((product, n) => product * Math.max(n, 1), 1))) {
    part.refuse(`${part.what} has the shape ${formatShape(shape)}, which is too large for any memory`);
  }
  return shape;
}
