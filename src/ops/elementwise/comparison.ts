// Comparison, logic and tests for special values. All return bool and have no gradient.
import { isFloat } from '../../core/dtype.ts';
import { Tensor } from '../../graph/tensor.ts';
import { isLiteral, isZeroLiteral } from '../../wgsl/index.ts';
import { type Expression, type Loop, binary, unary } from './elementwise.ts';
import { fullLike } from '../create/create.ts';
import type { TensorLike } from '../operands/operands.ts';

/**
 * A comparison of floats that is false if either is NaN. A driver may assume that there is no NaN: it replaces a < b by !(a >= b), or
 * select(b, a, a > b) by a maximum that drops NaN. It does not change tests of bits.
 */
function ordered(a: string, symbol: string, b: string): string {
  if (symbol === '>' && isZeroLiteral(b)) return `((bitcast<u32>(${a}) - 1u) < 0x7f800000u)`;
  if (symbol === '<' && isZeroLiteral(b)) return `((bitcast<u32>(${a}) - 0x80000001u) < 0x7f800000u)`;
  const tested = [a, b].filter((text) => !isLiteral(text)).map((text) => `!isNan(${text})`);
  return `(${[`(${a} ${symbol} ${b})`, ...tested].join(' & ')})`;
}

/** The WGSL of a comparison for each type that it takes. */
const compared = (symbol: string): { f32: Expression; i32: Expression; u32: Expression } => {
  const plain: Expression = (a, b) => `(${a} ${symbol} ${b})`;
  return { f32: (a, b) => ordered(a, symbol, b), i32: plain, u32: plain };
};

/** a = b, elementwise; false if either is NaN. */
export const equal = binary({
  name: 'equal',
  takes: 'any',
  gives: 'bool',
  scalar: (a, b) => Number(a === b),
  wgsl: { ...compared('=='), bool: (a, b) => `(${a} == ${b})` },
  derivatives: 'nondifferentiable',
});

/** a ≠ b, elementwise; true if either is NaN. */
export const notEqual = binary({
  name: 'notEqual',
  takes: 'any',
  gives: 'bool',
  scalar: (a, b) => Number(a !== b),
  // The negation of ==: a driver may turn != into a comparison that is false for NaN.
  wgsl: {
    f32: (a, b) => `!${ordered(a, '==', b)}`,
    i32: (a, b) => `(${a} != ${b})`,
    u32: (a, b) => `(${a} != ${b})`,
    bool: (a, b) => `(${a} != ${b})`,
  },
  derivatives: 'nondifferentiable',
});

/** An order comparison; false if either operand is NaN. */
function order(name: string, symbol: string, loop: Loop): (a: TensorLike, b: TensorLike) => Tensor {
  return binary({
    name,
    takes: 'number',
    gives: 'bool',
    scalar: { loop },
    wgsl: compared(symbol),
    derivatives: 'nondifferentiable',
  });
}

/** a > b, elementwise; false if either is NaN. */
export const greater = order('greater', '>', (out, a, b) => {
  for (let i = 0; i < out.length; i++) out[i] = Number(a[i] > b[i]);
});

/** a ≥ b, elementwise; false if either is NaN. */
export const greaterEqual = order('greaterEqual', '>=', (out, a, b) => {
  for (let i = 0; i < out.length; i++) out[i] = Number(a[i] >= b[i]);
});

/** a < b, elementwise; false if either is NaN. */
export const less = order('less', '<', (out, a, b) => {
  for (let i = 0; i < out.length; i++) out[i] = Number(a[i] < b[i]);
});

/** a ≤ b, elementwise; false if either is NaN. */
export const lessEqual = order('lessEqual', '<=', (out, a, b) => {
  for (let i = 0; i < out.length; i++) out[i] = Number(a[i] <= b[i]);
});

/** a and b, elementwise; numbers are true if they are not 0. */
export const logicalAnd = binary({
  name: 'logicalAnd',
  takes: 'bool',
  scalar: (a, b) => a & b,
  wgsl: (a, b) => `(${a} & ${b})`,
  derivatives: 'nondifferentiable',
});

/** a or b or both, elementwise; numbers are true if they are not 0. */
export const logicalOr = binary({
  name: 'logicalOr',
  takes: 'bool',
  scalar: (a, b) => a | b,
  wgsl: (a, b) => `(${a} | ${b})`,
  derivatives: 'nondifferentiable',
});

/** Exactly one of a and b, elementwise; numbers are true if they are not 0. */
export const logicalXor = binary({
  name: 'logicalXor',
  takes: 'bool',
  scalar: (a, b) => a ^ b,
  wgsl: (a, b) => `(${a} != ${b})`,
  derivatives: 'nondifferentiable',
});

/** Not x, elementwise; numbers are true if they are not 0. */
export const logicalNot = unary({
  name: 'logicalNot',
  takes: 'bool',
  scalar: (a) => 1 - a,
  wgsl: (a) => `(!${a})`,
  derivatives: 'nondifferentiable',
});

/** A test of floats whose result for integers is constant. */
function floatTest(name: string, wgslName: string, ofInteger: boolean, scalar: (x: number) => number): (x: TensorLike) => Tensor {
  const ofFloats = unary({
    name,
    takes: 'float',
    gives: 'bool',
    scalar,
    wgsl: (x) => `${wgslName}(${x})`,
    derivatives: 'nondifferentiable',
  });
  return (x) => {
    if (x instanceof Tensor && !isFloat(x.dtype)) return fullLike(x, Number(ofInteger), 'bool');
    return ofFloats(x);
  };
}

/** True if x is NaN. */
export const isNaN = floatTest('isNaN', 'isNan', false, (x) => Number(Number.isNaN(x)));

/** True if x is neither NaN nor infinite. */
export const isFinite = floatTest('isFinite', 'isFinite', true, (x) => Number(Number.isFinite(x)));

/** True if x is an infinity of either sign. */
export const isInf = floatTest('isInf', 'isInf', false, (x) => Number(x === Infinity || x === -Infinity));
