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

/** Key (u32[2]) and site for one random op: from the trace while tracing, else fresh from the global stream. */
export function drawKey(): { key: Tensor; site: number } {
  if (current) return { key: current.key(), site: current.nextSite() };
  return { key: hostTensor({ shape: [2], dtype: 'u32' }, Uint32Array.from(globalStream().nextKey())), site: 0 };
}
