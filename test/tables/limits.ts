// Every elementwise op of floats at NaN, infinities, signed zeros, huge and subnormal numbers; sin, cos and tan at angles up to 3e38; powers with huge
// exponents; remainders of large quotients. Expected results are PyTorch's (scripts/golden/limits.py).
import * as o from '../../src/ops/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import golden from '../golden/limits.json';
import { noteError } from '../support/findings.ts';

type Numbers = readonly (number | string)[];

const unary: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  ...{ neg: o.neg, abs: o.abs, sign: o.sign, reciprocal: o.reciprocal, square: o.square, floor: o.floor, ceil: o.ceil, round: o.round },
  ...{ trunc: o.trunc, sqrt: o.sqrt, rsqrt: o.rsqrt, exp: o.exp, expm1: o.expm1, exp2: o.exp2, log: o.log, log1p: o.log1p, log2: o.log2 },
  ...{ sin: o.sin, cos: o.cos, tan: o.tan, asin: o.asin, acos: o.acos, atan: o.atan, sinh: o.sinh, cosh: o.cosh, tanh: o.tanh },
  ...{ asinh: o.asinh, acosh: o.acosh, atanh: o.atanh, erf: o.erf, erfc: o.erfc, sigmoid: o.sigmoid, softplus: o.softplus },
  ...{ logSigmoid: o.logSigmoid, relu: o.relu, relu6: o.relu6, leakyRelu: (x) => o.leakyRelu(x), elu: (x) => o.elu(x), selu: o.selu },
  ...{ celu: (x) => o.celu(x, { alpha: 1.5 }), softsign: o.softsign, hardSigmoid: o.hardSigmoid, hardTanh: o.hardTanh, isNaN: o.isNaN },
  ...{ isInf: o.isInf, isFinite: o.isFinite, clip: (x) => o.clip(x, -1, 2), 'pow 3': (x) => o.pow(x, 3), 'pow -3': (x) => o.pow(x, -3) },
  ...{ 'pow 0.5': (x) => o.pow(x, 0.5), 'pow 1.7': (x) => o.pow(x, 1.7), 'cast to bool': (x) => o.cast(x, 'bool') },
  ...{ gelu: (x) => o.gelu(x), 'gelu exact': (x) => o.gelu(x, { approximate: false }), silu: o.silu, mish: o.mish },
  ...{ hardSwish: o.hardSwish, tanhShrink: o.tanhShrink, hardShrink: (x) => o.hardShrink(x), softShrink: (x) => o.softShrink(x) },
  ...{ threshold: (x) => o.threshold(x, { threshold: 1.5, value: -3 }), squareplus: (x) => o.squareplus(x) },
  ...{ sparsePlus: o.sparsePlus, sparseSigmoid: o.sparseSigmoid },
};

const binary: Readonly<Record<string, (a: Tensor, b: Tensor) => Tensor>> = {
  ...{ add: o.add, sub: o.sub, mul: o.mul, div: o.div, mod: o.mod, floorDiv: o.floorDiv, maximum: o.maximum, minimum: o.minimum },
  ...{ pow: o.pow, atan2: o.atan2, equal: o.equal, notEqual: o.notEqual, greater: o.greater, greaterEqual: o.greaterEqual, less: o.less },
  ...{ lessEqual: o.lessEqual, 'not less': (a, b) => o.logicalNot(o.less(a, b)) },
  ...{ 'where greater': (a, b) => o.where(o.greater(a, b), a, b), 'where not less': (a, b) => o.where(o.logicalNot(o.less(a, b)), a, b) },
  prelu: o.prelu,
};

export interface LimitCase {
  readonly name: string;
  readonly family: string;
  readonly inputs: readonly (readonly number[])[];
  readonly call: (...inputs: Tensor[]) => Tensor;
  readonly expected: readonly number[];
  /** Relative error allowed. */
  readonly tolerance: number;
}

const numbers = (values: Numbers): number[] => values.map(Number);
const special = numbers(golden.values);
const lefts = special.flatMap((a) => special.map(() => a));
const rights = special.flatMap(() => special);
const angles: Readonly<Record<string, Numbers>> = golden.angles;

const cases = <F extends LimitCase['call']>(
  family: string,
  calls: Readonly<Record<string, F>>,
  make: (name: string) => Pick<LimitCase, 'inputs' | 'expected' | 'tolerance'>,
): LimitCase[] => Object.entries(calls).map(([name, call]) => ({ name: `${name}, ${family}`, family, call, ...make(name) }));

export const limitCases: readonly LimitCase[] = [
  ...cases('special values', unary, (name) => ({
    inputs: [special],
    expected: numbers((golden.unary as Record<string, Numbers>)[name]),
    tolerance: 2e-6,
  })),
  ...cases('special values', binary, (name) => ({
    inputs: [lefts, rights],
    expected: numbers((golden.binary as Record<string, Numbers>)[name]),
    tolerance: 2e-6,
  })),
  ...cases('any angle', { sin: o.sin, cos: o.cos, tan: o.tan }, (name) => ({
    inputs: [numbers(angles.x)],
    expected: numbers(angles[name]),
    tolerance: 1e-6,
  })),
  ...cases('huge exponents', { pow: o.pow }, () => pairsOf('pow', 2e-6)),
  ...cases('large quotients', { mod: o.mod }, () => pairsOf('mod', 1.2e-7)),
  ...cases('large quotients', { floorDiv: o.floorDiv }, () => pairsOf('floorDiv', 1.2e-7)),
];

function pairsOf(name: keyof typeof golden.pairs, tolerance: number): Pick<LimitCase, 'inputs' | 'expected' | 'tolerance'> {
  const { a, b, value } = golden.pairs[name];
  return { inputs: [numbers(a), numbers(b)], expected: numbers(value), tolerance };
}

export const tensorsOf = ({ inputs }: LimitCase): Tensor[] => inputs.map((values) => o.tensor(values));

const smallestNormal = 2 ** -126;
const flushed = (x: number): number => (Math.abs(x) < smallestNormal ? x * 0 : x);

/** Results that are right for element i: the expected one and, as GPUs may take subnormal arguments for 0, the one of these. */
function accepted({ inputs, expected }: LimitCase, i: number, flushes: boolean): number[] {
  const own = inputs.map((values) => values[i]);
  if (!flushes || !own.some((x) => x !== 0 && flushed(x) === 0)) return [expected[i]];
  const same = (wanted: readonly number[], at: number): boolean => inputs.every((values, k) => Object.is(values[at], wanted[k]));
  // One argument may be flushed where another is not, as in a comparison by bits.
  const choices = own.reduce<number[][]>((all, x) => all.flatMap((head) => [x, flushed(x)].map((v) => [...head, v])), [[]]);
  return choices.flatMap((wanted) => expected.filter((_, at) => same(wanted, at)));
}

/**
 * Describes an error of a result. Empty if there is none. On GPUs a result below the smallest normal number may be 0. A quotient whose
 * divisor is above 2^126 is not checked, because WGSL does not define it.
 */
export function complaintAbout(limit: LimitCase, actual: ArrayLike<number>, flushes: boolean): string | undefined {
  const { name, family, inputs, expected, tolerance } = limit;
  const divides = flushes && /^(div|reciprocal|softsign),/.test(name);
  for (let i = 0; i < expected.length; i++) {
    const own = inputs.map((values) => values[i]);
    const divisor = Math.abs(own.at(-1)!);
    if (divides && Number.isFinite(divisor) && divisor > 2 ** 126) continue;
    const errors = accepted(limit, i, flushes).map((want) => {
      if (Object.is(actual[i], want) || actual[i] === want) return 0;
      // A factor that is flushed is at most the smallest normal number.
      const tiny = flushes ? smallestNormal * Math.max(1, Math.min(Math.abs(own[0]), 128)) : 2 ** -149;
      const allowed = Number.isFinite(want) ? Math.max(tiny, tolerance * Math.abs(want)) : 0;
      return Math.abs(actual[i] - want) / allowed;
    });
    const error = Math.min(...errors.map((e) => (Number.isNaN(e) ? Infinity : e)));
    noteError(family, name, error, 1);
    if (!(error <= 1)) return `${name} of ${own.join(' and ')}: ${actual[i]} instead of ${expected[i]}`;
  }
  return undefined;
}
