// Unary and binary operators on scalars and vectors.
import type { Value } from '../ir/code.ts';
import { unknownConstruct } from '../wgsl/errors.ts';
import type { Kernel } from './kernel.ts';
import { component, components, concrete, constant, one, splat, valueOf, vectorOf } from './nodes.ts';
import { type Node, type ScalarName, elementOf, isAbstract, isPacked, scalar } from './types.ts';

const comparisons: Readonly<Record<string, string>> = { '==': 'eq', '!=': 'ne', '<': 'lt', '>': 'gt', '<=': 'le', '>=': 'ge' };
const arithmetic: Readonly<Record<string, string>> = { '+': 'add', '-': 'sub', '*': 'mul', '/': 'div' };
const bitwise: Readonly<Record<string, string>> = { '&': 'and', '|': 'or', '^': 'xor', '&&': 'and', '||': 'or' };
const shifts = new Set(['<<', '>>']);

const isFloat = (name: ScalarName): boolean => name === 'f32' || name === 'f16' || name === 'float';

/** An integer divisor that is not 0: WGSL defines x / 0 as x, and x % 0 as 0. */
function divisor(kernel: Kernel, dividend: Value, by: Value, isSigned: boolean): Value {
  const { builder } = kernel;
  if (by.op === 'const' && by.imm !== 0 && by.imm !== -1) return by;
  const isZero = builder.op('i32.eqz', [by]);
  if (!isSigned) return builder.op('i32.or', [by, isZero]);
  // The smallest integer divided by -1 overflows, and is itself.
  const overflows = builder.op('i32.and', [
    builder.op('i32.eq', [dividend, builder.i32(-2147483648)]),
    builder.op('i32.eq', [by, builder.i32(-1)]),
  ]);
  return builder.select(by, builder.i32(1), builder.op('i32.or', [isZero, overflows]));
}

function scalarBinary(kernel: Kernel, operator: string, a: Node, b: Node, name: ScalarName): Node {
  const { builder } = kernel;
  const [x, y] = [valueOf(a), valueOf(b)];
  const isSigned = name === 'i32';
  if (operator in comparisons) {
    const op = comparisons[operator];
    if (isFloat(name)) return one('bool', builder.op(`f32.${op}`, [x, y]));
    if (op === 'eq' || op === 'ne') return one('bool', builder.op(`i32.${op}`, [x, y]));
    return one('bool', builder.op(`i32.${op}_${isSigned ? 's' : 'u'}`, [x, y]));
  }
  if (operator in bitwise) return one(name, builder.op(`i32.${bitwise[operator]}`, [x, y]));
  if (shifts.has(operator)) {
    // WGSL uses the low five bits of a count, as WebAssembly does.
    return one(name, builder.op(operator === '<<' ? 'i32.shl' : isSigned ? 'i32.shr_s' : 'i32.shr_u', [x, y]));
  }
  if (isFloat(name)) {
    let result: Value;
    if (operator === '%') {
      const whole = builder.op('f32.trunc', [builder.op('f32.div', [x, y])]);
      result = builder.op('f32.sub', [x, builder.op('f32.mul', [y, whole])]);
    } else result = builder.op(`f32.${arithmetic[operator]}`, [x, y]);
    // A result of halves in f32, rounded again, is the nearest half.
    return one(name, name === 'f16' ? kernel.halves.rounded(result) : result);
  }
  if (operator === '/' || operator === '%') {
    const ending = isSigned ? 's' : 'u';
    return one(name, builder.op(operator === '/' ? `i32.div_${ending}` : `i32.rem_${ending}`, [x, divisor(kernel, x, y, isSigned)]));
  }
  return one(name, builder.op(`i32.${arithmetic[operator]}`, [x, y]));
}

/** Operations on whole vectors; undefined if WebAssembly has none. */
function packedBinary(kernel: Kernel, operator: string, a: Node, b: Node, of: ScalarName): Node | undefined {
  const { builder } = kernel;
  const [x, y] = [valueOf(a), valueOf(b)];
  const { type } = a;
  if (operator in comparisons) {
    const op = comparisons[operator];
    const mask = { kind: 'vector', size: 4, of: 'bool' } as const;
    if (isFloat(of)) return { type: mask, value: builder.op(`f32x4.${op}`, [x, y]) };
    const ending = op === 'eq' || op === 'ne' ? '' : of === 'i32' ? '_s' : '_u';
    return { type: mask, value: builder.op(`i32x4.${op}${ending}`, [x, y]) };
  }
  if (operator in bitwise) return { type, value: builder.op(`v128.${bitwise[operator]}`, [x, y]) };
  if (isFloat(of)) return operator in arithmetic ? { type, value: builder.op(`f32x4.${arithmetic[operator]}`, [x, y]) } : undefined;
  if (shifts.has(operator)) {
    if (y.op !== 'i32x4.splat') return undefined;
    const op = operator === '<<' ? 'i32x4.shl' : of === 'i32' ? 'i32x4.shr_s' : 'i32x4.shr_u';
    return { type, value: builder.op(op, [x, y.args[0]]) };
  }
  if (operator === '/' || operator === '%') return undefined;
  return { type, value: builder.op(`i32x4.${arithmetic[operator]}`, [x, y]) };
}

/** Abstract constants are computed with the precision of JavaScript. */
function abstractBinary(kernel: Kernel, operator: string, a: Node, b: Node): Node | undefined {
  if (a.number === undefined || b.number === undefined) return undefined;
  const [x, y] = [a.number, b.number];
  const isWhole = elementOf(a.type) === 'integer' && elementOf(b.type) === 'integer';
  const results: Readonly<Record<string, number>> = {
    '+': x + y,
    '-': x - y,
    '*': x * y,
    '/': isWhole ? Math.trunc(x / y) : x / y,
    '%': x % y,
  };
  if (operator in results) return constant(kernel, isWhole ? 'integer' : 'float', results[operator]);
  return undefined;
}

export function binary(kernel: Kernel, operator: string, left: Node, right: Node): Node {
  const kinds = [elementOf(left.type), elementOf(right.type)];
  if (left.type.kind === 'matrix' || right.type.kind === 'matrix') return matrixBinary(kernel, operator, left, right);
  if (kinds[0] === undefined || kinds[1] === undefined)
    return unknownConstruct(`operator ${operator} on ${left.type.kind} and ${right.type.kind}`);
  if (isAbstract(kinds[0]) && isAbstract(kinds[1])) {
    const folded = abstractBinary(kernel, operator, left, right);
    if (folded) return folded;
  }
  const isShift = shifts.has(operator);
  const a = concrete(kernel, left, isShift ? undefined : kinds[1]);
  const b = concrete(kernel, right, isShift ? 'u32' : kinds[0]);
  const of = elementOf(a.type)!;
  if (a.type.kind === 'scalar' && b.type.kind === 'scalar') return scalarBinary(kernel, operator, a, b, of);
  const size = a.type.kind === 'vector' ? a.type.size : (b.type as { size: number }).size;
  const x = a.type.kind === 'scalar' ? splat(kernel, a, size) : a;
  const y = b.type.kind === 'scalar' ? splat(kernel, b, size) : b;
  if (x.value && y.value) {
    const packed = packedBinary(kernel, operator, x, y, of);
    if (packed) return packed;
  }
  const parts = components(kernel, x).map((part, i) => scalarBinary(kernel, operator, part, component(kernel, y, i), of));
  return vectorOf(kernel, elementOf(parts[0].type)!, parts);
}

function matrixBinary(kernel: Kernel, operator: string, left: Node, right: Node): Node {
  if (left.type.kind === 'matrix' && right.type.kind === 'matrix' && (operator === '+' || operator === '-')) {
    return { type: left.type, parts: left.parts!.map((column, i) => binary(kernel, operator, column, right.parts![i])) };
  }
  if (operator === '*' && left.type.kind === 'matrix' && right.type.kind === 'scalar') {
    return { type: left.type, parts: left.parts!.map((column) => binary(kernel, '*', column, right)) };
  }
  return unknownConstruct(`operator ${operator} on ${left.type.kind} and ${right.type.kind}`);
}

export function unary(kernel: Kernel, operator: string, node: Node): Node {
  const { builder } = kernel;
  const { type } = node;
  const of = elementOf(type);
  if (of === undefined) return unknownConstruct(`operator ${operator} on ${type.kind}`);
  if (type.kind === 'vector') {
    if (node.value && operator === '-' && isFloat(of)) return { type, value: builder.op('f32x4.neg', [node.value]) };
    if (node.value && operator !== '-') return { type, value: builder.op('v128.not', [node.value]) };
    if (node.value && isPacked(type)) return { type, value: builder.op('i32x4.sub', [builder.quad([0, 0, 0, 0]), node.value]) };
    return vectorOf(kernel, of, components(kernel, node).map((part) => unary(kernel, operator, part))); // prettier-ignore
  }
  if (node.number !== undefined && operator === '-' && isAbstract(of)) return { ...constant(kernel, of, -node.number), type: scalar(of) };
  const x = valueOf(node);
  if (operator === '!') return one('bool', builder.op('i32.eqz', [x]));
  if (operator === '~') return one(of, builder.op('i32.xor', [x, builder.i32(-1)]));
  if (isFloat(of)) return one(of, builder.op('f32.neg', [x]));
  return one(of, builder.op('i32.sub', [builder.i32(0), x]));
}
