// Pass 3, last part: what is cheap is computed again instead of stored. A kernel that writes a value only so that later ones can read it does
// not, where each of them can make it from what lies in memory anyway: a mask from the activation, a product from its factors. What a kernel
// then needs for nothing else leaves it.
import { sizeOf } from '../core/shape.ts';
import type { Node, Tensor } from '../graph/tensor.ts';
import { isCostly } from './cost.ts';
import { type Group, type GroupGraph, buffersBound, nodesOf, readsOf } from './groups.ts';
import type { Pass } from './pass.ts';
import { domainOf } from './fuseRows.ts';
import { type Sources, hasMemory, isFlat } from './views.ts';

/** Nodes computed again for one value, at most. */
const maxRecomputedNodes = 6;

/** Finishes the groups with less to store. Groups that have nothing left to do are gone. */
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
  /** What lies in memory after all: more is never added. */
  private readonly stored = new Set<Tensor>();
  private readonly readers = new Map<Tensor, Set<Group>>();
  /** What other kernels wait for stays where it is. */
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

  /** Takes from a group's outputs those that every reader can make for itself. */
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
        // The new nodes may read nodes that the kernel computes already, and the other way round.
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

  /** What a group must compute besides, inputs first, to do without reading an output of another one; undefined where it cannot. */
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
        // A parameter that nobody else reads this late may be overwritten in place by then: only what this kernel reads, or somebody stores.
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

  /** Whether values that would be made in the kernel are read there at their own place and level only. */
  private staysInPlace(nodes: readonly Node[], inside: ReadonlySet<Node>, added: ReadonlySet<Node>, taker: Group, level: Level): boolean {
    const items = new Set([...taker.items, ...taker.reductions]);
    const levelOfNode = (node: Node): Level => (added.has(node) ? level : items.has(node) ? 'items' : 'members');
    return nodes.every((node) =>
      node.inputs.every((input) => {
        const source = this.sources.get(input);
        const maker = source.base.node;
        if (!maker || !inside.has(maker) || !(added.has(maker) || added.has(node))) return true;
        // Between a reduction and its items only the item level reads; an anchor reads from memory.
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

  /** Bases with memory that the nodes read from outside of themselves. */
  private readsOf(nodes: readonly Node[]): Set<Tensor> {
    return new Set([...readsOf(nodes, this.sources)].filter(hasMemory));
  }

  /** Takes out of a group what none of its outputs needs. */
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

/** Where an elementwise node of another group would be computed in a group. */
function levelOf(group: Group, node: Node): Level | undefined {
  const size = sizeOf(node.types[0].shape);
  if (size === group.size) return 'members';
  const domain = group.reductions.length ? domainOf(group.reductions[0]) : undefined;
  return domain && size === domain.outputs * domain.length ? 'items' : undefined;
}
