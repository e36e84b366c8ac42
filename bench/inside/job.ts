// What the runner asks for and what comes back: plain data, since it crosses a process or a page.
import type { WorkloadName } from '../workloads.ts';

export const engineNames = ['ombre', 'tfjs', 'jax'] as const;
export type EngineName = (typeof engineNames)[number];

export interface RoundsJob {
  readonly kind: 'rounds';
  readonly workload: WorkloadName;
  readonly engines: readonly EngineName[];
  readonly rounds: number;
  /** About how long one engine's part of a round shall take. */
  readonly milliseconds: number;
}

/** One engine alone in a fresh process or browser: its first step, then what a step costs. */
export interface SoloJob {
  readonly kind: 'solo';
  readonly workload: WorkloadName;
  readonly engine: EngineName;
  /** Also the time of each kernel, where the engine can tell. */
  readonly kernels: boolean;
}

/** ombre alone, at several multiples of the workload's batch. */
export interface ScaleJob {
  readonly kind: 'scale';
  readonly workload: WorkloadName;
  readonly times: readonly number[];
  readonly rounds: number;
  readonly milliseconds: number;
}

export type Job = RoundsJob | SoloJob | ScaleJob;

export interface RoundsResult {
  readonly adapter: string;
  readonly versions: Readonly<Partial<Record<EngineName, string>>>;
  /** Milliseconds a step, one entry a round. */
  readonly times: Readonly<Partial<Record<EngineName, readonly number[]>>>;
  readonly failures: Readonly<Partial<Record<EngineName, string>>>;
  /** The checked values: the first result's first element, and for training the loss after three updates. */
  readonly values: Readonly<Partial<Record<EngineName, readonly number[]>>>;
  /** Why the times must not be compared; nothing was timed then. */
  readonly disagreement?: string;
}

export interface Cost {
  readonly dispatches: number;
  readonly submits: number;
  readonly buffers: number;
}

export interface SoloResult {
  /** Opening the device; not part of firstStep. */
  readonly start: number;
  /** From the data on the host to the result of the first step on the host, in milliseconds. */
  readonly firstStep: number;
  /** The longest task of the page's main thread in that time; only browsers tell, and only above 50 ms. */
  readonly longestTask?: number;
  /** Mean of the steps after the second. */
  readonly cost: Cost;
  /** The most bytes of GPU buffers alive at once, of everything the engine made. */
  readonly peakBytes: number;
  /** As the engine itself counts. */
  readonly tensorBytes?: number;
  readonly program?: { readonly dispatches: number; readonly peakBytes: number };
  readonly kernels?: readonly { readonly label: string; readonly calls: number; readonly milliseconds: number }[];
}

export interface ScaleResult {
  readonly adapter: string;
  /** Milliseconds a step: for each multiple, one entry a round. */
  readonly times: readonly (readonly number[])[];
  /** After all rounds, for each multiple. */
  readonly losses: readonly number[];
}

export type Result<J extends Job> = J extends RoundsJob ? RoundsResult : J extends SoloJob ? SoloResult : ScaleResult;
