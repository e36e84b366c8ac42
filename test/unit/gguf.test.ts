// GGUF files of the reference package: every value of the metadata, and every element of every type, bit by bit.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { readGguf } from '../../src/exchange/gguf/readGguf.ts';
import { fuzzReader, mutationCount } from '../support/fileMutations.ts';

interface Row {
  type: string;
  dtype: string;
  shape: number[];
  data: (number | string)[];
}
const { files, metadata, tensors } = JSON.parse(readFileSync(new URL('../golden/gguf.json', import.meta.url), 'utf8')) as {
  files: Record<'default' | 'aligned', string>;
  metadata: Record<string, unknown>;
  tensors: Record<string, Row>;
};
const open = (name: 'default' | 'aligned'): Uint8Array => new Uint8Array(Buffer.from(files[name], 'base64'));

describe.each(['default', 'aligned'] as const)('the file with alignment %s', (name) => {
  const file = readGguf(open(name));

  test('metadata', () => {
    const plain = Object.fromEntries([...file.metadata].map(([key, value]) => [key, typeof value === 'bigint' ? String(value) : value]));
    expect(plain).toMatchObject(metadata);
    expect(file.metadata.get('general.alignment')).toBe(name === 'aligned' ? 64 : undefined);
    expect(file.version).toBe(3);
    expect([...file.tensors.keys()]).toEqual(Object.keys(tensors));
  });

  test.each(Object.keys(tensors))('%s', (key) => {
    const { type, shape, dtype, data } = tensors[key];
    const given = file.tensors.get(key)!;
    const stored = given.read();
    expect({ type: given.type, shape: given.shape }).toEqual({ type, shape });
    const plain = Array.from<number | bigint>(stored.data as never).map((x) => (typeof x === 'bigint' ? String(x) : x));
    expect({ ...stored, data: plain }).toEqual({ dtype, shape, data });
  });
});

describe('damaged files', () => {
  const refusal = (bytes: Uint8Array): string => {
    try {
      readGguf(bytes, 'x.gguf');
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
      return (error as Error).message;
    }
    return '';
  };
  /** A file of version 3 of fields: texts with their lengths, u32 as numbers and u64 as bigints. */
  const made = (...fields: readonly (string | number | bigint)[]): Uint8Array => {
    const parts = fields.map((field) => {
      if (typeof field === 'string')
        return Buffer.concat([Buffer.from(BigUint64Array.of(BigInt(field.length)).buffer), Buffer.from(field)]);
      return Buffer.from(typeof field === 'number' ? Uint32Array.of(field).buffer : BigUint64Array.of(field).buffer);
    });
    return new Uint8Array(Buffer.concat([Buffer.from('GGUF'), ...parts]));
  };
  const padded = (bytes: Uint8Array, size: number): Uint8Array => {
    const all = new Uint8Array(size);
    all.set(bytes);
    return all;
  };

  test('headers', () => {
    expect(refusal(new Uint8Array(2))).toContain('x.gguf: not a GGUF file that can be read: the file ends at byte 2');
    expect(refusal(new Uint8Array(40))).toContain("the file has '\\u0000\\u0000\\u0000\\u0000' at byte 0; it must have 'GGUF'");
    expect(refusal(made(0x03000000, 0n, 0n))).toContain('it has the version 50331648; 2 and 3 are read, little-endian');
    expect(refusal(made(3, 99n, 0n))).toContain('it states 99 tensors; its 24 bytes cannot hold them');
    expect(refusal(made(2, 0n, 2n, 'a', 4, 1, 'a', 4, 2))).toContain("two values of its metadata are called 'a'");
    expect(refusal(made(3, 0n, 1n, 'a', 13))).toContain("the value 'a' has the type 13; the format has the types 0 to 12");
    expect(refusal(made(3, 0n, 1n, 'a', 7, 2))).toContain("the value 'a' is a boolean of the byte 2");
    expect(refusal(made(3, 0n, 1n, 'a', 9, 0, 2n ** 40n, 0n))).toContain("the value 'a' has 1099511627776 elements; the 8 bytes");
    const nested = Array.from({ length: 9 }, () => [9, 1n]).flat();
    expect(refusal(made(3, 0n, 1n, 'a', 9, ...nested, 0, 0n))).toContain("the value 'a' has arrays in arrays; at most 8 are read");
    expect(refusal(made(3, 0n, 1n, 'general.alignment', 4, 12))).toContain('general.alignment is 12; it must be a multiple of 8');
  });

  test('tensors', () => {
    const tensor = (name: string, shape: readonly bigint[], type: number, from: bigint) => [name, shape.length, ...shape, type, from];
    const one = (...entry: Parameters<typeof tensor>): string => refusal(padded(made(3, 1n, 0n, ...tensor(...entry)), 256));
    expect(one('a', [1n, 1n, 1n, 1n, 1n], 0, 0n)).toContain("'a' has the rank 5; at most 4 is possible");
    expect(one('a', [1n], 15, 0n)).toContain("'a' has the type 15; read are F32, F16, Q4_0");
    expect(one('a', [1n], 0, 8n)).toContain("'a' begins at byte 8 of the data; it must be a multiple of 32");
    expect(one('a', [33n, 2n], 2, 0n)).toContain("'a' Q4_0[2,33] has rows of 33; blocks of Q4_0 have 32 elements");
    expect(one('a', [2n ** 40n], 0, 0n)).toContain("'a' F32[1099511627776] needs 4398046511104 bytes; the file has 256");
    expect(one('a', [2n ** 53n], 0, 0n)).toContain('at most 2^53 - 1 is possible');
    expect(one('a', [60n], 0, 0n)).toContain("'a' ends at byte 304; the file has 256");
    const two = (name: string, from: bigint): string =>
      refusal(padded(made(3, 2n, 0n, ...tensor('a', [16n], 0, 0n), ...tensor(name, [1n], 0, from)), 512));
    expect(two('a', 64n)).toContain("two tensors are called 'a'");
    expect(two('b', 32n)).toContain("'b' begins at byte 32 of the data; the tensor before it ends at 64, and tensors must not overlap");
    expect(two('b', 64n)).toBe('');
    for (let length = 0; length < open('default').length; length += 97) expect(refusal(open('default').subarray(0, length))).not.toBe('');
  });

  test('mutations: a FormatError or a result', () => {
    const read = (bytes: Uint8Array): number => {
      let size = 0;
      for (const tensor of readGguf(bytes).tensors.values()) size += tensor.read().data.byteLength;
      return size;
    };
    // Two bits an element become four bytes.
    const report = fuzzReader([open('default'), open('aligned')], read, (length) => 16 * length);
    expect(Math.min(report.refused, report.read)).toBeGreaterThan(0);
    if (mutationCount > 2000) console.log('gguf:', report);
  }, 3_600_000);
});
