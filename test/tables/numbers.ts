// Rows of the gamma function's relatives, of truncated division and of bits.
import type { Tensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { type OpRow, f, row, w } from './row.ts';

const S = f([3, 5]);
const positive = f([3, 5], 0.1, 3);
const wide = f([3, 5], -7.9, 30.3);
const flat = { gpu: 'exact', gradient: 'none' } as const;
const ulp = (n: number, absolute = 0): Pick<OpRow, 'gpu'> => ({ gpu: { ulp: n, absolute } });
const u = (low: number, high: number) => w([11], low, high, 'u32');
const bits = w([11], -99, 99);
const truths = w([11], 0, 2, 'bool');

export const numberRows: readonly OpRow[] = [
  row('erfInv', [f([3, 5], -0.95, 0.95)], o.erfInv, ulp(8)),
  row('lgamma', [positive], o.lgamma, ulp(8, 1e-7)),
  row('lgamma wide', [wide], o.lgamma, { ...ulp(8, 1e-6), gradient: 'once' }),
  row('digamma', [positive], o.digamma, ulp(8, 1e-7)),
  row('digamma wide', [wide], o.digamma, { ...ulp(8, 1e-6), gradient: 'once' }),
  row('polygamma', [positive], (x) => o.polygamma(x, 1), ulp(8)),
  row('polygamma second', [positive], (x) => o.polygamma(x, 2), ulp(8)),
  row('polygamma zeroth', [positive], (x) => o.polygamma(x, 0), ulp(8, 1e-7)),
  row('truncDiv', [S, positive], o.truncDiv, { gpu: 'exact', gradient: 'once' }),
  row('truncDiv i32', [w([11]), w([11], -4, -1)], o.truncDiv, flat),
  row('truncDiv u32', [u(0, 50), u(1, 7)], o.truncDiv, flat),
  row('fmod', [S, positive], o.fmod, { gradient: 'once' }),
  row('fmod negative', [S, f([3, 5], -3, -0.1)], o.fmod, { gradient: 'once' }),
  row('fmod i32', [w([11]), w([11], 1, 4)], o.fmod, flat),
  row('fmod u32', [u(0, 50), u(1, 7)], o.fmod, flat),
  row('bitwiseAnd', [bits, bits], o.bitwiseAnd, flat),
  row('bitwiseAnd u32', [u(0, 99), u(0, 99)], o.bitwiseAnd, flat),
  row('bitwiseAnd bool', [truths, truths], o.bitwiseAnd, flat),
  row('bitwiseOr', [bits, bits], o.bitwiseOr, flat),
  row('bitwiseOr u32', [u(0, 99), u(0, 99)], o.bitwiseOr, flat),
  row('bitwiseOr bool', [truths, truths], o.bitwiseOr, flat),
  row('bitwiseXor', [bits, bits], o.bitwiseXor, flat),
  row('bitwiseXor u32', [u(0, 99), u(0, 99)], o.bitwiseXor, flat),
  row('bitwiseXor bool', [truths, truths], o.bitwiseXor, flat),
  row('bitwiseNot', [bits], o.bitwiseNot, flat),
  row('bitwiseNot bool', [truths], o.bitwiseNot, flat),
  row('leftShift', [bits, w([11], 0, 9)], o.leftShift, flat),
  row('rightShift', [w([11], -9999, 9999), w([11], 0, 9)], o.rightShift, flat),
];

/** Integer arithmetic at the ends of its range, alike on every stack: left and right operand, and the result in the operands' dtype. */
export interface IntegerCase {
  readonly name: string;
  readonly dtype: 'i32' | 'u32';
  readonly call: (a: o.TensorLike, b: o.TensorLike) => ReturnType<typeof o.add>;
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly expected: readonly number[];
}

const [lowest, highest] = [-(2 ** 31), 2 ** 31 - 1];

export const integerCases: readonly IntegerCase[] = [
  { name: 'truncDiv i32', dtype: 'i32', call: o.truncDiv, a: [7, -7, lowest, 5, lowest], b: [-2, 2, -1, 0, 3], expected: [-3, -3, lowest, 0, -715827882] }, // prettier-ignore
  { name: 'truncDiv u32', dtype: 'u32', call: o.truncDiv, a: [4294967295, 4294967295, 5], b: [2, 4294967295, 0], expected: [2147483647, 1, 0] }, // prettier-ignore
  { name: 'fmod i32', dtype: 'i32', call: o.fmod, a: [-7, 7, lowest, 5, lowest], b: [3, -3, -1, 0, 1000], expected: [-1, 1, 0, 0, -648] },
  { name: 'fmod u32', dtype: 'u32', call: o.fmod, a: [4294967295, 5, 4294967295], b: [10, 0, 4294967294], expected: [5, 0, 1] },
  { name: 'leftShift i32', dtype: 'i32', call: o.leftShift, a: [1, 1, 1, 3, -1, highest], b: [31, 32, -1, 30, 4, 1], expected: [lowest, 0, 0, -(2 ** 30), -16, -2] }, // prettier-ignore
  { name: 'leftShift u32', dtype: 'u32', call: o.leftShift, a: [1, 1, 3, 1], b: [31, 32, 31, 4294967295], expected: [2 ** 31, 0, 2 ** 31, 0] }, // prettier-ignore
  { name: 'rightShift i32', dtype: 'i32', call: o.rightShift, a: [-1, lowest, lowest, 7, -7, 7, 48], b: [40, 31, 32, 33, -1, -1, 4], expected: [-1, -1, -1, 0, -1, 0, 3] }, // prettier-ignore
  { name: 'rightShift u32', dtype: 'u32', call: o.rightShift, a: [4294967295, 4294967295, 4294967295, 9], b: [31, 32, 1, 4294967295], expected: [1, 0, highest, 0] }, // prettier-ignore
  { name: 'bitwiseNot u32', dtype: 'u32', call: (a) => o.bitwiseNot(a), a: [0, 4294967295], b: [0, 0], expected: [4294967295, 0] },
  { name: 'bitwiseAnd u32', dtype: 'u32', call: o.bitwiseAnd, a: [4294967295], b: [4026531840], expected: [4026531840] },
  { name: 'bitwiseXor u32', dtype: 'u32', call: o.bitwiseXor, a: [4294967295], b: [1], expected: [4294967294] },
];

/** Division of floats that truncates, as trunc(a / b) and fmod of PyTorch; no difference is made between zeros. */
export const floatDivision = {
  operands: (): [a: Tensor, b: Tensor] => [
    o.alias(o.tensor([7.5, -7.5, 1, -1, 0, 6, -6, NaN, Infinity, -Infinity, Infinity, Infinity])),
    o.alias(o.tensor([2, 2, 0, 0, 0, 3, Infinity, 1, 2, 2, -Infinity, NaN])),
  ],
  quotients: [3, -3, Infinity, -Infinity, NaN, 2, 0, NaN, Infinity, -Infinity, NaN, NaN],
  remainders: [1.5, -1.5, NaN, NaN, NaN, 0, -6, NaN, NaN, NaN, NaN, NaN],
};

/** The gamma functions and erfInv, by the names of test/golden/special.json. */
export const awkwardFunctions = {
  lgamma: o.lgamma,
  digamma: o.digamma,
  polygamma: (x: o.TensorLike) => o.polygamma(x, 1),
  erfInv: o.erfInv,
};

/**
 * Describes an error of a result; '' if there is none. The tolerance is 2e-6 relative, and near the roots of lgamma and digamma below 0 it
 * is 2e-6 absolute.
 */
export function awkwardComplaint(name: string, at: number, actual: number, expected: number): string {
  if (Object.is(actual, expected) || actual === expected) return '';
  const absolute = at < 0 ? 2e-6 * Math.max(1, Math.abs(at) ** (name === 'lgamma' ? 1 : 0)) : 1e-37;
  const error = Math.abs(actual - expected);
  // Next to a pole the rounding of x itself decides; x is exact here, so the bound stays.
  return error <= absolute + 2e-6 * Math.abs(expected) ? '' : `${name}(${at}) is ${actual} instead of ${expected}`;
}
