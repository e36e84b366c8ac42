// Pass 3, second part: row kernels. Softmax, normalisation and cross-entropy read each row of a matrix several times: for the maximum, for
// a sum that needs the maximum, for a result that needs the sum. Groups over the same rows become one kernel, which processes one row (or
// several sums over the same columns). Results of earlier loops stay in registers, and cheap values are computed again instead of stored.
import { collapse, sizeOf } from '../core/shape.ts';
import type { Target } from '../graph/op.ts';
import type { Node } from '../graph/tensor.ts';
import { planReduction } from './planReduction.ts';
import { type Group, type GroupGraph, boundTensors, nodesOf } from './groups.ts';
import type { Pass } from './pass.ts';
import { type Source, isFlat } from './views.ts';

/** The domain of a kernel's reductions: `outputs` results of `length` items each. */
export interface Domain {
  readonly outputs: number;
  readonly length: number;
  /** Position of item i of output o. rows: o * length + i. columns: i * outputs + o. */
  readonly along: 'rows' | 'columns';
}

/** Cached, because the domain is needed for every pair of groups that is compared. */
const domains = new WeakMap<Node, Domain | undefined>();

/** Returns the domain of a reduction. Undefined if the reduced axes are neither the last nor the first ones. */
export function domainOf(node: Node): Domain | undefined {
  if (!domains.has(node)) domains.set(node, findDomain(node));
  return domains.get(node);
}

function findDomain(node: Node): Domain | undefined {
  const { lowering } = node.op;
  if (lowering.kind !== 'reduction' || lowering.tracksIndex) return undefined;
  const { shape } = node.inputs[0];
  const axes = lowering.axes(node.attributes);
  const isReduced = shape.flatMap((size, axis) => (size === 1 ? [] : [axes.includes(axis)]));
  const length = sizeOf(axes.map((axis) => shape[axis]));
  const outputs = sizeOf(shape) / Math.max(1, length);
  if (length < 2 || outputs < 1) return undefined;
  const changes = isReduced.filter((reduced, i) => i > 0 && reduced !== isReduced[i - 1]).length;
  if (changes > 1) return undefined;
  return { outputs, length, along: isReduced[isReduced.length - 1] ? 'rows' : 'columns' };
}

const sameDomain = (a: Domain, b: Domain): boolean => a.outputs === b.outputs && a.length === b.length && a.along === b.along;

/** Maximum number of items of a row in a row kernel, except for many rows on GPUs. Tensors with longer rows seldom have enough rows for all cores. */
const longestRow = 16384;

/** Maximum number of items of a row, and minimum number of rows, for GPUs. A workgroup takes a row, so that fewer rows keep cores idle. */
const rowsOnGpu = { longest: 65536, fewest: 128 };

/** Maximum number of bytes of values that a kernel of several independent sums keeps alive until its end. */
const maxKeptAlive = 1 << 20;

/** Maximum number of earlier groups that a new one is compared with: the most recent ones of equal domain. */
const maxPartners = 8;

export function* fuseRows(groups: GroupGraph, target: Target): Pass<void> {
  const known = new Map<Node, boolean>();
  const judge = (node: Node): boolean => {
    const domain = domainOf(node);
    if (!domain) return false;
    const { longest, fewest } = rowsOnGpu;
    if (target.processor === 'gpu' && domain.along === 'rows' && domain.outputs >= fewest) return domain.length <= longest;
    if (domain.length > longestRow) return false;
    return planReduction(node, target).passes.length === 1 || (domain.along === 'rows' && sizeOf(node.inputs[0].shape) <= 1 << 16);
  };
  const fits = (node: Node): boolean => {
    let does = known.get(node);
    if (does === undefined) known.set(node, (does = judge(node)));
    return does;
  };
  for (const group of groups.groups) {
    yield;
    let at = groups.of(nodesOf(group)[0]);
    // Merging creates new neighbours, so repeat until no group joins.
    for (let joined = true; joined;) {
      joined = false;
      for (const producer of groups.producersOf(at)) {
        const made = join(groups, producer, at, fits);
        if (!made) continue;
        at = made;
        joined = true;
        break;
      }
    }
  }
  yield* joinSiblings(groups, fits);
  yield* joinScalars(groups);
}

/** Merges two groups into one row kernel if one reads the other and they have the same rows. Returns the merged group. */
function join(groups: GroupGraph, a: Group, b: Group, fits: (node: Node) => boolean): Group | undefined {
  if (a.anchor || b.anchor || a.moved || b.moved || !(a.reductions.length || b.reductions.length)) return undefined;
  const [into, from] = a.reductions.length ? [a, b] : [b, a];
  const domain = domainOf(into.reductions[0]);
  if (!domain || !into.reductions.every(fits)) return undefined;
  let asItems = false;
  if (from.reductions.length) {
    const other = domainOf(from.reductions[0]);
    if (!other || !sameDomain(domain, other) || !from.reductions.every(fits)) return undefined;
  } else {
    asItems = from.size === domain.outputs * domain.length;
    // In a kernel over columns, neighbouring invocations would write far apart. A plain kernel writes neighbouring memory.
    if (asItems ? domain.along !== 'rows' : from.size !== domain.outputs) return undefined;
  }
  if (groups.areParted(a, b) || !groups.fitTogether(a, b) || !linkedByRow(groups, into, from, asItems, domain)) return undefined;
  groups.merge(into, from, asItems);
  return into;
}

/**
 * Whether all values that pass between the groups stay within a row. Items read items and rows read rows at their own position; items may
 * read their row.
 */
function linkedByRow({ sources }: GroupGraph, into: Group, from: Group, asItems: boolean, domain: Domain): boolean {
  const items = new Set([...into.items, ...from.items, ...(asItems ? from.members : [])]);
  const inside = new Set([...nodesOf(into), ...nodesOf(from)]);
  for (const node of inside) {
    const readsItems = items.has(node) || node.op.lowering.kind === 'reduction';
    for (const input of node.inputs) {
      const source = sources.get(input);
      const maker = source.base.node;
      if (!maker || !inside.has(maker)) continue;
      const isAllowed = items.has(maker) === readsItems ? isFlat(source) : readsItems && isSpread(source, domain);
      if (!isAllowed) return false;
    }
  }
  return true;
}

/** Whether each value of a row is read once for every item of the row. */
function isSpread({ view }: Source, { outputs, length, along }: Domain): boolean {
  const { shape, strides, offset } = collapse(view);
  if (offset !== 0) return false;
  if (outputs === 1) return strides.every((stride) => stride === 0);
  const [wantedShape, wantedStrides] = along === 'rows' ? [[outputs, length], [1, 0]] : [[length, outputs], [0, 1]]; // prettier-ignore
  return shape.join() === wantedShape.join() && strides.join() === wantedStrides.join();
}

/**
 * Merges independent sums over the same rows or columns, such as the gradients of a normalisation's scale and shift. They must read the
 * same tensor, or be small.
 */
function* joinSiblings(groups: GroupGraph, fits: (node: Node) => boolean): Pass<void> {
  const alike = new Map<string, Group[]>();
  for (const group of groups.groups) {
    yield;
    const domain = group.reductions.length && group.reductions.every(fits) ? domainOf(group.reductions[0]) : undefined;
    // Row kernels store every element at its own place.
    if (!domain || group.moved) continue;
    const key = `${domain.outputs}x${domain.length} ${domain.along}`;
    const known = alike.get(key) ?? [];
    alike.set(key, known);
    const partner = known.find(
      (other) =>
        !groups.dependsOn(other, group, true) &&
        !groups.dependsOn(group, other, true) &&
        (2 * 4 * domain.outputs * domain.length <= maxKeptAlive || sharesRead(groups, other, group)) &&
        groups.fitTogether(other, group),
    );
    if (partner) groups.merge(partner, group);
    else if (known.push(group) > maxPartners) known.shift();
  }
}

/** Merges computations of single numbers, such as a step's counter, learning rate and loss, into one kernel. */
function* joinScalars(groups: GroupGraph): Pass<void> {
  const scalars = groups.groups.filter((group) => !group.anchor && !group.moved && group.size === 1 && group.reductions.length < 2);
  let into: Group | undefined;
  for (const group of scalars) {
    yield;
    if (!into) into = group;
    else {
      const [built, other]: Group[] = into.reductions.length ? [into, group] : [group, into];
      if (other.reductions.length || groups.dependsOn(built, other, true) || groups.dependsOn(other, built, true)) continue;
      if (!groups.fitTogether(built, other)) continue;
      groups.merge(built, other);
      into = built;
    }
  }
}

function sharesRead(groups: GroupGraph, a: Group, b: Group): boolean {
  const reads = boundTensors([...a.items, ...a.reductions], groups.sources);
  return [...boundTensors([...b.items, ...b.reductions], groups.sources)].some((read) => read !== 'scalars' && reads.has(read));
}
