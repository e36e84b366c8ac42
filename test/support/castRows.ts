// Casts of numbers at and beyond the range of the new dtype: truncated and clamped to the range, NaN to 0. Equal on every stack.
import type { Dtype } from '../../src/core/dtype.ts';

/** The largest f32 below 2^31 and below 2^32. */
const [below31, below32] = [2147483520, 4294967040];
const floats = [0, -0, 0.9, -0.9, 1.5, -1.5, below31, 2 ** 31, -(2 ** 31), -(2 ** 31) - 256, below32, 2 ** 32, 3e9, -3e9, 1e20, -1e20, 3.4e38, Infinity, -Infinity, NaN]; // prettier-ignore

export const castRows: [string, Dtype, number[], Dtype, number[]][] = [
  ['f32 to i32', 'f32', floats, 'i32', [0, 0, 0, 0, 1, -1, below31, 2147483647, -2147483648, -2147483648, 2147483647, 2147483647, 2147483647, -2147483648, 2147483647, -2147483648, 2147483647, 2147483647, -2147483648, 0]], // prettier-ignore
  ['f32 to u32', 'f32', floats, 'u32', [0, 0, 0, 0, 1, 0, below31, 2147483648, 0, 0, below32, 4294967295, 3e9, 0, 4294967295, 0, 4294967295, 4294967295, 0, 0]], // prettier-ignore
  ['f32 to bool', 'f32', floats, 'bool', [0, 0, ...floats.slice(2).map(() => 1)]],
  ['u32 to i32', 'u32', [0, 1, 2147483647, 2147483648, 3e9, 4294967295], 'i32', [0, 1, 2147483647, 2147483647, 2147483647, 2147483647]],
  ['i32 to u32', 'i32', [0, 1, -1, 2147483647, -2147483648], 'u32', [0, 1, 0, 2147483647, 0]],
  ['i32 to f32', 'i32', [2147483647, -2147483648, 16777217, 16777219, -16777217], 'f32', [2147483648, -2147483648, 16777216, 16777220, -16777216]], // prettier-ignore
  ['u32 to f32', 'u32', [4294967295, 3000000001, 16777217], 'f32', [4294967296, 3e9, 16777216]],
];
