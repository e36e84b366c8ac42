// Pass 6: places in memory. Values that do not live at the same time share ranges of a few scratch arenas; a value never lies in an arena
// that its own dispatch reads, because WebGPU forbids binding one buffer for reading and for writing in one dispatch.
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
  /** Bytes, in whole units of the alignment. */
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

/** An order whose plan takes so little more than the bound is good enough. */
const goodEnough = 1.02;
/** Times that one order is improved by placing first what made an arena grow. */
const rounds = 6;
/** Pairs of values looked at in all: placing takes time by the square of their number. */
const maxPairs = 4e6;

export function* plan(lowered: Lowered, kept: readonly Memory[], limits: PlanLimits): Pass<MemoryPlan> {
  const { lives, rivals, bound } = lifetimes(lowered.dispatches, kept, limits);
  yield;
  let best: Attempt | undefined;
  let left = Math.max(1, maxPairs / lives.length ** 2);
  // Which order is best depends on the graph: several are tried.
  for (const order of orders) {
    let sorted = [...lives].sort(order);
    for (let round = 0; round < rounds && left >= 1; round++, left--) {
      const attempt = yield* place(sorted, rivals, limits);
      if (!best || attempt.total < best.total) best = attempt;
      if (best.total <= bound * goodEnough) return best;
      const { growing } = attempt;
      sorted = [...sorted.filter((life) => growing.has(life)), ...sorted.filter((life) => !growing.has(life))];
    }
  }
  return best!;
}

const span = ({ first, last }: Life): number => last - first + 1;

/** The largest for the longest, so that small ones fill the gaps they leave; the largest; those needed to the end. */
const orders: readonly ((a: Life, b: Life) => number)[] = [
  (a, b) => b.size * span(b) - a.size * span(a) || a.first - b.first,
  (a, b) => b.size - a.size || a.first - b.first,
  (a, b) => b.last - a.last || b.size - a.size,
];

interface Attempt extends MemoryPlan {
  readonly total: number;
  /** Those for which an arena grew. */
  readonly growing: ReadonlySet<Life>;
}

interface Placed {
  readonly life: Life;
  readonly offset: number;
  readonly end: number;
}

/** First fit: each value where its arena grows least. Another arena only where it must be: all programs of a device share them. */
function* place(order: readonly Life[], rivals: ReadonlyMap<Life, ReadonlySet<Life>>, limits: PlanLimits): Pass<Attempt> {
  const arenas: number[] = [];
  /** What lies in each arena, by offset. */
  const contents: Placed[][] = [];
  const places = new Map<Memory, ScratchRange>();
  const growing = new Set<Life>();
  for (const life of order) {
    yield;
    const forbidden = new Set<number | undefined>();
    for (const rival of rivals.get(life) ?? []) forbidden.add(places.get(rival.memory)?.arena);
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

/** The lowest offset at which a value overlaps none that lives when it does. */
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
  /** For each value those that some dispatch reads while it writes this one, and the other way round. */
  readonly rivals: ReadonlyMap<Life, ReadonlySet<Life>>;
  /** The most bytes that live at the same time: no plan takes less. */
  readonly bound: number;
}

function lifetimes(dispatches: readonly LoweredDispatch[], kept: readonly Memory[], { alignment, spareBytes }: PlanLimits): Lifetimes {
  const lives = new Map<Memory, Life>();
  const rivals = new Map<Life, Set<Life>>();
  const rival = (a: Life, b: Life): void => {
    let known = rivals.get(a);
    if (!known) rivals.set(a, (known = new Set()));
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
        rival(a, b);
        rival(b, a);
      }
    }
  });
  for (const memory of kept) {
    const life = lives.get(memory);
    if (life) life.last = dispatches.length; // results are copied out after the last dispatch
  }
  const changes = new Float64Array(dispatches.length + 2);
  for (const { first, last, size } of lives.values()) {
    changes[first] += size;
    changes[last + 1] -= size;
  }
  let alive = 0;
  let bound = 0;
  for (const change of changes) bound = Math.max(bound, (alive += change));
  return { lives: [...lives.values()], rivals, bound };
}
