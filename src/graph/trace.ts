// The function being traced, if any: random ops then draw from the call's own key, so that a replayed program draws anew.
import { globalStream } from '../core/random.ts';
import type { LateReads } from './reads.ts';
import { type Tensor, enterTrace, hostTensor } from './tensor.ts';

export interface Trace {
  readonly name: string;
  /** Fails the call when a value is read after the function returned; absent where there is no call. */
  readonly late?: LateReads;
  /** The u32[2] key input of the compiled call. */
  key(): Tensor;
  /** A number no other random op of this trace has. */
  nextSite(): number;
}

let current: Trace | undefined;

export const currentTrace = (): Trace | undefined => current;

/** Runs fn in a trace. A trace within a trace only draws its keys elsewhere: the nodes belong to the outer one. */
export function withTrace<T>(trace: Trace, fn: () => T): T {
  const outer = current;
  if (!outer) enterTrace(trace);
  current = trace;
  try {
    return fn();
  } finally {
    current = outer;
    if (!outer) enterTrace(undefined);
  }
}

/** Where a word of a key came from that was drawn outside of traces. */
export interface DrawnWord {
  readonly key: Tensor;
  readonly word: number;
}

const drawnKeys = new WeakSet<Tensor>();
const drawnWords = new WeakMap<Tensor, DrawnWord>();

/** Key (u32[2]) and site for one random op: from the trace while tracing, else fresh from the global stream. */
export function drawKey(): { key: Tensor; site: number } {
  if (current) return { key: current.key(), site: current.nextSite() };
  const key = hostTensor({ shape: [2], dtype: 'u32' }, Uint32Array.from(globalStream().nextKey()));
  drawnKeys.add(key);
  return { key, site: 0 };
}

/** Remembers a word of a key. Models that contain the random op draw another key in each step. */
export function noteWord(tensor: Tensor, from: DrawnWord): void {
  if (drawnKeys.has(from.key)) drawnWords.set(tensor, from);
}

/** The key that a tensor is a word of, if it was drawn outside of traces. */
export const drawnWordOf = (tensor: Tensor): DrawnWord | undefined => drawnWords.get(tensor);
