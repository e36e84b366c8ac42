// An engine is one device at work: it turns pending tensors into programs, keeps the programs, and runs them in the order they were asked for.
import { ArgumentError, type ShaderError } from '../core/errors.ts';
import type { HostArray } from '../core/dtype.ts';
import {
  type Donation,
  type Program,
  type ProgramMemory,
  compileStepwise,
  printProgram,
  programMemory,
  simplify,
} from '../compiler/index.ts';
import { type Graph, printGraph } from '../graph/graph.ts';
import type { Target } from '../graph/op.ts';
import { type Tensor, type Value, assertUsable } from '../graph/tensor.ts';
import { CpuRuntime } from '../runtime/cpu.ts';
import type { Profile } from '../runtime/profile.ts';
import type { DeviceInfo, Executable, MemoryInfo, RunInput } from '../runtime/runtime.ts';
import type { WebGpuRuntime } from '../runtime/webgpu/index.ts';
import type { TunedKernel } from '../runtime/webgpu/tuning/tuner.ts';
import { atEase, breathe } from './breathe.ts';
import { capture, requireHere } from './capture.ts';
import { loadPortably } from './portable.ts';

export type TraceLevel = 'graph' | 'kernels' | 'wgsl' | 'off';

let traceLevel: TraceLevel = 'off';

/**
 * Prints each program as it is compiled: its simplified graph, its dispatches and memory, or the generated WGSL too.
 *
 *     trace('kernels');
 */
export function trace(level: TraceLevel): void {
  if (!['graph', 'kernels', 'wgsl', 'off'].includes(level))
    throw new ArgumentError(`trace: unknown level '${level}'; use 'graph', 'kernels', 'wgsl' or 'off'`);
  traceLevel = level;
}

export interface ProfileOptions {
  /** False takes the host's clock even where the GPU has one of its own. */
  timestamps?: boolean;
}

let last: Program | undefined;

/** The program that ran most recently on a GPU, as plain data; undefined before the first, and on the CPU, which interprets graphs. */
export const lastProgram = (): Program | undefined => last;

/** Programs of plain evaluations that are remembered; the one unused for longest makes room. */
const programsKept = 512;
/** Submissions that may be unfinished while the next one is encoded. */
const submissionsInFlight = 3;

/** What one call of a compiled function takes of its device's memory. */
export interface MemoryPlan extends ProgramMemory {
  /** Why the device does not run it: the message of the DeviceError that a call throws. Undefined where it fits. */
  readonly refusal: string | undefined;
}

/** A graph on its way: what is asked for is made once. */
export interface Prepared {
  /** Compiles; builds no pipeline and takes no device memory. */
  plan(): Promise<MemoryPlan>;
  /** Makes it executable; on a GPU this builds its pipelines. */
  executable(): Promise<Executable>;
  /** Frees the executable, if there is one, after everything that is queued now. */
  dispose(): void;
}

const owners = new WeakMap<object, Engine>();

/** The engine at whose device a value lives. */
export const engineOf = (device: object): Engine | undefined => owners.get(device);

export class Engine {
  /** @internal */
  readonly runtime: WebGpuRuntime | CpuRuntime;
  private readonly programs = new Map<string, Promise<Executable>>();
  /** It was told that some kernels do not compile here. */
  private isPortable = false;
  /** The end of the queue: every run takes its turn here, in the order of the calls. */
  private tail: Promise<unknown> = Promise.resolve();
  private isProfiling = false;

  /** @internal */
  constructor(runtime: WebGpuRuntime | CpuRuntime) {
    this.runtime = runtime;
    owners.set(runtime, this);
  }

  get info(): DeviceInfo {
    return this.runtime.info;
  }

  /** False once the device is lost or broken: nothing runs on it any more. */
  get isAlive(): boolean {
    try {
      this.runtime.assertAlive();
      return true;
    } catch {
      return false;
    }
  }

  memory(): MemoryInfo {
    return this.runtime.memory();
  }

  /** @throws DeviceError for a tensor that lives on another device. */
  requireHere(tensor: Tensor): void {
    requireHere(tensor, this.runtime);
  }

  /**
   * Gives the tensors values; resolves when the work is submitted. `adopt` sees each value before the next turn begins; what it returns true for
   * is its own to release when the handle was given up meanwhile.
   */
  async evaluate(tensors: readonly Tensor[], adopt?: (tensor: Tensor, value: Value) => boolean): Promise<void> {
    tensors.forEach(assertUsable);
    const pending = [...new Set(tensors.filter((tensor) => tensor.node))];
    if (pending.length === 0) return;
    if (!this.isAlive) await this.runtime.requireAlive();
    const captured = capture(pending, this.runtime);
    let program = this.programs.get(captured.key);
    if (program) this.programs.delete(captured.key);
    else {
      const building = this.prepare(captured.graph(), 'evaluate').executable();
      program = building;
      building.catch(() => {
        if (this.programs.get(captured.key) === building) this.programs.delete(captured.key);
      });
    }
    this.programs.set(captured.key, program); // most recently used last
    this.forgetPrograms();
    captured.inputs.forEach(pin);
    try {
      await this.run(
        program,
        () => captured.inputs,
        (values) => {
          captured.outputs.forEach((tensor, i) => {
            const value = values[i];
            const adopted = adopt?.(tensor, value) ?? false;
            if (!tensor.invalidated) {
              tensor.value = value;
              tensor.node = undefined;
            } else if (!adopted && value.kind === 'device') value.release();
          });
        },
      );
    } finally {
      captured.inputs.forEach(unpin);
    }
    await this.keepPace();
  }

  /** Values of the tensors on the host, in one readback. What they are now is what is read, whatever is called meanwhile. */
  async read(tensors: readonly Tensor[]): Promise<HostArray[]> {
    const held = new Map<Tensor, Value>();
    const hold = (tensor: Tensor, value: Value): boolean => {
      held.set(tensor, value);
      pin(value);
      return true;
    };
    for (const tensor of new Set(tensors)) {
      assertUsable(tensor);
      this.requireHere(tensor);
      if (tensor.value) hold(tensor, tensor.value);
    }
    const computed = new Set<Value>();
    const evaluated = this.evaluate(tensors, (tensor, value) => {
      computed.add(value);
      return hold(tensor, value);
    });
    let reading: Promise<HostArray[]> | undefined;
    const turn = this.tail.then(() => {
      reading = this.runtime.read(tensors.map((type) => ({ type, value: held.get(type)! })));
      reading.catch(() => undefined); // reported to whoever awaits it below
    });
    this.tail = turn.catch(() => undefined);
    try {
      await Promise.all([evaluated, turn]);
      return await reading!;
    } finally {
      for (const [tensor, value] of held) {
        unpin(value);
        // Computed for this reading only: its handle was disposed of meanwhile.
        if (computed.has(value) && tensor.invalidated && value.kind === 'device') value.release();
      }
    }
  }

  /** What can be asked of a graph before it runs. */
  prepare(graph: Graph, name: string, donations: readonly Donation[] = []): Prepared {
    const { runtime } = this;
    if (runtime instanceof CpuRuntime) {
      return {
        plan: () => Promise.reject(new ArgumentError("plan: memory is planned on a GPU only; call setDevice('webgpu') first")),
        executable: once(async () => runtime.load(this.simplify(graph, name))),
        dispose: () => undefined,
      };
    }
    const compiled = once(() => this.compile(graph, name, donations, runtime.target));
    /** The one that runs, which a kernel that does not compile makes another. */
    let built: Program | undefined;
    const load = (): Promise<Executable> =>
      loadPortably({
        target: runtime.target,
        compile: (target) => (target === runtime.target ? compiled() : this.compile(graph, name, donations, target)),
        load: async (program) => {
          const loaded = await runtime.load(program);
          built = program;
          return loaded;
        },
        announce: (error) => this.announcePortable(error),
      });
    let making: Promise<Executable> | undefined;
    const executable = once(() => (making = load()));
    return {
      executable,
      dispose: () => making && this.disposeLater(making),
      plan: async () => {
        const program = built ?? (await compiled());
        return { ...programMemory(program), refusal: runtime.refusal(program) };
      },
    };
  }

  private announcePortable({ kernel, message }: ShaderError): void {
    if (this.isPortable) return;

    this.isPortable = true;
    const told = message.split('\n')[1];
    console.warn(`ombre: '${kernel}' does not compile on this device (${told}); programs with such kernels use portable ones instead`);
  }

  private simplify(graph: Graph, name: string): Graph {
    const simplified = simplify(graph);
    if (traceLevel !== 'off') console.log(`--- ${name}: graph\n${printGraph(simplified)}`);
    return simplified;
  }

  private async compile(graph: Graph, name: string, donations: readonly Donation[], target: Target): Promise<Program> {
    if (traceLevel !== 'off') this.simplify(graph, name);
    const program = await atEase(compileStepwise(graph, { name, target, donations }));
    if (traceLevel === 'kernels' || traceLevel === 'wgsl') console.log(`--- ${name}: kernels\n${printProgram(program)}`);
    if (traceLevel === 'wgsl') for (const { wgsl } of program.dispatches) console.log(wgsl);
    return program;
  }

  /** Takes a turn in the queue, waits for the executable, runs it. `done` gets the values before the next turn begins. */
  async run(executable: Promise<Executable>, inputs: () => readonly RunInput[], done: (values: Value[]) => void): Promise<void> {
    const turn = this.tail.then(async () => {
      const ready = await executable;
      if (!this.isAlive) await this.runtime.requireAlive();
      const values = await ready.run(inputs());
      if ('program' in ready) last = ready.program as Program;
      done(values);
    });
    this.tail = turn.catch(() => undefined);
    return turn;
  }

  /** Waits until the device is no further behind than a step may be, and lets the event loop turn. */
  async keepPace(): Promise<void> {
    await this.runtime.settle(submissionsInFlight);
    void this.tune();
    await breathe();
  }

  /** Lets kernels that do the same work be timed against each other, one piece of work in a turn of its own. False where none waits for it. */
  private async tune(): Promise<boolean> {
    const { runtime } = this;
    if (runtime instanceof CpuRuntime || this.isProfiling) return false;
    const contest = runtime.tuner?.take();
    if (!contest) return false;
    const turn = this.tail.then(async () => {
      await runtime.settle(0);
      await contest();
    });
    this.tail = turn.catch(() => undefined); // a device that is lost is told to whoever runs something on it
    await this.tail;
    return true;
  }

  /** What was timed on this device so far, once nothing that it has met waits for it. */
  async tuned(): Promise<readonly TunedKernel[]> {
    const { runtime } = this;
    if (runtime instanceof CpuRuntime || !runtime.tuner) return [];
    const { tuner } = runtime; // it may be switched off meanwhile
    await runtime.requireAlive();
    do {
      await tuner.prepared();
      await this.tail; // a contest of which the steps took no notice
      await runtime.requireAlive();
    } while (await this.tune());
    return [...tuner.results];
  }

  /** Runs fn with every kernel timed. What was asked for before is done first and does not count. */
  async profile(fn: () => Promise<unknown>, { timestamps = true }: ProfileOptions = {}): Promise<Profile> {
    const { runtime } = this;
    if (this.isProfiling) throw new ArgumentError('profile: another profile is being taken on this device; await it first');
    this.isProfiling = true;
    try {
      await this.tail;
      await runtime.settle(0);
      runtime.startProfile(timestamps);
      try {
        await fn();
        await this.tail;
      } catch (error) {
        await runtime.endProfile().catch(() => undefined); // of a lost device there are no times
        throw error;
      }
      return await runtime.endProfile();
    } finally {
      this.isProfiling = false;
    }
  }

  private forgetPrograms(): void {
    for (const [key, program] of this.programs) {
      if (this.programs.size <= programsKept) return;
      this.programs.delete(key);
      this.disposeLater(program);
    }
  }

  /** An executable may still be waiting for its turn: it is disposed of after everything queued so far. */
  private disposeLater(making: Promise<Executable>): void {
    void Promise.all([making, this.tail]).then(
      ([executable]) => executable.dispose(),
      () => undefined,
    );
  }
}

/** The function, whose promise is remembered unless it fails: what could not be built is built anew when it is asked for again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    if (!made) {
      const making = make();
      made = making;
      making.catch(() => (made = undefined));
    }
    return made;
  };
}

/** Keeps the memory of a device value until the matching unpin. */
export function pin(value: RunInput | undefined): void {
  if (typeof value === 'object' && value.kind === 'device') value.pin();
}

export function unpin(value: RunInput | undefined): void {
  if (typeof value === 'object' && value.kind === 'device') value.unpin();
}
