// Pass 3, last part: cheap values are computed again instead of stored, for example a mask from the activation. A kernel does not write a
// value if every reader can compute it from values that are in memory anyway. Nodes that a kernel then no longer needs are removed from it.
import { sizeOf } from '../core/shape.ts';
import type { Node, Tensor } from '../graph/tensor.ts';
import { isCostly } from './cost.ts';
import { type Group, type GroupGraph, buffersBound, nodesOf, readsOf } from './groups.ts';
import type { Pass } from './pass.ts';
import { domainOf } from './fuseRows.ts';
import { type Sources, hasMemory, isFlat } from './views.ts';

/** Maximum number of nodes computed again for one value. */
const maxRecomputedNodes = 6;

/** Finishes the groups with fewer values to store. Groups without outputs are dropped. */
export function* recompute(graph: GroupGraph, maxStorageBuffers: number): Pass<readonly Group[]> {
  const groups = graph.finish();
  yield;
  const pass = new Recomputation(groups, graph, maxStorageBuffers);
  for (const group of [...groups].reverse()) {
    yield;
    pass.lighten(group);
  }
  return groups.filter(({ outputs }) => outputs.length > 0);
}

type Level = 'items' | 'members';

class Recomputation {
  private readonly makers = new Map<Node, Group>();
  /** Values that are stored. This pass only removes some. */
  private readonly stored = new Set<Tensor>();
  private readonly readers = new Map<Tensor, Set<Group>>();
  /** Nodes that other kernels wait for. They stay in their group. */
  private readonly awaited = new Set<Node>();
  private readonly graph: GroupGraph;
  private readonly sources: Sources;
  private readonly maxStorageBuffers: number;

  constructor(groups: readonly Group[], graph: GroupGraph, maxStorageBuffers: number) {
    this.graph = graph;
    this.sources = graph.sources;
    this.maxStorageBuffers = maxStorageBuffers;
    for (const group of groups) {
      for (const node of nodesOf(group)) {
        this.makers.set(node, group);
        for (const input of node.inputs) {
          for (const tensor of this.sources.get(input).awaited ?? []) this.awaited.add(this.sources.get(tensor).base.node!);
        }
      }
      for (const output of group.outputs) this.stored.add(output);
      this.noteReads(group);
    }
  }

  /** Drops the outputs of a group that every reader can compute itself. */
  lighten(group: Group): void {
    const before = group.outputs.length;
    const reads = this.readsOf(nodesOf(group));
    for (const output of [...group.outputs].reverse()) {
      const node = output.node!;
      if (this.graph.isRequested(node) || this.awaited.has(node) || node.op.lowering.kind !== 'elementwise' || isCostly(node)) continue;
      const takers = [...(this.readers.get(output) ?? [])];
      this.stored.delete(output);
      const additions = takers.map((taker) => this.nodesFor(output, taker, group));
      if (additions.some((nodes) => !nodes)) {
        this.stored.add(output);
        continue;
      }
      takers.forEach((taker, i) => {
        const nodes = additions[i]!;
        const level = levelOf(taker, node)!;
        // Added nodes and the kernel's own nodes may read each other.
        taker[level] = this.graph.inOrder([...nodes, ...taker[level]]);
        taker.nodes = this.graph.inOrder([...nodes, ...nodesOf(taker)]);
        taker.again = new Set([...(taker.again ?? []), ...nodes]);
        this.noteReads(taker);
      });
      this.readers.delete(output);
      group.outputs = group.outputs.filter((other) => other !== output);
    }
    if (group.outputs.length === before) return;
    for (const base of reads) this.readers.get(base)?.delete(group);
    this.dropUnneeded(group);
    this.noteReads(group);
  }

  /** Returns the nodes that a group must compute, inputs first, instead of reading an output of another group. Undefined if it cannot. */
  private nodesFor(output: Tensor, taker: Group, maker: Group): readonly Node[] | undefined {
    const node = output.node!;
    const level = levelOf(taker, node);
    if (!level) return undefined;
    const own = nodesOf(taker);
    const before = this.readsOf(own);
    const found = new Set<Node>();
    const visit = (at: Node): boolean => {
      if (found.has(at)) return true;
      if (at.op.lowering.kind !== 'elementwise' || this.makers.get(at) !== maker || isCostly(at) || found.size === maxRecomputedNodes)
        return false;
      found.add(at);
      return at.inputs.every((input) => {
        const source = this.sources.get(input);
        const { base, awaited } = source;
        if (!hasMemory(base)) return true;
        // Other inputs, such as a parameter, may be overwritten in place before this kernel runs. Only tensors that it already reads or
        // that are stored are safe.
        if (!awaited && (before.has(base) || this.stored.has(base))) return true;
        return isFlat(source) && sizeOf(base.shape) === sizeOf(at.types[0].shape) && visit(base.node!);
      });
    };
    if (!visit(node)) return undefined;
    const there = new Set(own);
    const added = nodesOf(maker).filter((at) => found.has(at) && !there.has(at));
    if (!this.staysInPlace([...added, ...own], new Set([...added, ...own]), new Set(added), taker, level)) return undefined;
    const after = this.readsOf([...added, ...own]);
    const isWorthIt = elementsOf(after) <= 1.25 * elementsOf(before);
    return isWorthIt && buffersBound([...added, ...own], taker.outputs.length, this.sources) <= this.maxStorageBuffers ? added : undefined;
  }

  /** Whether added nodes, and nodes that read them, read each other only at their own position and level. */
  private staysInPlace(nodes: readonly Node[], inside: ReadonlySet<Node>, added: ReadonlySet<Node>, taker: Group, level: Level): boolean {
    const items = new Set([...taker.items, ...taker.reductions]);
    const levelOfNode = (node: Node): Level => (added.has(node) ? level : items.has(node) ? 'items' : 'members');
    return nodes.every((node) =>
      node.inputs.every((input) => {
        const source = this.sources.get(input);
        const maker = source.base.node;
        if (!maker || !inside.has(maker) || !(added.has(maker) || added.has(node))) return true;
        // A reduction and its items read at the item level only. An anchor reads from memory.
        return node !== taker.anchor && maker !== taker.anchor && isFlat(source) && levelOfNode(node) === levelOfNode(maker);
      }),
    );
  }

  private noteReads(group: Group): void {
    for (const base of this.readsOf(nodesOf(group))) {
      let readers = this.readers.get(base);
      if (!readers) this.readers.set(base, (readers = new Set()));
      readers.add(group);
    }
  }

  /** Tensors with memory that the nodes read from outside. */
  private readsOf(nodes: readonly Node[]): Set<Tensor> {
    return new Set([...readsOf(nodes, this.sources)].filter(hasMemory));
  }

  /** Removes the nodes of a group that none of its outputs needs. */
  private dropUnneeded(group: Group): void {
    const inside = new Set(nodesOf(group));
    const needed = new Set<Node>();
    const stack = [...group.outputs.map(({ node }) => node!), ...[...inside].filter((node) => this.awaited.has(node))];
    while (stack.length) {
      const node = stack.pop()!;
      if (!inside.has(node) || needed.has(node)) continue;
      needed.add(node);
      for (const input of node.inputs) {
        const { node: maker } = this.sources.get(input).base;
        if (maker) stack.push(maker);
      }
    }
    const keep = (nodes: readonly Node[]): Node[] => nodes.filter((node) => needed.has(node));
    group.items = keep(group.items);
    group.members = keep(group.members);
    group.reductions = keep(group.reductions);
    group.nodes = keep(nodesOf(group));
  }
}

const elementsOf = (reads: ReadonlySet<Tensor>): number => [...reads].reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** Level at which a group would compute an elementwise node of another group. */
function levelOf(group: Group, node: Node): Level | undefined {
  const size = sizeOf(node.types[0].shape);
  if (size === group.size) return 'members';
  const domain = group.reductions.length ? domainOf(group.reductions[0]) : undefined;
  return domain && size === domain.outputs * domain.length ? 'items' : undefined;
}
