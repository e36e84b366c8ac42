// The training loop: draws batches, replays the step, tells the callbacks. It waits for the device only at an epoch's end; in between the
// loss and the metrics are read a few times a second, without waiting for the answer.
import { ArgumentError, OmbreError, asText, checkOptions } from '../core/errors.ts';
import { type Key, RandomStream, foldKey, globalStream, keyFromSeed } from '../core/random.ts';
import { type Tensor, hostTensor } from '../graph/tensor.ts';
import { callbackHooks } from '../callbacks/callback.ts';
import { type Callback, type FitInfo, type History, type Logs, type TrainedModel, callbacks } from '../callbacks/index.ts';
import type { ClassWeight } from './checks.ts';
import { checkSeed } from './trainingSetup.ts';
import { type ModelCore, askTotals, prepareTraining, finishTotals, requireSetup, startTotals, trainBatch } from './core.ts';
import type { TrainingSteps } from './compiledSteps.ts';
import { claimLayers } from './ownership.ts';
import { testSource } from './evaluate.ts';
import type { BatchSource } from '../data/batches.ts';
import { isDataset } from '../data/dataset.ts';
import type { ArrayInput } from '../data/samples.ts';
import {
  type ModelInput,
  type ValidationData,
  checkBatchSize,
  readSamples,
  sampledSource,
  splitSamples,
  trainingSource,
  validationSource,
} from './inputs.ts';
import { type Totals, resultNames } from './steps.ts';

export interface FitOptions {
  epochs?: number;
  /**
   * Number of samples in a batch. The last batch, or the only one of small data, holds the samples that are left.
   * @default 32
   */
  batchSize?: number;
  validationData?: ValidationData;
  /** Share of the samples, the last ones before shuffling, that are validated with and not trained on. */
  validationSplit?: number;
  /** The batch size of validation; batchSize where absent. */
  validationBatchSize?: number;
  /** Another order of the samples for each epoch. A dataset keeps its own order: use its shuffle(). */
  shuffle?: boolean;
  /** Fixes the order of the samples and dropout. */
  seed?: number;
  /** Weight of each class in the loss: { 0: 1, 1: 5 }. */
  classWeight?: ClassWeight;
  /** One weight per sample, for the loss. */
  sampleWeight?: ArrayInput;
  callbacks?: Callback | readonly Callback[];
  /** 0 is silent, 1 shows a bar in a terminal and a line per epoch elsewhere, 2 a line per epoch. */
  verbose?: 0 | 1 | 2;
  /** Epochs before it are taken as done. */
  initialEpoch?: number;
  /** Ends the training after the batch under way; fit then resolves to the history so far. */
  signal?: AbortSignal;
}

const optionNames = [
  ...['epochs', 'batchSize', 'validationData', 'validationSplit', 'validationBatchSize', 'shuffle', 'seed', 'classWeight'],
  ...['sampleWeight', 'callbacks', 'verbose', 'initialEpoch', 'signal'],
];

/** Milliseconds between two looks at loss and metrics. */
const readInterval = 250;

export async function fitModel(
  core: ModelCore,
  model: TrainedModel,
  x: ModelInput,
  y: ArrayInput | undefined,
  options: FitOptions,
): Promise<History> {
  checkFitOptions(options);
  requireSetup(core, 'fit');
  if (core.fitting)
    throw new OmbreError('fit: the model is being trained already; await the fit under way, or stop it with model.stopTraining = true');
  const release = claimLayers(core.network, core, 'fit');
  core.fitting = true;
  try {
    const { train, validation } = await openSources(core, x, y, options);
    const steps = await prepareTraining(core, 'fit');
    return await runEpochs(core, model, steps, train, validation, options);
  } finally {
    core.fitting = false;
    release();
  }
}

function checkFitOptions(options: FitOptions): void {
  checkOptions('fit', options, optionNames);
  const { epochs = 1, initialEpoch = 0, batchSize, validationBatchSize, seed, verbose = 1, shuffle = true } = options;
  const { validationData, validationSplit = 0 } = options;
  for (const [name, value] of Object.entries({ epochs, initialEpoch })) {
    if (!Number.isInteger(value) || value < 0) throw new ArgumentError(`fit: ${name} is ${value}; it must be a whole number of 0 or more`);
  }
  checkBatchSize('fit', batchSize);
  checkBatchSize('fit (validationBatchSize)', validationBatchSize);
  checkSeed('fit', seed);
  if (![0, 1, 2].includes(verbose)) throw new ArgumentError(`fit: verbose is ${String(verbose)}; it must be 0, 1 or 2`);
  if (typeof shuffle !== 'boolean') throw new ArgumentError(`fit: shuffle is ${asText(shuffle)}; it must be true or false`);
  if (typeof validationSplit !== 'number' || !(validationSplit >= 0 && validationSplit < 1)) {
    throw new ArgumentError(`fit: validationSplit is ${asText(validationSplit)}; it must be a number of at least 0 and less than 1`);
  }
  if (validationData !== undefined && validationSplit) throw new ArgumentError('fit: give validationData or validationSplit, not both');
}

interface Sources {
  readonly train: BatchSource;
  readonly validation: BatchSource | undefined;
}

async function openSources(core: ModelCore, x: ModelInput, y: ArrayInput | undefined, options: FitOptions): Promise<Sources> {
  const { batchSize, classWeight, sampleWeight, validationSplit = 0, validationData, validationBatchSize = batchSize ?? 32 } = options;
  const where = 'fit';
  if (isDataset(x)) {
    if (validationSplit) throw new ArgumentError('fit: validationSplit does not go with a dataset; pass validationData');
    const train = await trainingSource(core, x, y, { where, batchSize, sampleWeight, classWeight });
    return { train, validation: validationData && (await validationSource(core, validationData, validationBatchSize)) };
  }
  const samples = await readSamples(where, x, y, sampleWeight, core.network.inputDtype);
  const [training, held] = validationSplit ? splitSamples(samples, validationSplit) : [samples, undefined];
  const train = sampledSource(core, training, { where, batchSize, classWeight });
  const validation = held
    ? sampledSource(core, held, { where, batchSize: validationBatchSize })
    : validationData && (await validationSource(core, validationData, validationBatchSize));
  return { train, validation };
}

async function runEpochs(
  core: ModelCore,
  model: TrainedModel,
  steps: TrainingSteps,
  train: BatchSource,
  validation: BatchSource | undefined,
  options: FitOptions,
): Promise<History> {
  const { epochs = 1, initialEpoch = 0, shuffle = true, signal } = options;
  const record = callbacks.history();
  const listeners = listenersOf(options, record);
  const fitKey = drawFitKey(core, options.seed);
  const dropoutKey = foldKey(fitKey, 1);
  const reader = makeReader(core, steps);
  const stopped = (): boolean => model.stopTraining || signal?.aborted === true;
  let step = 0;
  let logs: Logs = {};
  let validationUsedUp = false;

  model.stopTraining = false;
  const names = resultNames(core.setup!);
  await listeners.tell((c) =>
    c.onTrainBegin?.({
      ...{ model, epochs, initialEpoch, samples: train.samples, batches: train.batches },
      metrics: [...names, ...(validation ? names.map((name) => `val_${name}`) : [])],
      activeSeconds: listeners.activeSeconds,
    }),
  );
  for (let epoch = initialEpoch; epoch < epochs && !stopped(); epoch++) {
    await listeners.tell((c) => c.onEpochBegin?.(epoch));
    const order =
      shuffle && train.samples !== undefined ? new RandomStream(foldKey(foldKey(fitKey, 0), epoch)).permutation(train.samples) : undefined;
    let totals = await startTotals(core, steps);
    let batchNumber = 0;
    reader.startEpoch();
    for await (const { size, x, y, sampleWeight } of train.pass(order)) {
      await listeners.tell((c) => c.onBatchBegin?.(batchNumber));
      if (stopped()) break;
      const batch = { key: keyTensor(foldKey(dropoutKey, step++)), x, y: y!, ...(sampleWeight && { sampleWeight }) };
      totals = await trainBatch(core, steps, totals, batch);
      await reader.poll(totals);
      await listeners.tell((c) => c.onBatchEnd?.(batchNumber, { size, ...reader.latest() }));
      batchNumber++;
      if (stopped()) break;
    }
    if (batchNumber === 0) {
      if (!stopped()) warnUsedUp(`the dataset gave no batch in epoch ${epoch + 1} of ${epochs}, so the training ends`);
      break;
    }
    logs = await finishTotals(core, steps, totals);
    if (validation && !signal?.aborted) {
      const tested = await testSource(core, steps, validation);
      const used = tested.samples > 0;
      if (!used && !validationUsedUp) {
        warnUsedUp(`the validation data gave no batch in epoch ${epoch + 1} of ${epochs}, so their values are NaN`);
        validationUsedUp = true;
      }
      const values = used ? tested.logs : Object.fromEntries(names.map((name) => [name, NaN]));
      logs = { ...logs, ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`val_${name}`, value])) };
    }
    await listeners.tell((c) => c.onEpochEnd?.(epoch, logs));
  }
  await listeners.tell((c) => c.onTrainEnd?.(logs));
  return record;
}

/** A source that runs dry is no error: the epochs before were trained. */
function warnUsedUp(what: string): void {
  console.warn(
    `ombre: fit: ${what}; a generator or iterator object is used up after one pass: let data.fromGenerator's function make a new one at each call`,
  );
}

const keyTensor = (key: Key): Tensor => hostTensor({ shape: [2], dtype: 'u32' }, Uint32Array.from(key));

/** The key of one fit: from its own seed, else the next one of the model's seed, else of the global one. */
export function drawFitKey(core: ModelCore, seed: number | undefined): Key {
  return seed === undefined ? (core.fitKeys ?? globalStream()).nextKey() : keyFromSeed(seed);
}

/** Only hooks are named on…: an object may keep what else it likes. */
function checkCallback(callback: unknown, position: number): void {
  if (typeof callback !== 'object' || callback === null) {
    throw new ArgumentError(
      `fit: callback ${position} is ${typeof callback}; use callbacks.NAME(options) or an object such as { onEpochEnd() {} }`,
    );
  }
  const known: readonly string[] = callbackHooks;
  const wrong = Object.keys(callback).find((name) => /^on[A-Z]/.test(name) && !known.includes(name));
  if (wrong !== undefined) throw new ArgumentError(`fit: callback ${position} has ${wrong}; the hooks are ${known.join(', ')}`);
}

interface Listeners {
  /** Calls one hook of every callback, in order, and waits for those that are async. */
  tell(hook: (callback: Callback) => void | Promise<void>): Promise<void>;
  activeSeconds: FitInfo['activeSeconds'];
}

function listenersOf({ callbacks: given = [], verbose = 1 }: FitOptions, record: History): Listeners {
  const list: Callback[] = [record, ...(Array.isArray(given) ? (given as readonly Callback[]) : [given as Callback])];
  list.forEach((callback, i) => checkCallback(callback, i - 1));
  if (verbose && !list.some(({ showsProgress }) => showsProgress)) list.push(callbacks.progress({ bar: verbose === 1 }));
  const began = performance.now();
  let outside = 0;
  return {
    async tell(hook) {
      const called = performance.now();
      for (const callback of list) {
        const answer = hook(callback);
        if (answer) await answer;
      }
      outside += performance.now() - called;
    },
    activeSeconds: () => (performance.now() - began - outside) / 1000,
  };
}

/** Looks at the running values now and then. The answer comes when it comes; a failure is thrown at the next look. */
function makeReader(core: ModelCore, steps: TrainingSteps): { startEpoch(): void; poll(totals: Totals): Promise<void>; latest(): Logs } {
  let latest: Logs = {};
  let last = 0;
  let epoch = 0;
  let underway = false;
  let failure: Error | undefined;
  return {
    startEpoch() {
      epoch++;
      latest = {};
      last = performance.now();
    },
    async poll(totals) {
      if (failure) throw failure;
      if (underway || performance.now() - last < readInterval) return;
      underway = true;
      const asked = epoch;
      // Awaited up to its submission only: the next step takes the totals over.
      const { logs } = await askTotals(core, steps, totals);
      void logs
        .then(
          (values) => {
            if (asked === epoch) latest = values;
          },
          (error: Error) => (failure = error),
        )
        .finally(() => {
          underway = false;
          last = performance.now();
        });
    },
    latest: () => latest,
  };
}
