// The result of a search: the best trial, all trials, and their tables.
import type { Model } from '../train/model.ts';
import type { Dimension } from './dimensions.ts';
import { type ObjectiveDirection, type TrialRecord, bestTrial } from './records.ts';
import type { CheckedSpace } from './readSpace.ts';

/** An axis of a picture. */
export interface TuneAxis {
  /** Path of a parameter, or name of the objective. */
  readonly name: string;
  readonly scale: 'linear' | 'log' | 'choice';
  /** Range of the tried values. Positions of labels for a choice. */
  readonly low: number;
  readonly high: number;
  /** Options of a choice, in the order of their positions. */
  readonly labels: readonly string[] | undefined;
}

/** One line of parallel coordinates for each trial that has a value. */
export interface ParallelCoordinates {
  /** Parameters in the order of the space; the objective is last. */
  readonly axes: readonly TuneAxis[];
  readonly lines: readonly {
    readonly trial: number;
    readonly value: number;
    /** From 0 to 1 on each axis; null if the trial does not have the parameter. */
    readonly positions: readonly (number | null)[];
  }[];
}

/** Values of the objective over one parameter. */
export interface ParameterScatter {
  readonly axis: TuneAxis;
  readonly points: readonly { readonly trial: number; readonly x: number; readonly y: number }[];
}

/** The best trial: its number, parameters, point, seed, value and epoch. */
export interface BestTrial<P = unknown> extends TrialRecord<P> {
  readonly value: number;
  readonly epoch: number;
}

/** The result of a search. */
export interface TuneResult<P = unknown> {
  /** The trial with the best value of any epoch. Pruned trials count. */
  readonly best: BestTrial<P>;
  /** All trials in their order, as plain data. */
  readonly trials: readonly TrialRecord<P>[];
  readonly objective: string;
  readonly direction: ObjectiveDirection;
  readonly seed: number;
  /** True if the signal ended the search. */
  readonly isAborted: boolean;
  /**
   * The model with the weights of the best epoch. With keepBest they were kept, unless the best trial was read from storage; otherwise its
   * training is repeated with the same seed up to that epoch.
   * @throws ArgumentError for a search with `run`.
   */
  bestModel(): Promise<Model>;
  /** One line for each trial, after a line of names. */
  toCsv(): string;
  /** Data of a picture of parallel coordinates. */
  parallelCoordinates(): ParallelCoordinates;
  /** Data of one scatter plot for each parameter. */
  scatter(): ParameterScatter[];
}

/** Settings of a search that its tables show. */
export interface ResultSetting {
  readonly space: CheckedSpace;
  readonly objective: string;
  readonly direction: ObjectiveDirection;
  readonly seed: number;
  readonly isAborted: boolean;
  readonly bestModel: () => Promise<Model>;
}

export function makeResult(trials: readonly TrialRecord[], { space, ...rest }: ResultSetting): TuneResult {
  const { dimensions } = space;
  return {
    ...rest,
    best: bestTrial(trials, rest.direction) as BestTrial,
    trials: [...trials],
    toCsv: () => csvOf(trials, dimensions),
    parallelCoordinates: () => coordinatesOf(trials, dimensions, rest.objective),
    scatter: () =>
      dimensions.map((dimension) => ({
        axis: axisOf(dimension, trials),
        points: trials.flatMap(({ number, point, value }) =>
          value === undefined || !(dimension.path in point) ? [] : [{ trial: number, x: point[dimension.path], y: value }],
        ),
      })),
  };
}

const quoted = (cell: string): string => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

function csvOf(trials: readonly TrialRecord[], dimensions: readonly Dimension[]): string {
  const cellOf = ({ point }: TrialRecord, dimension: Dimension): string => {
    if (!(dimension.path in point)) return '';
    const value = point[dimension.path];
    return dimension.kind === 'choice' ? dimension.labels[value] : String(value);
  };
  const names = ['trial', 'state', 'value', 'epoch', 'epochs', 'seed', 'seconds', 'compilations'];
  const rows = trials.map((trial) => {
    const { number, state, value, epoch, reports, seed, seconds, compilations, message } = trial;
    const epochs = reports.length ? reports[reports.length - 1].epoch + 1 : 0;
    const numbers = [value ?? '', epoch ?? '', epochs, seed, seconds.toFixed(3), compilations].map(String);
    return [String(number), state, ...numbers, ...dimensions.map((dimension) => cellOf(trial, dimension)), message ?? ''];
  });
  const head = [...names, ...dimensions.map(({ path }) => path), 'message'];
  return [head, ...rows].map((row) => `${row.map(quoted).join(',')}\n`).join('');
}

function axisOf(dimension: Dimension, trials: readonly TrialRecord[]): TuneAxis {
  const { path: name } = dimension;
  if (dimension.kind === 'choice') return { name, scale: 'choice', low: 0, high: dimension.labels.length - 1, labels: dimension.labels };
  const values = trials.flatMap(({ point, value }) => (value !== undefined && name in point ? [point[name]] : []));
  return { name, scale: dimension.log ? 'log' : 'linear', ...rangeOf(values), labels: undefined };
}

const rangeOf = (values: readonly number[]): { low: number; high: number } =>
  values.length ? { low: Math.min(...values), high: Math.max(...values) } : { low: 0, high: 0 };

/** A value as a share of its axis. The only value of an axis is in the middle. */
function shareOf({ scale, low, high }: TuneAxis, value: number): number {
  const on = (x: number): number => (scale === 'log' ? Math.log(x) : x);
  return high > low ? (on(value) - on(low)) / (on(high) - on(low)) : 0.5;
}

function coordinatesOf(trials: readonly TrialRecord[], dimensions: readonly Dimension[], objective: string): ParallelCoordinates {
  const valued = trials.flatMap(({ value, ...trial }) => (value === undefined ? [] : [{ ...trial, value }]));
  const range = rangeOf(valued.map(({ value }) => value));
  const axes: TuneAxis[] = dimensions.map((dimension) => axisOf(dimension, trials));
  const last: TuneAxis = { name: objective, scale: 'linear', ...range, labels: undefined };
  const lines = valued.map(({ number, point, value }) => ({
    trial: number,
    value,
    positions: [...axes.map((axis) => (axis.name in point ? shareOf(axis, point[axis.name]) : null)), shareOf(last, value)],
  }));
  return { axes: [...axes, last], lines };
}
