// Pass 4: orders the groups, and lets results overwrite values that are not needed any more. New parameters overwrite the donated old ones.
// An elementwise result overwrites an intermediate that is read for the last time.
import { storedBytes } from '../core/dtype.ts';
import { isScalarInput } from '../graph/leaves.ts';
import type { Node, Tensor } from '../graph/tensor.ts';
import type { FusedGraph } from './fuse.ts';
import { type Group, nodesOf, readsOf } from './groups.ts';
import type { Pass } from './pass.ts';
import { Precedence, type Vertex } from './precedence.ts';
import { hasMemory, isFlat } from './views.ts';

export interface Donation {
  /** Indices into the graph's inputs and outputs. */
  readonly input: number;
  readonly output: number;
}

export interface Schedule {
  readonly groups: readonly Group[];
  /** Result -> the tensor whose memory it overwrites. */
  readonly inPlace: ReadonlyMap<Tensor, Tensor>;
  /** The donations whose results are computed in place. */
  readonly donations: readonly Donation[];
}

export function* schedule(fused: FusedGraph, donations: readonly Donation[]): Pass<Schedule> {
  const { graph, groups, sources } = fused;
  const reads = new Map<Group, Set<Tensor>>();
  const before = new Map<Group, Set<Group>>();
  const writer = new Map<Tensor, Group>();
  const home = new Map<Node, Group>();
  for (const group of groups) {
    for (const output of group.outputs) writer.set(output, group);
    for (const node of nodesOf(group)) if (!group.again?.has(node)) home.set(node, group);
  }
  const readers = new Map<Tensor, Group[]>();
  for (const group of groups) {
    yield;
    const read = new Set([...readsOf(nodesOf(group), sources)].filter(hasMemory));
    const awaited = new Set<Group>();
    for (const node of nodesOf(group)) {
      for (const input of node.inputs) {
        for (const tensor of sources.get(input).awaited ?? []) {
          const { node: maker } = sources.get(tensor).base;
          if (maker && home.has(maker) && home.get(maker) !== group) awaited.add(home.get(maker)!);
        }
      }
    }
    reads.set(group, read);
    for (const base of read) {
      const known = readers.get(base);
      if (known) known.push(group);
      else readers.set(base, [group]);
    }
    before.set(group, new Set([...[...read].flatMap((base) => writer.get(base) ?? []), ...awaited]));
  }

  const precedence = new Precedence();
  const vertices = new Map<Group, Vertex>();
  for (const group of order(groups, before)) {
    vertices.set(group, precedence.add([...before.get(group)!].map((needed) => vertices.get(needed)!)));
  }
  const dependsOn = (group: Group, other: Group): boolean => precedence.leads(vertices.get(other)!, vertices.get(group)!, true);

  /**
   * Whether a result may overwrite a tensor that its own kernel reads. The kernel must read it at the element's own position, and not
   * through an anchor. With reductions, items may overwrite only what is read for items, because items are stored in the last loop.
   */
  const mayReplace = (group: Group, output: Tensor, base: Tensor): boolean => {
    if (group.moved?.has(output.node!)) return false; // it is written at another position than it is read
    const isItem = group.items.includes(output.node!);
    return nodesOf(group).every((node) => {
      if (!node.inputs.some((input) => sources.get(input).base === base)) return true;
      if (node === group.anchor) return false;
      const readsItem = group.items.includes(node) || group.reductions.includes(node);
      return readsItem === isItem && node.inputs.every((input) => sources.get(input).base !== base || isFlat(sources.get(input)));
    });
  };

  const inPlace = new Map<Tensor, Tensor>();
  const honoured: Donation[] = [];
  const outputBases = graph.outputs.map((output) => sources.get(output).base);
  const timesAsked = new Map<Tensor, number>();
  for (const base of outputBases) timesAsked.set(base, (timesAsked.get(base) ?? 0) + 1);
  for (const donation of donations) {
    yield;
    const output = graph.outputs[donation.output];
    const old = graph.inputs[donation.input];
    if (isScalarInput(old)) continue; // scalars have no memory of their own
    const base = outputBases[donation.output];
    if (base === old && isFlat(sources.get(output))) {
      honoured.push(donation); // passed through unchanged, so the memory is returned
      continue;
    }
    const group = writer.get(base);
    const whole = isFlat(sources.get(output));
    const sharedWithAnother = timesAsked.get(base)! > 1 || (base !== old && timesAsked.has(old));
    if (!group || !whole || sharedWithAnother || inPlace.has(base) || base.dtype !== old.dtype || storedBytes(base) !== storedBytes(old))
      continue;
    if (!mayReplace(group, base, old)) continue;
    const others = (readers.get(old) ?? []).filter((reader) => reader !== group);
    if (others.some((reader) => dependsOn(reader, group))) continue;
    for (const reader of others) {
      before.get(group)!.add(reader);
      precedence.link(vertices.get(reader)!, vertices.get(group)!);
    }
    inPlace.set(base, old);
    honoured.push(donation);
  }

  const ordered = order(groups, before);
  yield* reuseDying(ordered, reads, mayReplace, new Set(outputBases), inPlace);
  return { groups: ordered, inPlace, donations: honoured };
}

/** Depth-first search from each group. It keeps the order of the graph if the dependencies allow it. */
function order(groups: readonly Group[], before: ReadonlyMap<Group, ReadonlySet<Group>>): Group[] {
  const done = new Set<Group>();
  const open = new Set<Group>();
  const ordered: Group[] = [];
  for (const start of groups) {
    if (done.has(start)) continue;
    const stack: { group: Group; rest: Group[] }[] = [];
    const push = (group: Group): void => {
      if (open.has(group)) throw new Error('compile: the kernels depend on each other in a cycle; this is a bug of the compiler');
      open.add(group);
      stack.push({ group, rest: [...before.get(group)!] });
    };
    push(start);
    while (stack.length) {
      const { group, rest } = stack[stack.length - 1];
      const next = rest.pop();
      if (next && !done.has(next)) push(next);
      else if (!next) {
        done.add(group);
        open.delete(group);
        ordered.push(group);
        stack.pop();
      }
    }
  }
  return ordered;
}

/** Lets an elementwise result overwrite an intermediate that its own kernel reads last. */
function* reuseDying(
  groups: readonly Group[],
  reads: ReadonlyMap<Group, ReadonlySet<Tensor>>,
  mayReplace: (group: Group, output: Tensor, base: Tensor) => boolean,
  requested: ReadonlySet<Tensor>,
  inPlace: Map<Tensor, Tensor>,
): Pass<void> {
  const lastRead = new Map<Tensor, Group>();
  for (const group of groups) for (const base of reads.get(group)!) lastRead.set(base, group);
  const intermediates = new Set(groups.flatMap((group) => group.outputs));
  const taken = new Set(inPlace.values());
  for (const group of groups) {
    yield;
    // With an anchor, other invocations may still read other positions of the tensor.
    if (group.anchor) continue;
    for (const output of group.outputs) {
      if (inPlace.has(output)) continue;
      const dying = [...reads.get(group)!].find(
        (base) =>
          intermediates.has(base) &&
          lastRead.get(base) === group &&
          !requested.has(base) &&
          !taken.has(base) &&
          base.dtype === output.dtype &&
          storedBytes(base) === storedBytes(output) &&
          mayReplace(group, output, base),
      );
      if (!dying) continue;
      taken.add(dying);
      inPlace.set(output, dying);
    }
  }
}
