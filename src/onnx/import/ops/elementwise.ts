// Arithmetic, comparisons, logic and casts.
import { isFloat } from '../../../core/dtype.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import {
  abs,
  acos,
  acosh,
  add,
  asin,
  asinh,
  atan,
  atanh,
  bitwiseAnd,
  bitwiseNot,
  bitwiseOr,
  bitwiseXor,
  cast,
  ceil,
  cos,
  cosh,
  div,
  equal,
  erf,
  exp,
  floor,
  fmod,
  greater,
  greaterEqual,
  isInf,
  isNaN,
  leftShift,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  maximum,
  minimum,
  mod,
  mul,
  neg,
  pow,
  reciprocal,
  reshape,
  rightShift,
  round,
  sign,
  sin,
  sinh,
  sqrt,
  sub,
  tan,
  tanh,
  trunc,
  truncDiv,
  where,
} from '../../../ops/index.ts';
import { type ElementName, elementName, elementOf, shownType } from '../../format/elements.ts';
import type { Call, RuleTable, Run } from '../call.ts';
import { Value } from '../value.ts';

export type Unary = (x: Tensor) => Tensor;
type Binary = (a: Tensor, b: Tensor) => Tensor;

export const unary =
  (op: Unary): Run =>
  (call) =>
    op(call.tensor(0));

/** Keeps integers that are narrower than i32 in their range: they wrap around. */
function wrapped(type: ElementName, x: Tensor): Tensor {
  const { range } = elementOf(type);
  if (!range || isFloat(x.dtype) || x.dtype === 'bool') return x;
  const [low, high] = range;
  return add(bitwiseAnd(sub(x, low), high - low), low);
}

/** Operands that broadcast. Before opset 7 the second one is aligned by an attribute: its first axis is `axis` of the first operand. */
function operands(call: Call): [Tensor, Tensor] {
  const [a, b] = [call.tensor(0), call.tensor(1)];
  const axis = call.opset < 7 && call.flag('broadcast') ? call.int('axis') : undefined;
  if (axis === undefined) return [a, b];
  const after = a.rank - call.axis(axis, a.rank) - b.rank;
  return [a, reshape(b, [...b.shape, ...new Array<number>(Math.max(0, after)).fill(1)])];
}

/** Arithmetic in the type of the first operand. */
const arithmetic =
  (op: Binary): Run =>
  (call) => {
    const { type } = call.value(0);
    return Value.ofTensor(wrapped(type, op(...operands(call))), type);
  };

const binary =
  (op: Binary): Run =>
  (call) =>
    op(...operands(call));

const variadic =
  (op: Binary): Run =>
  (call) => {
    const [first, ...rest] = call.all().map(({ tensor }) => tensor);
    return rest.reduce(op, first);
  };

const divide: Binary = (a, b) => (isFloat(a.dtype) ? div(a, b) : truncDiv(a, b));

/** In the type of the base. Exponents may have another type. */
function power(call: Call): Tensor {
  const [base, exponent] = [call.tensor(0), call.tensor(1)];
  const known = call.value(1).constant;
  if (known?.length === 1) {
    const result = pow(isFloat(base.dtype) || known[0] < 0 ? cast(base, isFloat(base.dtype) ? base.dtype : 'f32') : base, known[0]);
    const { rank } = exponent;
    return cast(rank > base.rank ? add(result, mul(exponent, 0)) : result, base.dtype);
  }
  const dtype = isFloat(base.dtype) ? base.dtype : isFloat(exponent.dtype) ? 'f32' : base.dtype;
  return cast(pow(cast(base, dtype), cast(exponent, dtype)), base.dtype);
}

function shift(call: Call): Value {
  const { type } = call.value(0);
  const direction = call.text('direction', '');
  if (direction !== 'LEFT' && direction !== 'RIGHT') call.fail(`direction is '${direction}'; it must be LEFT or RIGHT`);
  const shifted = (direction === 'LEFT' ? leftShift : rightShift)(call.tensor(0), call.tensor(1));
  return Value.ofTensor(wrapped(type, shifted), type);
}

/** Conversion to a type of ONNX. Narrow integers wrap around. */
export function castTo(x: Value, type: ElementName): Value {
  const { dtype, range } = elementOf(type);
  if (x.constant && (type === 'INT64' || type === 'INT32') && elementOf(x.type).dtype === 'i32') {
    return Value.ofElements(type, x.shape, x.constant);
  }
  if (type === 'BFLOAT16') {
    // The upper 16 bits of an f32, rounded to even: products with a power of two split the digits exactly.
    const wide = cast(x.tensor, 'f32');
    const lifted = mul(wide, 65537);
    const rounded = sub(lifted, sub(lifted, wide));
    return Value.ofTensor(where(isNaN(rounded), wide, rounded), type);
  }
  const made = cast(x.tensor, dtype);
  return Value.ofTensor(range ? wrapped(type, made) : made, type);
}

function castNode(call: Call): Value {
  const code = call.int('to', 0);
  const type = elementName(code);
  return type === undefined ? call.fail(`to is ${shownType(code)}; casts to numbers and bools are known`) : castTo(call.value(0), type);
}

function infinite(call: Call): Tensor {
  const x = call.tensor(0);
  const [down, up] = [call.flag('detect_negative', 1), call.flag('detect_positive', 1)];
  const sided = down && up ? isInf(x) : logicalAnd(isInf(x), down ? less(x, 0) : greater(x, 0));
  return down || up ? sided : logicalAnd(isInf(x), isNaN(x));
}

/** min(max(x, low), high). Limits are inputs, and attributes before opset 11. */
function clipped(call: Call): Tensor {
  const x = call.tensor(0);
  const [low, high] = [call.optional(1) ?? call.float('min'), call.optional(2) ?? call.float('max')];
  const from = low === undefined ? x : maximum(x, low);
  return high === undefined ? from : minimum(from, high);
}

export const elementwiseRules: RuleTable = {
  Abs: unary(abs),
  Acos: unary(acos),
  Acosh: unary(acosh),
  Add: arithmetic(add),
  And: binary(logicalAnd),
  Asin: unary(asin),
  Asinh: unary(asinh),
  Atan: unary(atan),
  Atanh: unary(atanh),
  BitShift: shift,
  BitwiseAnd: binary(bitwiseAnd),
  BitwiseNot: (call) => Value.ofTensor(wrapped(call.value(0).type, bitwiseNot(call.tensor(0))), call.value(0).type),
  BitwiseOr: binary(bitwiseOr),
  BitwiseXor: binary(bitwiseXor),
  Cast: castNode,
  CastLike: (call) => castTo(call.value(0), call.value(1).type),
  Ceil: unary(ceil),
  Clip: { run: clipped, hostInputs: [1, 2] },
  Cos: unary(cos),
  Cosh: unary(cosh),
  Div: arithmetic(divide),
  Equal: binary(equal),
  Erf: unary(erf),
  Exp: unary(exp),
  Floor: unary(floor),
  Greater: binary(greater),
  GreaterOrEqual: binary(greaterEqual),
  Identity: (call) => call.value(0),
  IsInf: infinite,
  IsNaN: unary(isNaN),
  Less: binary(less),
  LessOrEqual: binary(lessEqual),
  Log: unary(log),
  Max: variadic(maximum),
  Mean: (call) => div(variadic(add)(call) as Tensor, call.count),
  Min: variadic(minimum),
  Mod: (call) => (call.flag('fmod') ? fmod : mod)(call.tensor(0), call.tensor(1)),
  Mul: arithmetic(mul),
  Neg: unary(neg),
  Not: unary(logicalNot),
  Or: binary(logicalOr),
  Pow: power,
  Reciprocal: unary(reciprocal),
  Round: unary(round),
  Sign: unary(sign),
  Sin: unary(sin),
  Sinh: unary(sinh),
  Sqrt: unary(sqrt),
  Sub: arithmetic(sub),
  Sum: variadic(add),
  Tan: unary(tan),
  Tanh: unary(tanh),
  Trunc: unary(trunc),
  Where: (call) => where(call.tensor(0), call.tensor(1), call.tensor(2)),
  Xor: binary(logicalXor),
};
