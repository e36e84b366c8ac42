// Requests of the runner and their answers. They are plain data, because they cross a process or a page.
import type { WorkloadName } from '../workloads.ts';
import type { Clock } from './timing.ts';

/** Device of the engines of a stack: WebGPU, or WebAssembly and JavaScript on the CPU. */
export type StackDevice = 'gpu' | 'cpu';

/** `interpreter` is ombre without WebAssembly, `tfjscpu` is the JavaScript backend of TensorFlow.js. */
export const engineNames = ['ombre', 'interpreter', 'tfjs', 'tfjscpu', 'jax'] as const;
export type EngineName = (typeof engineNames)[number];

export const enginesOf: Readonly<Record<StackDevice, readonly EngineName[]>> = {
  gpu: ['ombre', 'tfjs', 'jax'],
  cpu: engineNames,
};

/** The engines that ombre is compared with. */
export const peersIn = (names: readonly EngineName[]): EngineName[] => names.filter((name) => name !== 'ombre' && name !== 'interpreter');

export interface RoundsJob {
  readonly kind: 'rounds';
  readonly device: StackDevice;
  readonly workload: WorkloadName;
  readonly engines: readonly EngineName[];
  readonly rounds: number;
  /** Approximate milliseconds of one engine's part of a round. */
  readonly milliseconds: number;
  readonly clock: Clock;
}

/** One engine by itself in a new process or browser: its first step, then the figures of a step. */
export interface SoloJob {
  readonly kind: 'solo';
  readonly device: StackDevice;
  readonly workload: WorkloadName;
  readonly engine: EngineName;
  /** Also the time of each kernel, if the engine reports it. */
  readonly kernels: boolean;
}

/** Only ombre, at several multiples of the workload's batch. */
export interface ScaleJob {
  readonly kind: 'scale';
  readonly device: StackDevice;
  readonly workload: WorkloadName;
  readonly times: readonly number[];
  readonly rounds: number;
  readonly milliseconds: number;
}

export type Job = RoundsJob | SoloJob | ScaleJob;

export interface RoundsResult {
  readonly adapter: string;
  readonly versions: Readonly<Partial<Record<EngineName, string>>>;
  /** Milliseconds of a step, one entry for each round. */
  readonly times: Readonly<Partial<Record<EngineName, readonly number[]>>>;
  readonly failures: Readonly<Partial<Record<EngineName, string>>>;
  /** The checked values: the first element of the first result, and for training the loss after three updates. */
  readonly values: Readonly<Partial<Record<EngineName, readonly number[]>>>;
  /** Reason why the times must not be compared. Nothing was timed then. */
  readonly disagreement?: string;
}

export interface Cost {
  readonly dispatches: number;
  readonly submits: number;
  readonly buffers: number;
}

export interface SoloResult {
  /** Milliseconds to open the device. They are not part of firstStep. */
  readonly start: number;
  /** Milliseconds from the data on the host to the result of the first step on the host. */
  readonly firstStep: number;
  /** The longest task of the page's main thread in that time. Only browsers report it, and only above 50 ms. */
  readonly longestTask?: number;
  /** Mean of the steps after the second. */
  readonly cost: Cost;
  /** Peak bytes of all GPU buffers that the engine made. */
  readonly peakBytes: number;
  /** The same as the engine counts it. */
  readonly tensorBytes?: number;
  readonly program?: { readonly dispatches: number; readonly peakBytes: number };
  readonly kernels?: readonly { readonly label: string; readonly calls: number; readonly milliseconds: number }[];
}

export interface ScaleResult {
  readonly adapter: string;
  /** Milliseconds of a step: for each multiple, one entry for each round. */
  readonly times: readonly (readonly number[])[];
  /** Losses after all rounds, for each multiple. */
  readonly losses: readonly number[];
}

export type Result<J extends Job> = J extends RoundsJob ? RoundsResult : J extends SoloJob ? SoloResult : ScaleResult;
