// An engine evaluates tensors on one device. It keeps the programs of evaluations, and runs them in the order of the calls.
import type { HostArray } from '../core/dtype.ts';
import { yieldIfDue } from '../core/eventLoop.ts';
import { LruCache } from '../core/lruCache.ts';
import { PromiseQueue } from '../core/promiseQueue.ts';
import { type Tensor, type Value, assertUsable } from '../graph/tensor.ts';
import type { Profile } from '../runtime/profile.ts';
import type { DeviceInfo, Executable, MemoryInfo, PreparedGraph, RunInput, Runtime, TunedKernel } from '../runtime/runtime.ts';
import { capture } from './capture.ts';
import { noteProgram } from './inspection.ts';
import { requireHere } from './location.ts';
import { HeldValues, pin, unpin } from './pins.ts';
import { type ProfileOptions, Profiling } from './profiling.ts';
import { Tuning } from './tuning.ts';

/** Maximum number of cached programs of plain evaluations. */
const maxPrograms = 512;
/** Submissions that may be unfinished while the next one is encoded. */
const submissionsInFlight = 3;

const engines = new WeakMap<object, Engine>();

/** The engine of the device that a value names. */
export const engineOf = (device: object): Engine | undefined => engines.get(device);

export class Engine {
  /** @internal */
  readonly runtime: Runtime;
  /** Every run takes its turn here. */
  private readonly queue = new PromiseQueue();
  private readonly programs = new LruCache<PreparedGraph>(maxPrograms, (program) => this.disposeLater(program));
  private readonly profiling: Profiling;
  private readonly tuning: Tuning;

  /** @internal */
  constructor(runtime: Runtime) {
    this.runtime = runtime;
    this.profiling = new Profiling(runtime, this.queue);
    this.tuning = new Tuning(runtime, this.queue, () => this.profiling.isActive);
    engines.set(runtime.owner, this);
  }

  get info(): DeviceInfo {
    return this.runtime.info;
  }

  /** False after the device is lost or has reported an error: it runs nothing any more. */
  get isAlive(): boolean {
    try {
      this.runtime.owner.assertAlive();
      return true;
    } catch {
      return false;
    }
  }

  memory(): MemoryInfo {
    return this.runtime.memory();
  }

  /** @throws DeviceError for a tensor on another device. */
  requireHere(tensor: Tensor): void {
    requireHere(tensor, this.runtime.owner);
  }

  /**
   * Gives the tensors values; resolves when the work is submitted. `adopt` receives each value before the next turn begins. If it returns true, it
   * must release the value of a handle that was disposed of meanwhile.
   */
  async evaluate(tensors: readonly Tensor[], adopt?: (tensor: Tensor, value: Value) => boolean): Promise<void> {
    tensors.forEach(assertUsable);
    const pending = [...new Set(tensors.filter((tensor) => tensor.node))];
    if (pending.length === 0) return;
    if (!this.isAlive) await this.runtime.requireAlive();
    const { key, inputs, outputs, graph } = capture(pending, this.runtime.owner);
    const executable = this.programs.get(key, () => this.runtime.prepare(graph(), 'evaluate')).executable();
    const store = (values: readonly Value[]): void => {
      outputs.forEach((tensor, i) => {
        const value = values[i];
        const adopted = adopt?.(tensor, value) ?? false;
        if (!tensor.invalidated) {
          tensor.value = value;
          tensor.node = undefined;
        } else if (!adopted && value.kind === 'device') value.release();
      });
    };
    inputs.forEach(pin);
    try {
      await this.run(executable, () => inputs, store);
    } finally {
      inputs.forEach(unpin);
    }
    await this.throttle();
  }

  /** Values of the tensors on the host, in one readback. Reads the values at the time of the call; later calls do not change them. */
  async read(tensors: readonly Tensor[]): Promise<HostArray[]> {
    const held = new HeldValues();
    for (const tensor of new Set(tensors)) {
      assertUsable(tensor);
      this.requireHere(tensor);
      if (tensor.value) held.hold(tensor, tensor.value);
    }
    const computed = new Set<Value>();
    const evaluated = this.evaluate(tensors, (tensor, value) => {
      computed.add(value);
      held.hold(tensor, value);
      return true;
    });
    let reading: Promise<HostArray[]> | undefined;
    const turn = this.queue.run(() => {
      reading = this.runtime.read(tensors.map((type) => ({ type, value: held.get(type) })));
      reading.catch(() => undefined); // the await below reports it
    });
    try {
      await Promise.all([evaluated, turn]);
      return await reading!;
    } finally {
      // A value that was computed for this read has no owner if its handle was disposed of meanwhile.
      held.unpinAll((tensor, value) => computed.has(value) && tensor.invalidated !== undefined);
    }
  }

  /** Takes a turn in the queue, waits for the executable, runs it. `done` receives the values before the next turn begins. */
  run(executable: Promise<Executable>, inputs: () => readonly RunInput[], done: (values: Value[]) => void): Promise<void> {
    return this.queue.run(async () => {
      const ready = await executable;
      if (!this.isAlive) await this.runtime.requireAlive();
      const values = await ready.run(inputs());
      noteProgram(ready.program);
      done(values);
    });
  }

  /** Waits until the device has few unfinished submissions. Starts an autotuning trial if one is ready, and yields to the event loop. */
  async throttle(): Promise<void> {
    await this.runtime.settle(submissionsInFlight);
    void this.tuning.runTrial();
    await yieldIfDue();
  }

  /** Results of all autotuning trials on this device, after every trial known so far has run. */
  tuned(): Promise<readonly TunedKernel[]> {
    return this.tuning.results();
  }

  /** Runs fn with every kernel timed. Earlier work is finished first and does not count. */
  profile(fn: () => Promise<unknown>, options: ProfileOptions = {}): Promise<Profile> {
    return this.profiling.profile(fn, options);
  }

  /** Disposes of a program after everything queued so far: a run may still wait for it. */
  disposeLater(program: PreparedGraph): void {
    void this.queue.idle().then(() => program.dispose());
  }
}
