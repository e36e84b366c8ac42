// Making and taking apart nodes.
import type { Value } from '../ir/code.ts';
import { roundToF16 } from '../../../core/dtype.ts';
import { unknownConstruct } from '../wgsl/errors.ts';
import { type Lanes, type Node, type ScalarName, type Type, elementOf, isAbstract, isPacked, scalar } from './types.ts';
import type { Kernel } from './kernel.ts';

export const one = (name: ScalarName, value: Value): Node => ({ type: scalar(name), value });

/** A constant of a scalar type. */
export function constant(kernel: Kernel, name: ScalarName, value: number): Node {
  const { builder } = kernel;
  if (name === 'f16') return { type: scalar(name), value: builder.f32(roundToF16(value)), number: value };
  if (name === 'f32' || name === 'float') return { type: scalar(name), value: builder.f32(value), number: value };
  return { type: scalar(name), value: builder.i32(value), number: value };
}

/** The value of a scalar or packed node. */
export function valueOf(node: Node): Value {
  if (!node.value) throw new Error('wasm: a value in parts where one value is needed');
  return node.value;
}

/** A node of a type with every element 0. */
export function zero(kernel: Kernel, type: Type): Node {
  switch (type.kind) {
    case 'scalar':
      return constant(kernel, type.name, 0);
    case 'vector':
      if (isPacked(type)) return { type, value: kernel.builder.quad([0, 0, 0, 0]) };
      return { type, parts: Array.from({ length: type.size }, () => constant(kernel, type.of, 0)) };
    case 'matrix':
      return { type, parts: Array.from({ length: type.columns }, () => zero(kernel, { kind: 'vector', size: type.rows, of: 'f32' })) };
    case 'struct':
      return { type, parts: type.fields.map((field) => zero(kernel, field.type)) };
    case 'array':
      return { type, parts: Array.from({ length: type.length }, () => zero(kernel, type.of)) };
    default:
      return type satisfies never;
  }
}

const vectorPrefix = (of: ScalarName): 'f32' | 'i32' => (of === 'f32' || of === 'float' ? 'f32' : 'i32');

/** The components of a vector. */
export function components(kernel: Kernel, node: Node): readonly Node[] {
  const { type } = node;
  if (node.parts) return node.parts;
  if (type.kind !== 'vector') return unknownConstruct('components of a value that is no vector');
  return Array.from({ length: 4 }, (_, lane) => component(kernel, node, lane));
}

export function component(kernel: Kernel, node: Node, lane: number): Node {
  const { type } = node;
  if (node.parts) return node.parts[lane];
  if (type.kind !== 'vector') return unknownConstruct('a component of a value that is no vector');
  const vector = valueOf(node);
  if (type.of === 'bool') return one('bool', kernel.packer.truth(vector, lane));
  return one(type.of, kernel.packer.lane(vector, vectorPrefix(type.of), lane));
}

/** A vector of components, packed if it has four. */
export function vectorOf(kernel: Kernel, of: ScalarName, parts: readonly Node[]): Node {
  const type: Type = { kind: 'vector', size: parts.length, of };
  if (!isPacked(type)) return { type, parts };
  const values = parts.map(valueOf) as [Value, Value, Value, Value];
  const { packer } = kernel;
  return { type, value: (of === 'bool' ? packer.mask(values) : packer.pack(values)).value };
}

/** A scalar as all components of a vector. */
export function splat(kernel: Kernel, node: Node, size: number): Node {
  const of = elementOf(node.type)!;
  return vectorOf(
    kernel,
    of,
    Array.from({ length: size }, () => node),
  );
}

/** Converts an abstract constant to the element type of another operand. */
export function concrete(kernel: Kernel, node: Node, wanted: ScalarName | undefined): Node {
  const { type } = node;
  const from = elementOf(type);
  if (from === undefined || !isAbstract(from)) return node;
  const to = wanted && !isAbstract(wanted) ? wanted : from === 'integer' ? (wanted === 'float' ? 'float' : 'i32') : 'f32';
  if (type.kind === 'vector') return vectorOf(kernel, to, components(kernel, node).map((part) => concrete(kernel, part, to))); // prettier-ignore
  return constant(kernel, to, node.number ?? valueOf(node).imm);
}

export function isSame(a: Node, b: Node): boolean {
  if (a === b) return true;
  if (a.value || b.value) return a.value === b.value;
  return a.parts!.length === b.parts!.length && a.parts!.every((part, i) => isSame(part, b.parts![i]));
}

/** One node if all lanes are equal. */
export function collapse(lanes: Lanes): Lanes {
  return lanes.length > 1 && lanes.every((node) => isSame(node, lanes[0])) ? [lanes[0]] : lanes;
}

/** Applies a function lane by lane. It is called once if every operand is the same in all lanes. */
export function mapLanes(operands: readonly Lanes[], fn: (...nodes: Node[]) => Node): Lanes {
  const width = Math.max(1, ...operands.map((lanes) => lanes.length));
  if (width === 1) return [fn(...operands.map(([node]) => node))];
  return collapse(Array.from({ length: width }, (_, lane) => fn(...operands.map((lanes) => lanes[lanes.length === 1 ? 0 : lane]))));
}

/** The leaves of a node that are WebAssembly values, in order. */
export function leaves(node: Node): Value[] {
  return node.value ? [node.value] : node.parts!.flatMap(leaves);
}

/** A node with the same structure and other leaves. */
export function withLeaves(node: Node, next: () => Value): Node {
  return node.value ? { type: node.type, value: next() } : { type: node.type, parts: node.parts!.map((part) => withLeaves(part, next)) };
}
