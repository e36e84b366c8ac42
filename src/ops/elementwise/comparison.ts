// Rows of comparison, logic and tests for special values. All give bool and have no gradient.
import { isFloat } from '../../core/dtype.ts';
import { Tensor } from '../../graph/tensor.ts';
import { isLiteral, isZeroLiteral } from '../../wgsl/index.ts';
import { type Expression, type Loop, binary, unary } from './elementwise.ts';
import { fullLike } from '../create/create.ts';
import type { TensorLike } from '../operands/operands.ts';

/**
 * A comparison of floats that is false where either is NaN. A driver may assume that there is no NaN: it inverts a < b to !(a >= b), or makes
 * select(b, a, a > b) a maximum that drops NaN. The test by bits stays what it is.
 */
function ordered(a: string, symbol: string, b: string): string {
  if (symbol === '>' && isZeroLiteral(b)) return `((bitcast<u32>(${a}) - 1u) < 0x7f800000u)`;
  if (symbol === '<' && isZeroLiteral(b)) return `((bitcast<u32>(${a}) - 0x80000001u) < 0x7f800000u)`;
  const tested = [a, b].filter((text) => !isLiteral(text)).map((text) => `!isNan(${text})`);
  return `(${[`(${a} ${symbol} ${b})`, ...tested].join(' & ')})`;
}

/** The WGSL of a comparison for each type it takes. */
const compared = (symbol: string): { f32: Expression; i32: Expression; u32: Expression } => {
  const plain: Expression = (a, b) => `(${a} ${symbol} ${b})`;
  return { f32: (a, b) => ordered(a, symbol, b), i32: plain, u32: plain };
};

/** a = b, elementwise; NaN equals nothing. */
export const equal = binary({
  name: 'equal',
  takes: 'any',
  gives: 'bool',
  scalar: (a, b) => Number(a === b),
  wgsl: { ...compared('=='), bool: (a, b) => `(${a} == ${b})` },
  derivatives: 'nondifferentiable',
});

/** a ≠ b, elementwise; NaN differs from everything, itself included. */
export const notEqual = binary({
  name: 'notEqual',
  takes: 'any',
  gives: 'bool',
  scalar: (a, b) => Number(a !== b),
  // The opposite of ==: a driver may turn != into a comparison that is false for NaN.
  wgsl: {
    f32: (a, b) => `!${ordered(a, '==', b)}`,
    i32: (a, b) => `(${a} != ${b})`,
    u32: (a, b) => `(${a} != ${b})`,
    bool: (a, b) => `(${a} != ${b})`,
  },
  derivatives: 'nondifferentiable',
});

/** An order comparison; false where either operand is NaN. */
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

/** a > b, elementwise; false where either is NaN. */
export const greater = order('greater', '>', (out, a, b) => {
  for (let i = 0; i < out.length; i++) out[i] = Number(a[i] > b[i]);
});

/** a ≥ b, elementwise; false where either is NaN. */
export const greaterEqual = order('greaterEqual', '>=', (out, a, b) => {
  for (let i = 0; i < out.length; i++) out[i] = Number(a[i] >= b[i]);
});

/** a < b, elementwise; false where either is NaN. */
export const less = order('less', '<', (out, a, b) => {
  for (let i = 0; i < out.length; i++) out[i] = Number(a[i] < b[i]);
});

/** a ≤ b, elementwise; false where either is NaN. */
export const lessEqual = order('lessEqual', '<=', (out, a, b) => {
  for (let i = 0; i < out.length; i++) out[i] = Number(a[i] <= b[i]);
});

/** Both, elementwise; numbers count as true where they are not 0. */
export const logicalAnd = binary({
  name: 'logicalAnd',
  takes: 'bool',
  scalar: (a, b) => a & b,
  wgsl: (a, b) => `(${a} & ${b})`,
  derivatives: 'nondifferentiable',
});

/** Either or both, elementwise; numbers count as true where they are not 0. */
export const logicalOr = binary({
  name: 'logicalOr',
  takes: 'bool',
  scalar: (a, b) => a | b,
  wgsl: (a, b) => `(${a} | ${b})`,
  derivatives: 'nondifferentiable',
});

/** One but not both, elementwise; numbers count as true where they are not 0. */
export const logicalXor = binary({
  name: 'logicalXor',
  takes: 'bool',
  scalar: (a, b) => a ^ b,
  wgsl: (a, b) => `(${a} != ${b})`,
  derivatives: 'nondifferentiable',
});

/** The opposite, elementwise; numbers count as true where they are not 0. */
export const logicalNot = unary({
  name: 'logicalNot',
  takes: 'bool',
  scalar: (a) => 1 - a,
  wgsl: (a) => `(!${a})`,
  derivatives: 'nondifferentiable',
});

/** A test of floats whose answer for integers is always the same. */
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

/** True where x is NaN. */
export const isNaN = floatTest('isNaN', 'isNan', false, (x) => Number(Number.isNaN(x)));

/** True where x is neither NaN nor infinite. */
export const isFinite = floatTest('isFinite', 'isFinite', true, (x) => Number(Number.isFinite(x)));

/** True where x is an infinity of either sign. */
export const isInf = floatTest('isInf', 'isInf', false, (x) => Number(x === Infinity || x === -Infinity));
