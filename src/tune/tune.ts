// The search: trials one after another, stored after each.
import { ArgumentError, DeviceLostError, OmbreError } from '../core/errors.ts';
import { RandomStream, foldKey, globalStream, keyFromSeed } from '../core/random.ts';
import { shown } from '../core/shown.ts';
import type { SettingsOf } from '../core/options.ts';
import { backupStore } from '../formats/backups.ts';
import { chosenEngine } from '../engine/index.ts';
import { BestModel } from './bestModel.ts';
import type { ParametersOf, Space } from './distributions.ts';
import { type CheckedSpace, parametersOf, readSpace } from './readSpace.ts';
import { type ObjectiveDirection, type Sampler, type Scheduler, type TrialRecord, bestReport, bestTrial } from './records.ts';
import { type TuneResult, makeResult } from './result.ts';
import { SearchError, type TrialOutcome, type TrialSetting, runTrial } from './runTrial.ts';
import { samplers } from './samplers.ts';
import { schedulers } from './schedulers.ts';
import { type SearchIdentity, readSearch, requireSame, writeSearch } from './searchFile.ts';
import { type TuneOptions, tuneOptions } from './tuneOptions.ts';

const defaultTrials = 20;

/**
 * Searches parameters: each trial builds a model, trains it, and is compared by one value of its logs. Trials run one after another. The same seed
 * gives the same trials, also after a crash if there is a storage. The memory of each model is freed after its trial.
 *
 *     const result = await tune({
 *       space: { learningRate: space.logUniform(1e-4, 1e-1), units: space.int(8, 128, { step: 8 }) },
 *       build: ({ learningRate, units }) => {
 *         const model = sequential([layers.dense({ units, activation: 'relu', inputShape: [64] }), layers.dense({ units: 10 })]);
 *         model.compile({ optimizer: optimizers.adam({ learningRate }), loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }) });
 *         return model;
 *       },
 *       fit: { x, y, epochs: 20, validationSplit: 0.2 },
 *       trials: 30,
 *       scheduler: 'asha',
 *     });
 *     console.log(result.best.parameters, result.best.value);
 *     const model = await result.bestModel();
 *
 * @throws ArgumentError for a wrong space or option, FormatError for a damaged storage, OmbreError if all trials failed. If the signal ended the
 * search before the end of a trial, its reason is thrown.
 */
export async function tune<const S extends Space>(options: TuneOptions<S>): Promise<TuneResult<ParametersOf<S>>> {
  const settings = tuneOptions.read(options);
  const space = readSpace(settings.space);
  return (await search(settings, space)) as TuneResult<ParametersOf<S>>;
}

type Settings = SettingsOf<typeof tuneOptions>;

const textOf = (made: Sampler | Scheduler): string => JSON.stringify(made.config ?? 'own');

async function search(settings: Settings, space: CheckedSpace): Promise<TuneResult> {
  const { objective, signal, storage, failures, verbose, keepBest } = settings;
  const sampler: Sampler = typeof settings.sampler === 'string' ? samplers[settings.sampler]() : settings.sampler;
  const scheduler: Scheduler = typeof settings.scheduler === 'string' ? schedulers[settings.scheduler]() : settings.scheduler;
  const store = storage === undefined ? undefined : backupStore(storage, 'tune');
  const stored = store && (await readSearch(store, space));
  const given = settings.direction === 'auto' ? undefined : settings.direction;
  const chosen = { objective, direction: given, sampler: textOf(sampler), scheduler: textOf(scheduler) };
  if (stored) requireSame(stored, { ...chosen, seed: settings.seed });
  const seed = stored?.seed ?? settings.seed ?? globalStream().nextKey()[0];
  let direction: ObjectiveDirection | undefined = stored?.direction ?? given;
  const identity = (): SearchIdentity => ({ ...chosen, seed, direction, space: space.texts });
  const trials: TrialRecord[] = [...(stored?.trials ?? [])];
  const size = sampler.size?.(space) ?? Infinity;
  const wanted = Math.min(size, settings.trials ?? (Number.isFinite(size) ? size : defaultTrials));
  const kept = new BestModel(keepBest);
  const common: Omit<TrialSetting, 'prunes' | 'trained'> = {
    build: settings.build as TrialSetting['build'],
    fit: settings.fit as TrialSetting['fit'],
    run: settings.run as TrialSetting['run'],
    objective,
    signal,
    direction: settings.direction,
    foundDirection(found) {
      direction ??= found;
      if (direction === found) return;
      throw new SearchError(
        new ArgumentError(`tune: '${objective}' is better if ${direction}imal in earlier trials, and if ${found}imal in this one`),
      );
    },
  };
  const nextOf = (number: number): Pick<TrialRecord, 'number' | 'seed' | 'parameters' | 'point'> => {
    const key = foldKey(keyFromSeed(seed), number);
    const point = sampler.next({ space, trials, direction: direction ?? 'min', random: new RandomStream(foldKey(key, 0)) });
    return { number, point, seed: foldKey(key, 1)[0], parameters: parametersOf(space.root, ({ path }) => point[path]) };
  };
  const settingOf = (number: number): TrialSetting => ({
    ...common,
    prunes(reports, epochs) {
      try {
        return scheduler.prunes({ number, reports, trials, direction: direction!, epochs });
      } catch (error) {
        throw new SearchError(error);
      }
    },
    trained: (model, reports) => kept.consider(model, reports, bestTrial(trials, direction!)?.value, direction!),
  });

  try {
    while (trials.length < wanted && !signal?.aborted) {
      const begun = performance.now();
      const compiled = chosenEngine()?.runtime.compilations ?? 0;
      const next = nextOf(trials.length);
      const outcome = await runTrial(settingOf(next.number), next).catch((error: unknown) => {
        throw error instanceof SearchError ? error.original : error;
      });
      const isBest = !signal?.aborted && outcome.error === undefined && kept.isOf(outcome.model);
      await kept.settle(isBest ? outcome : undefined);
      if (!isBest) await outcome.free();
      if (signal?.aborted) break;
      if (outcome.error !== undefined && failures === 'throw') throw outcome.error as Error;
      const seconds = (performance.now() - begun) / 1000;
      const compilations = (chosenEngine()?.runtime.compilations ?? 0) - compiled;
      const record: TrialRecord = { ...next, ...endOf(outcome, direction ?? 'min'), seconds, compilations };
      trials.push(record);
      if (store) await writeSearch(store, { ...identity(), trials });
      if (verbose) console.log(lineOf(record, wanted, objective, bestTrial(trials, direction ?? 'min')));
      await settings.onTrial?.(record as TrialRecord<never>);
    }
  } catch (error) {
    if (!(error instanceof DeviceLostError)) await kept.drop();
    throw error;
  }
  const best = direction && bestTrial(trials, direction);
  if (!best) {
    if (signal?.aborted) throw signal.reason as Error;
    throw new OmbreError(`tune: all ${trials.length} trials failed; the first one: ${trials[0].message}`);
  }
  return makeResult(trials, {
    ...{ space, objective, direction: direction!, seed, isAborted: signal?.aborted === true },
    bestModel: () => kept.get(common, best),
  });
}

/** State, values and message of a trial that has ended. */
function endOf(
  { error, reports, isPruned }: TrialOutcome,
  direction: ObjectiveDirection,
): Pick<TrialRecord, 'state' | 'value' | 'epoch' | 'reports' | 'message'> {
  if (error !== undefined) {
    const message = error instanceof Error ? error.message : shown(error);
    return { state: 'failed', value: undefined, epoch: undefined, reports, message };
  }
  const { value, epoch } = bestReport(reports, direction)!;
  return { state: isPruned ? 'pruned' : 'complete', value, epoch, reports, message: undefined };
}

function lineOf(
  { number, state, value, epoch, message }: TrialRecord,
  trials: number,
  objective: string,
  best: TrialRecord | undefined,
): string {
  const own = value === undefined ? message : `${objective} ${value.toPrecision(4)} after epoch ${epoch! + 1}`;
  const top = best ? `  best ${best.value!.toPrecision(4)} in trial ${best.number + 1}` : '';
  return `Trial ${number + 1}/${trials}  ${state}  ${own}${top}`;
}
