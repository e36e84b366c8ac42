// HDF5 files of h5py, of old and new versions of the format: every object, attribute and value is compared.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import type { Hdf5Value } from '../../src/exchange/hdf5/elements.ts';
import { Part } from '../../src/exchange/hdf5/part.ts';
import { type Hdf5Dataset, type Hdf5Group, readHdf5 } from '../../src/exchange/hdf5/readHdf5.ts';

import { fuzzReader, mutationCount } from '../support/fileMutations.ts';

const folder = new URL('../golden/hdf5/', import.meta.url);
const open = (name: string): Uint8Array => new Uint8Array(gunzipSync(readFileSync(new URL(`${name}.gz`, folder))));

type Plain = { dtype: string; shape: number[]; data: (number | string)[] } | null;
interface Expected {
  attributes: Record<string, Plain>;
  value?: Plain;
  children?: Record<string, Expected>;
}
const contents = JSON.parse(readFileSync(new URL('contents.json', folder), 'utf8')) as Record<string, Expected>;

const plain = (value: Hdf5Value): Plain =>
  value
    ? { dtype: value.dtype, shape: [...value.shape], data: Array.from<number | bigint | string>(value.data as never).map((x) => (typeof x === 'bigint' ? String(x) : x)) } // prettier-ignore
    : null;

const describeObject = (object: Hdf5Group | Hdf5Dataset): Expected => ({
  attributes: Object.fromEntries([...object.attributes].map(([name, value]) => [name, plain(value)])),
  ...(object.kind === 'group'
    ? { children: Object.fromEntries([...object.children].map(([name, child]) => [name, describeObject(child)])) }
    : { value: plain(object.read()) }),
});

describe('files of h5py', () => {
  test.each(Object.keys(contents))('%s', (name) => {
    expect(describeObject(readHdf5(open(name), name))).toEqual(contents[name]);
  });
});

/** Every object of a file, its values included. Returns the bytes of all values. */
function readAll(object: Hdf5Group | Hdf5Dataset, seen = new Set<object>()): number {
  if (seen.has(object)) return 0;
  seen.add(object);
  const sizeOfValue = (value: Hdf5Value): number =>
    !value ? 0 : value.dtype === 'text' ? value.data.reduce((sum, text) => sum + text.length, 0) : value.data.byteLength;
  const attributes = [...object.attributes.values()].reduce((sum, value) => sum + sizeOfValue(value), 0);
  if (object.kind === 'dataset') return attributes + sizeOfValue(object.read());
  return [...object.children.values()].reduce((sum, child) => sum + readAll(child, seen), attributes);
}

test('groups with an order of creation list their members in it', () => {
  const file = readHdf5(open('tracked.h5'));
  expect([...file.children.keys()]).toEqual(['zeta', 'alpha', 'mid']);
  const zeta = file.children.get('zeta') as Hdf5Group;
  expect([...zeta.children.keys()]).toEqual(Array.from({ length: 11 }, (_, i) => String(10 - i)));
});

describe('damaged files', () => {
  const refusal = (bytes: Uint8Array): string => {
    try {
      readAll(readHdf5(bytes, 'x.h5'));
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
      return (error as Error).message;
    }
    return '';
  };
  /** Changes a file after the nth occurrence of an ASCII mark. */
  const changed = (name: string, mark: string, offset: number, value: readonly number[], nth = 0): Uint8Array => {
    const bytes = open(name);
    let at = -1;
    for (let i = 0; i <= nth; i++) at = Buffer.from(bytes).indexOf(mark, at + 1);
    expect(at).toBeGreaterThanOrEqual(0);
    bytes.set(value, at + offset);
    return bytes;
  };

  test('cut off', () => {
    const bytes = open('keras2.h5');
    expect(refusal(bytes.subarray(0, 0))).toBe('x.h5: not an HDF5 file that can be read: it has no signature of HDF5; the file is of another format, or is damaged'); // prettier-ignore
    expect(refusal(bytes.subarray(0, 20))).toContain('the superblock ends at byte 20');
    expect(refusal(bytes.subarray(0, 9000))).toContain('it has 9000 bytes; the superblock states 14856; the file is cut off');
  });

  test('signatures, versions and checksums', () => {
    expect(refusal(changed('keras2.h5', 'TREE', 0, [0x41]))).toMatch(/the tree node at byte \d+ has 'AREE' at byte 0; it must have 'TREE'/);
    expect(refusal(changed('keras2.h5', 'GCOL', 4, [9]))).toContain('has the version 9; 1 is read');
    expect(refusal(changed('dense.h5', 'OHDR', 30, [0xee]))).toContain('has the checksum');
    expect(refusal(changed('dense.h5', 'BTLF', 6, [9]))).toContain('has the checksum');
    expect(refusal(changed('dense.h5', 'FRHP', 30, [9]))).toContain('has the checksum');
  });

  test('a group that contains itself', () => {
    // The first table of links has the root's members: their positions become that of the root, which is 96.
    const root = [96, 0, 0, 0, 0, 0, 0, 0];
    expect(refusal(changed('userblock.h5', 'SNOD', 16, root))).toContain('the group /x contains itself; groups must not form a loop');
  });

  test('a tree whose child is itself', () => {
    const bytes = open('keras2.h5');
    const at = Buffer.from(bytes).indexOf('TREE');
    // Level 1, and the first child is the node.
    bytes[at + 5] = 1;
    new DataView(bytes.buffer).setBigUint64(at + 32, BigInt(at), true);
    expect(refusal(bytes)).toContain(`the tree node at byte ${at} is reached twice; nodes must not form a loop`);
  });

  test('sizes that the file cannot hold are refused before memory is taken', () => {
    const bytes = open('userblock.h5');
    // The shape [3] is a size and a largest size of 8 bytes each.
    const shape = Buffer.from(bytes).indexOf(Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]));
    bytes.set([0, 0, 0, 0, 0, 1], shape);
    expect(refusal(bytes)).toContain('the data set /x [1099511627776] needs 4398046511104 bytes; a file of 2060 bytes holds at most');
    bytes.set([4, 0, 0, 0, 0, 0], shape);
    expect(refusal(bytes)).toContain('the data set /x [4] has 12 bytes; its shape needs 16');
  });

  test('chunks: compressed data, checksums, and places', () => {
    const text = refusal(changed('chunks.h5', 'TREE', 32, [0xff, 0xff, 0xff], 2));
    expect(text).toMatch(/the chunk at|outside/);
  });

  test.each([
    ['h5 files of old and new versions', ['types.h5', 'chunks.h5', 'many.h5', 'dense.h5', 'tracked.h5', 'keras2.h5', 'keras3.weights.h5'], true],
    ['the same without checksums of metadata', ['dense.h5', 'v108.h5', 'tracked.h5', 'indexed.h5'], false],
  ])('mutations of %s: a FormatError or a result', (_, names, isChecked) => {
    // Without its comparison, damage reaches the readers of newer files.
    const check = isChecked ? undefined : vi.spyOn(Part.prototype, 'check').mockImplementation(function (this: Part) { this.skip(4); }); // prettier-ignore
    const report = fuzzReader(names.map(open), (bytes) => readAll(readHdf5(bytes)), (length) => 50 * (1032 * length + 2 ** 20), mutationCount / 2); // prettier-ignore
    check?.mockRestore();
    expect(report.refused).toBeGreaterThan(0);
    expect(report.read).toBeGreaterThan(0);
    if (mutationCount > 2000) console.log(`hdf5, ${isChecked ? 'as it is' : 'without checksums'}:`, report);
  }, 3_600_000); // prettier-ignore
});
