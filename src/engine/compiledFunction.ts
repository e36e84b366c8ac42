// compile(fn): a function over trees of tensors, traced once per input signature into one program and replayed in later calls.
import { ArgumentError, checkOptions, requireFunction } from '../core/errors.ts';
import { type RandomStream, globalStream } from '../core/random.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { refuseRead } from '../graph/reads.ts';
import { HostValue, type Node, Tensor, type Value, assertUsable, invalidate, refuseValues, restore } from '../graph/tensor.ts';
import type { MemoryPlan, RunInput } from '../runtime/runtime.ts';
import { chosenEngine, defaultEngine } from './devices.ts';
import { argumentOf } from './donations.ts';
import type { Engine } from './engine.ts';
import { HeldValues } from './pins.ts';
import { Specializations, executableOf } from './specializations.ts';
import { OutputPlaceholder } from './traceFunction.ts';

export interface CompileFunctionOptions {
  /** Numbers of the arguments whose memory the results take over. The old handles become unusable. */
  donate?: readonly number[];
  /** Name in errors, profiles and logs. @default the function's name */
  name?: string;
  /** @internal */
  engine?: Engine;
  /** Source of each call's random key. @default the global stream */
  stream?: RandomStream;
}

export interface CompiledFunction<F extends (...args: never[]) => unknown> {
  (...args: Parameters<F>): Promise<ReturnType<F>>;
  /**
   * Returns the memory that a call with these arguments would take. Runs nothing, and neither reads nor donates the arguments.
   *
   *     const { peakBytes, largest, refusal } = await step.plan(parameters, state, x, y);
   *
   * @throws ArgumentError on the CPU: the garbage collector manages the arrays there.
   */
  plan(...args: Parameters<F>): Promise<MemoryPlan>;
  /** Frees the programs on an engine. A later call traces fn again. @internal */
  free(engine: Engine): void;
}

/** Results of functions that are compiled. The empty list makes TypeScript infer `[a, b]` as a tuple. */
export type Compilable = object | [] | string | number | boolean | null | undefined | void;

/** The function that was compiled, and the arguments that it donates. */
export interface CompiledSource {
  readonly fn: (...args: never[]) => unknown;
  readonly donate: ReadonlySet<number>;
}

const sources = new WeakMap<object, CompiledSource>();

/** The source of a function that compile() made, or undefined. */
export const sourceOf = (compiled: object): CompiledSource | undefined => sources.get(compiled);

/** A donated handle, and the node that it had before the call. */
interface Donated {
  readonly tensor: Tensor;
  readonly node: Node | undefined;
  /** Number of the input. */
  readonly position: number;
}

/**
 * Compiles a synchronous function over trees of tensors. The returned async function traces fn once per signature (shapes, dtypes, strings,
 * booleans) and replays the program; it resolves when the work is submitted. fn receives number arguments as f32 scalars. With `donate`, memory is
 * updated in place, and the steady state creates no buffers. The programs of the last 128 signatures are kept; an older one is traced again.
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
export function compile<F extends (...args: any[]) => Compilable>(fn: F, options: CompileFunctionOptions = {}): CompiledFunction<F> {
  requireFunction('compile', fn, 'compile((x) => x.mul(2))');
  checkOptions('compile', options, ['donate', 'name', 'engine', 'stream']);
  const name = options.name ?? (fn.name || 'compiled');
  const donate = new Set(options.donate ?? []);
  const specializations = new Specializations(fn, name, donate);

  const call = async (...args: Parameters<F>): Promise<unknown> => {
    const leaves = leavesOf(args).filter(({ value }) => value instanceof Tensor || typeof value === 'number');
    const tensors = leaves.flatMap(({ value }) => (value instanceof Tensor ? [value] : []));
    const refused = refuseValues(`the compiled function ${name}()`, tensors);
    if (refused) return refused;
    const engine = options.engine ?? chosenEngine() ?? (await defaultEngine());
    // From here until engine.run() nothing awaits, so that calls take effect in their order.
    checkDonations(name, donate, args.length);
    for (const tensor of tensors) {
      assertUsable(tensor);
      engine.requireHere(tensor);
    }
    const specialization = specializations.get(engine, args);
    const { captured, needsKey, template, late } = specialization;
    const refusedCapture = refuseValues(`the compiled function ${name}(), which captures a tensor,`, captured);
    if (refusedCapture) return refusedCapture;
    const executable = executableOf(specialization);
    executable.catch(() => undefined); // engine.run() reports the error, unless a check below throws first
    for (const tensor of captured) {
      assertUsable(tensor);
      engine.requireHere(tensor);
    }
    // Only random functions take a key. fit calls others at times that depend on the clock, and its numbers must repeat.
    const key = needsKey ? new HostValue(Uint32Array.from((options.stream ?? globalStream()).nextKey())) : undefined;

    const held = new HeldValues();
    const involved = [...new Set([...tensors, ...captured])];
    for (const tensor of involved) if (tensor.value) held.hold(tensor, tensor.value);
    const pending = engine.evaluate(
      involved.filter((tensor) => !tensor.value),
      (tensor, value) => {
        held.hold(tensor, value);
        return true;
      },
    );
    const donated: Donated[] = leaves.flatMap(({ path, value }, position) =>
      value instanceof Tensor && donate.has(argumentOf(path)) ? [{ tensor: value, node: value.node, position }] : [],
    );
    for (const { tensor } of donated) if (!tensor.invalidated) invalidate(tensor, `${name}()`);

    const inputs = (): RunInput[] => {
      specializations.requireNoLateRead(engine, specialization);
      late.isOpen = false;
      const all: RunInput[] = leaves.map(({ value }) => (typeof value === 'number' ? value : held.get(value as Tensor)));
      for (const tensor of captured) all.push(held.get(tensor));
      if (key) all.push(key);
      separateDonated(all, donated, engine);
      return all;
    };
    let values: readonly Value[] = [];
    try {
      const run = engine.run(executable, inputs, (results) => (values = results));
      await Promise.all([pending, run]);
    } catch (error) {
      // No memory was taken over: the handles get their values back.
      for (const { tensor, node } of donated) restore(tensor, held.find(tensor), node);
      throw error;
    } finally {
      held.unpinAll();
    }
    // Frees the donated memory that no result took over. For the rest, release() does nothing.
    for (const { tensor } of donated) {
      const value = held.get(tensor);
      if (value.kind === 'device') value.release();
    }
    const result = mapTree(template, (leaf) =>
      leaf instanceof OutputPlaceholder ? new Tensor(leaf.type, { value: values[leaf.index] }) : leaf,
    );
    await engine.throttle();
    return result;
  };
  const plan = async (...args: Parameters<F>): Promise<MemoryPlan> => {
    const refused = refuseRead(`${name}.plan()`);
    if (refused) return refused;
    const engine = options.engine ?? chosenEngine() ?? (await defaultEngine());
    checkDonations(name, donate, args.length);
    const specialization = specializations.get(engine, args);
    const planned = await specialization.prepared.plan();
    specializations.requireNoLateRead(engine, specialization);
    return planned;
  };
  sources.set(call, { fn, donate });
  const free = (engine: Engine): void => specializations.clear(engine);
  return Object.assign(call, { plan, free }) as CompiledFunction<F>;
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

/** Copies a donated value that is another input too: it would be overwritten while it is read. */
function separateDonated(inputs: RunInput[], donated: readonly Donated[], engine: Engine): void {
  const positions = new Set(donated.map(({ position }) => position));
  const used = new Set(inputs.filter((_, position) => !positions.has(position)));
  for (const { position } of donated) {
    const value = inputs[position] as Value;
    if (used.has(value)) inputs[position] = engine.runtime.duplicate(value);
    used.add(value);
  }
}
