// WebAssembly as a device: the kernels of the GPU compiled for the CPU.
import type { Donation, Program } from '../../compiler/index.ts';
import { type HostArray, storedBytes } from '../../core/dtype.ts';
import { DeviceError } from '../../core/errors.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Target } from '../../graph/op.ts';
import { HostValue, type Value } from '../../graph/tensor.ts';
import { type Profile, ProfileLog } from '../profile.ts';
import type { DeviceInfo, MemoryInfo, PreparedGraph, Runtime, RuntimeSettings, TypedValue, ValueOwner } from '../runtime.ts';
import { debug } from '../webgpu/debug.ts';
import { refusalOf } from '../webgpu/limits.ts';
import { PreparedProgram, type ProgramLoader } from '../webgpu/preparedProgram.ts';
import { readHost } from '../webgpu/transfer.ts';
import { Scratch, type WasmContext, WasmExecutable } from './executable.ts';
import { hasRelaxedSimd, hasSimd } from './features.ts';
import { Heap } from './heap.ts';
import { KernelCache } from './kernels.ts';
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
  readonly owner: ValueOwner = { name: 'wasm', assertAlive: () => undefined };
  readonly tuner = undefined;
  readonly target: Target;
  readonly info: DeviceInfo;
  readonly heap: Heap;
  readonly scratch: Scratch;
  profile: ProfileLog | undefined;
  private readonly kernels: KernelCache;
  private maxBytes: number | undefined;

  private constructor() {
    const isRelaxed = hasRelaxedSimd();
    const spareBytes = debug.guardBytes;
    this.target = spareBytes > 0 ? { ...target, spareBytes } : target;
    this.heap = new Heap(false, spareBytes);
    this.scratch = new Scratch(this.heap);
    this.kernels = new KernelCache(this.heap.memory, { isRelaxed, isShared: false });
    this.info = {
      kind: 'wasm',
      processor: 'cpu',
      vendor: '',
      architecture: '',
      description: `WebAssembly${isRelaxed ? ' with fused multiplication' : ''}`,
      features: isRelaxed ? ['simd', 'relaxed-simd'] : ['simd'],
      limits: {},
    };
  }

  /** @throws DeviceError if this host cannot run such modules. */
  static async open(): Promise<WasmRuntime> {
    if (!hasSimd()) throw new DeviceError("wasm: this host does not run WebAssembly with SIMD; use setDevice('cpu')");
    return new WasmRuntime();
  }

  get compilations(): number {
    return this.kernels.built;
  }

  requireAlive(): Promise<void> {
    return Promise.resolve();
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
    return refusalOf(program, { maxBindingBytes: this.target.maxBindingBytes, maxBufferBytes: 2 ** 32, maxBytes: this.maxBytes });
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

  duplicate(value: Value): Value {
    if (!(value instanceof WasmValue)) return value;
    const { address } = value.block;
    const bytes = storedBytes(value.type);
    const copy = this.heap.take(bytes);
    this.heap.bytes.copyWithin(copy.address, address, address + bytes);
    return new WasmValue(this.owner, this.heap, copy, value.type);
  }

  read(values: readonly TypedValue[]): Promise<HostArray[]> {
    return Promise.resolve().then(() =>
      values.map(({ value, type }) => {
        if (value instanceof HostValue) return value.data.slice();
        const { address } = (value as WasmValue).block;
        return readHost(this.heap.memory.buffer, address, type);
      }),
    );
  }

  settle(): Promise<void> {
    return Promise.resolve();
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

  dispose(): void {
    // The garbage collector frees the memory.
  }
}
