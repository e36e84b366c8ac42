// compile(fn): a function over trees of tensors, traced once per input signature into one program and replayed from then on.
import { ArgumentError, checkOptions } from '../core/errors.ts';
import { type RandomStream, globalStream } from '../core/random.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { refuseRead } from '../graph/reads.ts';
import { HostValue, type Node, Tensor, type Value, assertUsable, invalidate, refuseValues, restore } from '../graph/tensor.ts';
import type { Executable, RunInput } from '../runtime/runtime.ts';
import { macrotask } from './breathe.ts';
import { chosenEngine, defaultEngine } from './devices.ts';
import { argumentOf } from './donations.ts';
import { type Engine, type MemoryPlan, type Prepared, pin, unpin } from './engine.ts';
import { signatureOf } from './signature.ts';
import { Hole, type Traced, traceFunction } from './traceFunction.ts';

export interface CompileFunctionOptions {
  /** Argument numbers whose tensors the call takes over: their memory holds the results, and the old handles become unusable. */
  donate?: readonly number[];
  /** Told in errors, profiles and traces; the function's own name by default. */
  name?: string;
  engine?: Engine;
  /** Where each call's random key comes from; the global stream by default. */
  stream?: RandomStream;
}

export interface CompiledFunction<F extends (...args: never[]) => unknown> {
  (...args: Parameters<F>): Promise<ReturnType<F>>;
  /**
   * The memory that a call with such arguments takes, before there is one: nothing runs, and arguments are neither read nor taken over.
   *
   *     const { peakBytes, largest, refusal } = await step.plan(parameters, state, x, y);
   *
   * @throws ArgumentError on the CPU, whose arrays are the garbage collector's.
   */
  plan(...args: Parameters<F>): Promise<MemoryPlan>;
}

/** Programs that a compiled function remembers on a device; the one unused for longest makes room. */
const programsKept = 128;

interface Loaded extends Traced {
  readonly prepared: Prepared;
  readonly signature: string;
}

/** A handle that the call takes over, with what it stood for. */
interface Taken {
  readonly tensor: Tensor;
  readonly node: Node | undefined;
  readonly position: number;
}

/**
 * Compiles a synchronous function over trees of tensors. The returned async function traces fn once per signature (shapes, dtypes, strings,
 * booleans) and replays the program; it resolves when the work is submitted. Number arguments arrive in fn as f32 scalars. With `donate`, memory is
 * updated in place and no buffer is made in the steady state. The programs of the 128 signatures used last are kept; an older one is traced again.
 *
 *     const step = compile((w, x, y) => {
 *       const [loss, g] = valueAndGrad((w) => mean(square(x.matmul(w).sub(y))))(w);
 *       return [w.sub(g.mul(0.1)), loss];
 *     }, { donate: [0] });
 *     [w, loss] = await step(w, x, y);
 *
 * @throws TraceError when fn reads a value, however it treats the promise, or is async.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function compile<F extends (...args: any[]) => unknown>(fn: F, options: CompileFunctionOptions = {}): CompiledFunction<F> {
  checkOptions('compile', options, ['donate', 'name', 'engine', 'stream']);
  const name = options.name ?? (fn.name || 'compiled');
  const donate = new Set(options.donate ?? []);
  const signatures = new WeakMap<Engine, Map<string, Loaded>>();

  const load = (engine: Engine, args: readonly unknown[]): Loaded => {
    let loaded = signatures.get(engine);
    if (!loaded) signatures.set(engine, (loaded = new Map<string, Loaded>()));
    const signature = signatureOf(args);
    let known = loaded.get(signature);
    if (known) loaded.delete(signature);
    else {
      const traced = traceFunction(fn, args, name, donate);
      known = { ...traced, signature, prepared: engine.prepare(traced.graph, name, traced.donations) };
    }
    loaded.set(signature, known); // most recently used last
    if (loaded.size > programsKept) {
      const [[oldest, { prepared }]] = loaded;
      loaded.delete(oldest);
      prepared.dispose();
    }
    return known;
  };

  /** @throws TraceError if a promise that fn did not await has read a traced value. The next call traces fn again. */
  const requireNoLateRead = (engine: Engine, loaded: Loaded): void => {
    const { late, signature, prepared } = loaded;
    if (!late.error) return;
    const known = signatures.get(engine);
    // Another call in flight may have traced fn again already.
    if (known?.get(signature) === loaded) {
      known.delete(signature);
      prepared.dispose();
    }
    throw late.error;
  };

  const call = async (...args: Parameters<F>): Promise<unknown> => {
    const leaves = leavesOf(args).filter(({ value }) => value instanceof Tensor || typeof value === 'number');
    const tensors = leaves.flatMap(({ value }) => (value instanceof Tensor ? [value] : []));
    const refused = refuseValues(`the compiled function ${name}()`, tensors);
    if (refused) return refused;
    const engine = options.engine ?? chosenEngine() ?? (await defaultEngine());
    // From here to the run's place in the queue nothing waits: calls take effect in the order in which they were made.
    checkDonations(name, donate, args.length);
    for (const tensor of tensors) {
      assertUsable(tensor);
      engine.requireHere(tensor);
    }
    const loaded = load(engine, args);
    const { captured, needsKey, template, late } = loaded;
    const refusedCapture = refuseValues(`the compiled function ${name}(), which captures a tensor,`, captured);
    if (refusedCapture) return refusedCapture;
    const executable = executableOf(loaded);
    executable.catch(() => undefined); // engine.run reports it, unless a check below throws first
    for (const tensor of captured) {
      assertUsable(tensor);
      engine.requireHere(tensor);
    }
    const key = new HostValue(Uint32Array.from((options.stream ?? globalStream()).nextKey()));

    const held = new Map<Tensor, Value>();
    const hold = (tensor: Tensor, value: Value): boolean => {
      held.set(tensor, value);
      pin(value);
      return true;
    };
    const involved = [...new Set([...tensors, ...captured])];
    for (const tensor of involved) if (tensor.value) hold(tensor, tensor.value);
    const pending = engine.evaluate(
      involved.filter((tensor) => !tensor.value),
      hold,
    );
    const taken: Taken[] = leaves.flatMap(({ path, value }, position) =>
      value instanceof Tensor && donate.has(argumentOf(path)) ? [{ tensor: value, node: value.node, position }] : [],
    );
    for (const { tensor } of taken) if (!tensor.invalidated) invalidate(tensor, `${name}()`);

    const inputs = (): RunInput[] => {
      requireNoLateRead(engine, loaded);
      late.isOpen = false;
      const all: RunInput[] = leaves.map(({ value }) => (typeof value === 'number' ? value : held.get(value as Tensor)!));
      for (const tensor of captured) all.push(held.get(tensor)!);
      if (needsKey) all.push(key);
      separateDonated(all, taken, engine);
      return all;
    };
    let values: readonly Value[] = [];
    try {
      const run = engine.run(executable, inputs, (results) => (values = results));
      await Promise.all([pending, run]);
    } catch (error) {
      // Nothing was taken over: the handles stand for what they stood for.
      for (const { tensor, node } of taken) restore(tensor, held.get(tensor), node);
      throw error;
    } finally {
      held.forEach(unpin);
    }
    // What a result did not take over is free now; releasing what it took over does nothing.
    for (const { tensor } of taken) {
      const value = held.get(tensor)!;
      if (value.kind === 'device') value.release();
    }
    const result = mapTree(template, (leaf) => (leaf instanceof Hole ? new Tensor(leaf.type, { value: values[leaf.index] }) : leaf));
    await engine.keepPace();
    return result;
  };
  const plan = async (...args: Parameters<F>): Promise<MemoryPlan> => {
    const refused = refuseRead(`${name}.plan()`);
    if (refused) return refused;
    const engine = options.engine ?? chosenEngine() ?? (await defaultEngine());
    checkDonations(name, donate, args.length);
    const loaded = load(engine, args);
    const planned = await loaded.prepared.plan();
    requireNoLateRead(engine, loaded);
    return planned;
  };
  return Object.assign(call, { plan }) as CompiledFunction<F>;
}

/** Gives promises that fn did not await one turn before the first run. If they read a traced value, the call fails before anything has run. */
async function executableOf({ prepared, late }: Loaded): Promise<Executable> {
  const executable = await prepared.executable();
  if (late.isOpen) await macrotask();
  return executable;
}

function checkDonations(name: string, donate: ReadonlySet<number>, count: number): void {
  for (const number of donate) {
    if (!Number.isInteger(number) || number < 0 || number >= count) {
      throw new ArgumentError(
        `compile: ${name} donates argument ${number}, but was called with ${count} arguments; donate lists argument numbers from 0`,
      );
    }
  }
}

/** A value that is overwritten must not be read under another name in the same run: it is copied first. */
function separateDonated(inputs: RunInput[], taken: readonly { position: number }[], engine: Engine): void {
  const donated = new Set(taken.map(({ position }) => position));
  const used = new Set(inputs.filter((_, position) => !donated.has(position)));
  for (const { position } of taken) {
    const value = inputs[position] as Value;
    if (used.has(value)) inputs[position] = engine.runtime.duplicate(value);
    used.add(value);
  }
}
