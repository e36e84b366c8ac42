// Pass 3: groups. Each group becomes one kernel (or the few dispatches of one kernel family): an elementwise DAG with several outputs, a
// reduction with what feeds it and what follows it, or a kernel with what follows it. Two groups become one when they walk the same elements
// in the same order and no third group stands between them.
import { sizeOf } from '../core/shape.ts';
import { type Graph, topological } from '../graph/graph.ts';
import type { Node, Tensor } from '../graph/tensor.ts';
import { Sources, hasMemory, isFlat } from './views.ts';

export interface Group {
  /** The reduction or kernel the group is built around; undefined for a purely elementwise one. */
  anchor: Node | undefined;
  /** Elementwise nodes computed on the way into a reduction, inputs first. */
  prologue: Node[];
  /** Elementwise nodes computed over the group's own elements (behind the anchor, if any), inputs first. */
  members: Node[];
  /** Number of elements of every member and of the anchor's output. */
  size: number;
  /** Tensors that must lie in memory when the group has run: read by others or asked for. */
  outputs: Tensor[];
}

export interface FusedGraph {
  readonly graph: Graph;
  readonly groups: readonly Group[];
  readonly sources: Sources;
}

/** The second pass of a long arg-reduction reads the places found by the first beside everything else. */
const partialsOf = ({ op: { lowering } }: Node): number => Number(lowering.kind === 'reduction' && lowering.tracksIndex === true);

export interface FuseOptions {
  /** Storage buffers one dispatch may bind. */
  readonly maxStorageBuffers: number;
  /** Switched off, every op is a kernel of its own: for verification, and to measure what fusion brings. */
  readonly enabled: boolean;
}

export function fuse(graph: Graph, options: FuseOptions): FusedGraph {
  const sources = new Sources();
  const order = topological(graph.outputs).filter((node) => node.op.lowering.kind !== 'view' && node.op.lowering.kind !== 'leaf');
  const position = new Map(order.map((node, i) => [node, i]));
  const users = new Map<Node, Set<Node>>(order.map((node) => [node, new Set()]));
  for (const node of order) {
    for (const input of node.inputs) {
      const { base, awaited = [] } = sources.get(input);
      // Waiting for a value is using it: it must be there before, so it cannot be computed on the way into what comes after.
      for (const used of [base, ...awaited.map((tensor) => sources.get(tensor).base)]) users.get(used.node!)?.add(node);
    }
  }
  const requested = new Set(graph.outputs.map((output) => sources.get(output).base.node!));

  const fusion = new Fusion(sources, users, requested, position, options);
  for (const node of order) fusion.place(node);
  return { graph, groups: fusion.finish(graph), sources };
}

class Fusion {
  private readonly groupOf = new Map<Node, Group>();
  private readonly prologueOf = new Map<Node, Node>();
  private readonly producers = new Map<Group, Set<Group>>();
  private readonly mergedInto = new Map<Group, Group>();
  private readonly sources: Sources;
  private readonly users: ReadonlyMap<Node, ReadonlySet<Node>>;
  private readonly requested: ReadonlySet<Node>;
  private readonly position: ReadonlyMap<Node, number>;
  private readonly options: FuseOptions;

  constructor(
    sources: Sources,
    users: ReadonlyMap<Node, ReadonlySet<Node>>,
    requested: ReadonlySet<Node>,
    position: ReadonlyMap<Node, number>,
    options: FuseOptions,
  ) {
    this.sources = sources;
    this.users = users;
    this.requested = requested;
    this.position = position;
    this.options = options;
  }

  place(node: Node): void {
    const kind = node.op.lowering.kind;
    const group: Group = {
      anchor: kind === 'elementwise' ? undefined : node,
      prologue: [],
      members: kind === 'elementwise' ? [node] : [],
      size: sizeOf(node.types[0].shape),
      outputs: [],
    };
    this.groupOf.set(node, group);
    this.producers.set(group, this.readFrom(group));
    if (!this.options.enabled) return;
    if (kind === 'reduction') this.takePrologue(node, group);
    if (kind !== 'elementwise') return;
    for (const input of node.inputs) {
      const producer = this.producer(input);
      if (producer) this.tryMerge(this.groupOf.get(producer)!, this.groupOf.get(node)!);
    }
  }

  /** The node whose value, element for element, an input is. */
  private producer(input: Tensor): Node | undefined {
    const source = this.sources.get(input);
    return source.base.node && this.groupOf.has(source.base.node) && isFlat(source) ? source.base.node : undefined;
  }

  private readsAtItsPlace(user: Node, producer: Node): boolean {
    return user.inputs.every((input) => {
      const source = this.sources.get(input);
      return source.base.node !== producer || isFlat(source);
    });
  }

  /** Elementwise nodes that only this reduction needs are computed while it reads. */
  private takePrologue(reduction: Node, group: Group): void {
    const taken = new Set<Node>();
    const queue = [...reduction.inputs];
    while (queue.length) {
      const producer = this.producer(queue.shift()!);
      if (!producer || taken.has(producer) || this.requested.has(producer)) continue;
      const own = this.groupOf.get(producer)!;
      if (own.anchor || own.size !== sizeOf(reduction.inputs[0].shape)) continue;
      const users = [...this.users.get(producer)!];
      // Every reader must be in the reduction already, and read the element at its own place: a transposed read needs the value in memory.
      if (!users.every((user) => (user === reduction || taken.has(user)) && this.readsAtItsPlace(user, producer))) continue;
      const withIt = new Set([...taken, producer]);
      if (this.boundTensors([...withIt]).size + 1 + partialsOf(reduction) > this.options.maxStorageBuffers) continue;
      taken.add(producer);
      queue.push(...producer.inputs);
    }
    // What taken nodes read from their group becomes an output of it: no gain where it must then write more than it did.
    for (const own of new Set([...taken].map((node) => this.groupOf.get(node)!))) {
      const stays = own.members.filter((member) => !taken.has(member));
      if (this.writesOf(stays) > this.writesOf(own.members)) return;
    }
    // A producer merged with neighbours that stay behind must leave their group first; taken nodes feed nothing else, so nobody misses them.
    for (const node of taken) {
      const own = this.groupOf.get(node)!;
      own.members = own.members.filter((member) => member !== node);
      this.groupOf.set(node, group);
      this.prologueOf.set(node, reduction);
    }
    group.prologue = [...taken].sort((a, b) => this.position.get(a)! - this.position.get(b)!);
    this.producers.set(group, this.readFrom(group));
  }

  /** Distinct buffers read by the nodes from outside of them. */
  private boundTensors(nodes: readonly Node[], inside: ReadonlySet<Node> = new Set(nodes)): Set<Tensor | Node | string> {
    const read = new Set<Tensor | Node | string>();
    for (const node of nodes) {
      for (const input of node.inputs) {
        const { base } = this.sources.get(input);
        if (base.node && inside.has(base.node)) continue;
        if (hasMemory(base)) read.add(base.node && base.node.types.length === 1 ? base.node : base);
        else if (base.node?.op.name === 'placeholder') read.add('scalars');
      }
    }
    return read;
  }

  private nodesOf(group: Group): Node[] {
    return [...group.prologue, ...(group.anchor ? [group.anchor] : []), ...group.members];
  }

  /** Storage buffers that one dispatch over the nodes binds: what they read from outside, and what leaves them. */
  private buffersOf(nodes: readonly Node[]): number {
    const inside = new Set(nodes);
    // A kernel family binds its operands one by one, whether or not the fused code reads the same.
    const kernel = nodes.find((node) => node.op.lowering.kind === 'kernel');
    const others = kernel ? nodes.filter((node) => node !== kernel) : nodes;
    const partials = nodes.reduce((most, node) => Math.max(most, partialsOf(node)), 0);
    return (kernel?.inputs.length ?? 0) + this.boundTensors(others, inside).size + Math.max(1, this.writesOf(nodes)) + partials;
  }

  private writesOf(nodes: readonly Node[]): number {
    const inside = new Set(nodes);
    return nodes.filter((node) => !this.prologueOf.has(node) && this.escapes(node, inside)).length;
  }

  /** Whether a node's value is wanted outside of the given nodes. */
  private escapes(node: Node, inside: ReadonlySet<Node>): boolean {
    return this.requested.has(node) || [...this.users.get(node)!].some((user) => !inside.has(user));
  }

  private tryMerge(a: Group, b: Group): void {
    if (a === b || a.size !== b.size || (a.anchor && b.anchor)) return;
    const [anchored, other] = b.anchor ? [b, a] : [a, b];
    if (anchored.anchor && !this.takesEpilogue(anchored.anchor)) return;
    if (!this.linkedFlat(anchored, other) || this.pathThroughOthers(a, b) || this.pathThroughOthers(b, a)) return;
    const nodes = [...this.nodesOf(anchored), ...this.nodesOf(other)];
    if (this.buffersOf(nodes) > this.options.maxStorageBuffers) return;
    anchored.members = [...anchored.members, ...other.members].sort((x, y) => this.position.get(x)! - this.position.get(y)!);
    for (const node of other.members) this.groupOf.set(node, anchored);
    other.members = [];
    this.mergedInto.set(other, anchored);
    this.producers.set(anchored, new Set([...this.producersOf(anchored), ...this.producersOf(other)]));
  }

  /** A kernel with one output whose text has a place for it; every reduction. */
  private takesEpilogue(anchor: Node): boolean {
    const { lowering } = anchor.op;
    return lowering.kind === 'reduction' || (lowering.kind === 'kernel' && anchor.types.length === 1 && lowering.epilogue !== false);
  }

  /** Values pass between the two only element for element, and nothing passes into the anchor. */
  private linkedFlat(anchored: Group, other: Group): boolean {
    for (const node of this.nodesOf(anchored)) {
      for (const input of node.inputs) {
        const source = this.sources.get(input);
        if (!source.base.node || this.groupOf.get(source.base.node) !== other) continue;
        if (node === anchored.anchor || this.prologueOf.has(node) || !isFlat(source)) return false;
      }
    }
    for (const node of other.members) {
      for (const input of node.inputs) {
        const source = this.sources.get(input);
        if (source.base.node && this.groupOf.get(source.base.node) === anchored && !isFlat(source)) return false;
      }
    }
    return true;
  }

  private readFrom(group: Group): Set<Group> {
    const producers = new Set<Group>();
    for (const node of this.nodesOf(group)) {
      for (const input of node.inputs) {
        const { base, awaited = [] } = this.sources.get(input);
        for (const needed of [base, ...awaited.map((tensor) => this.sources.get(tensor).base)]) {
          const producer = needed.node && this.groupOf.get(needed.node);
          if (producer && producer !== group) producers.add(producer);
        }
      }
    }
    return producers;
  }

  /** Groups that a group reads from or waits for. Kept up to date lazily: a set may name groups that have been merged since. */
  private producersOf(group: Group): Set<Group> {
    const stale = this.producers.get(group) ?? new Set<Group>();
    const fresh = new Set<Group>();
    for (const producer of stale) {
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

  /** Whether `to` depends on `from` by way of a third group: one kernel would then have to run both before and after it. */
  private pathThroughOthers(from: Group, to: Group): boolean {
    const seen = new Set<Group>([to]);
    const stack = [...this.producersOf(to)].filter((group) => group !== from);
    while (stack.length) {
      const group = stack.pop()!;
      if (group === from) return true;
      if (seen.has(group)) continue;
      seen.add(group);
      for (const producer of this.producersOf(group)) if (!seen.has(producer)) stack.push(producer);
    }
    return false;
  }

  finish(graph: Graph): Group[] {
    const groups = [...new Set(this.groupOf.values())];
    const escaping = new Map<Group, Set<Tensor>>(groups.map((group) => [group, new Set()]));
    const escape = (base: Tensor, reader: Group | undefined): void => {
      const group = base.node && this.groupOf.get(base.node);
      if (group && group !== reader) escaping.get(group)!.add(base);
    };
    for (const [node, group] of this.groupOf) for (const input of node.inputs) escape(this.sources.get(input).base, group);
    for (const output of graph.outputs) escape(this.sources.get(output).base, undefined);
    for (const group of groups) {
      group.outputs = [...escaping.get(group)!].sort(
        (a, b) => this.position.get(a.node!)! - this.position.get(b.node!)! || a.index - b.index,
      );
    }
    return groups;
  }
}
