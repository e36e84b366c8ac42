// Schedulers: which trials are pruned. Trials run one after another, so a trial is compared with those before it.
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { integer, number, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../core/options.ts';
import { type Scheduler, type SchedulerState, type TrialRecord, bestReport, isBetter } from './records.ts';

export const noneOptions = declareOptions('schedulers.none', {});
export type NoneSchedulerOptions = OptionsOf<typeof noneOptions>;

/**
 * Prunes no trial.
 *
 *     schedulers.none()
 */
function none(options: NoneSchedulerOptions = {}): Configured<Scheduler> {
  return withConfig({ prunes: () => false }, noneOptions, noneOptions.read(options));
}

/** Number of epochs after a report. */
const epochsOf = ({ reports }: SchedulerState): number => reports[reports.length - 1].epoch + 1;

/** Epochs of a trial before its last report. */
const epochsBefore = ({ reports }: SchedulerState): number => (reports.length > 1 ? reports[reports.length - 2].epoch + 1 : 0);

/** Whether a trial is among the best 1 / eta of those that reached a rung. */
function staysAtRung(rung: number, state: SchedulerState, others: readonly TrialRecord[], eta: number): boolean {
  const { reports, direction } = state;
  const until = rung - 1;
  const own = bestReport(reports, direction, epochsOf(state) - 1)!.value;
  const rivals = others.flatMap((trial) => {
    const isThere = trial.state !== 'failed' && trial.reports.some(({ epoch }) => epoch >= until);
    return isThere ? (bestReport(trial.reports, direction, firstFrom(trial, until))?.value ?? []) : [];
  });
  const kept = Math.max(1, Math.floor((rivals.length + 1) / eta));
  return rivals.filter((value) => isBetter(direction, value, own)).length < kept;
}

/** Epoch of the first report from an epoch on: with few validations a rung is judged at the next one. */
const firstFrom = ({ reports }: TrialRecord, from: number): number => reports.find(({ epoch }) => epoch >= from)!.epoch;

/** Prunes at the rungs `first`, first eta, first eta^2, ... that the last report has reached. */
function prunesAtRungs(state: SchedulerState, others: readonly TrialRecord[], first: number, eta: number): boolean {
  for (let exact = first; Math.ceil(exact) <= epochsOf(state); exact *= eta) {
    const rung = Math.ceil(exact);
    const isLast = state.epochs !== undefined && rung >= state.epochs;
    if (rung > epochsBefore(state) && !isLast && !staysAtRung(rung, state, others, eta)) return true;
  }
  return false;
}

/** Options of the schedulers that compare trials at rungs. */
const rungOptions = {
  /**
   * Each rung has this many times the epochs of the rung before. With 3, the best third of the trials at a rung goes on. It must be above 1.
   * @default 3
   */
  reductionFactor: /* @__PURE__ */ optional(/* @__PURE__ */ number('finite'), 3),
};

function checkRungs({ reductionFactor }: { readonly reductionFactor: number }, where: string): void {
  if (reductionFactor > 1) return;
  throw new ArgumentError(`${where}: reductionFactor is ${reductionFactor}; it must be a number above 1`);
}

export const ashaOptions = declareOptions(
  'schedulers.asha',
  {
    /** Number of epochs at the first rung. @default 1 */
    minEpochs: optional(positiveInteger, 1),
    ...rungOptions,
  },
  checkRungs,
);
export type AshaOptions = OptionsOf<typeof ashaOptions>;

/**
 * Asynchronous successive halving: at minEpochs, minEpochs * reductionFactor, ... epochs a trial goes on if its best value is among the best
 * 1 / reductionFactor of the trials that were there before. A trial that was pruned is not continued, as in Optuna. Li et al., A System for
 * Massively Parallel Hyperparameter Tuning, 2020.
 *
 *     schedulers.asha({ minEpochs: 2 })
 */
function asha(options: AshaOptions = {}): Configured<Scheduler> {
  const settings = ashaOptions.read(options);
  const { minEpochs, reductionFactor } = settings;
  return withConfig(
    { prunes: (state: SchedulerState) => prunesAtRungs(state, state.trials, minEpochs, reductionFactor) },
    ashaOptions,
    settings,
  );
}

export const hyperbandOptions = declareOptions(
  'schedulers.hyperband',
  {
    /** Number of epochs of a full trial. The epochs of fit if absent; a search with `run` needs it. */
    maxEpochs: optional(positiveInteger),
    /** Number of epochs at the first rung of the first bracket. @default 1 */
    minEpochs: optional(positiveInteger, 1),
    ...rungOptions,
  },
  checkRungs,
);
export type HyperbandOptions = OptionsOf<typeof hyperbandOptions>;

/**
 * Hyperband: brackets of successive halving, whose first rungs are later from bracket to bracket; trials of the last one are never pruned. The
 * trials go to the brackets in turn, in the proportion of Hyperband's table. Within a bracket the halving is asynchronous, as in Optuna,
 * because trials run one after another. Li et al., Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization, 2018.
 *
 *     schedulers.hyperband({ reductionFactor: 3 })
 *
 * @throws ArgumentError at the first report if the number of epochs of a full trial is unknown.
 */
function hyperband(options: HyperbandOptions = {}): Configured<Scheduler> {
  const settings = hyperbandOptions.read(options);
  const { maxEpochs, minEpochs, reductionFactor } = settings;
  const prunes = (state: SchedulerState): boolean => {
    const epochs = maxEpochs ?? state.epochs;
    if (epochs === undefined) {
      throw new ArgumentError('schedulers.hyperband: the number of epochs of a trial is unknown; pass maxEpochs');
    }
    const sizes = bracketSizes(epochs, minEpochs, reductionFactor);
    const bracket = bracketOf(state.number, sizes);
    if (bracket === sizes.length - 1) return false;
    const others = state.trials.filter((trial) => bracketOf(trial.number, sizes) === bracket);
    return prunesAtRungs({ ...state, epochs }, others, minEpochs * reductionFactor ** bracket, reductionFactor);
  };
  return withConfig({ prunes }, hyperbandOptions, settings);
}

/** Number of trials in each bracket, that with the earliest rungs first: ceil((S + 1) / (s + 1) eta^s) for s = S, ..., 0. */
export function bracketSizes(maxEpochs: number, minEpochs: number, eta: number): number[] {
  const last = Math.max(0, Math.floor(Math.log(maxEpochs / minEpochs) / Math.log(eta) + 1e-9));
  return Array.from({ length: last + 1 }, (_, i) => {
    const s = last - i;
    return Math.ceil(((last + 1) / (s + 1)) * eta ** s);
  });
}

/** The bracket of a trial. The brackets take trials in turn until each has its number, and then begin again. */
export function bracketOf(number: number, sizes: readonly number[]): number {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let place = number % total;
  for (let round = 0; ; round++) {
    const open = sizes.flatMap((size, bracket) => (size > round ? [bracket] : []));
    if (place < open.length) return open[place];
    place -= open.length;
  }
}

export const medianOptions = declareOptions('schedulers.median', {
  /** Number of first trials that are not pruned. @default 5 */
  startupTrials: optional(positiveInteger, 5),
  /** Number of first epochs of each trial after which it is not pruned. @default 0 */
  warmupEpochs: optional(integer('at least 0'), 0),
});
export type MedianOptions = OptionsOf<typeof medianOptions>;

/**
 * Median stopping rule: prunes a trial whose best value is worse than the median of the running averages of the trials before it, up to the same
 * epoch. Golovin et al., Google Vizier: A Service for Black-Box Optimization, 2017.
 *
 *     schedulers.median({ startupTrials: 5, warmupEpochs: 2 })
 */
function median(options: MedianOptions = {}): Configured<Scheduler> {
  const settings = medianOptions.read(options);
  const { startupTrials, warmupEpochs } = settings;
  const prunes = (state: SchedulerState): boolean => {
    const { reports, trials, direction } = state;
    const { epoch } = reports[reports.length - 1];
    if (epoch < warmupEpochs) return false;
    const averages = trials.flatMap((trial) => averageUntil(trial, epoch) ?? []);
    if (averages.length < startupTrials) return false;
    return isBetter(direction, medianOf(averages), bestReport(reports, direction)!.value);
  };
  return withConfig({ prunes }, medianOptions, settings);
}

/** Mean of the reports of a trial that reached an epoch, up to it; undefined for one that did not, and for a failed one. */
function averageUntil({ state, reports }: TrialRecord, epoch: number): number | undefined {
  const counted = reports.filter((report) => report.epoch <= epoch);
  const isThere = state !== 'failed' && reports.length > 0 && reports[reports.length - 1].epoch >= epoch;
  return isThere && counted.length ? counted.reduce((sum, { value }) => sum + value, 0) / counted.length : undefined;
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Schedulers of `tune`: `scheduler: schedulers.asha({ minEpochs: 2 })`, or by name: `scheduler: 'asha'`. */
export const schedulers = { none, hyperband, asha, median };
