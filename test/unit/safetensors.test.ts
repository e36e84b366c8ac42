// The safetensors format: layout, every dtype, refusals, mutations.
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { fromBf16Bits, fromF16Bits, toF16Bits } from '../../src/formats/halves.ts';
import { type StoredTensor, readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { fuzzReader, mutationCount } from '../support/fileMutations.ts';

const fileOf = (header: unknown, data: number, text = JSON.stringify(header)): Uint8Array => {
  const bytes = new TextEncoder().encode(text);
  const file = new Uint8Array(8 + bytes.length + data);
  new DataView(file.buffer).setBigUint64(0, BigInt(bytes.length), true);
  file.set(bytes, 8);
  return file;
};

describe('safetensors', () => {
  const all: [string, StoredTensor][] = [
    ['f64', { dtype: 'F64', shape: [2], data: Float64Array.of(Math.PI, -0) }],
    ['f32', { dtype: 'F32', shape: [2, 1], data: Float32Array.of(1.5, NaN) }],
    ['f16', { dtype: 'F16', shape: [3], data: Float32Array.of(1.5, -65504, 2 ** -24) }],
    ['bf16', { dtype: 'BF16', shape: [2], data: Float32Array.of(-3, 2 ** 100) }],
    ['i64', { dtype: 'I64', shape: [1], data: BigInt64Array.of(-(2n ** 62n)) }],
    ['u64', { dtype: 'U64', shape: [1], data: BigUint64Array.of(2n ** 63n) }],
    ['i32', { dtype: 'I32', shape: [], data: Int32Array.of(-7) }],
    ['u32', { dtype: 'U32', shape: [1], data: Uint32Array.of(4294967295) }],
    ['i16', { dtype: 'I16', shape: [1], data: Int16Array.of(-300) }],
    ['u16', { dtype: 'U16', shape: [1], data: Uint16Array.of(65535) }],
    ['i8', { dtype: 'I8', shape: [1], data: Int8Array.of(-100) }],
    ['u8', { dtype: 'U8', shape: [3], data: Uint8Array.of(0, 128, 255) }],
    ['bool', { dtype: 'BOOL', shape: [2], data: Uint8Array.of(1, 0) }],
    ['empty', { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) }],
  ];

  test('every dtype comes back as it was, also from bytes at an odd offset', () => {
    const written = writeSafetensors(all, { note: 'ü' });
    const moved = new Uint8Array(written.length + 1);
    moved.set(written, 1);
    for (const bytes of [written, moved.subarray(1)]) {
      const { tensors, metadata } = readSafetensors(bytes);
      expect(metadata).toEqual({ note: 'ü' });
      expect(new Map([...tensors].sort())).toEqual(new Map([...all].sort()));
    }
  });

  test('the layout is that of the reference: a padded header, the largest elements first', () => {
    const bytes = writeSafetensors([
      ['b', { dtype: 'U8', shape: [1], data: Uint8Array.of(9) }],
      ['a', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }],
    ]);
    const text = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}}';
    const padded = Math.ceil(text.length / 8) * 8;
    expect(Number(new DataView(bytes.buffer).getBigUint64(0, true))).toBe(padded);
    expect(new TextDecoder().decode(bytes.subarray(8, 8 + padded))).toBe(text.padEnd(padded));
    expect([...bytes.subarray(8 + padded)]).toEqual([0, 0, 0x80, 0x3f, 9]);
  });

  const f32 = (begin: number, end: number, shape = [1]): object => ({ dtype: 'F32', shape, data_offsets: [begin, end] });
  test.each([
    ['7 bytes', new Uint8Array(7), 'it has 7 bytes; the length of the header takes 8'],
    ['a header beyond the file', fileOf({}, 0).subarray(0, 9), 'the header has 2 bytes; at most 1 are possible'],
    ['a header of 2^63 bytes', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 128), 'the header has 9223372036854776000 bytes'],
    ['no JSON', fileOf({}, 0, '{'), 'the header is no JSON in UTF-8'],
    ['a list', fileOf([], 0), 'the header is []; it must be an object'],
    ['an unknown dtype', fileOf({ a: { dtype: 'F8', shape: [], data_offsets: [0, 1] } }, 1), "dtype of 'a' is 'F8'; it must be one of F64, I64"],
    ['a dtype of the prototype', fileOf({ a: { dtype: 'toString', shape: [], data_offsets: [0, 1] } }, 1), "dtype of 'a' is 'toString'"],
    ['a negative size', fileOf({ a: f32(0, 4, [-1]) }, 4), "shape of 'a' is"],
    ['a huge shape', fileOf({ a: f32(0, 4, [2 ** 40, 2 ** 40]) }, 4), "needs 4.8357"],
    ['offsets beyond the data', fileOf({ a: f32(0, 4) }, 3), "data_offsets of 'a' are 0 to 4; the file has 3 bytes of data"],
    ['one offset', fileOf({ a: { dtype: 'F32', shape: [1], data_offsets: [0] } }, 4), "data_offsets of 'a' are"],
    ['data that overlap', fileOf({ a: f32(0, 4), b: f32(0, 4) }, 4), "'b' begins at 0; the data before it end at 4, and they must touch"],
    ['a hole', fileOf({ a: f32(0, 4), b: f32(8, 12) }, 12), "'b' begins at 8; the data before it end at 4"],
    ['bytes of no tensor', fileOf({ a: f32(0, 4) }, 5), 'the tensors end at byte 4, the data at 5'],
    ['metadata of numbers', fileOf({ __metadata__: { a: 1 } }, 0), '__metadata__ is'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes, 'w')).toThrow(FormatError);
    expect(() => readSafetensors(bytes, 'w')).toThrow(message);
  }); // prettier-ignore

  test('BOOL has only the bytes 0 and 1, and a name is used once', () => {
    const bool = fileOf({ a: { dtype: 'BOOL', shape: [1], data_offsets: [0, 1] } }, 1);
    bool[bool.length - 1] = 2;
    expect(() => readSafetensors(bool)).toThrow("'a' is BOOL and has a byte that is not 0 or 1");
    expect(() => writeSafetensors([all[0], all[0]])).toThrow("two tensors are called 'f64'");
    expect(() => writeSafetensors([['a', { dtype: 'F32', shape: [2], data: new Float32Array(1) }]])).toThrow(
      "'a' [2] needs 2 elements, got 1",
    );
  });

  test('mutations: a FormatError or a result', () => {
    const files = [writeSafetensors(all, { note: 'x' }), writeSafetensors(all.slice(0, 2))];
    const read = (bytes: Uint8Array): number =>
      [...readSafetensors(bytes).tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    // F16 becomes f32.
    const report = fuzzReader(files, read, (length) => 2 * length);
    expect(Math.min(report.refused, report.read)).toBeGreaterThan(0);
    if (mutationCount > 2000) console.log('safetensors:', report);
  }, 3_600_000);

  test('all 65,536 F16 and BF16', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const x = fromF16Bits(bits);
      if (!Number.isNaN(x)) expect(toF16Bits(x)).toBe(bits);
      expect(new Float32Array(Uint32Array.of(bits << 16).buffer)[0]).toBe(fromBf16Bits(bits));
    }
    // Halfway between two, the even one; beyond the largest, Infinity.
    expect([1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 3 * 2 ** -26].map(toF16Bits)).toEqual([
      0x3c00, 0x3c02, 0x7bff, 0x7c00, 0, 1,
    ]);
  });
});
