// Groups of nodes, each of which becomes one kernel or the few dispatches of one kernel family, and the dependencies between groups.
// fuse.ts and fuseRows.ts decide which groups are merged.
import { type StridedView, sizeOf } from '../core/shape.ts';
import { type Graph, topological } from '../graph/graph.ts';
import { isScalarInput } from '../graph/leaves.ts';
import type { Node, Tensor } from '../graph/tensor.ts';
import { librarySize } from './cost.ts';
import { isPositional } from './positional.ts';
import { Precedence, type Vertex } from './precedence.ts';
import { type Sources, hasMemory, isFlat } from './views.ts';

export interface Group {
  /** The node whose own kernel the group extends. */
  anchor: Node | undefined;
  /** Reductions of one domain, inputs first. A group with an anchor has none. */
  reductions: Node[];
  /** Elementwise nodes that are computed for every element that the reductions read, inputs first. */
  items: Node[];
  /** Elementwise nodes over the elements of the results of anchor or reductions, inputs first. In an elementwise group: all nodes. */
  members: Node[];
  /** Number of elements of each member, and of the results of anchor and reductions. */
  size: number;
  /** Tensors that the group must store: other groups read them, or they are outputs of the graph. */
  outputs: Tensor[];
  /** Copies that rearrange the group's results. The view maps each element to its position in the copy. */
  moved?: ReadonlyMap<Node, StridedView>;
  /** All nodes, inputs first. Set by finish(). */
  nodes?: readonly Node[];
  /** Those of `nodes` that another group computes too. */
  again?: ReadonlySet<Node>;
}

/** All nodes of a group. In order after finish(). */
export const nodesOf = ({ nodes, items, reductions, anchor, members }: Group): readonly Node[] =>
  nodes ?? [...items, ...reductions, ...(anchor ? [anchor] : []), ...members];

const countOf = ({ items, reductions, anchor, members }: Group): number =>
  items.length + reductions.length + Number(anchor !== undefined) + members.length;

/** Maximum number of nodes of one kernel. A larger one takes longer to build than it saves. */
const maxNodesPerKernel = 160;

/**
 * Maximum number of operations of library functions in one kernel. Compilers inline each call, and their time grows faster than the text.
 * 4,000 are 16 powers, 20 tangents or 66 exponentials. SwiftShader takes half a second for them, and 3.7 s for 80 powers. A kernel that computes
 * four elements an invocation has each call four times.
 */
const maxLibraryOperations = 4000;

/** Maximum number of reductions of one kernel. With 64 lanes each takes 256 bytes of workgroup memory, of which every device has 16 KiB. */
const maxReductions = 32;

/** Returns the tensors with memory and the scalar inputs that the nodes read from outside of `inside`. */
export function readsOf(nodes: readonly Node[], sources: Sources, inside: ReadonlySet<Node> = new Set(nodes)): Set<Tensor> {
  const reads = new Set<Tensor>();
  for (const node of nodes) {
    for (const input of node.inputs) {
      const { base } = sources.get(input);
      if (!(base.node && inside.has(base.node)) && (hasMemory(base) || isScalarInput(base))) reads.add(base);
    }
  }
  return reads;
}

/** Returns the buffers that the nodes read from outside of `inside`. All scalar inputs are in one buffer. */
export function boundTensors(nodes: readonly Node[], sources: Sources, inside?: ReadonlySet<Node>): Set<Tensor | Node | string> {
  const buffers = new Set<Tensor | Node | string>();
  for (const base of readsOf(nodes, sources, inside)) {
    buffers.add(isScalarInput(base) ? 'scalars' : base.node?.types.length === 1 ? base.node : base);
  }
  return buffers;
}

/** Number of storage buffers that one dispatch over the nodes binds if it writes `writes` values. */
export function buffersBound(nodes: readonly Node[], writes: number, sources: Sources, inside: ReadonlySet<Node> = new Set(nodes)): number {
  // A kernel family binds each operand separately, even if the fused code reads the same tensor.
  const kernel = nodes.find((node) => node.op.lowering.kind === 'kernel');
  const others = kernel ? nodes.filter((node) => node !== kernel) : nodes;
  return (kernel?.inputs.length ?? 0) + boundTensors(others, sources, inside).size + Math.max(1, writes);
}

export class GroupGraph {
  readonly graph: Graph;
  readonly sources: Sources;
  /** Nodes that compute a value, inputs first. */
  readonly order: readonly Node[];
  private readonly position: ReadonlyMap<Node, number>;
  private readonly users = new Map<Node, Set<Node>>();
  private readonly requested: ReadonlySet<Node>;
  private readonly groupOf = new Map<Node, Group>();
  private readonly producers = new Map<Group, Set<Group>>();
  private readonly mergedInto = new Map<Group, Group>();
  /** Dependencies between the groups, direct and indirect. */
  readonly precedence = new Precedence();
  private readonly vertices = new Map<Group, Vertex>();
  private readonly maxStorageBuffers: number;

  constructor(graph: Graph, sources: Sources, maxStorageBuffers: number) {
    this.graph = graph;
    this.sources = sources;
    this.maxStorageBuffers = maxStorageBuffers;
    this.order = topological(graph.outputs).filter(
      (node) => node.op.lowering.kind !== 'view' && node.op.lowering.kind !== 'leaf' && !isPositional(node),
    );
    this.position = new Map(this.order.map((node, i) => [node, i]));
    for (const node of this.order) this.users.set(node, new Set());
    for (const node of this.order) for (const used of this.needs(node)) this.users.get(used)?.add(node);
    this.requested = new Set(graph.outputs.map((output) => sources.get(output).base.node!));
  }

  /** Returns the nodes that a node reads or waits for. Both must be computed before it. */
  private needs(node: Node): Node[] {
    return node.inputs.flatMap((input) => {
      const { base, awaited = [] } = this.sources.get(input);
      return [base, ...awaited.map((tensor) => this.sources.get(tensor).base)].map((tensor) => tensor.node!);
    });
  }

  /** Puts a node into a new group. */
  place(node: Node): Group {
    const { kind } = node.op.lowering;
    const group: Group = {
      anchor: kind === 'kernel' ? node : undefined,
      reductions: kind === 'reduction' ? [node] : [],
      items: [],
      members: kind === 'elementwise' ? [node] : [],
      size: sizeOf(node.types[0].shape),
      outputs: [],
    };
    this.groupOf.set(node, group);
    const producers = this.readFrom(group);
    this.producers.set(group, producers);
    this.vertices.set(group, this.precedence.add(this.verticesOf(producers)));
    return group;
  }

  /** Whether a node's value is stored in another order than its kernel computes it. */
  isMoved(node: Node): boolean {
    return this.groupOf.get(node)?.moved?.has(node) ?? false;
  }

  has(node: Node): boolean {
    return this.groupOf.has(node);
  }

  of(node: Node): Group {
    return this.groupOf.get(node)!;
  }

  /** Groups in the order of their last nodes. */
  get groups(): Group[] {
    const last = new Map<Group, number>();
    for (const [node, group] of this.groupOf) last.set(group, Math.max(last.get(group) ?? 0, this.position.get(node)!));
    return [...last.keys()].sort((a, b) => last.get(a)! - last.get(b)!);
  }

  /** Returns the node whose value an input is, element for element. */
  producer(input: Tensor): Node | undefined {
    const source = this.sources.get(input);
    const { node } = source.base;
    return node && this.groupOf.has(node) && isFlat(source) && !this.isMoved(node) ? node : undefined;
  }

  usersOf(node: Node): ReadonlySet<Node> {
    return this.users.get(node)!;
  }

  isRequested(node: Node): boolean {
    return this.requested.has(node);
  }

  inOrder(nodes: Iterable<Node>): Node[] {
    return [...nodes].sort((a, b) => this.position.get(a)! - this.position.get(b)!);
  }

  /** Whether one dispatch can hold the nodes. Checks the storage buffers that it binds, and the size of the kernel. */
  fits(nodes: readonly Node[]): boolean {
    if (nodes.length > maxNodesPerKernel) return false;
    let reductions = 0;
    let places = 0;
    let operations = 0;
    for (const node of nodes) {
      const { op } = node;
      if ((operations += librarySize(node)) > maxLibraryOperations) return false;
      if (op.lowering.kind !== 'reduction') continue;
      if (++reductions > maxReductions) return false;
      // The second pass of a long arg-reduction also reads the indices that the first pass found.
      if (op.lowering.tracksIndex) places = 1;
    }
    const inside = new Set(nodes);
    const writes = this.writesOf(nodes, inside);
    return (
      writes + places <= this.maxStorageBuffers && buffersBound(nodes, writes, this.sources, inside) + places <= this.maxStorageBuffers
    );
  }

  /** Whether one dispatch can hold the nodes of both groups. */
  fitTogether(a: Group, b: Group): boolean {
    return countOf(a) + countOf(b) <= maxNodesPerKernel && this.fits([...nodesOf(a), ...nodesOf(b)]);
  }

  /** Number of the nodes' values that are outputs of the graph or are read from outside of `inside`. */
  writesOf(nodes: readonly Node[], inside: ReadonlySet<Node> = new Set(nodes)): number {
    const isWanted = (node: Node): boolean => {
      if (this.requested.has(node)) return true;
      for (const user of this.users.get(node)!) if (!inside.has(user)) return true;
      return false;
    };
    let wanted = 0;
    for (const node of nodes) if (isWanted(node)) wanted++;
    return wanted;
  }

  /** Moves elementwise nodes that only a reduction needs from their groups into its group. */
  moveToItems(nodes: ReadonlySet<Node>, group: Group): void {
    for (const node of nodes) {
      const own = this.groupOf.get(node)!;
      own.members = own.members.filter((member) => member !== node);
      this.groupOf.set(node, group);
    }
    group.items = this.inOrder(nodes);
    const producers = this.readFrom(group);
    this.producers.set(group, producers);
    this.precedence.setNeeds(this.vertices.get(group)!, this.verticesOf(producers));
  }

  /** Merges `from` into `into`. With `asItems` the members of `from` are computed for every element that the reductions of `into` read. */
  merge(into: Group, from: Group, asItems = false): void {
    for (const node of nodesOf(from)) this.groupOf.set(node, into);
    into.reductions = this.inOrder([...into.reductions, ...from.reductions]);
    into.items = this.inOrder([...into.items, ...from.items, ...(asItems ? from.members : [])]);
    into.members = this.inOrder([...into.members, ...(asItems ? [] : from.members)]);
    if (into.moved || from.moved) into.moved = new Map([...(into.moved ?? []), ...(from.moved ?? [])]);
    this.mergedInto.set(from, into);
    this.vertices.set(into, this.precedence.join(this.vertices.get(into)!, this.vertices.get(from)!));
    this.producers.set(into, new Set([...this.producersOf(into), ...this.producersOf(from)]));
    this.producersOf(into);
  }

  private readFrom(group: Group): Set<Group> {
    const producers = new Set<Group>();
    for (const node of nodesOf(group)) {
      for (const needed of this.needs(node)) {
        const producer = this.groupOf.get(needed);
        if (producer && producer !== group) producers.add(producer);
      }
    }
    return producers;
  }

  private verticesOf(groups: Iterable<Group>): Vertex[] {
    return [...groups].map((group) => this.vertices.get(group)!);
  }

  /**
   * Groups that a group reads from or waits for. The stored sets are updated here, because they may name groups that have been merged
   * since.
   */
  producersOf(group: Group): Set<Group> {
    const known = this.producers.get(group) ?? new Set<Group>();
    let isStale = known.has(group);
    for (const producer of known) isStale ||= this.mergedInto.has(producer);
    if (!isStale) return known;
    const fresh = new Set<Group>();
    for (const producer of known) {
      const now = this.current(producer);
      if (now !== group) fresh.add(now);
    }
    this.producers.set(group, fresh);
    return fresh;
  }

  private current(group: Group): Group {
    let now = group;
    while (this.mergedInto.has(now)) now = this.mergedInto.get(now)!;
    return now;
  }

  /** Whether `to` depends on `from`: in any way if `directly` is true, else only through a third group. */
  dependsOn(to: Group, from: Group, directly: boolean): boolean {
    return this.precedence.leads(this.vertices.get(from)!, this.vertices.get(to)!, directly);
  }

  /** Whether one group depends on the other through a third group. One kernel would have to run both before and after that group. */
  areParted(a: Group, b: Group): boolean {
    return this.dependsOn(a, b, false) || this.dependsOn(b, a, false);
  }

  /** Completes the groups: sets their nodes in order, and the outputs that each must store. */
  finish(): Group[] {
    const groups = [...new Set(this.groupOf.values())];
    const escaping = new Map<Group, Set<Tensor>>(groups.map((group) => [group, new Set()]));
    const escape = (base: Tensor, reader: Group | undefined): void => {
      const group = base.node && this.groupOf.get(base.node);
      if (group && group !== reader) escaping.get(group)!.add(base);
    };
    for (const [node, group] of this.groupOf) for (const input of node.inputs) escape(this.sources.get(input).base, group);
    for (const output of this.graph.outputs) escape(this.sources.get(output).base, undefined);
    for (const group of groups) {
      group.nodes = this.inOrder(nodesOf(group));
      group.outputs = [...escaping.get(group)!].sort(
        (a, b) => this.position.get(a.node!)! - this.position.get(b.node!)! || a.index - b.index,
      );
    }
    return groups;
  }
}
