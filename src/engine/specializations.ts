// A compiled function is traced once for each signature. This cache keeps the results for each device.
import { LruCache } from '../core/lruCache.ts';
import type { Executable, PreparedGraph } from '../runtime/runtime.ts';
import { macrotask } from '../core/eventLoop.ts';
import type { Engine } from './engine.ts';
import { signatureOf } from './signature.ts';
import { type TracedFunction, traceFunction } from './traceFunction.ts';

/** Maximum number of signatures of one function that a device keeps. */
const maxSpecializations = 128;

/** A function traced for one signature, and prepared on one device. */
export interface Specialization extends TracedFunction {
  readonly signature: string;
  readonly prepared: PreparedGraph;
}

export class Specializations {
  private readonly fn: (...args: never[]) => unknown;
  private readonly name: string;
  private readonly donate: ReadonlySet<number>;
  private readonly caches = new WeakMap<Engine, LruCache<Specialization>>();

  constructor(fn: (...args: never[]) => unknown, name: string, donate: ReadonlySet<number>) {
    this.fn = fn;
    this.name = name;
    this.donate = donate;
  }

  /** The specialization for the arguments. Traces the function if their signature is new. */
  get(engine: Engine, args: readonly unknown[]): Specialization {
    const signature = signatureOf(args);
    return this.cacheOf(engine).get(signature, () => {
      const traced = traceFunction(this.fn, args, this.name, this.donate);
      return { ...traced, signature, prepared: engine.runtime.prepare(traced.graph, this.name, traced.donations) };
    });
  }

  /** @throws TraceError if a promise that fn did not await has read a traced value. The next call traces fn again. */
  requireNoLateRead(engine: Engine, specialization: Specialization): void {
    const { late, signature, prepared } = specialization;
    if (!late.error) return;
    // Another running call may have traced fn again already.
    if (this.cacheOf(engine).remove(signature, specialization)) engine.disposeLater(prepared);
    throw late.error;
  }

  /** Drops all programs of an engine, and frees their memory. A later call traces the function again. */
  clear(engine: Engine): void {
    this.caches.get(engine)?.clear();
  }

  private cacheOf(engine: Engine): LruCache<Specialization> {
    let cache = this.caches.get(engine);
    if (!cache) {
      cache = new LruCache(maxSpecializations, ({ prepared }) => engine.disposeLater(prepared));
      this.caches.set(engine, cache);
    }
    return cache;
  }
}

/** Gives promises that fn did not await one turn before the first run. If they read a traced value, the call fails before anything has run. */
export async function executableOf({ prepared, late }: Specialization): Promise<Executable> {
  const executable = await prepared.executable();
  if (late.isOpen) await macrotask();
  return executable;
}
