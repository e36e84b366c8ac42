// Options of tune.
import { ArgumentError } from '../core/errors.ts';
import { boolean, callable, checkedLater, either, objectWith, oneOf, positiveInteger, seed, text } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../core/options.ts';
import type { BackupStore, BackupTarget } from '../formats/backups.ts';
import type { ArrayTree, FitOptions, Model, ModelInput } from '../train/index.ts';
import type { ParametersOf, Space } from './distributions.ts';
import type { Sampler, Scheduler, TrialRecord } from './records.ts';

/** The trial under way, as the functions of the search see it. */
export interface Trial<P = unknown> {
  /** From 0. */
  readonly number: number;
  readonly parameters: P;
  /** Seed of the trial. Before `build` and `run` it is given to the stream of setSeed(). */
  readonly seed: number;
  /** The signal of the search, if it has one. */
  readonly signal: AbortSignal | undefined;
  /** True if the trial must end: the scheduler pruned it, or the signal ended the search. */
  readonly shouldStop: boolean;
  /**
   * Reports the objective after an epoch, from 0. Epochs must grow. For own loops: with `build`, fit reports.
   * @throws OmbreError for a value that is not finite; the trial then counts as failed.
   */
  report(epoch: number, value: number): void;
}

/** Data and options of fit. */
export type TuneFit = Omit<FitOptions, 'signal'> & { readonly x: ModelInput; readonly y?: ArrayTree };

const handle = objectWith<Exclude<BackupTarget, string | BackupStore>>('a file handle', 'createWritable', 'getFile');
const store = objectWith<BackupStore>('an object with read(), write(bytes) and remove()', 'read', 'write', 'remove');

export const tuneOptions = declareOptions(
  'tune',
  {
    /** Parameters by name: distributions made by space.NAME(), constants, and records of these. */
    space: required(checkedLater<Space>('a record of distributions'), {
      learningRate: { distribution: 'logUniform', low: 1e-4, high: 0.1 },
    }),
    /** Returns a compiled model for the parameters of a trial. */
    build: optional(
      callable<(parameters: never, trial: Trial<never>) => Model | Promise<Model>>('a function that returns a compiled model'),
    ),
    /** Data and options of fit: `{ x, y, epochs, validationSplit }`, or a function of the parameters that returns them. */
    fit: optional(
      checkedLater<TuneFit | ((parameters: never, trial: Trial<never>) => TuneFit)>('an object, or a function that returns one'),
    ),
    /** Trains by itself, in place of build and fit. It calls trial.report(epoch, value), or returns one value. */
    run: optional(callable<(parameters: never, trial: Trial<never>) => unknown>('a function of the parameters')),
    /** Number of trials, with those of storage. @default 20, or all points of a grid */
    trials: optional(positiveInteger),
    /** Choice of the parameters: 'random', 'grid', 'tpe', or made by samplers.NAME(options). @default 'tpe' */
    sampler: optional(either(oneOf('random', 'grid', 'tpe'), objectWith<Sampler>('a sampler', 'next')), 'tpe'),
    /** Ends trials early: 'none', 'hyperband', 'asha', 'median', or made by schedulers.NAME(options). @default 'none' */
    scheduler: optional(either(oneOf('none', 'hyperband', 'asha', 'median'), objectWith<Scheduler>('a scheduler', 'prunes')), 'none'),
    /** Name of the value in the logs of fit that is compared. @default 'val_loss' */
    objective: optional(text, 'val_loss'),
    /** Whether larger or smaller values are better. 'auto' takes the direction that the metric states; losses are minimised. @default 'auto' */
    direction: optional(oneOf('auto', 'max', 'min'), 'auto'),
    /** Fixes parameters, initial weights, shuffles and dropout of all trials. A random one if absent. */
    seed: optional(seed),
    /** Place of the search, written after each trial: a path in Node; in a page `indexeddb://name`, `opfs://path` or a file handle; or read(), write(bytes) and remove(). */
    storage: optional(either(text, either(handle, store))),
    /** 'record' goes on after a trial that throws an error, 'throw' ends the search with that error. @default 'record' */
    failures: optional(oneOf('record', 'throw'), 'record'),
    /** Keeps the weights of the best epoch. Otherwise bestModel() trains the best trial again. @default true */
    keepBest: optional(boolean, true),
    /** Called after each trial, in order. The search waits for it. */
    onTrial: optional(callable<(trial: TrialRecord<never>) => unknown>()),
    /** Ends the search within a trial, which then does not count. */
    signal: optional(objectWith<AbortSignal>('an AbortSignal', 'addEventListener')),
    /** 0 is silent, 1 writes a line after each trial. @default 1 */
    verbose: optional(oneOf(0, 1), 1),
  },
  ({ build, fit, run }, where) => {
    if (run ? build || fit : !build || !fit) {
      throw new ArgumentError(
        `${where}: give build and fit, such as build: (p) => model and fit: { x, y, epochs: 10, validationSplit: 0.2 }; or give run`,
      );
    }
  },
);

/** Options of `tune`, with the types of the parameters. */
export interface TuneOptions<S extends Space = Space> extends Omit<
  OptionsOf<typeof tuneOptions>,
  'space' | 'build' | 'fit' | 'run' | 'onTrial'
> {
  /** Parameters by name: distributions made by space.NAME(), constants, and records of these. */
  readonly space: S;
  /** Returns a compiled model for the parameters of a trial. */
  readonly build?: (parameters: ParametersOf<S>, trial: Trial<ParametersOf<S>>) => Model | Promise<Model>;
  /** Data and options of fit: `{ x, y, epochs, validationSplit }`, or a function of the parameters that returns them. */
  readonly fit?: TuneFit | ((parameters: ParametersOf<S>, trial: Trial<ParametersOf<S>>) => TuneFit);
  /** Trains by itself, in place of build and fit. It calls trial.report(epoch, value), or returns one value. */
  readonly run?: (parameters: ParametersOf<S>, trial: Trial<ParametersOf<S>>) => MaybeValue | Promise<MaybeValue>;
  /** Called after each trial, in order. The search waits for it. */
  readonly onTrial?: (trial: TrialRecord<ParametersOf<S>>) => void | Promise<void>;
}

/** A value of the objective, or nothing. */
export type MaybeValue = number | void;
