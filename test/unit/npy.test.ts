// Files of NumPy: arrays of all element types, orders and versions, read and written.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { readNpz, writeNpz } from '../../src/exchange/npz.ts';
import { readNpy, writeNpy } from '../../src/formats/npy.ts';
import type { StoredTensor } from '../../src/formats/storedTypes.ts';
import { fuzzReader, mutationCount } from '../support/fileMutations.ts';

interface Row {
  file: string;
  /** Whether the written bytes must be NumPy's. */
  same?: boolean;
  dtype: string;
  shape: number[];
  data: (number | string)[];
}
const { rows, archives, names } = JSON.parse(readFileSync(new URL('../golden/numpyFiles.json', import.meta.url), 'utf8')) as {
  rows: Record<string, Row>;
  archives: Record<'stored' | 'deflated', string>;
  names: string[];
};
const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
const plain = ({ dtype, shape, data }: StoredTensor) => ({
  dtype,
  shape: [...shape],
  data: Array.from<number | bigint>(data as never).map((x) => (typeof x === 'bigint' ? String(x) : x)),
});
const expected = ({ dtype, shape, data }: Row) => ({ dtype, shape, data });

describe('npy', () => {
  test.each(Object.keys(rows))('%s is read', (name) => {
    expect(plain(readNpy(bytesOf(rows[name].file)))).toEqual(expected(rows[name]));
  });

  test.each(Object.keys(rows).filter((name) => rows[name].same))('%s is written with the bytes of NumPy', (name) => {
    const file = bytesOf(rows[name].file);
    expect(writeNpy(readNpy(file))).toEqual(file);
  });

  test('a long header has version 2', () => {
    const shape = new Array<number>(60).fill(1);
    const array: StoredTensor = { dtype: 'F32', shape, data: Float32Array.of(3) };
    expect(readNpy(writeNpy(array))).toEqual(array);
  });
});

describe('npz', () => {
  test.each(['stored', 'deflated'] as const)('%s', (kind) => {
    const arrays = readNpz(bytesOf(archives[kind]));
    expect([...arrays.keys()]).toEqual(names);
    for (const [name, array] of arrays) expect(plain(array)).toEqual(expected(rows[name]));
    const again = readNpz(writeNpz(arrays, { compress: kind === 'deflated' }));
    expect(again).toEqual(arrays);
  });

  // NumPy reads these files in scripts/golden/numpyFiles.py.
  const folder = process.env.OMBRE_WRITE_TO;
  if (folder)
    test('files for NumPy are written', () => {
      mkdirSync(folder, { recursive: true });
      const arrays = Object.entries(rows).filter(([, row]) => row.same).map(([name, row]) => [name, readNpy(bytesOf(row.file))] as const); // prettier-ignore
      for (const [name, array] of arrays) writeFileSync(join(folder, `${name}.npy`), writeNpy(array));
      writeFileSync(join(folder, 'stored.npz'), writeNpz(arrays));
      writeFileSync(join(folder, 'deflated.npz'), writeNpz(arrays, { compress: true }));
    });
});

describe('damaged files', () => {
  const refusal = (bytes: Uint8Array): string => {
    try {
      readNpy(bytes, 'x.npy');
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
      return (error as Error).message;
    }
    return '';
  };
  const withHeader = (header: string, data: number): Uint8Array => {
    const bytes = new Uint8Array(10 + header.length + data);
    bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length]);
    bytes.set(new TextEncoder().encode(header), 10);
    return bytes;
  };

  test('headers', () => {
    expect(refusal(new Uint8Array(3))).toBe(
      'x.npy: not an .npy file that can be read: the file ends at byte 3; a field at byte 0 takes 6 bytes',
    );
    expect(refusal(new Uint8Array(10))).toContain('it begins with the bytes 0, 0, 0, 0, 0, 0; the format with 147, 78');
    expect(refusal(withHeader('[]', 0))).toContain('its header is "[]"; it must be a Python dict');
    expect(refusal(withHeader("{'descr': '<f4', 'shape': (2,), }", 8))).toContain('its header has no fortran_order');
    expect(refusal(withHeader("{'descr': '<f4', 'descr': '<f4', }", 8))).toContain('must have descr, fortran_order and shape once each');
    expect(refusal(withHeader("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", 8))).toContain("its elements have the type '|O'; booleans, integers and floats are read"); // prettier-ignore
    expect(refusal(withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (2), }", 8))).toContain(
      'its shape is (2); it must be a tuple',
    );
    expect(refusal(withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 7))).toContain('F32[2] needs 8 bytes; the file has 7'); // prettier-ignore
    expect(refusal(withHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999, 99999999999, 0), }", 0))).toContain('it must be a tuple'); // prettier-ignore
    expect(refusal(withHeader("{'descr': '|b1', 'fortran_order': False, 'shape': (1,), }", 1).fill(2, -1))).toContain('not 0 or 1');
    expect(() => writeNpy({ dtype: 'BF16', shape: [], data: Float32Array.of(1) })).toThrow(
      'npy: NumPy has no type BF16; convert the elements to F32',
    );
    expect(() => writeNpy({ dtype: 'F32', shape: [2], data: Float32Array.of(1) })).toThrow('npy: [2] needs 2 elements, got 1');
  });

  test('mutations: a FormatError or a result', () => {
    const files = Object.values(rows).filter(({ data }) => data.length < 100).map(({ file }) => bytesOf(file)); // prettier-ignore
    const report = fuzzReader(files, (bytes) => readNpy(bytes).data.byteLength, (length) => 2 * length); // prettier-ignore
    const packed = [bytesOf(archives.stored), bytesOf(archives.deflated)];
    const readAll = (bytes: Uint8Array): number => [...readNpz(bytes).values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    const archive = fuzzReader(packed, readAll, (length) => 2 * 1032 * length);
    for (const { refused, read } of [report, archive]) expect(Math.min(refused, read)).toBeGreaterThan(0);
    if (mutationCount > 2000) console.log('npy:', report, 'npz:', archive);
  }, 3_600_000);
});
