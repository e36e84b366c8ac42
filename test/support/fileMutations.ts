// Damaged files: a reader must throw a FormatError or give a result of bounded size, and must not change prototypes.
import fc from 'fast-check';
import { expect } from 'vitest';
import { joinBytes } from '../../src/core/bytes.ts';
import { FormatError } from '../../src/core/errors.ts';

/** Mutations of one reader. `npm run fuzz` sets 100,000. */
export const mutationCount = Number(process.env.OMBRE_MUTATIONS ?? 2000);

type Edit = readonly [kind: 'byte' | 'word' | 'copy' | 'cut' | 'insert' | 'text', at: number, value: number, other: number];

/** Numbers at the limits of the types of fields. */
const words = [0, 1, 2, 7, 8, 127, 128, 255, 256, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const texts = ['__proto__', 'constructor', '../a', '[9e99]', '-1', '"', '\\u0000', 'null', '1e400', '{"a":', ']}'];

/** Parts of 1, all equally likely. Most doubles are near 0, so that `fc.double` would change only the first byte. */
const part = fc.noBias(fc.nat({ max: 2 ** 31 - 1 })).map((n) => n / 2 ** 31);

const edit: fc.Arbitrary<Edit> = fc.tuple(
  fc.constantFrom<Edit[0][]>('byte', 'byte', 'word', 'word', 'copy', 'cut', 'insert', 'text'),
  // A third is in the first part of the file, which has the header of most formats.
  fc.oneof({ weight: 2, arbitrary: part }, { weight: 1, arbitrary: part.map((x) => x ** 4) }),
  fc.nat({ max: 2 ** 31 - 1 }),
  part,
);

/** One to four changes, for any file. */
export const edits = fc.array(edit, { minLength: 1, maxLength: 4 });

/** Applies changes to a copy of a file. */
export function mutate(file: Uint8Array, changes: readonly Edit[]): Uint8Array {
  let bytes = new Uint8Array(file);
  for (const [kind, place, value, other] of changes) {
    const at = Math.floor(place * bytes.length);
    const length = Math.floor(other * other * Math.min(64, bytes.length - at));
    if (bytes.length === 0) break;
    if (kind === 'byte') bytes[at] = value;
    else if (kind === 'word') {
      const word = new DataView(new ArrayBuffer(8));
      word.setBigUint64(0, BigInt(words[value % words.length]) << BigInt(value % 3 === 0 ? 32 : 0), true);
      bytes.set(new Uint8Array(word.buffer, 0, Math.min(bytes.length - at, value % 2 ? 4 : 8)), at);
    } else if (kind === 'copy') bytes.copyWithin(Math.floor(other * bytes.length), at, at + (value % 64));
    else if (kind === 'cut') bytes = value % 4 ? joinBytes([bytes.subarray(0, at), bytes.subarray(at + length)]) : bytes.slice(0, at);
    else if (kind === 'insert') bytes = joinBytes([bytes.subarray(0, at), bytes.subarray(0, length), bytes.subarray(at)]);
    else {
      const text = new TextEncoder().encode(texts[value % texts.length]);
      bytes.set(text.subarray(0, bytes.length - at), at);
    }
  }
  return bytes;
}

/** Numbers of files that were refused and read. */
export interface FuzzReport {
  refused: number;
  read: number;
}

/**
 * Reads mutations of files.
 * @param read Reads a file completely, and returns the bytes of its result.
 * @param limit The largest result of a file of `length` bytes.
 */
export function fuzzReader(
  files: readonly Uint8Array[],
  read: (bytes: Uint8Array) => number,
  limit: (length: number) => number,
  count = mutationCount,
): FuzzReport {
  const report = { refused: 0, read: 0 };
  const prototype = Object.getOwnPropertyNames(Object.prototype).length;
  fc.assert(
    fc.property(fc.nat({ max: files.length - 1 }), edits, (file, changes) => {
      const bytes = mutate(files[file], changes);
      try {
        expect(read(bytes)).toBeLessThanOrEqual(limit(bytes.length));
        report.read++;
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        report.refused++;
      }
      expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(prototype);
    }),
    { numRuns: count },
  );
  return report;
}
