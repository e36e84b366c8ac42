// What the engine asks of a runtime. Two answer: webgpu/ replays Programs, cpu.ts interprets graphs.
import type { HostArray } from '../core/dtype.ts';
import type { TensorType } from '../graph/op.ts';
import type { Value } from '../graph/tensor.ts';
import type { Profile } from './profile.ts';

export interface DeviceInfo {
  readonly kind: 'webgpu' | 'cpu';
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

/** A value for each input of the graph; numbers for scalar ones. */
export type RunInput = Value | number;

export interface Executable {
  /**
   * Runs once. On a GPU this resolves at submission, and the results are values that further runs may use right away; one run at a time.
   * Inputs whose memory a result took over are released; the caller invalidates their tensors.
   */
  run(inputs: readonly RunInput[]): Promise<Value[]>;
  /** Frees what the executable itself holds. */
  dispose(): void;
}

/** A value with the type of its tensor. */
export interface TypedValue {
  readonly value: Value;
  readonly type: TensorType;
}

export interface Runtime {
  readonly info: DeviceInfo;
  /** Throws once the device is lost or broken. */
  assertAlive(): void;
  /** The same, for those who can wait: an error of a device that is lost is told apart from the loss. */
  requireAlive(): Promise<void>;
  /** Copies are made at once, in the order of the queue; the promise waits for them. */
  read(values: readonly TypedValue[]): Promise<HostArray[]>;
  /** A value with memory of its own and the same elements. */
  duplicate(value: Value): Value;
  /** Resolves when at most so many submissions are still running. */
  settle(inFlight: number): Promise<void>;
  /** From here to endProfile() every kernel is timed. `timestamps` false takes the host's clock in any case. */
  startProfile(timestamps: boolean): void;
  endProfile(): Promise<Profile>;
  memory(): MemoryInfo;
  dispose(): void;
}
