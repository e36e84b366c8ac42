// What a runner asks of an engine. Each engine's file writes the models of workloads.ts as its users would.
import type { Workload, WorkloadName } from '../workloads.ts';

/** One workload, set up on one engine. */
export interface Unit {
  /** Starts one unit of work, which is really done before a later finish() resolves. */
  step(): void | Promise<void>;
  /** Waits for all of it, as cheaply as the engine's users can. */
  finish(): Promise<void>;
  /** Waits for what the engine still does behind its first steps, such as choosing kernels: only then are steps alike. */
  settle?(): Promise<void>;
  /** The result of the last step in full: [loss], [loss, gradient], or a value. */
  read(): Promise<ArrayLike<number>[]>;
}

export interface Engine {
  readonly version: string;
  /** Opens the device; later calls of prepare() are then all work. */
  start(): Promise<void>;
  prepare(name: WorkloadName, workload: Workload): Promise<Unit>;
  /** Bytes of tensors as the engine itself counts them, where it does. */
  tensorBytes?(): number;
  /** What only a compiling engine can tell: about the program of the last step. */
  program?(): { readonly dispatches: number; readonly peakBytes: number };
  /** GPU time of each kernel while fn runs, the longest first. */
  kernels?(fn: () => Promise<void>): Promise<{ label: string; calls: number; milliseconds: number }[]>;
}
