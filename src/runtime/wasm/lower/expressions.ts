// Expressions: names, members, indices, operators and calls.
import type { Value } from '../ir/code.ts';
import { unknownConstruct } from '../wgsl/errors.ts';
import type { Expression, FunctionSyntax, TypeSyntax } from '../wgsl/syntax.ts';
import { bitcast, callBuiltin, construct, libraryNames } from './builtins.ts';
import { type Kernel, Restart } from './kernel.ts';
import { type Reference, elementAt, memberOf, read, referenceTo, storeTo } from './memory.ts';
import { collapse, component, concrete, constant, mapLanes, one, valueOf, vectorOf } from './nodes.ts';
import { binary, unary } from './operators.ts';
import { returnedBy } from './analysis.ts';
import { type Lanes, type Type, elementOf, laneOf, vector } from './types.ts';

export function evaluate(kernel: Kernel, expression: Expression): Lanes {
  switch (expression.kind) {
    case 'number':
      return [{ ...constant(kernel, expression.type, expression.value), number: expression.value }];
    case 'truth':
      return [one('bool', kernel.builder.i32(Number(expression.value)))];
    case 'name':
      return named(kernel, expression.name);
    case 'member':
    case 'index': {
      const reference = referenceOf(kernel, expression);
      if (reference) return read(kernel, reference);
      return expression.kind === 'member'
        ? member(kernel, expression.base, expression.name)
        : indexed(kernel, expression.base, expression.index);
    }
    case 'unary':
      return mapLanes([evaluate(kernel, expression.operand)], (node) => unary(kernel, expression.operator, node));
    case 'binary': {
      const left = evaluate(kernel, expression.left);
      const { operator } = expression;
      // A known left side decides a logical operator; the right side is then not computed.
      if (operator === '&&' || operator === '||') {
        const known = left.length === 1 ? left[0].value : undefined;
        if (known?.op === 'const' && Boolean(known.imm) === (operator === '||')) return left;
      }
      // WGSL does not compute the right side if the left one decides: what it loads then may be outside of its buffer.
      const isLogical = operator === '&&' || operator === '||';
      const right = isLogical ? guarded(kernel, expression.right) : evaluate(kernel, expression.right);
      return kernel.strip?.uniform(operator, left, right) ?? mapLanes([left, right], (a, b) => binary(kernel, operator, a, b));
    }
    case 'call':
      return call(kernel, expression);
    default:
      return expression satisfies never;
  }
}

function named(kernel: Kernel, name: string): Lanes {
  const binding = kernel.scope.find(name);
  if (!binding) return unknownConstruct(`the name '${name}'`);
  switch (binding.kind) {
    case 'constant':
      return kernel.seen(binding.lanes);
    case 'expression':
      return evaluate(kernel, binding.expression);
    case 'variable':
      return kernel.readVariable(binding);
    case 'stored':
      return read(kernel, seenReference(kernel, referenceTo(binding)));
    default:
      return binding satisfies never;
  }
}

const seenReference = (kernel: Kernel, reference: Reference): Reference =>
  kernel.lane === undefined || reference.addresses.length === 1
    ? reference
    : { ...reference, addresses: [reference.addresses[kernel.lane]] };

/** The memory that an expression refers to; undefined if its base is not in memory. */
export function referenceOf(kernel: Kernel, expression: Expression): Reference | undefined {
  if (expression.kind === 'name') {
    const binding = kernel.scope.find(expression.name);
    return binding?.kind === 'stored' ? seenReference(kernel, referenceTo(binding)) : undefined;
  }
  if (expression.kind !== 'member' && expression.kind !== 'index') return undefined;
  const base = referenceOf(kernel, expression.base);
  if (!base) return undefined;
  if (expression.kind === 'index') return elementAt(kernel, base, evaluate(kernel, expression.index));
  return expression.name.length > 1 && base.type.kind === 'vector' ? undefined : memberOf(kernel, base, expression.name);
}

function member(kernel: Kernel, base: Expression, name: string): Lanes {
  return mapLanes([evaluate(kernel, base)], (node) => {
    const { type } = node;
    if (type.kind === 'struct') {
      const place = type.fields.findIndex((field) => field.name === name);
      return place < 0 ? unknownConstruct(`the member '${name}'`) : node.parts![place];
    }
    const places = [...name].map((letter) => 'xyzw'.indexOf(letter));
    if (type.kind !== 'vector' || places.some((place) => place < 0)) return unknownConstruct(`the member '${name}'`);
    if (places.length === 1) return component(kernel, node, places[0]);
    return vectorOf(kernel, type.of, places.map((place) => component(kernel, node, place))); // prettier-ignore
  });
}

/** The constant of an index, or undefined. */
export function constantIndex(lanes: Lanes): number | undefined {
  const value = lanes.length === 1 ? lanes[0].value : undefined;
  return value?.op === 'const' ? value.imm : undefined;
}

function indexed(kernel: Kernel, base: Expression, index: Expression): Lanes {
  const at = evaluate(kernel, index);
  const place = constantIndex(at);
  if (place === undefined) {
    const variable = variableOf(kernel, base);
    if (variable) {
      kernel.facts.inMemory.add(variable.declaration);
      throw new Restart();
    }
    // A value that is indexed is stored first.
    const whole = evaluate(kernel, base);
    const stored = kernel.reserve('spilled', whole[0].type);
    stored.addresses.forEach((address, lane) => storeTo(kernel, stored.place, address, laneOf(whole, lane), stored.type));
    return read(kernel, elementAt(kernel, referenceTo(stored), at));
  }
  return mapLanes([evaluate(kernel, base)], (node) => (node.type.kind === 'vector' ? component(kernel, node, place) : node.parts![place]));
}

/** The variable in which the parts of an expression are. */
export function variableOf(kernel: Kernel, expression: Expression): { readonly declaration: object } | undefined {
  if (expression.kind === 'member' || expression.kind === 'index') return variableOf(kernel, expression.base);
  if (expression.kind !== 'name') return undefined;
  const binding = kernel.scope.find(expression.name);
  return binding?.kind === 'variable' ? binding : undefined;
}

function call(kernel: Kernel, expression: Expression & { kind: 'call' }): Lanes {
  const { callee, arguments: args } = expression;
  const { name } = callee;
  const own = kernel.function(name);
  if (own) return inline(kernel, own, args.map((argument) => evaluate(kernel, argument))); // prettier-ignore
  if (name === 'bitcast') {
    const type = kernel.type(callee.arguments[0] as typeof callee);
    return mapLanes([evaluate(kernel, args[0])], (node) => bitcast(kernel, node, type));
  }
  if (kernel.isType(callee)) return constructed(kernel, callee, args);
  if (name === 'arrayLength') return unknownConstruct('arrayLength');
  // select() computes both of its values: a load that it drops may be outside of its buffer.
  const lanes =
    name === 'select'
      ? args.map((argument, i) => (i < 2 ? guarded(kernel, argument) : evaluate(kernel, argument)))
      : args.map((argument) => evaluate(kernel, argument));
  const library = Object.hasOwn(libraryNames, name) ? kernel.function(libraryNames[name]) : undefined;
  if (library) return callLibrary(kernel, library, lanes);
  return callBuiltin(kernel, name, lanes) ?? unknownConstruct(`the function '${name}'`);
}

/** Evaluates an expression whose value may be dropped. Its loads are kept inside of their buffers. */
function guarded(kernel: Kernel, expression: Expression): Lanes {
  const outer = kernel.isGuarded;
  kernel.isGuarded = true;
  try {
    return evaluate(kernel, expression);
  } finally {
    kernel.isGuarded = outer;
  }
}

function constructed(kernel: Kernel, callee: TypeSyntax, args: readonly Expression[]): Lanes {
  const lanes = args.map((argument) => evaluate(kernel, argument));
  const { name } = callee;
  if (name === 'array' && callee.arguments.length === 0) {
    const type: Type = { kind: 'array', of: lanes[0][0].type, length: lanes.length };
    return mapLanes(lanes, (...nodes) => construct(kernel, type, nodes));
  }
  let type = kernel.type(callee);
  if (type.kind === 'vector' && type.of === 'integer' && lanes.length) {
    const kinds = lanes.map(([node]) => elementOf(node.type)!);
    const of = kinds.find((kind) => kind !== 'integer' && kind !== 'float') ?? (kinds.includes('float') ? 'f32' : 'i32');
    type = vector(type.size, of);
  }
  const made = type;
  return mapLanes(lanes, (...nodes) => construct(kernel, made, nodes));
}

/** Calls a function of scalars for a scalar, or for each component of a vector. */
function callLibrary(kernel: Kernel, library: FunctionSyntax, lanes: readonly Lanes[]): Lanes {
  const { type } = lanes[0][0];
  if (type.kind === 'scalar') return inline(kernel, library, lanes);
  const size = (type as { size: number }).size;
  const parts = Array.from(
    { length: size },
    (_, i) =>
    inline(kernel, library, lanes.map((argument) => mapLanes([argument], (node) => component(kernel, node, i)))), // prettier-ignore
  );
  return mapLanes(parts, (...nodes) => vectorOf(kernel, 'f32', nodes));
}

/** The values of a function's call, computed in place. */
export function inline(kernel: Kernel, fn: FunctionSyntax, args: readonly Lanes[]): Lanes {
  const differ = args.some((lanes) => lanes.length > 1);
  // Lanes that may return at different places are computed one by one.
  if (differ && returnedBy(fn) !== 'last') {
    return collapse(kernel.alone(() => inline(kernel, fn, args.map((lanes) => kernel.seen(lanes)))[0])); // prettier-ignore
  }
  const module = kernel.globals;
  return kernel.scoped(() => {
    fn.parameters.forEach((parameter, i) => {
      const type = kernel.type(parameter.type);
      const lanes = args[i].map((node) => concrete(kernel, node, elementOf(type)));
      kernel.scope.declare(parameter.name, { kind: 'constant', lanes: packedLanes(kernel, lanes) });
    });
    return kernel.lowering.body(kernel, fn);
  }, module);
}

/** Four scalars as the lanes of one vector, if that saves instructions. */
export function packedLanes(kernel: Kernel, lanes: Lanes): Lanes {
  const { type } = lanes[0];
  if (lanes.length === 1 || type.kind !== 'scalar' || type.name === 'f16') return lanes;
  const values = lanes.map(valueOf) as [Value, Value, Value, Value];
  const { packer } = kernel;
  if (type.name === 'bool') {
    const { value, saved } = packer.mask(values);
    return saved > 4 ? lanes.map((_, lane) => one('bool', packer.truth(value, lane))) : lanes;
  }
  const { value, saved } = packer.pack(values);
  // Neighbouring integers stay scalars: they are indices.
  if (saved <= 0 || value.op === 'i32x4.add') return lanes;
  kernel.strip?.notePacked(value);
  return lanes.map((node, lane) => ({ type: node.type, value: packer.lane(value, type.name === 'f32' ? 'f32' : 'i32', lane) }));
}
