// Builtin functions and constructors of WGSL. The accurate functions of shaders/ take the place of exp, log and their kin.
import type { Value } from '../ir/code.ts';
import { unknownConstruct } from '../wgsl/errors.ts';
import type { Kernel } from './kernel.ts';
import { component, components, concrete, constant, mapLanes, one, splat, valueOf, vectorOf, zero } from './nodes.ts';
import { binary } from './operators.ts';
import { type Lanes, type Node, type ScalarName, type Type, elementOf, isAbstract, scalar, vector } from './types.ts';

/** Functions of shaders/ that compute a builtin of WGSL. */
export const libraryNames: Readonly<Record<string, string>> = {
  exp: 'safeExp',
  exp2: 'safeExp2',
  log: 'safeLog',
  log2: 'safeLog2',
  pow: 'safePow',
  sin: 'safeSin',
  cos: 'safeCos',
  tan: 'safeTan',
  tanh: 'safeTanh',
  sinh: 'safeSinh',
  cosh: 'safeCosh',
  asin: 'safeAsin',
  acos: 'safeAcos',
  atan: 'safeAtan',
  atan2: 'safeAtan2',
  asinh: 'safeAsinh',
  acosh: 'safeAcosh',
  atanh: 'safeAtanh',
};

const isFloat = (name: ScalarName): boolean => name === 'f32' || name === 'float' || name === 'f16';

type Builtin = (kernel: Kernel, args: readonly Node[]) => Node;

/** Abstract arguments take the type of the others. */
function unified(kernel: Kernel, args: readonly Node[]): Node[] {
  const kinds = args.map(({ type }) => elementOf(type)).filter((kind) => kind !== undefined);
  const wanted = kinds.find((kind) => !isAbstract(kind)) ?? (kinds.includes('float') ? 'f32' : 'i32');
  const size = args.find(({ type }) => type.kind === 'vector')?.type as { size: number } | undefined;
  return args.map((node) => {
    const made = concrete(kernel, node, wanted);
    return size && made.type.kind === 'scalar' ? splat(kernel, made, size.size) : made;
  });
}

/** Applies a function to each component. */
function componentwise(kernel: Kernel, args: readonly Node[], fn: (...parts: Node[]) => Node): Node {
  const first = args[0];
  if (first.type.kind !== 'vector') return fn(...args);
  const parts = components(kernel, first).map((_, i) => fn(...args.map((node) => component(kernel, node, i))));
  return vectorOf(kernel, elementOf(parts[0].type)!, parts);
}

/** A function of floats or integers with operations for one value and for four. */
const elementwise =
  (float: string | undefined, packed: string | undefined, otherwise?: (kernel: Kernel, x: Node) => Node): Builtin =>
  (kernel, args) => {
    const [x] = unified(kernel, args);
    const of = elementOf(x.type)!;
    if (isFloat(of) && float) {
      if (x.value && x.type.kind === 'vector' && packed) return { type: x.type, value: kernel.builder.op(packed, [x.value]) };
      return componentwise(kernel, [x], (part) => {
        const value = kernel.builder.op(float, [valueOf(part)]);
        return one(of, of === 'f16' ? kernel.halves.rounded(value) : value);
      });
    }
    if (!otherwise) return unknownConstruct('a function of this type');
    return componentwise(kernel, [x], (part) => otherwise(kernel, part));
  };

/** The smaller or larger of two numbers. */
const extreme =
  (kind: 'min' | 'max'): Builtin =>
  (kernel, args) => {
    const { builder } = kernel;
    const [a, b] = unified(kernel, args);
    const of = elementOf(a.type)!;
    if (a.value && b.value && a.type.kind === 'vector') {
      if (isFloat(of)) return { type: a.type, value: builder.op(`f32x4.p${kind}`, [b.value, a.value]) };
      return { type: a.type, value: builder.op(`i32x4.${kind}_${of === 'i32' ? 's' : 'u'}`, [a.value, b.value]) };
    }
    const compare = kind === 'min' ? 'lt' : 'gt';
    return componentwise(kernel, [a, b], (x, y) => {
      const [left, right] = [valueOf(x), valueOf(y)];
      const op = isFloat(of) ? `f32.${compare}` : `i32.${compare}_${of === 'i32' ? 's' : 'u'}`;
      return one(of, builder.select(right, left, builder.op(op, [left, right])));
    });
  };

const minimum = extreme('min');
const maximum = extreme('max');

function chosen(kernel: Kernel, args: readonly Node[]): Node {
  const [other, yes] = unified(kernel, args.slice(0, 2));
  return selected(kernel, other, yes, args[2]);
}

function selected(kernel: Kernel, other: Node, yes: Node, condition: Node): Node {
  const { builder } = kernel;
  if (condition.type.kind === 'scalar') return selectedBy(kernel, other, yes, valueOf(condition));
  if (other.value && yes.value && condition.value) {
    return { type: other.type, value: builder.op('v128.bitselect', [yes.value, other.value, condition.value]) };
  }
  const parts = components(kernel, other).map((part, i) =>
    selectedBy(kernel, part, component(kernel, yes, i), valueOf(component(kernel, condition, i))),
  );
  return vectorOf(kernel, elementOf(other.type)!, parts);
}

export function selectedBy(kernel: Kernel, other: Node, yes: Node, condition: Value): Node {
  if (other.value && yes.value) return { type: other.type, value: kernel.builder.select(other.value, yes.value, condition) };
  const [a, b] = other.parts && yes.parts ? [other.parts, yes.parts] : [components(kernel, other), components(kernel, yes)];
  return { type: other.type, parts: a.map((part, i) => selectedBy(kernel, part, b[i], condition)) };
}

function multiplyAdd(kernel: Kernel, args: readonly Node[]): Node {
  const [a, b, c] = unified(kernel, args);
  if (kernel.options.isRelaxed && a.value && b.value && c.value && a.type.kind === 'vector') {
    return { type: a.type, value: kernel.builder.op('f32x4.relaxed_madd', [a.value, b.value, c.value]) };
  }
  return binary(kernel, '+', binary(kernel, '*', a, b), c);
}

function dot(kernel: Kernel, args: readonly Node[]): Node {
  const [a, b] = unified(kernel, args);
  const products = components(kernel, binary(kernel, '*', a, b));
  return products.reduce((sum, part) => binary(kernel, '+', sum, part));
}

function sign(kernel: Kernel, x: Node): Node {
  const { builder } = kernel;
  const value = valueOf(x);
  const of = elementOf(x.type)!;
  if (isFloat(of)) {
    const [less, more] = ['f32.lt', 'f32.gt'].map((op) => builder.op(op, [value, builder.f32(0)]));
    return one(of, builder.select(builder.select(builder.f32(0), builder.f32(-1), less), builder.f32(1), more));
  }
  const nothing = builder.i32(0);
  const isPositive = builder.op('i32.gt_s', [value, nothing]);
  return one('i32', builder.op('i32.sub', [isPositive, builder.op('i32.lt_s', [value, nothing])]));
}

const absolute = (kernel: Kernel, x: Node): Node => {
  if (elementOf(x.type) === 'u32') return x;
  const { builder } = kernel;
  const value = valueOf(x);
  return one('i32', builder.select(value, builder.op('i32.sub', [builder.i32(0), value]), builder.op('i32.lt_s', [value, builder.i32(0)])));
};

const bits =
  (op: string): Builtin =>
  (kernel, args) =>
    componentwise(kernel, unified(kernel, args), (x) => one(elementOf(x.type)!, kernel.builder.op(op, [valueOf(x)])));

/** Whether all or any components are true. */
const truths =
  (operator: '&' | '|'): Builtin =>
  (kernel, [x]) =>
    x.type.kind === 'scalar' ? x : components(kernel, x).reduce((sum, part) => binary(kernel, operator, sum, part));

export const builtins: Readonly<Record<string, Builtin>> = {
  abs: elementwise('f32.abs', 'f32x4.abs', absolute),
  ceil: elementwise('f32.ceil', 'f32x4.ceil'),
  floor: elementwise('f32.floor', 'f32x4.floor'),
  trunc: elementwise('f32.trunc', 'f32x4.trunc'),
  round: elementwise('f32.nearest', 'f32x4.nearest'),
  sqrt: elementwise('f32.sqrt', 'f32x4.sqrt'),
  sign: elementwise(undefined, undefined, sign),
  inverseSqrt: (kernel, [x]) => binary(kernel, '/', constant(kernel, 'f32', 1), builtins.sqrt(kernel, [x])),
  fract: (kernel, [x]) => binary(kernel, '-', x, builtins.floor(kernel, [x])),
  min: minimum,
  max: maximum,
  clamp: (kernel, [x, low, high]) => minimum(kernel, [maximum(kernel, [x, low]), high]),
  select: chosen,
  fma: multiplyAdd,
  dot,
  quantizeToF16: (kernel, [x]) => componentwise(kernel, unified(kernel, [x]), (part) => one('f32', kernel.halves.rounded(valueOf(part)))),
  countLeadingZeros: bits('i32.clz'),
  countTrailingZeros: bits('i32.ctz'),
  countOneBits: bits('i32.popcnt'),
  all: truths('&'),
  any: truths('|'),
};

/** Converts a scalar or the components of a vector to another element type. */
export function converted(kernel: Kernel, node: Node, to: ScalarName): Node {
  const { builder } = kernel;
  const { type } = node;
  const known = elementOf(type);
  if (known === undefined) return unknownConstruct(`a conversion of ${type.kind}`);
  if (isAbstract(known)) return concrete(kernel, node, to);
  if (known === to) return node;
  if (type.kind === 'vector') {
    if (node.value && known !== 'bool' && to !== 'bool' && to !== 'f16') {
      const made = vector(4, to);
      if (!isFloat(known) && !isFloat(to)) return { type: made, value: node.value };
      if (isFloat(to)) return { type: made, value: builder.op(`f32x4.convert_i32x4_${known === 'i32' ? 's' : 'u'}`, [node.value]) };
      return { type: made, value: builder.op(`i32x4.trunc_sat_f32x4_${to === 'i32' ? 's' : 'u'}`, [node.value]) };
    }
    return vectorOf(kernel, to, components(kernel, node).map((part) => converted(kernel, part, to))); // prettier-ignore
  }
  const x = valueOf(node);
  if (to === 'bool') return one(to, isFloat(known) ? builder.op('f32.ne', [x, builder.f32(0)]) : builder.op('i32.ne', [x, builder.i32(0)]));
  if (isFloat(to)) {
    if (isFloat(known)) return to === 'f16' ? one('f16', kernel.halves.rounded(x)) : one(to, x);
    return converted(kernel, one('f32', builder.op(known === 'i32' ? 'f32.convert_i32_s' : 'f32.convert_i32_u', [x])), to);
  }
  if (isFloat(known)) return one(to, builder.op(to === 'i32' ? 'i32.trunc_sat_f32_s' : 'i32.trunc_sat_f32_u', [x]));
  return one(to, x);
}

export function bitcast(kernel: Kernel, node: Node, type: Type): Node {
  const { builder } = kernel;
  const made = concrete(kernel, node, 'i32');
  const to = elementOf(type)!;
  const from = elementOf(made.type)!;
  if (made.type.kind === 'vector') {
    if (made.value) return { type: vector(4, to), value: made.value };
    return vectorOf(kernel, to, components(kernel, made).map((part) => bitcast(kernel, part, scalar(to)))); // prettier-ignore
  }
  const x = valueOf(made);
  if (isFloat(from) === isFloat(to)) return one(to, x);
  return one(to, builder.op(isFloat(to) ? 'f32.reinterpret_i32' : 'i32.reinterpret_f32', [x]));
}

/** A value made by the constructor of a type. `element` is undefined if the text leaves the element type of a vector out. */
export function construct(kernel: Kernel, type: Type, args: readonly Node[]): Node {
  if (args.length === 0) return zero(kernel, type);
  switch (type.kind) {
    case 'scalar':
      return converted(kernel, args[0], type.name);
    case 'vector': {
      const of = isAbstract(type.of) ? elementOf(unified(kernel, args)[0].type)! : type.of;
      if (args.length === 1 && args[0].type.kind === 'scalar') return splat(kernel, converted(kernel, args[0], of), type.size);
      if (args.length === 1) return converted(kernel, args[0], of);
      const parts = args.flatMap((node) => (node.type.kind === 'scalar' ? [node] : components(kernel, node)));
      return vectorOf(kernel, of, parts.map((part) => converted(kernel, part, of))); // prettier-ignore
    }
    case 'matrix': {
      if (args.length === type.columns) return { type, parts: args };
      const columns = Array.from({ length: type.columns }, (_, c) => args.slice(c * type.rows, (c + 1) * type.rows));
      return { type, parts: columns.map((column) => construct(kernel, vector(type.rows, 'f32'), column)) };
    }
    case 'struct':
      return { type, parts: type.fields.map((field, i) => concrete(kernel, args[i], elementOf(field.type))) };
    case 'array':
      return { type, parts: args.map((node) => concrete(kernel, node, elementOf(type.of))) };
    default:
      return type satisfies never;
  }
}

/** Calls a builtin lane by lane; undefined if there is none of this name. */
export function callBuiltin(kernel: Kernel, name: string, args: readonly Lanes[]): Lanes | undefined {
  const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined;
  return builtin && mapLanes(args, (...nodes) => builtin(kernel, nodes));
}
