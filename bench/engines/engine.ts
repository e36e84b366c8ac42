// The interface between a runner and an engine. The file of each engine has the models of workloads.ts in code like that of its users.
import type { Workload, WorkloadName } from '../workloads.ts';

/** One workload, prepared on one engine. */
export interface Unit {
  /** Starts one unit of work. A later finish() resolves only after it is complete. */
  step(): void | Promise<void>;
  /** Waits for all started work, in the cheapest way that users of the engine have. */
  finish(): Promise<void>;
  /** Waits for background work after the first steps, such as autotuning. Only then do all steps take the same time. */
  settle?(): Promise<void>;
  /** Returns the whole result of the last step: [loss], [loss, gradient], or a value. */
  read(): Promise<ArrayLike<number>[]>;
}

export interface Engine {
  readonly version: string;
  /** Opens the device, so that prepare() does not include it. Called before each turn: another engine may have set the library's device. */
  start(): Promise<void>;
  prepare(name: WorkloadName, workload: Workload): Promise<Unit>;
  /** Bytes of tensors as the engine counts them, if it does. */
  tensorBytes?(): number;
  /** Figures of the program of the last step, from a compiling engine. */
  program?(): { readonly dispatches: number; readonly peakBytes: number };
  /** GPU time of each kernel while fn runs, longest first. */
  kernels?(fn: () => Promise<void>): Promise<{ label: string; calls: number; milliseconds: number }[]>;
}
