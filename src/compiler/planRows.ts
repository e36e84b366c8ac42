// The plan of a row kernel: its loops over the items of a row, and the loop after which each value is available.
import type { Target } from '../graph/op.ts';
import type { Node } from '../graph/tensor.ts';
import { type Domain, domainOf } from './fuseRows.ts';
import type { Group } from './groups.ts';
import type { Sources } from './views.ts';

export interface RowsPlan {
  readonly domain: Domain;
  /** One invocation per row, or one workgroup. */
  readonly family: 'serial' | 'workgroup';
  /** For a value of the row: the loop before which it is available. For an item: the first loop that can compute it. */
  readonly ready: ReadonlyMap<Node, number>;
  readonly loops: number;
  /** Number of invocations that process a row together. */
  readonly lanes: number;
  /** Number of items of an invocation, if it holds all of them in registers. */
  readonly held: number | undefined;
}

/** Maximum number of reductions with 256 lanes: their totals take 1 KiB each, and every device has 16 KiB of workgroup memory. */
const mostWide = 16;

/** Maximum number of items of an invocation that registers hold. */
const mostHeld = 16;

/** Returns the plan of a group as a row kernel. Undefined for a single reduction, which has other kernels. */
export function planRows(group: Group, target: Target, sources: Sources): RowsPlan | undefined {
  const ready = new Map<Node, number>();
  const readyFor = (node: Node): number => Math.max(0, ...node.inputs.map((input) => ready.get(sources.get(input).base.node!) ?? 0));
  const waiting = new Set([...group.items, ...group.reductions, ...group.members]);
  // Items, reductions and members are each in order. A node is placed when all its inputs are.
  while (waiting.size) {
    for (const node of waiting) {
      if (node.inputs.some((input) => waiting.has(sources.get(input).base.node!))) continue;
      ready.set(node, readyFor(node) + (group.reductions.includes(node) ? 1 : 0));
      waiting.delete(node);
    }
  }
  const stored = group.outputs.filter(({ node }) => group.items.includes(node!)).map(({ node }) => ready.get(node!)! + 1);
  // Norms may read their items twice. Results may overwrite those items, so they are stored in a later loop.
  const walked = group.reductions.map((reduction) => ready.get(reduction)! + Number(stored.length > 0 && isOfSquares(reduction)));
  const loops = Math.max(...walked, ...stored);
  const members = new Set(group.members);
  const feedsItems = [...group.items, ...group.reductions].some((node) =>
    node.inputs.some((input) => members.has(sources.get(input).base.node!)),
  );
  if (group.reductions.length === 1 && stored.length === 0 && !feedsItems) return undefined;
  const domain = domainOf(group.reductions[0])!;
  const family = target.processor === 'gpu' && domain.along === 'rows' && domain.length >= 32 ? 'workgroup' : 'serial';
  const lanes = family === 'serial' ? 1 : domain.length >= 1024 && group.reductions.length <= mostWide ? 256 : 64;
  const items = Math.ceil(domain.length / lanes);
  return { domain, family, ready, loops, lanes, held: family === 'workgroup' && items <= mostHeld ? items : undefined };
}

export const isOfSquares = ({ op }: Node): boolean => op.lowering.kind === 'reduction' && op.lowering.ofSquares === true;
