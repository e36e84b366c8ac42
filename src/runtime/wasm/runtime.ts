// WebAssembly as a device: the kernels of the GPU compiled for the CPU.
import type { Donation, Program } from '../../compiler/index.ts';
import { type HostArray, storedBytes } from '../../core/dtype.ts';
import { DeviceError } from '../../core/errors.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Target } from '../../graph/op.ts';
import { HostValue, type Value } from '../../graph/tensor.ts';
import { debug } from '../debug.ts';
import { readHost } from '../hostElements.ts';
import { refusalOf } from '../limits.ts';
import { PreparedProgram, type ProgramLoader } from '../preparedProgram.ts';
import { type Profile, ProfileLog } from '../profile.ts';
import type { DeviceInfo, MemoryInfo, PreparedGraph, Runtime, RuntimeSettings, TypedValue, ValueOwner } from '../runtime.ts';
import { type NamedProgram, Scratch, type WasmContext, WasmExecutable } from './executable.ts';
import { hasRelaxedSimd, hasSimd, refusalToCompile } from './features.ts';
import type { Heap } from './heap.ts';
import { KernelCache } from './kernels.ts';
import { Crew, type CrewOptions, type Failure } from './threads/index.ts';
import { WasmValue } from './value.ts';

/** Kernels are those for CPUs: no subgroups, workgroup memory and barriers. */
const target: Target = {
  processor: 'cpu',
  compiler: 'wasm',
  subgroupSize: undefined,
  shaderF16: true,
  maxStorageBuffers: 1000,
  maxWorkgroupsPerDimension: 2 ** 31 - 1,
  maxBindingBytes: 2 ** 31,
};

export class WasmRuntime implements Runtime, ProgramLoader, WasmContext {
  readonly owner: ValueOwner = { name: 'wasm', assertAlive: () => this.assertAlive() };
  readonly tuner = undefined;
  readonly target: Target = debug.guardBytes > 0 ? { ...target, spareBytes: debug.guardBytes } : target;
  readonly heap: Heap;
  readonly scratch: Scratch;
  profile: ProfileLog | undefined;
  private readonly kernels: KernelCache;
  private readonly isRelaxed: boolean;
  private readonly crew: Crew;
  /** Programs of queued runs by ticket, for errors. */
  private readonly queued = new Map<number, NamedProgram | undefined>();
  /** The error of a queued run that no call has thrown yet. */
  private failure: DeviceError | undefined;
  private maxBytes: number | undefined;

  private constructor(crew: Crew) {
    const { heap } = crew;
    this.isRelaxed = hasRelaxedSimd();
    this.crew = crew;
    this.heap = heap;
    this.scratch = new Scratch(heap);
    this.kernels = new KernelCache(heap, crew, { isRelaxed: this.isRelaxed, isShared: heap.isShared });
  }

  /** @throws DeviceError if this host cannot run such modules, or if the page's Content-Security-Policy does not allow them. */
  static async open(options: CrewOptions = {}): Promise<WasmRuntime> {
    if (!hasSimd()) throw new DeviceError("wasm: this host does not run WebAssembly with SIMD; use setDevice('cpu')");
    const refusal = refusalToCompile();
    if (refusal !== undefined) {
      throw new DeviceError(
        `wasm: this page may not compile WebAssembly: add 'wasm-unsafe-eval' to script-src of its Content-Security-Policy, or use setDevice('cpu') (${refusal})`,
      );
    }
    return new WasmRuntime(await Crew.start(options));
  }

  get info(): DeviceInfo {
    const { isRelaxed } = this;
    const { count: threads, reason } = this.crew;
    return {
      kind: 'wasm',
      processor: 'cpu',
      vendor: '',
      architecture: '',
      description: `WebAssembly${isRelaxed ? ' with fused multiplication' : ''}, ${threads} ${threads === 1 ? 'thread' : 'threads'}${reason === undefined ? '' : `; not more, because ${reason}`}`,
      features: ['simd', 'shader-f16', ...(isRelaxed ? ['relaxed-simd'] : []), ...(threads > 1 ? ['threads'] : [])],
      limits: { threads },
    };
  }

  get stacks(): number {
    return this.crew.stacks;
  }

  get compilations(): number {
    return this.kernels.built;
  }

  private assertAlive(): void {
    if (this.crew.broken) throw this.crew.broken;
  }

  async requireAlive(): Promise<void> {
    this.assertAlive();
  }

  awaitLateLoss(): Promise<void> {
    return Promise.resolve();
  }

  async configure({ maxBytes }: RuntimeSettings): Promise<void> {
    this.maxBytes = maxBytes;
  }

  prepare(graph: Graph, name: string, donations: readonly Donation[] = []): PreparedGraph {
    return new PreparedProgram(this, graph, name, donations);
  }

  refusal(program: Program): string | undefined {
    return refusalOf(program, {
      device: 'wasm',
      maxBindingBytes: this.target.maxBindingBytes,
      maxBufferBytes: 2 ** 32,
      maxBytes: this.maxBytes,
    });
  }

  reportPortable(): void {
    // There is one target: nothing is compiled again.
  }

  async load(program: Program): Promise<WasmExecutable> {
    const refusal = this.refusal(program);
    if (refusal !== undefined) throw new DeviceError(refusal);
    const kernels = await Promise.all(program.dispatches.map((dispatch) => this.kernels.get(dispatch)));
    return new WasmExecutable(this, program, kernels);
  }

  room(): Promise<void> | undefined {
    return this.crew.room();
  }

  submit(run: number, program: NamedProgram | undefined): void {
    this.assertAlive();
    this.throwFailure();
    const failure = this.crew.submit(run);
    if (failure) throw stopped(failure, program);
    if (!this.crew.isQueued) return;
    this.queued.set(this.crew.submitted, program);
    for (const ticket of this.queued.keys()) {
      if (!this.crew.isDone(ticket)) break;
      this.noteFailure();
      this.queued.delete(ticket);
    }
  }

  private noteFailure(): void {
    const failure = this.crew.takeFailure();
    if (failure) this.failure ??= stopped(failure, this.queued.get(failure.ticket));
  }

  /** @throws DeviceError if a queued run has stopped. It is thrown once. */
  private throwFailure(): void {
    this.noteFailure();
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure;
  }

  /** Copies ranges in the order of the queue. */
  private copy(ranges: readonly { readonly from: number; readonly to: number; readonly bytes: number }[]): void {
    const { heap } = this;
    if (this.crew.running === 0) {
      const { bytes: memory } = heap;
      for (const { from, to, bytes } of ranges) memory.copyWithin(to, from, from + bytes);
      return;
    }
    const words = [0, ranges.length, 0, 0, ...ranges.flatMap(({ from, to, bytes }) => [from, to, bytes])];
    const run = heap.take(4 * words.length);
    heap.words.set(words, run.address / 4);
    this.submit(run.address, undefined);
    heap.release(run);
  }

  duplicate(value: Value): Value {
    if (!(value instanceof WasmValue)) return value;
    const { address } = value.block;
    const bytes = storedBytes(value.type);
    const copy = this.heap.take(bytes);
    this.copy([{ from: address, to: copy.address, bytes }]);
    return new WasmValue(this.owner, this.heap, copy, value.type);
  }

  async read(values: readonly TypedValue[]): Promise<HostArray[]> {
    this.assertAlive();
    const { heap } = this;
    const onHost = (addresses: readonly number[]): HostArray[] =>
      values.map(({ value, type }, i) =>
        value instanceof HostValue ? value.data.slice() : readHost(heap.memory.buffer, addresses[i], type),
      );
    const sources = values.map(({ value }) => (value instanceof WasmValue ? value.block.address : 0));
    this.throwFailure();
    if (this.crew.running === 0) return onHost(sources);
    // Later runs may change the values before this one is done, so they are copied in the order of the queue.
    const blocks = values.map(({ value, type }) => (value instanceof WasmValue ? heap.take(storedBytes(type)) : undefined));
    try {
      this.copy(blocks.flatMap((block, i) => (block ? [{ from: sources[i], to: block.address, bytes: storedBytes(values[i].type) }] : [])));
      await this.crew.until(this.crew.submitted);
      this.throwFailure();
      return onHost(blocks.map((block) => block?.address ?? 0));
    } finally {
      for (const block of blocks) if (block) heap.release(block);
    }
  }

  async settle(inFlight: number): Promise<void> {
    if (this.crew.running > inFlight) await this.crew.settle(inFlight);
    this.assertAlive();
    this.throwFailure();
  }

  startProfile(): void {
    this.profile = new ProfileLog();
  }

  endProfile(): Promise<Profile> {
    const profile = this.profile!;
    this.profile = undefined;
    return Promise.resolve(profile.finish('host', "By the host's clock, kernel by kernel."));
  }

  memory(): MemoryInfo {
    return this.heap.info();
  }

  /** Ends the workers. The garbage collector frees the memory. */
  dispose(): void {
    this.crew.dispose();
  }
}

function stopped({ dispatch, text, cause }: Failure, program: NamedProgram | undefined): DeviceError {
  const label = program?.dispatches[dispatch].label ?? 'copies';
  return new DeviceError(`wasm: ${program?.name ?? 'read'}: '${label}' stopped: ${text}`, { cause });
}
