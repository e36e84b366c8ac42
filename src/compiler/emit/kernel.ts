// Parts of WGSL modules that all emitters share: bindings, the members of a group, the store function, the module around a kernel family.
import { isScalarInput } from '../../graph/leaves.ts';
import type { Node, Tensor } from '../../graph/tensor.ts';
import type { UniformFields } from '../../wgsl/index.ts';
import { type StorageBinding, declareStorage, indent, libraryFor, moduleOf, storageType } from '../../wgsl/index.ts';
import type { Group } from '../groups.ts';
import type { Sources } from '../views.ts';
import { Body, FlatIndexer, type ScalarWord } from './body.ts';

/** A storage buffer of a kernel. */
export interface Bound<Memory> extends StorageBinding {
  readonly memory: Memory | 'scalars';
  readonly type: string;
}

/** Collects the buffers of one kernel by role. A buffer that is read and written is bound once. */
export class Bindings<Memory> {
  private readonly bound = new Map<Memory | 'scalars', Bound<Memory>>();
  private inputs = 0;
  private outputs = 0;
  private readonly memoryOf: (tensor: Tensor) => Memory;
  private readonly first: number;
  private readonly quads: ReadonlySet<Memory>;

  /** `quads`: memory that is accessed as vec4. */
  constructor(memoryOf: (tensor: Tensor) => Memory, firstBinding = 1, quads: ReadonlySet<Memory> = new Set()) {
    this.memoryOf = memoryOf;
    this.first = firstBinding;
    this.quads = quads;
  }

  private typeOf(memory: Memory, { dtype }: Tensor): string {
    const type = storageType(dtype);
    return this.quads.has(memory) ? `vec4<${type}>` : type;
  }

  /** Call it for all outputs before the first read. A read of the same memory then uses the writable binding. */
  write(tensor: Tensor): void {
    const memory = this.memoryOf(tensor);
    if (!this.bound.has(memory)) {
      this.bound.set(memory, { role: `out${this.outputs++}`, memory, access: 'read_write', type: this.typeOf(memory, tensor) });
    }
  }

  roleOf = (tensor: Tensor): string => {
    const memory = isScalarInput(tensor) ? 'scalars' : this.memoryOf(tensor);
    let entry = this.bound.get(memory);
    if (!entry) {
      const role = memory === 'scalars' ? 'scalars' : `in${this.inputs++}`;
      entry = { role, memory, access: 'read', type: memory === 'scalars' ? 'u32' : this.typeOf(memory, tensor) };
      this.bound.set(memory, entry);
    }
    return entry.role;
  };

  get list(): readonly Bound<Memory>[] {
    return [...this.bound.values()];
  }

  declarations(): string {
    return this.list.map((bound, i) => declareStorage(this.first + i, bound, bound.type)).join('\n');
  }
}

export interface EmitContext<Memory> {
  readonly sources: Sources;
  readonly memoryOf: (tensor: Tensor) => Memory;
  readonly scalarWord: ScalarWord;
  /** Nodes that the kernel computes. */
  readonly inside: ReadonlySet<Node>;
}

export interface Emitted<Memory> {
  readonly wgsl: string;
  readonly bindings: readonly Bound<Memory>[];
  readonly params: readonly number[];
  readonly fusedParams?: readonly number[];
}

/** The uniform and the bindings that all fused code of a kernel family uses. The bindings are numbered after the family's own. */
export interface FusedParts<Memory> {
  readonly fields: UniformFields;
  readonly bindings: Bindings<Memory>;
}

/** Computes a group's members and stores its outputs: at their own positions, or at those of a rearranging copy. */
export function computeMembers(group: Group, body: Body, indexer: FlatIndexer): void {
  for (const node of group.members) {
    if (group.moved?.has(node)) body.move(node);
    else body.compute(node);
  }
  const places = group.outputs.map((output) => {
    const moved = group.moved?.get(output.node!);
    return moved ? indexer.position(moved, body.statements) : 'index';
  });
  group.outputs.forEach((output, i) => body.store(output, places[i]));
}

/** Emits the store function of a group's members. The anchor's or the reduction's result arrives as `value`. */
export function emitStore<Memory>(
  group: Group,
  valueType: string,
  context: EmitContext<Memory>,
  { fields, bindings }: FusedParts<Memory>,
): string {
  const indexer = new FlatIndexer(fields, 'index', 'e');
  const body = new Body(
    { ...context, fields, roleOf: bindings.roleOf, position: (view, statements) => indexer.position(view, statements), index: 'index' },
    'e',
  );
  // Memory would hold the rounded value. Fusion must not change it.
  const made = group.anchor ?? group.reductions[0];
  body.given(made, made.types[0].dtype === 'f16' ? 'quantizeToF16(value)' : 'value');
  computeMembers(group, body, indexer);
  return `fn store(index: u32, value: ${valueType}) {\n${indent(body.statements).join('\n')}\n}`;
}

/** Declares a group's outputs before its reads, so that a buffer that is both is bound once, for writing. */
export function declareOutputs<Memory>(group: Group, bindings: Bindings<Memory>): void {
  for (const output of group.outputs) bindings.write(output);
}

/** Assembles a family's module: header, the fused uniform after the last storage binding, and the library functions that the code calls. */
export function assemble(source: string, title: string, fields?: UniformFields, lastBinding = 0): string {
  return moduleOf(title, !fields || fields.isEmpty ? '' : fields.declaration(lastBinding + 1), libraryFor(source), source);
}
