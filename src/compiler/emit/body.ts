// Statements for elementwise nodes: loads of operands, one `let` for each node, stores. Used by the elementwise kernel, by the prologue of
// reductions and by the epilogue of kernel families.
import { type StridedView, collapse } from '../../core/shape.ts';
import { constantValue, isScalarInput } from '../../graph/leaves.ts';
import type { Node, Tensor } from '../../graph/tensor.ts';
import { type UniformFields, fromWord, loaded, stored, valueType } from '../../wgsl/index.ts';
import { isPositional } from '../positional.ts';
import { type Source, type Sources, isFlat } from '../views.ts';

/** Returns the name of a tensor's storage buffer in the kernel. */
export type RoleOf = (base: Tensor) => string;
/** Returns the index of a scalar input's word in the buffer of scalars. */
export type ScalarWord = (base: Tensor) => number;

export interface BodyContext {
  readonly sources: Sources;
  readonly fields: UniformFields;
  readonly roleOf: RoleOf;
  readonly scalarWord: ScalarWord;
  /** Nodes that this kernel computes. It never loads their values. */
  readonly inside: ReadonlySet<Node>;
  /** Returns the WGSL expression of the memory position of a view's element. May add statements first. */
  readonly position: (view: StridedView, statements: string[]) => string;
  /** WGSL u32 expression of the element's row-major position in the domain. */
  readonly index: string;
  /** Returns the expression of an element that is loaded in another way than from its position, for example as a component of a vec4. */
  readonly element?: (source: Source) => string | undefined;
  /** Elements that an earlier loop loaded and holds in registers. `keep` may hold the value of a load, which a variable has. */
  readonly held?: { readonly find: (source: Source) => string | undefined; readonly keep: (source: Source, variable: string) => string[] };
  /** The body around a loop. Its values are used in the loop, and loads that are equal for all items are moved to it. */
  readonly around?: { readonly body: Body; readonly constant: (view: StridedView) => StridedView | undefined };
}

/** Names a load: equal keys read the same elements. */
export function loadKey(role: string, view: StridedView): string {
  const { shape, strides, offset } = collapse(view);
  return `${role} ${shape.join()} ${strides.join()} ${offset}`;
}

const numbers = new WeakMap<Node, number>();
let lastNumber = 0;

/** Unique number of a node. It is part of cache keys and not of the WGSL text. */
function nodeNumber(node: Node): number {
  let number = numbers.get(node);
  if (number === undefined) numbers.set(node, (number = ++lastNumber));
  return number;
}

export class Body {
  readonly statements: string[] = [];
  private readonly values = new Map<Tensor | Node, string>();
  private readonly loads = new Map<string, string>();
  private readonly places = new Map<string, string>();
  private readonly context: BodyContext;
  private readonly prefix: string;

  constructor(context: BodyContext, prefix = '') {
    this.context = context;
    this.prefix = prefix;
  }

  /** Sets the variable that holds a node's value, for example an anchor's result in the epilogue. */
  given(node: Node, variable: string): void {
    this.values.set(node, variable);
  }

  /** Returns the expression of an operand's value at this element. */
  operand(tensor: Tensor): string {
    const { sources, fields, around } = this.context;
    const source = sources.get(tensor);
    const { node } = source.base;
    const known = node && this.values.get(node);
    if (known) {
      if (!isFlat(source)) throw new Error(`${tensor.node?.op.name}: a value of the same kernel is read at another place`);
      return known;
    }
    const outer = node && around?.body.values.get(node);
    if (outer) return outer;
    if (node && this.context.inside.has(node)) throw new Error(`${node.op.name}: a value is read before its kernel computes it`);
    const number = constantValue(source.base);
    if (number !== undefined) return fields.number(number, tensor.dtype);
    return node && isPositional(node) ? this.place(node, this.context.position(source.view, this.statements)) : this.value(source);
  }

  /** Returns the value of a positional node at a position that is given as a WGSL expression. */
  private place(node: Node, at: string): string {
    const key = `${nodeNumber(node)} ${at}`;
    const known = this.places.get(key);
    if (known) return known;
    const { sources, fields } = this.context;
    const name = `${this.prefix}p${this.places.size}`;
    this.places.set(key, name);
    const index = `${name}_at`;
    this.statements.push(`let ${index} = ${at};`);
    const indexer = new FlatIndexer(fields, index, `${name}_`);
    const args = node.inputs.map((input) => {
      const { base, view } = sources.get(input);
      const number = constantValue(base);
      return number === undefined ? this.place(base.node!, indexer.position(view, this.statements)) : fields.number(number, input.dtype);
    });
    this.statements.push(`let ${name}: ${valueType(node.types[0].dtype)} = ${this.expression(node, args, index)};`);
    return name;
  }

  private value({ base, view }: Source): string {
    const { fields, roleOf, scalarWord, position, element, held, around } = this.context;
    const scalar = isScalarInput(base);
    const still = scalar ? view : around?.constant(view);
    if (around && still) return around.body.value({ base, view: still });
    const key = scalar ? `scalar ${scalarWord(base)}` : loadKey(roleOf(base), view);
    let name = this.loads.get(key) ?? (scalar ? undefined : held?.find({ base, view }));
    if (name) return name;
    name = `${this.prefix}x${this.loads.size}`;
    const value = scalar
      ? fromWord(base.dtype, `${roleOf(base)}[${fields.add('scalar', scalarWord(base))}]`)
      : loaded(base.dtype, element?.({ base, view }) ?? `${roleOf(base)}[${position(view, this.statements)}]`);
    this.statements.push(`let ${name} = ${value};`);
    if (held && !scalar) this.statements.push(...held.keep({ base, view }, name));
    this.loads.set(key, name);
    return name;
  }

  /** Reuses the value that a copy rearranges. Only the position of the store differs. */
  move(copy: Node): void {
    const { base } = this.context.sources.get(copy.inputs[0]);
    this.values.set(copy, this.values.get(base.node!)!);
  }

  /** Computes a node; f16 results are rounded as they would be in memory. */
  compute(node: Node): void {
    const args = node.inputs.map((input) => this.operand(input));
    const name = `${this.prefix}v${this.values.size}`;
    const { dtype } = node.types[0];
    const value = this.expression(node, args, this.context.index);
    this.statements.push(`let ${name}: ${valueType(dtype)} = ${value};${node.scope ? ` // ${node.scope}` : ''}`);
    this.values.set(node, name);
  }

  private expression(node: Node, args: readonly string[], index: string): string {
    const { lowering } = node.op;
    if (lowering.kind !== 'elementwise') throw new Error(`${node.op.name} is not elementwise`);
    const [output] = node.types;
    const value = lowering.expression(args, { attributes: node.attributes, inputs: node.inputs, output, index });
    return output.dtype === 'f16' ? `quantizeToF16(${value})` : value;
  }

  /** Stores a node's value in the memory of `output`. */
  store(output: Tensor, index: string, node: Node = output.node!): void {
    this.statements.push(`${this.context.roleOf(output)}[${index}] = ${stored(output.dtype, this.values.get(node)!)};`);
  }

  /** Assigns a node's value to a variable of the kernel. */
  assign(node: Node, variable: string): void {
    this.statements.push(`${variable} = ${this.values.get(node)!};`);
  }

  /** Loads a node's value that an earlier loop stored in the memory of `keeper`. */
  load(keeper: Tensor, index: string, node: Node): void {
    const name = `${this.prefix}v${this.values.size}`;
    this.statements.push(`let ${name} = ${loaded(keeper.dtype, `${this.context.roleOf(keeper)}[${index}]`)};`);
    this.values.set(node, name);
  }
}

/**
 * Computes memory positions from one flat index. Coordinates are computed once for each shape, and strides of 0 and 1 need no
 * multiplication.
 */
export class FlatIndexer {
  private readonly coordinates = new Map<string, string[]>();
  private readonly fields: UniformFields;
  private readonly index: string;
  private readonly prefix: string;

  constructor(fields: UniformFields, index: string, prefix = 'i') {
    this.fields = fields;
    this.index = index;
    this.prefix = prefix;
  }

  position(view: StridedView, statements: string[]): string {
    const { shape, strides, offset } = collapse(view);
    const terms: string[] = [];
    if (offset) terms.push(this.fields.add('offset', offset));
    if (strides.some((stride) => stride !== 0)) {
      const names = this.coordinatesOf(shape, statements);
      strides.forEach((stride, i) => {
        if (stride === 1) terms.push(names[i]);
        else if (stride !== 0) terms.push(`${names[i]} * ${this.fields.add('stride', stride)}`);
      });
    }
    return terms.join(' + ') || '0u';
  }

  private coordinatesOf(shape: readonly number[], statements: string[]): string[] {
    if (shape.length === 1) return [this.index];
    const key = shape.join();
    let names = this.coordinates.get(key);
    if (names) return names;
    const id = this.coordinates.size;
    names = new Array<string>(shape.length);
    let rest = this.index;
    for (let axis = shape.length - 1; axis > 0; axis--) {
      const size = this.fields.add(`size${id}_${axis}`, shape[axis]);
      const quotient = axis === 1 ? `${this.prefix}${id}_0` : `${this.prefix}${id}_above${axis}`;
      names[axis] = `${this.prefix}${id}_${axis}`;
      statements.push(`let ${quotient} = ${rest} / ${size};`, `let ${names[axis]} = ${rest} - ${quotient} * ${size};`);
      rest = quotient;
    }
    names[0] = rest;
    this.coordinates.set(key, names);
    return names;
  }
}
