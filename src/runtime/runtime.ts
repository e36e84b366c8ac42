// The interface between the engine and a device. webgpu/ compiles graphs to Programs and replays them; cpu.ts interprets graphs.
import type { Donation, Program, ProgramMemory } from '../compiler/index.ts';
import type { HostArray } from '../core/dtype.ts';
import type { Graph } from '../graph/graph.ts';
import type { TensorType } from '../graph/op.ts';
import type { Value } from '../graph/tensor.ts';
import type { Profile } from './profile.ts';

export interface DeviceInfo {
  readonly kind: 'webgpu' | 'wasm' | 'cpu';
  /** The kind of processor that computes. Some adapters of WebGPU compute on the CPU, such as SwiftShader and llvmpipe. */
  readonly processor: 'gpu' | 'cpu';
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

export interface MemoryInfo {
  /** Bytes of device memory held by tensors, programs and pools. */
  readonly bytes: number;
  readonly buffers: number;
  readonly peakBytes: number;
}

/** The memory that one call of a compiled function takes on its device. */
export interface MemoryPlan extends ProgramMemory {
  /** The message of the DeviceError that a call throws because the device cannot run it. Undefined if it can. */
  readonly refusal: string | undefined;
}

/** A value for each input of the graph; numbers for scalar ones. */
export type RunInput = Value | number;

export interface Executable {
  /** The program that it runs now, as plain data. Undefined if the runtime interprets graphs. */
  readonly program?: Program;
  /**
   * Runs once, one run at a time. On a GPU this resolves at submission; later runs may use the results right away.
   * Inputs whose memory a result took over are released; the caller invalidates their tensors.
   */
  run(inputs: readonly RunInput[]): Promise<Value[]>;
  /** Frees the memory of the executable itself. */
  dispose(): void;
}

/** A graph that can be planned or built. Each is done once and cached; after a failure the next call tries again. */
export interface PreparedGraph {
  /**
   * Compiles, but builds no pipeline and takes no device memory.
   * @throws ArgumentError if the runtime does not plan memory.
   */
  plan(): Promise<MemoryPlan>;
  /** Makes it executable. On a GPU this builds its pipelines. */
  executable(): Promise<Executable>;
  /** Frees the executable if there is one, or when it is built. */
  dispose(): void;
}

/** A value with the type of its tensor. */
export interface TypedValue {
  readonly value: Value;
  readonly type: TensorType;
}

/** Storage of the choices between kernels. */
export interface TuningOptions {
  /** Path of a JSON file in Node, name of an IndexedDB database in a browser. False keeps the choices in memory, until the device is closed. */
  store?: string | false;
}

/** Settings of a device that may change while it is open. */
export interface RuntimeSettings {
  /** Maximum number of bytes that one program may take at its peak. Undefined means no limit. */
  readonly maxBytes: number | undefined;
  /** Undefined keeps the present setting. */
  readonly tuning: boolean | TuningOptions | undefined;
}

/** The result of one autotuning trial. */
export interface TunedKernel {
  /** The work and its scope: `dense_1: matmul + add + relu (matmul_tiled)`. The kernel named is the one it was compiled with. */
  readonly kernel: string;
  /** The range of sizes for which the choice holds. */
  readonly bucket: string;
  /** Label of the kernel chosen. */
  readonly chosen: string;
  /** Milliseconds of one launch by label. Kernels that do not compile here or were far slower at the first sample are missing. */
  readonly milliseconds: Readonly<Record<string, number>>;
}

/** Times kernels with equal results against each other. The engine calls it between the steps. */
export interface KernelTuner {
  /** Results of all trials so far. */
  readonly results: readonly TunedKernel[];
  /** The next trial that is ready. Run it when no other work is on the queue. Undefined if none is ready. */
  takeTrial(): (() => Promise<void>) | undefined;
  /** Resolves when every trial known so far is ready to be taken. */
  prepared(): Promise<void>;
}

/** A device as its values refer to it. */
export interface ValueOwner {
  readonly name: string;
  /** @throws DeviceLostError, or a DeviceError if the device reported an error. */
  assertAlive(): void;
}

export interface Runtime {
  readonly info: DeviceInfo;
  /** The object that the values of this device name as their device. */
  readonly owner: ValueOwner;
  /** Undefined if no kernels are timed here. */
  readonly tuner: KernelTuner | undefined;
  /** Number of kernels compiled since the device was opened. 0 if the runtime interprets graphs. */
  readonly compilations: number;
  /** Like `owner.assertAlive()`, but waits until a late report of a loss would have come. An error caused by a loss is then a loss. */
  requireAlive(): Promise<void>;
  /** Waits for the report of a loss that has just happened. Browsers send it up to 111 ms later. */
  awaitLateLoss(): Promise<void>;
  configure(settings: RuntimeSettings): Promise<void>;
  /** Makes a graph ready to be planned or run. `name` appears in errors, logs and profiles. */
  prepare(graph: Graph, name: string, donations?: readonly Donation[]): PreparedGraph;
  /** Copies are made at once, in the order of the queue; the promise waits for them. */
  read(values: readonly TypedValue[]): Promise<HostArray[]>;
  /** A value with its own memory and the same elements. */
  duplicate(value: Value): Value;
  /** Resolves when at most `inFlight` submissions are still running. */
  settle(inFlight: number): Promise<void>;
  /** Times every kernel until endProfile(). `timestamps` false uses the host's clock in any case. */
  startProfile(timestamps: boolean): void;
  endProfile(): Promise<Profile>;
  memory(): MemoryInfo;
  dispose(): void;
}
