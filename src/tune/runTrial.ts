// One trial: builds and trains a model, or runs the user's own loop, and collects the reports.
import { requireMonitor } from '../callbacks/monitor.ts';
import { signOf } from '../callbacks/direction.ts';
import type { Callback } from '../callbacks/index.ts';
import { ArgumentError, DeviceLostError, OmbreError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { RandomStream, exchangeGlobalStream } from '../core/random.ts';
import { shown } from '../core/shown.ts';
import { cellCount } from '../nn/index.ts';
import { freeModel } from '../train/freeModel.ts';
import { Model } from '../train/model.ts';
import type { ObjectiveDirection, TrialReport } from './records.ts';
import type { Trial, TuneFit } from './tuneOptions.ts';

/** An error of the search itself, not of one trial. */
export class SearchError extends Error {
  readonly original: unknown;

  constructor(original: unknown) {
    super(String(original));
    this.original = original;
  }
}

/** Parts of the search that a trial needs. */
export interface TrialSetting {
  readonly build: ((parameters: unknown, trial: Trial) => unknown) | undefined;
  readonly fit: TuneFit | ((parameters: unknown, trial: Trial) => TuneFit) | undefined;
  readonly run: ((parameters: unknown, trial: Trial) => unknown) | undefined;
  readonly objective: string;
  readonly direction: ObjectiveDirection | 'auto';
  readonly signal: AbortSignal | undefined;
  /** Called when the direction is known, before the first report. */
  foundDirection(direction: ObjectiveDirection): void;
  /** Called after each report. True ends the trial. `epochs` is the number of epochs of fit. */
  prunes(reports: readonly TrialReport[], epochs: number | undefined): boolean;
  /** Called after each epoch of fit that was reported. */
  trained(model: Model, reports: readonly TrialReport[]): Promise<void>;
}

export interface TrialOutcome {
  readonly reports: readonly TrialReport[];
  readonly isPruned: boolean;
  /** Error of a failed trial. */
  readonly error: unknown;
  /** Undefined for own loops, and if build failed. */
  readonly model: Model | undefined;
  /** Frees the memory of the model. Layers that were made before the trial keep their weights. */
  free(): Promise<void>;
}

/**
 * Runs a trial. Errors of the trial are in the outcome.
 * @throws SearchError for errors that every trial would have, and for a lost device.
 */
export async function runTrial(
  setting: TrialSetting,
  { number, seed, parameters }: Pick<Trial, 'number' | 'seed' | 'parameters'>,
): Promise<TrialOutcome> {
  const reports: TrialReport[] = [];
  const firstCell = cellCount();
  let model: Model | undefined;
  let isPruned = false;
  let error: unknown;
  let epochs: number | undefined;
  const { signal } = setting;
  const trial: Trial = {
    number,
    seed,
    parameters,
    signal,
    get shouldStop() {
      return isPruned || signal?.aborted === true;
    },
    report(epoch, value) {
      const before = reports[reports.length - 1]?.epoch ?? -1;
      if (!Number.isSafeInteger(epoch) || epoch <= before) {
        throw new OmbreError(`trial.report: epoch is ${shown(epoch)}; it must be an integer above ${before}, the epoch of the last report`);
      }
      requireFinite(setting.objective, value, epoch);
      reports.push({ epoch, value });
      isPruned = setting.prunes(reports, epochs) || isPruned;
    },
  };
  const before = exchangeGlobalStream(RandomStream.fromSeed(seed));
  try {
    if (setting.run) await runLoop(setting, trial, reports);
    else {
      model = await buildModel(setting, trial);
      const { x, y, callbacks = [], ...options } = fitOf(setting, trial);
      const trained = model;
      const watcher = watch(
        setting,
        trial,
        (found) => (epochs = found),
        () => setting.trained(trained, reports),
      );
      const list = [...(Array.isArray(callbacks) ? (callbacks as readonly Callback[]) : [callbacks as Callback]), watcher];
      await model.fit(x, y, { verbose: 0, ...options, signal, callbacks: list });
      if (reports.length === 0 && !signal?.aborted) {
        throw new OmbreError(`no epoch had a value of '${setting.objective}'; check epochs and validationFreq`);
      }
    }
  } catch (thrown) {
    if (thrown instanceof SearchError && model) await freeModel(model, firstCell);
    if (thrown instanceof SearchError || thrown instanceof DeviceLostError) throw thrown;
    error = thrown ?? new OmbreError('the trial threw undefined');
  } finally {
    exchangeGlobalStream(before);
  }
  return {
    reports,
    isPruned,
    error,
    model,
    free: async () => (model ? freeModel(model, firstCell) : undefined),
  };
}

function requireFinite(objective: string, value: unknown, epoch: number): void {
  if (typeof value === 'number' && Number.isFinite(value)) return;
  throw new OmbreError(`${objective} is ${shown(value)} after epoch ${epoch + 1}`);
}

async function runLoop(setting: TrialSetting, trial: Trial, reports: readonly TrialReport[]): Promise<void> {
  const { objective, direction, signal } = setting;
  const auto = /loss$/i.test(objective) ? 'min' : undefined;
  const found = direction === 'auto' ? auto : direction;
  if (!found) {
    throw new SearchError(
      new ArgumentError(
        `tune: direction is 'auto', but '${objective}' does not state whether larger is better; pass direction: 'max' or 'min'`,
      ),
    );
  }
  setting.foundDirection(found);
  const value = await setting.run!(trial.parameters, trial);
  if (signal?.aborted || reports.length > 0) return;
  if (value === undefined) throw new OmbreError('run returned no value, and did not call trial.report(epoch, value)');
  trial.report(0, value as number);
}

async function buildModel({ build }: TrialSetting, trial: Trial): Promise<Model> {
  const model = await build!(trial.parameters, trial);
  if (!(model instanceof Model)) {
    throw new SearchError(new ArgumentError(`tune: build returned ${shown(model)}; it must return a model that is compiled`));
  }
  return model;
}

function fitOf({ fit }: TrialSetting, trial: Trial): TuneFit {
  const given: unknown = typeof fit === 'function' ? fit(trial.parameters, trial) : fit;
  if (typeof given !== 'object' || given === null || !('x' in given) || 'signal' in given) {
    const rule = 'it must be an object with x, y and options of fit, such as { x, y, epochs: 10, validationSplit: 0.2 }';
    throw new SearchError(new ArgumentError(`tune: fit is ${shown(given)}; ${rule}; signal is an option of tune`));
  }
  return given as TuneFit;
}

/** A callback that reports the objective of each epoch, and stops a pruned trial. */
function watch(setting: TrialSetting, trial: Trial, begins: (epochs: number) => void, trained: () => Promise<void>): Callback {
  const { objective, direction, signal } = setting;
  let stop = (): void => undefined;
  return {
    onTrainBegin(info) {
      try {
        if (!info.metrics.includes(objective) && didYouMean(objective, info.metrics)) {
          throw new ArgumentError(
            `tune: objective '${objective}' is none of the values ${info.metrics.join(', ')}${didYouMean(objective, info.metrics)}`,
          );
        }
        requireMonitor('tune: objective', objective, info);
        setting.foundDirection(signOf('tune: objective', objective, direction, info) === 1 ? 'max' : 'min');
      } catch (error) {
        throw new SearchError(error);
      }
      begins(info.epochs);
      stop = () => (info.model.stopTraining = true);
    },
    async onEpochEnd(epoch, logs) {
      // An epoch that the signal cut off does not count.
      if (signal?.aborted) return;
      requireFinite('loss', logs.loss, epoch);
      if (!(objective in logs)) return;
      trial.report(epoch, logs[objective]);
      await trained();
      if (trial.shouldStop) stop();
    },
  };
}
