// Pass 6: memory. Values that are not alive at the same time share ranges of a few scratch arenas. A value is never in an arena that its
// own dispatch reads: WebGPU forbids to bind one buffer for reading and for writing in one dispatch.
import type { Lowered, LoweredDispatch, Memory } from './lower.ts';
import type { Pass } from './pass.ts';

export interface ScratchRange {
  readonly arena: number;
  readonly offset: number;
}

export interface MemoryPlan {
  readonly places: ReadonlyMap<Memory, ScratchRange>;
  readonly arenas: readonly number[];
}

interface Life {
  readonly memory: Memory;
  /** Bytes, rounded up to the alignment. */
  readonly size: number;
  first: number;
  last: number;
}

export interface PlanLimits {
  /** Bind-group offsets are multiples of this. */
  readonly alignment: number;
  readonly maxBufferBytes: number;
  /** Number of bytes that stay free after each value. */
  readonly spareBytes: number;
}

/** An order is good enough if its plan takes at most this many times the lower bound. */
const goodEnough = 1.02;
/** Number of times that an order is improved: values that made an arena grow are placed first. */
const rounds = 6;
/** Maximum number of pairs of values compared in all orders. The time of one order grows with the square of the number of values. */
const maxPairs = 4e6;

export function* plan(lowered: Lowered, kept: readonly Memory[], limits: PlanLimits): Pass<MemoryPlan> {
  const { lives, conflicts, bound } = lifetimes(lowered.dispatches, kept, limits);
  yield;
  let best: Attempt | undefined;
  let left = Math.max(1, maxPairs / lives.length ** 2);
  // The best order depends on the graph, so several are tried.
  for (const order of orders) {
    let sorted = [...lives].sort(order);
    for (let round = 0; round < rounds && left >= 1; round++, left--) {
      const attempt = yield* place(sorted, conflicts, limits);
      if (!best || attempt.total < best.total) best = attempt;
      if (best.total <= bound * goodEnough) return best;
      const { growing } = attempt;
      sorted = [...sorted.filter((life) => growing.has(life)), ...sorted.filter((life) => !growing.has(life))];
    }
  }
  return best!;
}

const span = ({ first, last }: Life): number => last - first + 1;

/** Three orders: largest size times lifetime first, largest size first, latest end first. */
const orders: readonly ((a: Life, b: Life) => number)[] = [
  (a, b) => b.size * span(b) - a.size * span(a) || a.first - b.first,
  (a, b) => b.size - a.size || a.first - b.first,
  (a, b) => b.last - a.last || b.size - a.size,
];

interface Attempt extends MemoryPlan {
  readonly total: number;
  /** Values for which an arena grew. */
  readonly growing: ReadonlySet<Life>;
}

interface Placed {
  readonly life: Life;
  readonly offset: number;
  readonly end: number;
}

/**
 * Places each value in the arena that grows least, at the lowest offset that is free. A new arena is made only if no other is allowed,
 * because all programs of a device share the arenas.
 */
function* place(order: readonly Life[], conflicts: ReadonlyMap<Life, ReadonlySet<Life>>, limits: PlanLimits): Pass<Attempt> {
  const arenas: number[] = [];
  /** Values in each arena, by offset. */
  const contents: Placed[][] = [];
  const places = new Map<Memory, ScratchRange>();
  const growing = new Set<Life>();
  for (const life of order) {
    yield;
    const forbidden = new Set<number | undefined>();
    for (const { memory } of conflicts.get(life) ?? []) forbidden.add(places.get(memory)?.arena);
    let best: { arena: number; offset: number; growth: number } | undefined;
    for (let arena = 0; arena < arenas.length + (best ? 0 : 1); arena++) {
      if (forbidden.has(arena)) continue;
      const offset = firstFit(contents[arena] ?? [], life);
      const growth = Math.max(0, offset + life.size - (arenas[arena] ?? 0));
      if (offset + life.size > limits.maxBufferBytes && offset > 0) continue;
      if (!best || growth < best.growth) best = { arena, offset, growth };
    }
    const { arena, offset, growth } = best!;
    if (growth > 0) growing.add(life);
    arenas[arena] = Math.max(arenas[arena] ?? 0, offset + life.size);
    places.set(life.memory, { arena, offset });
    const content = (contents[arena] ??= []);
    let at = content.length;
    while (at > 0 && content[at - 1].offset > offset) at--;
    content.splice(at, 0, { life, offset, end: offset + life.size });
  }
  return { places, arenas, growing, total: arenas.reduce((a, b) => a + b, 0) };
}

/** Returns the lowest offset at which a value overlaps no other that is alive at the same time. */
function firstFit(content: readonly Placed[], { first, last, size }: Life): number {
  let offset = 0;
  for (const { life, offset: begin, end } of content) {
    if (life.first > last || life.last < first) continue;
    if (begin >= offset + size) break;
    offset = Math.max(offset, end);
  }
  return offset;
}

interface Lifetimes {
  readonly lives: readonly Life[];
  /** For each value, those that are bound in the same dispatch with the other access: one is read, the other is written. */
  readonly conflicts: ReadonlyMap<Life, ReadonlySet<Life>>;
  /** Maximum number of bytes that are alive at the same time. A lower bound of every plan. */
  readonly bound: number;
}

function lifetimes(dispatches: readonly LoweredDispatch[], kept: readonly Memory[], { alignment, spareBytes }: PlanLimits): Lifetimes {
  const lives = new Map<Memory, Life>();
  const conflicts = new Map<Life, Set<Life>>();
  const addConflict = (a: Life, b: Life): void => {
    let known = conflicts.get(a);
    if (!known) conflicts.set(a, (known = new Set()));
    known.add(b);
  };
  dispatches.forEach(({ bindings }, i) => {
    const read: Life[] = [];
    const written: Life[] = [];
    for (const { memory, access } of bindings) {
      if (memory === 'scalars' || memory.input !== undefined) continue;
      let life = lives.get(memory);
      const size = Math.ceil((memory.bytes + spareBytes) / alignment) * alignment;
      if (!life) lives.set(memory, (life = { memory, size, first: i, last: i }));
      life.last = i;
      (access === 'read' ? read : written).push(life);
    }
    for (const a of read) {
      for (const b of written) {
        addConflict(a, b);
        addConflict(b, a);
      }
    }
  });
  for (const memory of kept) {
    const life = lives.get(memory);
    if (life) life.last = dispatches.length; // results are copied after the last dispatch
  }
  const changes = new Float64Array(dispatches.length + 2);
  for (const { first, last, size } of lives.values()) {
    changes[first] += size;
    changes[last + 1] -= size;
  }
  let alive = 0;
  let bound = 0;
  for (const change of changes) bound = Math.max(bound, (alive += change));
  return { lives: [...lives.values()], conflicts, bound };
}
