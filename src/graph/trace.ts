// The function that is being traced, if any. Random ops in it use the key of the call, so each replay of the program draws other numbers.
import { globalStream } from '../core/random.ts';
import type { LateReads } from './reads.ts';
import { type Tensor, enterTrace, hostTensor } from './tensor.ts';

export interface Trace {
  readonly name: string;
  /** Fails the call when a value is read after the function has returned. Undefined if there is no call. */
  readonly late?: LateReads;
  /** Returns the u32[2] key input of the compiled call. */
  key(): Tensor;
  /** Returns a number that no other random op of this trace has. */
  nextSite(): number;
}

let current: Trace | undefined;

export const currentTrace = (): Trace | undefined => current;

/** Runs fn in a trace. For a trace inside a trace only the source of keys changes: the nodes belong to the outer one. */
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

/** Key and position of a word that was drawn outside of traces. */
export interface DrawnWord {
  readonly key: Tensor;
  readonly word: number;
}

const drawnKeys = new WeakSet<Tensor>();
const drawnWords = new WeakMap<Tensor, DrawnWord>();

/** Returns the key (u32[2]) and the site of one random op: from the trace if there is one, else a new key of the global stream. */
export function drawKey(): { key: Tensor; site: number } {
  if (current) return { key: current.key(), site: current.nextSite() };
  const key = hostTensor({ shape: [2], dtype: 'u32' }, Uint32Array.from(globalStream().nextKey()));
  drawnKeys.add(key);
  return { key, site: 0 };
}

/** Records that a tensor is a word of a key. Models that contain the random op draw another key in each step. */
export function noteWord(tensor: Tensor, from: DrawnWord): void {
  if (drawnKeys.has(from.key)) drawnWords.set(tensor, from);
}

/** Returns the key that a tensor is a word of, if the key was drawn outside of traces. */
export const drawnWordOf = (tensor: Tensor): DrawnWord | undefined => drawnWords.get(tensor);
