// Zip archives: those of Python, those that are written, and those that are damaged or made to harm.
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ArgumentError, FormatError } from '../../src/core/errors.ts';
import { adler32, crc32 } from '../../src/formats/checksums.ts';
import { readZip } from '../../src/exchange/zip/readZip.ts';
import { writeZip } from '../../src/exchange/zip/writeZip.ts';
import { fuzzReader, mutationCount } from '../support/fileMutations.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const numbers = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) >> 7);
const contents = [['a.txt', text('hello hello hello hello')], ['folder/ü.bin', numbers], ['empty', new Uint8Array(0)]] as const; // prettier-ignore

interface Made {
  name?: string;
  localName?: string;
  method?: number;
  data?: Uint8Array;
  packed?: Uint8Array;
  size?: number;
  flags?: number;
  at?: number;
}

/** An archive byte by byte, so that each field can be wrong. */
function archive(entries: readonly Made[], { prefix = 0, zip64 = false } = {}): Uint8Array {
  const parts: Uint8Array[] = [new Uint8Array(prefix)];
  const directory: Uint8Array[] = [];
  let at = prefix;
  const fields = (...list: readonly (readonly [size: 2 | 4 | 8, value: number])[]): Uint8Array => {
    const bytes = new Uint8Array(list.reduce((sum, [size]) => sum + size, 0));
    const view = new DataView(bytes.buffer);
    let to = 0;
    for (const [size, value] of list) {
      if (size === 2) view.setUint16(to, value, true);
      else if (size === 4) view.setUint32(to, value, true);
      else view.setBigUint64(to, BigInt(value), true);
      to += size;
    }
    return bytes;
  };
  for (const {
    name = 'a',
    localName = name,
    method = 0,
    data = text('hi'),
    packed = data,
    size = data.length,
    flags = 0,
    at: moved,
  } of entries) {
    const [local, central] = [text(localName), text(name)];
    const crc = crc32(data);
    const common = [[2, flags], [2, method], [4, 0], [4, crc], [4, packed.length], [4, size]] as const; // prettier-ignore
    const header = fields([4, 0x04034b50], [2, 20], ...common, [2, local.length], [2, 0]);
    const extra = zip64 ? fields([2, 1], [2, 24], [8, size], [8, packed.length], [8, moved ?? at]) : new Uint8Array(0);
    const unset = 0xffffffff;
    const sizes = zip64 ? ([[4, unset], [4, unset]] as const) : common.slice(4); // prettier-ignore
    directory.push(
      fields([4, 0x02014b50], [2, 20], [2, 20], ...common.slice(0, 4), ...sizes, [2, central.length], [2, extra.length], [2, 0], [2, 0], [2, 0], [4, 0], [4, zip64 ? unset : (moved ?? at)]), // prettier-ignore
      central,
      extra,
    );
    parts.push(header, local, packed);
    at += header.length + local.length + packed.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const count = entries.length;
  const end64 = zip64
    ? [
        fields([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count], [8, length], [8, at]),
        fields([4, 0x07064b50], [4, 0], [8, at + length], [4, 1]),
      ]
    : [];
  const end = zip64
    ? fields([4, 0x06054b50], [2, 0], [2, 0], [2, 0xffff], [2, 0xffff], [4, 0xffffffff], [4, 0xffffffff], [2, 0])
    : fields([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, length], [4, at], [2, 0]);
  return new Uint8Array(Buffer.concat([...parts, ...directory, ...end64, end]));
}

const readAll = (bytes: Uint8Array, limits = {}): Map<string, Uint8Array> => new Map([...readZip(bytes, 'x.zip', limits)].map(([name, entry]) => [name, entry.read()])); // prettier-ignore
const refusal = (bytes: Uint8Array, limits = {}): string => {
  try {
    readAll(bytes, limits);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return (error as Error).message;
  }
  return '';
};

test('checksums are those of the standards', () => {
  expect(crc32(text('123456789'))).toBe(0xcbf43926);
  expect(adler32(text('Wikipedia'))).toBe(0x11e60398);
});

describe('entries come back', () => {
  test.each([0, 6, 9] as const)('level %i', (level) => {
    expect(readAll(writeZip(contents, level))).toEqual(new Map(contents));
  });

  test('equal contents give equal bytes', () => {
    expect(writeZip(contents, 6)).toEqual(writeZip(contents, 6));
  });

  test('with Zip64, with bytes before the archive, and folders are left out', () => {
    expect(readAll(archive([{ name: 'a' }, { name: 'b/' , data: new Uint8Array(0) }, { name: 'b/c', data: numbers }], { zip64: true }))).toEqual(new Map([['a', text('hi')], ['b/c', numbers]])); // prettier-ignore
    expect(readAll(archive([{ name: 'a' }], { prefix: 100 }))).toEqual(new Map([['a', text('hi')]]));
  });
});

describe('refusals', () => {
  test.each(['/a', '../a', 'a/../b', 'a//b', './a', 'C:/a', 'a\\b', 'a\0b', ''])('the name %j', (name) => {
    expect(refusal(archive([{ name }]))).toContain(`an entry has the name ${JSON.stringify(name)}; names must be relative paths`);
  });

  test('names that occur twice, in the archive or in its headers', () => {
    expect(refusal(archive([{ name: 'a' }, { name: 'a' }]))).toContain("two entries are called 'a'");
    expect(refusal(archive([{ name: 'a', localName: 'b' }]))).toContain(
      `'a' (method 0) is "b" (method 0) in its own header; the two must agree`,
    );
    expect(() => writeZip([['a', numbers], ['a', numbers]])).toThrow("zip: two entries are called 'a'"); // prettier-ignore
    expect(() => writeZip([['__proto__', numbers]])).toThrow('it cannot be a name');
  });

  test('sizes above the limits, before inflation', () => {
    const zeros = new Uint8Array(1_000_000);
    const bytes = writeZip([['a', zeros], ['b', zeros]], 9); // prettier-ignore
    expect(refusal(bytes, { maxEntryBytes: 999_999 })).toContain("'a' has 1000000 bytes; at most 999999 are allowed");
    expect(refusal(bytes, { maxTotalBytes: 1_999_999 })).toContain('the entries have 2000000 bytes and more; at most 1999999 are allowed');
    expect(() => readZip(bytes, 'x', { maxTotalBytes: NaN })).toThrow(ArgumentError);
  });

  test('bombs: sizes that deflate cannot reach, data that inflate to more, and entries that overlap', () => {
    const packed = new Uint8Array(deflateRawSync(new Uint8Array(1_000_000)));
    expect(refusal(archive([{ method: 8, packed, size: 2 ** 31 }]))).toContain('deflate cannot do that'.replace('deflate', 'the method 8'));
    expect(refusal(archive([{ method: 8, packed, size: 1000 }]))).toContain(
      "'a' inflates to more than the 1000 bytes that the file states",
    );
    expect(refusal(archive([{ method: 8, packed, size: 1_000_001 }]))).toContain("'a' inflates to 1000000 bytes; the file states 1000001");
    expect(refusal(archive([{ name: 'a' }, { name: 'a', at: 0 }]))).toContain("'a' begins at byte 0; the entry before it ends at 33");
  });

  test('checksums, methods, encryption and files that are cut off', () => {
    expect(refusal(archive([{ data: text('hi'), packed: text('ho') }]))).toContain("'a' has the checksum");
    expect(refusal(archive([{ method: 12 }]))).toContain("'a' has the compression method 12; store (0) and deflate (8) are read");
    expect(refusal(archive([{ flags: 1 }]))).toContain("'a' is encrypted");
    const bytes = writeZip(contents, 6);
    for (let length = 0; length < bytes.length; length += 13) expect(refusal(bytes.subarray(0, length))).toContain('it has no end record');
  });

  test('mutations: a FormatError or a result', () => {
    const files = [writeZip(contents), writeZip(contents, 6), archive([{ name: 'a' }, { name: 'b', data: numbers }], { zip64: true })];
    const read = (bytes: Uint8Array): number => [...readAll(bytes).values()].reduce((sum, { length }) => sum + length, 0);
    const report = fuzzReader(files, read, (length) => 1032 * length);
    expect(Math.min(report.refused, report.read)).toBeGreaterThan(0);
    if (mutationCount > 2000) console.log('zip:', report);
  }, 3_600_000);
});
