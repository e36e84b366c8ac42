// Trials as plain data, and the interfaces of samplers and schedulers, which decide from them.
import type { Config } from '../core/config.ts';
import type { RandomStream } from '../core/random.ts';
import type { CheckedSpace, Point } from './readSpace.ts';

/** 'complete' ran to its end, 'pruned' was stopped by the scheduler, 'failed' threw an error or had a value that is not finite. */
export type TrialState = 'complete' | 'pruned' | 'failed';

/** The objective after an epoch. */
export interface TrialReport {
  /** From 0. */
  readonly epoch: number;
  readonly value: number;
}

/** One trial that has ended, as plain data. */
export interface TrialRecord<P = unknown> {
  /** From 0. */
  readonly number: number;
  readonly state: TrialState;
  readonly parameters: P;
  /** Values by the paths of the dimensions: numbers, and positions of branches. Dimensions of other branches are missing. */
  readonly point: Point;
  /** Seed of initial weights, shuffles and dropout of the trial. */
  readonly seed: number;
  /** Best value of the objective. Undefined if the trial failed. */
  readonly value: number | undefined;
  /** Epoch of that value, from 0. */
  readonly epoch: number | undefined;
  readonly reports: readonly TrialReport[];
  /** Message of the error of a failed trial. */
  readonly message: string | undefined;
  /** Duration. */
  readonly seconds: number;
  /** Number of kernels that were compiled for the trial. 0 on the CPU, and if earlier trials had the same kernels. */
  readonly compilations: number;
}

/** Whether larger or smaller values of the objective are better. */
export type ObjectiveDirection = 'max' | 'min';

/** Trials so far, as samplers see them. */
export interface SamplerState {
  readonly space: CheckedSpace;
  /** In their order, failed ones too. */
  readonly trials: readonly TrialRecord[];
  readonly direction: ObjectiveDirection;
  /** Stream of this trial. Equal seeds give equal numbers. */
  readonly random: RandomStream;
}

/** Chooses the parameters of the next trial. A pure function of its argument, so that a search can go on after a crash. */
export interface Sampler {
  readonly config: Config;
  /** Number of points, if there is a last one. */
  size?(space: CheckedSpace): number;
  /** The point of the next trial. */
  next(state: SamplerState): Point;
}

/** The trial under way, as schedulers see it. */
export interface SchedulerState {
  /** Number of the trial, from 0. */
  readonly number: number;
  /** Reports of the trial; the last one is new. */
  readonly reports: readonly TrialReport[];
  /** Trials before it. */
  readonly trials: readonly TrialRecord[];
  readonly direction: ObjectiveDirection;
  /** Number of epochs of a full trial, if it is known. */
  readonly epochs: number | undefined;
}

/** Decides after each report if a trial is pruned. A pure function of its argument. */
export interface Scheduler {
  readonly config: Config;
  /** True ends the trial. */
  prunes(state: SchedulerState): boolean;
}

export const isBetter = (direction: ObjectiveDirection, value: number, than: number): boolean =>
  direction === 'max' ? value > than : value < than;

/** The best of the reports until an epoch; undefined if there is none. */
export function bestReport(reports: readonly TrialReport[], direction: ObjectiveDirection, until = Infinity): TrialReport | undefined {
  let best: TrialReport | undefined;
  for (const report of reports) {
    if (report.epoch <= until && (!best || isBetter(direction, report.value, best.value))) best = report;
  }
  return best;
}

/** The best trial that did not fail. The first of equal ones. */
export function bestTrial<P>(trials: readonly TrialRecord<P>[], direction: ObjectiveDirection): TrialRecord<P> | undefined {
  let best: TrialRecord<P> | undefined;
  for (const trial of trials) {
    if (trial.value !== undefined && (!best || isBetter(direction, trial.value, best.value!))) best = trial;
  }
  return best;
}
