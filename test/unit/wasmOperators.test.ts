// Operators and builtins of the compiler to WebAssembly at their corner cases: one invocation at a time, four together, loops and vectors.
import { describe, expect, test } from 'vitest';
import { evaluateAll } from '../support/runWgsl.ts';

type Row = readonly [
  expression: string,
  types: readonly ['f32' | 'i32' | 'u32', 'f32' | 'i32' | 'u32'],
  xs: readonly number[],
  ys: readonly number[],
  expected: readonly number[],
];

const smallest = -2147483648;
const inf = Infinity;

function check([expression, types, xs, ys, expected]: Row): void {
  for (const [way, found] of Object.entries(evaluateAll(expression, types, xs, ys.length ? ys : xs))) expect(found, way).toEqual(expected);
}

describe('integers', () => {
  test.each<Row>([
    [
      'x / y',
      ['i32', 'i32'],
      [7, -7, 7, 5, smallest, smallest, 0, -9],
      [2, 2, -2, 0, -1, 0, 0, -1],
      [3, -3, -3, 5, smallest, smallest, 0, 9],
    ],
    ['x % y', ['i32', 'i32'], [7, -7, 7, 5, smallest, smallest, 0, -9], [2, 2, -2, 0, -1, 0, 0, 4], [1, -1, 1, 0, 0, 0, 0, -1]],
    ['x / y', ['u32', 'u32'], [7, 4294967295, 5, 4294967295, 0], [2, 2, 0, 4294967295, 0], [3, 2147483647, 5, 1, 0]],
    ['x % y', ['u32', 'u32'], [7, 4294967295, 5, 4294967295, 0], [2, 4, 0, 4294967295, 0], [1, 3, 0, 0, 0]],
    ['x * y', ['u32', 'u32'], [65536, 4294967295, 3], [65536, 4294967295, 5], [0, 1, 15]],
    ['x - y', ['u32', 'u32'], [0, 5], [1, 7], [4294967295, 4294967294]],
    ['-x', ['i32', 'i32'], [smallest, 5, -5, 0], [], [smallest, -5, 5, 0]],
    ['abs(x)', ['i32', 'i32'], [smallest, 5, -5, 0], [], [smallest, 5, 5, 0]],
    ['sign(x)', ['i32', 'i32'], [smallest, 5, -5, 0], [], [-1, 1, -1, 0]],
    ['~x', ['u32', 'u32'], [0, 5, 4294967295], [], [4294967295, 4294967290, 0]],
    ['min(x, y)', ['i32', 'i32'], [-1, 1, smallest], [1, -1, 0], [-1, -1, smallest]],
    ['min(x, y)', ['u32', 'u32'], [4294967295, 1, 0], [1, 4294967295, 0], [1, 1, 0]],
    ['max(x, y)', ['u32', 'u32'], [4294967295, 1, 0], [1, 4294967295, 0], [4294967295, 4294967295, 0]],
    ['countLeadingZeros(x)', ['u32', 'u32'], [0, 1, 4294967295, 256], [], [32, 31, 0, 23]],
    ['countTrailingZeros(x)', ['u32', 'u32'], [0, 1, 4294967295, 256], [], [32, 0, 0, 8]],
    ['countOneBits(x)', ['u32', 'u32'], [0, 1, 4294967295, 257], [], [0, 1, 32, 2]],
    ['(x & y) | (x ^ y)', ['u32', 'u32'], [12, 4294967295], [10, 1], [14, 4294967295]],
  ])('%s of %j', (...row) => check(row));

  test.each<Row>([
    ['x << y', ['u32', 'u32'], [1, 1, 1, 1, 3, 5], [0, 31, 32, 33, 63, 64], [1, 2147483648, 1, 2, 2147483648, 5]],
    ['x >> y', ['u32', 'u32'], [2147483648, 2147483648, 2147483648, 7], [31, 32, 33, 64], [1, 2147483648, 1073741824, 7]],
  ])('%s by 32 and more uses the low five bits of the count', (...row) => check(row));

  test('x >> 1 keeps the sign of a signed integer', () => {
    check(['x >> 1u', ['i32', 'i32'], [-8, 8, -1, smallest], [], [-4, 4, -1, -1073741824]]);
  });
});

describe('floats', () => {
  test.each<Row>([
    ['round(x)', ['f32', 'f32'], [0.5, 1.5, 2.5, -0.5, -1.5, 8388609, inf, -0.25], [], [0, 2, 2, -0, -2, 8388609, inf, -0]],
    ['floor(x)', ['f32', 'f32'], [0.5, -0.5, -1, 1e30, -inf], [], [0, -1, -1, Math.fround(1e30), -inf]],
    ['ceil(x)', ['f32', 'f32'], [0.5, -0.5, -1, inf], [], [1, -0, -1, inf]],
    ['trunc(x)', ['f32', 'f32'], [1.75, -1.75, -0.5], [], [1, -1, -0]],
    ['fract(x)', ['f32', 'f32'], [1.75, -1.75, 3], [], [0.75, 0.25, 0]],
    ['abs(x)', ['f32', 'f32'], [-0, -1.5, -inf], [], [0, 1.5, inf]],
    ['sign(x)', ['f32', 'f32'], [2, -3, 0, inf, -inf], [], [1, -1, 0, 1, -1]],
    ['sqrt(x)', ['f32', 'f32'], [4, 0, inf, 2], [], [2, 0, inf, Math.fround(Math.SQRT2)]],
    ['min(x, y)', ['f32', 'f32'], [1, -inf, 3, 2], [2, 5, inf, -2], [1, -inf, 3, -2]],
    ['max(x, y)', ['f32', 'f32'], [1, -inf, 3, 2], [2, 5, inf, -2], [2, 5, inf, 2]],
    ['clamp(x, -1.0, y)', ['f32', 'f32'], [-5, 0.5, 5, inf], [1, 1, 1, 2], [-1, 0.5, 1, 2]],
    ['x % y', ['f32', 'f32'], [5.5, -5.5, 5.5], [2, 2, -2], [1.5, -1.5, 1.5]],
    ['x / y', ['f32', 'f32'], [1, -1, 0, 1], [0, 0, 0, 3], [inf, -inf, NaN, Math.fround(1 / 3)]],
    ['-x', ['f32', 'f32'], [0, -0, 1, inf], [], [-0, 0, -1, -inf]],
    ['fma(x, y, x)', ['f32', 'f32'], [2, 3], [4, 5], [10, 18]],
    ['select(x, y, x < y)', ['f32', 'f32'], [1, 3, NaN], [2, 2, 5], [2, 3, NaN]],
    ['x - x', ['f32', 'f32'], [inf, NaN, 4], [], [NaN, NaN, 0]],
    ['inverseSqrt(x)', ['f32', 'f32'], [4, 0.25], [], [0.5, 2]],
  ])('%s of %j', (...row) => check(row));

  test.each([
    ['==', [0, 0, 1, 0, 1, 0]],
    ['!=', [1, 1, 0, 1, 0, 1]],
    ['<', [0, 1, 0, 0, 0, 0]],
    ['<=', [0, 1, 1, 0, 1, 0]],
    ['>', [0, 0, 0, 1, 0, 0]],
    ['>=', [0, 0, 1, 1, 1, 0]],
  ] as const)('x %s y, also with NaN and zeros of both signs', (operator, expected) => {
    check([`select(To(0), To(1), x ${operator} y)`, ['f32', 'u32'], [NaN, 1, 0, 2, inf, 1], [NaN, 2, -0, 1, inf, NaN], expected]);
  });
});

describe('conversions', () => {
  const floats = [1.9, -1.9, NaN, inf, -inf, 3e9, 5e9, -3e9];
  test.each<Row>([
    ['To(x)', ['f32', 'i32'], floats, [], [1, -1, 0, 2147483647, smallest, 2147483647, 2147483647, smallest]],
    ['To(x)', ['f32', 'u32'], floats, [], [1, 0, 0, 4294967295, 0, 3000000000, 4294967295, 0]],
    ['To(x)', ['i32', 'f32'], [16777217, smallest, -1, 2147483647], [], [16777216, smallest, -1, 2147483648]],
    ['To(x)', ['u32', 'f32'], [4294967295, 16777219, 0], [], [4294967296, 16777220, 0]],
    ['To(x)', ['i32', 'u32'], [-1, 5], [], [4294967295, 5]],
    ['bitcast<To>(x)', ['f32', 'u32'], [1, -0, inf], [], [0x3f800000, 0x80000000, 0x7f800000]],
    ['bitcast<To>(x)', ['u32', 'f32'], [0x3f800000, 0x80000000, 0x7f800000], [], [1, -0, inf]],
    ['To(x != y)', ['f32', 'u32'], [1, 2], [1, 3], [0, 1]],
  ])('%s of %j: floats clamp, NaN is 0, integers round', (...row) => check(row));
});
