// Quantised blocks of ggml (https://github.com/ggml-org/ggml, ggml-common.h): a block of elements shares a scale, and often a minimum.
// Products of a scale and a quantised value are exact in f64, so each element is rounded once, to f32.
import { fromF16Bits } from '../../formats/halves.ts';

/** A type of blocks. */
export interface BlockType {
  /** Elements of a block. */
  readonly elements: number;
  /** Bytes of a block. */
  readonly bytes: number;
  /** Writes the elements of the block at byte `from` of `data` to `output` from `to` on. */
  readonly read: (data: Uint8Array, from: number, output: Float32Array, to: number) => void;
}

const half = (data: Uint8Array, at: number): number => fromF16Bits(data[at] | (data[at + 1] << 8));
const signed = (byte: number): number => (byte << 24) >> 24;

/** Blocks of 32 with 4 bits an element: the low halves of 16 bytes, then the high halves. Those of 5 bits have a mask of fifth bits. */
const nibbles = (hasMinimum: boolean, hasFifthBits: boolean): BlockType => {
  const head = hasMinimum ? 4 : 2;
  const first = head + (hasFifthBits ? 4 : 0);
  const zero = hasMinimum ? 0 : hasFifthBits ? 16 : 8;
  return {
    elements: 32,
    bytes: first + 16,
    read(data, from, output, to) {
      const scale = half(data, from);
      // Adding -0 keeps the sign of zeros.
      const minimum = hasMinimum ? half(data, from + 2) : -0;
      const fifth = (i: number): number => (hasFifthBits ? ((data[from + head + (i >> 3)] >> (i & 7)) & 1) << 4 : 0);
      for (let i = 0; i < 16; i++) {
        const byte = data[from + first + i];
        output[to + i] = scale * (((byte & 15) | fifth(i)) - zero) + minimum;
        output[to + i + 16] = scale * (((byte >> 4) | fifth(i + 16)) - zero) + minimum;
      }
    },
  };
};

const q8_0: BlockType = {
  elements: 32,
  bytes: 34,
  read(data, from, output, to) {
    const scale = half(data, from);
    for (let i = 0; i < 32; i++) output[to + i] = scale * signed(data[from + 2 + i]);
  },
};

/** Position of the two bits of element `i` of 256: each half of the block has 32 bytes, of which each has four elements. */
const twoBits = (data: Uint8Array, at: number, i: number): number => (data[at + (i >> 7) * 32 + (i & 31)] >> (((i >> 5) & 3) * 2)) & 3;

const q2K: BlockType = {
  elements: 256,
  bytes: 84,
  read(data, from, output, to) {
    const scale = half(data, from + 80);
    const minimum = half(data, from + 82);
    for (let i = 0; i < 256; i++) {
      const both = data[from + (i >> 4)];
      output[to + i] = scale * (both & 15) * twoBits(data, from + 16, i) - minimum * (both >> 4);
    }
  },
};

const q3K: BlockType = {
  elements: 256,
  bytes: 110,
  read(data, from, output, to) {
    const scale = half(data, from + 108);
    for (let i = 0; i < 256; i++) {
      const group = i >> 4;
      // Scales of 6 bits: the low four in halves of 8 bytes, the high two in quarters of 4 bytes.
      const low = (data[from + 96 + (group & 7)] >> (group >> 3 << 2)) & 15; // prettier-ignore
      const high = (data[from + 104 + (group & 3)] >> (group >> 2 << 1)) & 3; // prettier-ignore
      const third = (data[from + (i & 31)] >> (i >> 5)) & 1;
      output[to + i] = scale * ((low | (high << 4)) - 32) * (twoBits(data, from + 32, i) - (third ? 0 : 4));
    }
  },
};

/** Eight scales and eight minima of 6 bits in 12 bytes. */
function scaleAndMinimum(data: Uint8Array, at: number, group: number): readonly [scale: number, minimum: number] {
  if (group < 4) return [data[at + group] & 63, data[at + group + 4] & 63];
  const low = data[at + group + 4];
  return [(low & 15) | ((data[at + group - 4] >> 6) << 4), (low >> 4) | ((data[at + group] >> 6) << 4)];
}

const fourOrFiveBits = (hasFifthBits: boolean): BlockType => {
  const first = hasFifthBits ? 48 : 16;
  return {
    elements: 256,
    bytes: first + 128,
    read(data, from, output, to) {
      const scale = half(data, from);
      const minimum = half(data, from + 2);
      for (let group = 0; group < 8; group++) {
        const [groupScale, groupMinimum] = scaleAndMinimum(data, from + 4, group);
        for (let i = 0; i < 32; i++) {
          const four = (data[from + first + (group >> 1) * 32 + i] >> ((group & 1) * 4)) & 15;
          const fifth = hasFifthBits ? ((data[from + 16 + i] >> group) & 1) << 4 : 0;
          output[to + group * 32 + i] = scale * groupScale * (four | fifth) - minimum * groupMinimum;
        }
      }
    },
  };
};

const q6K: BlockType = {
  elements: 256,
  bytes: 210,
  read(data, from, output, to) {
    const scale = half(data, from + 208);
    for (let i = 0; i < 256; i++) {
      const [part, quarter, place] = [i >> 7, (i >> 5) & 3, i & 31];
      const low = (data[from + part * 64 + (quarter & 1) * 32 + place] >> ((quarter >> 1) * 4)) & 15;
      const high = (data[from + 128 + part * 32 + place] >> (quarter * 2)) & 3;
      output[to + i] = scale * signed(data[from + 192 + (i >> 4)]) * ((low | (high << 4)) - 32);
    }
  },
};

/** Quantised types by their names. */
export const blockTypes = {
  Q4_0: nibbles(false, false),
  Q4_1: nibbles(true, false),
  Q5_0: nibbles(false, true),
  Q5_1: nibbles(true, true),
  Q8_0: q8_0,
  Q2_K: q2K,
  Q3_K: q3K,
  Q4_K: fourOrFiveBits(false),
  Q5_K: fourOrFiveBits(true),
  Q6_K: q6K,
} as const satisfies Readonly<Record<string, BlockType>>;

export type QuantisedType = keyof typeof blockTypes;
