// Reads HDF5 as h5py and Keras write it ("HDF5 File Format Specification Version 3.0"): superblocks of versions 0 to 3, old and new groups.
// All positions and sizes are checked before use. Each object is read once, so that loops of groups are found.
import { FormatError } from '../../core/errors.ts';
import type { Refuse } from '../../formats/fields.ts';
import { readAttributes } from './attributes.ts';
import { type DatasetContent, readDataset } from './dataset.ts';
import { GlobalHeaps, type Hdf5Value } from './elements.ts';
import { readLinks } from './links.ts';
import { readObjectHeader } from './objectHeader.ts';
import { type Hdf5Bytes, Part } from './part.ts';

interface Hdf5Object {
  /** Attributes by name. The value of a null space is undefined. */
  readonly attributes: ReadonlyMap<string, Hdf5Value>;
}

/** Members by name, in the order in which they were made if the file has it, or else of their names. */
export interface Hdf5Group extends Hdf5Object {
  readonly kind: 'group';
  readonly children: ReadonlyMap<string, Hdf5Group | Hdf5Dataset>;
}

/** An array in a file. Its values are read by `read()`. The shape is undefined for a null space. */
export interface Hdf5Dataset extends Hdf5Object, DatasetContent {
  readonly kind: 'dataset';
}

const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const maxDepth = 100;
const sizes = [2, 4, 8];

/**
 * The root group of an HDF5 file. Structure and attributes are read and checked at once. `read()` of a data set makes a copy of its values.
 * Data sets are compact, contiguous or in chunks, with the filters deflate, shuffle and fletcher32. Elements are integers, floats, booleans of h5py,
 * and texts of fixed and variable length.
 * @throws FormatError for a damaged file, symbolic and external links, groups that contain themselves, and other element types or filters.
 */
export function readHdf5(bytes: Uint8Array, name = 'file'): Hdf5Group {
  const refuse: Refuse = (message) => {
    throw new FormatError(`${name}: not an HDF5 file that can be read: ${message}`);
  };
  const { file, root } = readSuperblock(bytes, refuse);
  const heaps = new GlobalHeaps(file);
  const objects = new Map<number, Hdf5Group | Hdf5Dataset>();
  const open = new Set<number>();
  const visit = (address: number, path: string, depth: number): Hdf5Group | Hdf5Dataset => {
    const known = objects.get(address);
    if (known) return known;
    if (open.has(address)) return refuse(`the group ${path} contains itself; groups must not form a loop`);
    if (depth > maxDepth) return refuse(`groups are ${depth} deep; at most ${maxDepth} levels are read`);
    open.add(address);
    const header = readObjectHeader(file, address, path);
    const attributes = readAttributes(heaps, header);
    const links = readLinks(file, header);
    const content = links ? undefined : readDataset(heaps, header, `the data set ${path}`);
    let object: Hdf5Group | Hdf5Dataset;
    if (links) {
      const prefix = path === '/' ? path : `${path}/`;
      const children = links.map((link) => [link.name, visit(link.address, prefix + link.name, depth + 1)] as const);
      object = { kind: 'group', attributes, children: new Map(children) };
    } else {
      object = { kind: 'dataset', attributes, ...(content ?? refuse(`the object ${path} is no group and no data set`)) };
    }
    open.delete(address);
    objects.set(address, object);
    return object;
  };
  const group = visit(root, '/', 0);
  return group.kind === 'group' ? group : refuse('its root is no group');
}

/** The superblock is at byte 0, 512, 1024 and so on: a program may put its own data before it. */
function readSuperblock(bytes: Uint8Array, refuse: Refuse): { file: Hdf5Bytes; root: number } {
  let start = 0;
  while (start < bytes.length && !signature.every((byte, i) => bytes[start + i] === byte)) start = start ? 2 * start : 512;
  if (start >= bytes.length) return refuse('it has no signature of HDF5; the file is of another format, or is damaged');
  const draft: Hdf5Bytes = { bytes, offsetSize: 8, lengthSize: 8, refuse };
  const part = new Part(draft, bytes.subarray(start), 'the superblock');
  part.skip(signature.length);
  const version = part.u8();
  if (version > 3) return refuse(`the superblock has the version ${version}; 0 to 3 are read`);
  if (version < 2) part.skip(4);
  const [offsetSize, lengthSize] = [part.u8(), part.u8()];
  if (!sizes.includes(offsetSize) || !sizes.includes(lengthSize)) {
    return refuse(`positions have ${offsetSize} bytes and sizes ${lengthSize}; they must have 2, 4 or 8`);
  }
  const fields = new Part({ ...draft, offsetSize, lengthSize }, part.bytes, part.what);
  fields.skip(part.at);
  fields.skip([9, 13, 1, 1][version]);
  const base = fields.place();
  fields.address();
  const end = fields.place();
  if (version < 2) {
    fields.address();
    fields.uint(offsetSize);
  }
  const root = fields.place();
  if (version >= 2) fields.check();
  if (base !== start) return refuse(`the superblock at byte ${start} states the base ${base}; the two must agree`);
  if (end > bytes.length) return refuse(`it has ${bytes.length} bytes; the superblock states ${end}; the file is cut off`);
  return { file: { bytes: bytes.subarray(base, end), offsetSize, lengthSize, refuse }, root };
}
