// Pass 3: groups nodes. Each group becomes one kernel, or the few dispatches of one kernel family: elementwise nodes with several outputs,
// reductions with the nodes before and after them, or a kernel with the nodes after it. Two groups are merged if they compute the same
// elements in the same order and neither depends on the other through a third group. fuseRows.ts then merges groups over the same rows.
import { invertView, sizeOf } from '../core/shape.ts';
import type { Graph } from '../graph/graph.ts';
import type { Target } from '../graph/op.ts';
import type { Node } from '../graph/tensor.ts';
import { copyOp } from './copy.ts';
import { type Group, GroupGraph, nodesOf } from './groups.ts';
import type { Pass } from './pass.ts';
import { recompute } from './recompute.ts';
import { fuseRows } from './fuseRows.ts';
import { type Source, Sources, isFlat } from './views.ts';

export interface FusedGraph {
  readonly graph: Graph;
  readonly groups: readonly Group[];
  readonly sources: Sources;
}

/** Groups the nodes of a graph. Without `enabled` each op is a separate kernel, for verification and to measure the effect of fusion. */
export function* fuse(graph: Graph, target: Target, enabled: boolean): Pass<FusedGraph> {
  const sources = new Sources();
  const groups = new GroupGraph(graph, sources, target.maxStorageBuffers);
  for (const node of groups.order) {
    yield;
    const group = groups.place(node);
    if (!enabled) continue;
    if (group.reductions.length) takeItems(groups, node, group);
    if (node.op.lowering.kind !== 'elementwise') continue;
    if (node.op === copyOp) storeMoved(groups, node);
    for (const input of node.inputs) {
      const producer = groups.producer(input);
      if (producer) mergeFlat(groups, groups.of(producer), groups.of(node));
    }
  }
  if (!enabled) return { graph, groups: groups.finish(), sources };
  yield* fuseRows(groups, target);
  yield;
  return { graph, groups: yield* recompute(groups, target.maxStorageBuffers), sources };
}

/** Moves elementwise nodes that only this reduction needs into its group. The reduction then computes them while it reads. */
function takeItems(groups: GroupGraph, reduction: Node, group: Group): void {
  const taken = new Set<Node>();
  const queue = [...reduction.inputs];
  while (queue.length) {
    const producer = groups.producer(queue.shift()!);
    if (!producer || taken.has(producer) || groups.isRequested(producer)) continue;
    const own = groups.of(producer);
    if (own.anchor || own.reductions.length || own.size !== sizeOf(reduction.inputs[0].shape)) continue;
    const users = [...groups.usersOf(producer)];
    // A transposed read needs the value in memory, so every reader must be in the reduction and read at its own position.
    if (!users.every((user) => (user === reduction || taken.has(user)) && readsAtItsPlace(groups, user, producer))) continue;
    if (!groups.fits([...taken, producer, reduction])) continue;
    taken.add(producer);
    queue.push(...producer.inputs);
  }
  // Values that taken nodes read from their old group become outputs of it. Do not take them if that group would then write more values.
  for (const own of new Set([...taken].map((node) => groups.of(node)))) {
    const stays = own.members.filter((member) => !taken.has(member));
    if (groups.writesOf(stays) > groups.writesOf(own.members)) return;
  }
  // Only taken nodes and the reduction read the taken nodes, so the rest of their old group does not need them.
  groups.moveToItems(taken, group);
}

const readsAtItsPlace = ({ sources }: GroupGraph, user: Node, producer: Node): boolean =>
  user.inputs.every((input) => {
    const source = sources.get(input);
    return source.base.node !== producer || isFlat(source);
  });

function mergeFlat(groups: GroupGraph, a: Group, b: Group): void {
  if (a === b || a.size !== b.size) return;
  const isBuilt = (group: Group): boolean => group.anchor !== undefined || group.reductions.length > 0;
  if (isBuilt(a) && isBuilt(b)) return;
  const [built, other] = isBuilt(b) ? [b, a] : [a, b];
  if (built.anchor && !takesEpilogue(built.anchor)) return;
  if (!groups.areParted(a, b) && linkedFlat(groups, built, other) && groups.fitTogether(built, other)) groups.merge(built, other);
}

/** Merges a copy that rearranges another kernel's result into that kernel. The kernel stores each element at the copy's position. */
function storeMoved(groups: GroupGraph, copy: Node): void {
  const { base, view, awaited } = groups.sources.get(copy.inputs[0]);
  const group = base.node && groups.has(base.node) ? groups.of(base.node) : undefined;
  const place = invertView(view);
  if (!group || !place || awaited || group.reductions.length || groups.isMoved(base.node!)) return;
  if (group.size !== sizeOf(copy.types[0].shape) || base.dtype !== copy.types[0].dtype) return;
  if (group.anchor && !takesEpilogue(group.anchor)) return;
  const own = groups.of(copy);
  if (groups.areParted(group, own) || !groups.fits([...nodesOf(group), copy])) return;
  own.moved = new Map([[copy, place]]);
  groups.merge(group, own);
}

/** Whether a kernel has one output and an epilogue block. */
const takesEpilogue = ({ op, types }: Node): boolean =>
  op.lowering.kind === 'kernel' && types.length === 1 && op.lowering.epilogue !== false;

/** Whether two groups read each other only at the same element. In `built`, only members may read `other`. */
function linkedFlat(groups: GroupGraph, built: Group, other: Group): boolean {
  const [small, large] = nodesOf(built).length < other.members.length ? [built, other] : [other, built];
  const mayRead = (user: Node, source: Source): boolean =>
    isFlat(source) &&
    !groups.isMoved(source.base.node!) &&
    (groups.of(user) !== built || (user.op.lowering.kind === 'elementwise' && !built.items.includes(user)));
  // Each link has one end in the smaller group.
  for (const node of nodesOf(small)) {
    for (const input of node.inputs) {
      const source = groups.sources.get(input);
      if (source.base.node && groups.of(source.base.node) === large && !mayRead(node, source)) return false;
    }
    for (const user of groups.usersOf(node)) {
      if (groups.of(user) !== large) continue;
      for (const input of user.inputs) {
        const source = groups.sources.get(input);
        if (source.base.node === node && !mayRead(user, source)) return false;
      }
    }
  }
  return true;
}
