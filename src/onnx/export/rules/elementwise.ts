// Elementwise ops.
import { isFloat } from '../../../core/dtype.ts';
import { elementOfDtype } from '../../format/elements.ts';
import { int, text } from '../attributes.ts';
import type { ExportCall, ExportRule, ExportTable } from '../call.ts';

/** Ops with the same meaning under another name. */
const plain: Readonly<Record<string, string>> = {
  abs: 'Abs',
  acos: 'Acos',
  acosh: 'Acosh',
  add: 'Add',
  asin: 'Asin',
  asinh: 'Asinh',
  atan: 'Atan',
  atanh: 'Atanh',
  ceil: 'Ceil',
  copy: 'Identity',
  cos: 'Cos',
  cosh: 'Cosh',
  div: 'Div',
  equal: 'Equal',
  erf: 'Erf',
  exp: 'Exp',
  floor: 'Floor',
  greater: 'Greater',
  greaterEqual: 'GreaterOrEqual',
  isInf: 'IsInf',
  isNaN: 'IsNaN',
  less: 'Less',
  lessEqual: 'LessOrEqual',
  log: 'Log',
  logicalAnd: 'And',
  logicalNot: 'Not',
  logicalOr: 'Or',
  logicalXor: 'Xor',
  maximum: 'Max',
  minimum: 'Min',
  mul: 'Mul',
  neg: 'Neg',
  pow: 'Pow',
  reciprocal: 'Reciprocal',
  relu: 'Relu',
  round: 'Round',
  scaleByPower: 'Mul',
  sigmoid: 'Sigmoid',
  sign: 'Sign',
  sin: 'Sin',
  sinh: 'Sinh',
  softplus: 'Softplus',
  sqrt: 'Sqrt',
  sub: 'Sub',
  tan: 'Tan',
  tanh: 'Tanh',
  where: 'Where',
};

/** The rule, with its operands before they are repeated. */
const of =
  (write: (call: ExportCall, ...operands: string[]) => string): ExportRule =>
  (call) =>
    write(call, ...call.operands());

/** A function of floats that returns integers unchanged, or another for integers. */
const byDtype =
  (floats: ExportRule, integers: ExportRule): ExportRule =>
  (call) =>
    (isFloat(call.dtype) ? floats : integers)(call);

/** a - b floor(a / b), exact for large quotients: the remainder of truncation, plus b if the signs differ. */
function floatModulo(call: ExportCall, a: string, b: string): string {
  const rest = call.emit('Mod', [a, b], { fmod: int(1) });
  const zero = call.number(0);
  const isNegative = (x: string): string => call.emit('Less', [x, zero]);
  const isOther = call.emit('Xor', [isNegative(rest), isNegative(b)]);
  const moves = call.emit('And', [isOther, call.emit('Not', [call.emit('Equal', [rest, zero])])]);
  return call.emit('Where', [moves, call.emit('Add', [rest, b]), rest]);
}

/** a / b without a fraction, by the exact multiple a - rest of b. */
const quotient = (call: ExportCall, a: string, b: string, rest: string): string => {
  const whole = call.emit('Div', [call.emit('Sub', [a, rest]), b]);
  if (!isFloat(call.dtype)) return whole;
  const isPole = call.emit('Equal', [b, call.number(0)]);
  return call.emit('Where', [isPole, call.emit('Div', [a, b]), call.emit('Round', [whole])]);
};

/** 0 if the first operand is 0, otherwise the result of the op. */
const unlessZero =
  (op: string): ExportRule =>
  (call) => {
    const [a, b] = call.operands();
    const isZero = call.emit('Equal', [a, call.number(0)]);
    return call.emit('Where', [isZero, call.number(0), call.emit(op, [a, b])]);
  };

/** e^x - 1 = 2 t / (1 - t) with t = tanh(x / 2) near 0, because the difference cancels there. */
function expm1(call: ExportCall, x: string): string {
  const t = call.emit('Tanh', [call.emit('Mul', [x, call.number(0.5)])]);
  const near = call.emit('Div', [call.emit('Mul', [t, call.number(2)]), call.emit('Sub', [call.number(1), t])]);
  const isNear = call.emit('Less', [call.emit('Abs', [x]), call.number(0.5)]);
  return call.emit('Where', [isNear, near, call.emit('Sub', [call.emit('Exp', [x]), call.number(1)])]);
}

/** log(1 + x) = log(u) x / (u - 1) with the rounded u = 1 + x (Higham, Accuracy and Stability of Numerical Algorithms, 2002). */
function log1p(call: ExportCall, x: string): string {
  const one = call.number(1);
  const u = call.emit('Add', [x, one]);
  const step = call.emit('Sub', [u, one]);
  const isUsual = call.emit('And', [
    call.emit('Not', [call.emit('Equal', [step, call.number(0)])]),
    call.emit('Less', [u, call.number(1e30)]),
  ]);
  const safe = call.emit('Where', [isUsual, step, one]);
  const logarithm = call.emit('Log', [u]);
  const scaled = call.emit('Div', [call.emit('Mul', [logarithm, x]), safe]);
  const isNull = call.emit('Equal', [step, call.number(0)]);
  return call.emit('Where', [isUsual, scaled, call.emit('Where', [isNull, x, logarithm])]);
}

function atan2(call: ExportCall, y: string, x: string): string {
  const zero = call.number(0);
  const is = (op: string, t: string): string => call.emit(op, [t, zero]);
  const base = call.emit('Atan', [call.emit('Div', [y, x])]);
  const turned = call.emit('Where', [
    is('GreaterOrEqual', y),
    call.emit('Add', [base, call.number(Math.PI)]),
    call.emit('Sub', [base, call.number(Math.PI)]),
  ]);
  const upright = call.emit('Mul', [call.emit('Sign', [y]), call.number(Math.PI / 2)]);
  return call.emit('Where', [is('Greater', x), base, call.emit('Where', [is('Less', x), turned, upright])]);
}

/** min(max(x, low), high). Clip takes scalars only. */
function clip(call: ExportCall, x: string, low: string, high: string): string {
  return call.emit('Min', [call.emit('Max', [x, low]), high]);
}

function cast(call: ExportCall): string {
  return call.writer.cast(call.x(0), elementOfDtype[call.output.dtype]);
}

const bitwise =
  (op: string): ExportRule =>
  (call) => {
    call.needs(18, op);
    return call.emit(op, call.operands());
  };

const shift =
  (direction: string): ExportRule =>
  (call) => {
    if (call.dtype !== 'u32') call.fail('BitShift takes unsigned integers; cast to u32 before');
    return call.emit('BitShift', call.operands(), { direction: text(direction) });
  };

const remainder = (op: string): ExportRule => of((call, a, b) => call.emit(op, [a, b], { fmod: int(Number(isFloat(call.dtype))) }));

export const elementwiseRules: ExportTable = {
  ...Object.fromEntries(Object.entries(plain).map(([name, op]): [string, ExportRule] => [name, (call) => call.emit(op, call.operands())])),
  atan2: of(atan2),
  bitwiseAnd: bitwise('BitwiseAnd'),
  bitwiseNot: bitwise('BitwiseNot'),
  bitwiseOr: bitwise('BitwiseOr'),
  bitwiseXor: bitwise('BitwiseXor'),
  cast,
  clip: of(clip),
  erfc: of((call, x) => call.emit('Sub', [call.number(1), call.emit('Erf', [x])])),
  exp2: of((call, x) => call.emit('Pow', [call.number(2), x])),
  expm1: of(expm1),
  floorDiv: byDtype(
    of((call, a, b) => quotient(call, a, b, floatModulo(call, a, b))),
    of((call, a, b) => quotient(call, a, b, call.emit('Mod', [a, b]))),
  ),
  fmod: of((call, a, b) => call.emit('Mod', [a, b], { fmod: int(1) })),
  isFinite: of((call, x) => call.emit('Not', [call.emit('Or', [call.emit('IsNaN', [x]), call.emit('IsInf', [x])])])),
  leftShift: shift('LEFT'),
  log1p: of(log1p),
  log2: of((call, x) => call.emit('Div', [call.emit('Log', [x]), call.number(Math.LN2)])),
  mod: byDtype(of(floatModulo), remainder('Mod')),
  notEqual: of((call, a, b) => call.emit('Not', [call.emit('Equal', [a, b])])),
  powScalar: of((call, x) => call.emit('Pow', [x, call.number(call.attributes<{ exponent: number }>().exponent)])),
  productOfNonzero: of((call, a, b) => {
    const product = call.emit('Mul', [a, b]);
    const isNull = call.emit('Or', [call.emit('Equal', [a, call.number(0)]), call.emit('Equal', [b, call.number(0)])]);
    return call.emit('Where', [isNull, call.number(0), product]);
  }),
  productOrZero: unlessZero('Mul'),
  quotientOrZero: unlessZero('Div'),
  // A power of two that keeps squares in range, and does not change the result. 1 is one.
  reciprocalScale: (call) => call.writer.expand(call.number(1), call.output.shape),
  rightShift: shift('RIGHT'),
  rsqrt: of((call, x) => call.emit('Reciprocal', [call.emit('Sqrt', [x])])),
  square: of((call, x) => call.emit('Mul', [x, x])),
  trunc: of((call, x) => call.emit('Mul', [call.emit('Sign', [x]), call.emit('Floor', [call.emit('Abs', [x])])])),
  truncDiv: byDtype(
    of((call, a, b) => quotient(call, a, b, call.emit('Mod', [a, b], { fmod: int(1) }))),
    of((call, a, b) => call.emit('Div', [a, b])),
  ),
};
