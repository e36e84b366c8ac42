// The .npy format of NumPy (NEP 1), versions 1 to 3: a magic text, a header that is a Python dict, and the elements of one array.
import { FormatError } from '../core/errors.ts';
import { formatShape, sizeOf, stridesOf } from '../core/shape.ts';
import { Fields, type Refuse, decodeText } from './fields.ts';
import { type StoredData, type StoredDtype, type StoredTensor, swapBytes, typeOf } from './storedTypes.ts';

/** NumPy's codes of element types. NumPy has no BF16. */
const codes: Readonly<Record<string, StoredDtype>> = {
  b1: 'BOOL',
  u1: 'U8',
  u2: 'U16',
  u4: 'U32',
  u8: 'U64',
  i1: 'I8',
  i2: 'I16',
  i4: 'I32',
  i8: 'I64',
  f2: 'F16',
  f4: 'F32',
  f8: 'F64',
};

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const alignment = 64;
/** NumPy leaves space for the digits of the first size, so that files can grow. */
const sizeDigits = 21;
const maxHeaderBytes = 1 << 16;
const maxRank = 64;

/**
 * Reads a .npy file. Elements come row by row: Fortran order and big-endian elements are converted. Data are copied.
 * @throws FormatError for a damaged file, and for element types other than booleans, integers and floats.
 */
export function readNpy(bytes: Uint8Array, name = 'file'): StoredTensor {
  const refuse: Refuse = (message) => {
    throw new FormatError(`${name}: not an .npy file that can be read: ${message}`);
  };
  const file = new Fields(bytes, 'the file', refuse);
  const start = file.take(magic.length);
  if (!magic.every((byte, i) => start[i] === byte))
    refuse(`it begins with the bytes ${Array.from(start).join(', ')}; the format with ${magic.join(', ')}`);
  const version = file.u8();
  file.skip(1);
  if (version < 1 || version > 3) refuse(`it has the version ${version}; 1 to 3 are read`);
  const length = version === 1 ? file.u16() : file.u32();
  if (length > maxHeaderBytes) refuse(`its header has ${length} bytes; at most ${maxHeaderBytes} are read`);
  const header = file.take(length);
  const text = version === 3 ? decodeText(header, 'the header', refuse) : String.fromCharCode(...header);
  const { dtype, isBigEndian, isFortran, shape } = readHeader(text, refuse);
  const elementBytes = typeOf(dtype).bytes;
  const size = sizeOf(shape) * elementBytes;
  if (size !== file.left) refuse(`${dtype}${formatShape(shape)} needs ${size} bytes; the file has ${file.left} after its header`);
  const data = new Uint8Array(file.take(size));
  if (isBigEndian) swapBytes(data, elementBytes);
  if (dtype === 'BOOL' && data.some((x) => x > 1)) refuse('it is a boolean array and has a byte that is not 0 or 1');
  const values = typeOf(dtype).read(data.buffer);
  return { dtype, shape, data: isFortran && shape.length > 1 ? fromFortran(values, shape) : values };
}

interface Header {
  readonly dtype: StoredDtype;
  readonly isBigEndian: boolean;
  readonly isFortran: boolean;
  readonly shape: readonly number[];
}

/** The keys of the dict may come in any order, and no others are allowed. */
function readHeader(text: string, refuse: Refuse): Header {
  const dict = /^\{(.*)\}\s*$/s.exec(text)?.[1];
  if (dict === undefined) return refuse(`its header is ${JSON.stringify(text.slice(0, 40))}; it must be a Python dict`);
  const entry = /\s*(['"])(descr|fortran_order|shape)\1\s*:\s*('[^']*'|"[^"]*"|True|False|\([\d\s,L]*\))\s*(?:,|$)\s*/y;
  const found = new Map<string, string>();
  for (let at = 0; at < dict.length; at = entry.lastIndex) {
    entry.lastIndex = at;
    const match = entry.exec(dict);
    if (!match || found.has(match[2]))
      return refuse(
        `its header has ${JSON.stringify(dict.slice(at, at + 40))} at character ${at}; it must have descr, fortran_order and shape once each`,
      );
    found.set(match[2], match[3]);
  }
  const [descr, order, sizes] = ['descr', 'fortran_order', 'shape'].map((key) => found.get(key) ?? refuse(`its header has no ${key}`));
  const code = /^['"]([<>|=]?)([a-z]\d+)['"]$/.exec(descr);
  if (!code || !Object.hasOwn(codes, code[2])) {
    return refuse(`its elements have the type ${descr}; booleans, integers and floats are read (${Object.keys(codes).join(', ')})`);
  }
  if (order !== 'True' && order !== 'False') return refuse(`fortran_order is ${order}; it must be True or False`);
  const shape = /^\((?:(?:\s*\d+L?\s*,)+(?:\s*\d+L?)?\s*|\s*)\)$/.test(sizes) ? (sizes.match(/\d+/g) ?? []).map(Number) : undefined;
  if (!shape || shape.length > maxRank || !Number.isSafeInteger(shape.reduce((product, n) => product * Math.max(n, 1), 8))) {
    return refuse(`its shape is ${sizes}; it must be a tuple of at most ${maxRank} sizes`);
  }
  return { dtype: codes[code[2]], isBigEndian: code[1] === '>', isFortran: order === 'True', shape };
}

/** Elements row by row of elements column by column. */
function fromFortran(values: StoredData, shape: readonly number[]): StoredData {
  const output = values.slice() as Float32Array;
  const strides = stridesOf(shape);
  const index = new Array<number>(shape.length).fill(0);
  let to = 0;
  for (let from = 0; from < values.length; from++) {
    output[to] = (values as Float32Array)[from];
    // The first axis changes fastest.
    for (let axis = 0; axis < shape.length; axis++) {
      to += strides[axis];
      if (++index[axis] < shape[axis]) break;
      to -= shape[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return output;
}

/**
 * Writes a .npy file with the bytes that NumPy writes for the same array.
 * @throws FormatError for BF16, which NumPy does not have, and for data that do not fit their shape.
 */
export function writeNpy({ dtype, shape, data }: StoredTensor): Uint8Array<ArrayBuffer> {
  const code = Object.keys(codes).find((key) => codes[key] === dtype);
  if (!code) throw new FormatError(`npy: NumPy has no type ${dtype}; convert the elements to F32`);
  if (data.length !== sizeOf(shape))
    throw new FormatError(`npy: ${formatShape(shape)} needs ${sizeOf(shape)} elements, got ${data.length}`);
  const sizes = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${typeOf(dtype).bytes === 1 ? '|' : '<'}${code}', 'fortran_order': False, 'shape': ${sizes}, }`;
  const header = shape.length ? dict + ' '.repeat(Math.max(0, sizeDigits - String(shape[0]).length)) : dict;
  const lengthOf = (fixed: number): number => header.length + 1 + alignment - ((fixed + header.length + 1) % alignment);
  const isLong = lengthOf(10) > 0xffff;
  const fixed = isLong ? 12 : 10;
  const length = lengthOf(fixed);
  const elements = typeOf(dtype).write(data);
  const file = new Uint8Array(fixed + length + elements.length).fill(0x20, fixed, fixed + length);
  file.set([...magic, isLong ? 2 : 1, 0]);
  const view = new DataView(file.buffer);
  if (isLong) view.setUint32(8, length, true);
  else view.setUint16(8, length, true);
  file.set(new TextEncoder().encode(header), fixed);
  file[fixed + length - 1] = 0x0a;
  file.set(elements, fixed + length);
  return file;
}
