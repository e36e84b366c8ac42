// Pass 6: places in memory. Values that do not live at the same time share ranges of a few scratch arenas; a value never lies in an arena
// that its own dispatch reads, because WebGPU forbids binding one buffer for reading and for writing in one dispatch.
import type { Lowered, LoweredDispatch, Memory } from './lower.ts';

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
  first: number;
  last: number;
  /** Dispatches that read it and those that write it. */
  readonly readBy: Set<number>;
  readonly writtenBy: Set<number>;
}

export interface PlanLimits {
  /** Bind-group offsets are multiples of this. */
  readonly alignment: number;
  readonly maxBufferBytes: number;
}

export function plan(lowered: Lowered, kept: readonly Memory[], limits: PlanLimits): MemoryPlan {
  const lives = lifetimes(lowered.dispatches);
  for (const memory of kept) {
    const life = lives.get(memory);
    if (life) life.last = lowered.dispatches.length; // results are copied out after the last dispatch
  }
  const arenas: number[] = [];
  const places = new Map<Memory, ScratchRange>();
  const placed: { life: Life; arena: number; offset: number; end: number }[] = [];
  const align = (bytes: number): number => Math.ceil(bytes / limits.alignment) * limits.alignment;
  // Large values first: small ones then fill the gaps that the large ones leave.
  const order = [...lives.values()]
    .filter(({ memory }) => memory.input === undefined)
    .sort((a, b) => b.memory.bytes - a.memory.bytes || a.first - b.first);
  for (const life of order) {
    const size = align(life.memory.bytes);
    const forbidden = new Set(placed.filter((other) => readsAndWrites(life, other.life)).map((other) => other.arena));
    let best: { arena: number; offset: number; growth: number } | undefined;
    for (let arena = 0; arena <= arenas.length; arena++) {
      if (forbidden.has(arena)) continue;
      const offset = firstFit(
        placed.filter((other) => other.arena === arena && other.life.first <= life.last && life.first <= other.life.last),
        size,
      );
      const growth = Math.max(0, offset + size - (arenas[arena] ?? 0));
      if (offset + size > limits.maxBufferBytes && offset > 0) continue;
      if (!best || growth < best.growth) best = { arena, offset, growth };
    }
    const { arena, offset } = best!;
    arenas[arena] = Math.max(arenas[arena] ?? 0, offset + size);
    placed.push({ life, arena, offset, end: offset + size });
    places.set(life.memory, { arena, offset });
  }
  return { places, arenas };
}

const readsAndWrites = (a: Life, b: Life): boolean =>
  [...a.readBy].some((i) => b.writtenBy.has(i)) || [...a.writtenBy].some((i) => b.readBy.has(i));

/** The lowest offset at which `size` bytes overlap none of the given ranges. */
function firstFit(taken: readonly { offset: number; end: number }[], size: number): number {
  let offset = 0;
  for (const range of [...taken].sort((a, b) => a.offset - b.offset)) {
    if (range.offset >= offset + size) break;
    offset = Math.max(offset, range.end);
  }
  return offset;
}

function lifetimes(dispatches: readonly LoweredDispatch[]): Map<Memory, Life> {
  const lives = new Map<Memory, Life>();
  dispatches.forEach(({ bindings }, i) => {
    for (const { memory, access } of bindings) {
      if (memory === 'scalars') continue;
      let life = lives.get(memory);
      if (!life) lives.set(memory, (life = { memory, first: i, last: i, readBy: new Set(), writtenBy: new Set() }));
      life.last = Math.max(life.last, i);
      (access === 'read' ? life.readBy : life.writtenBy).add(i);
    }
  });
  return lives;
}
