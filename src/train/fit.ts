// The training loop: draws batches, replays the step, calls the callbacks. It waits for the device only at the end of an epoch. In between,
// loss and metrics are read a few times a second, without waiting for the answer.
import { ArgumentError, OmbreError } from '../core/errors.ts';
import type { SettingsOf } from '../core/options.ts';
import { type Key, RandomStream, foldKey, globalStream, keyFromSeed } from '../core/random.ts';
import { callbackHooks } from '../callbacks/callback.ts';
import type { Callback, FitInfo, History, Logs, TrainedModel } from '../callbacks/index.ts';
import { history } from '../callbacks/history.ts';
import { progress } from '../callbacks/progress.ts';
import type { ArrayTree } from '../data/index.ts';
import { type Tensor, hostTensor } from '../graph/tensor.ts';
import type { AttackChoice } from './attacks.ts';
import type { TrainingSteps } from './compiledSteps.ts';
import type { FitPlace } from './backups.ts';
import { type ModelCore, askTotals, knownInputs, release, requireSetup, startTotals, trainBatch } from './core.ts';
import { claimLayers } from './ownership.ts';
import { makeWaitMeter } from './dataWait.ts';
import { testSource } from './evaluate.ts';
import { makeFeed } from './feed.ts';
import { directionsOf } from './objectives.ts';
import type { ModelInput, TrainingSources } from './inputs.ts';
import { type KeyedProgress, afterEpoch } from './progress.ts';
import type { Totals } from './totals.ts';
import { printVerdict } from './verdict.ts';
import { type FitOptions, fitOptions } from './runOptions.ts';
import { withTrainingData } from './withData.ts';

type FitSettings = SettingsOf<typeof fitOptions>;

/** Milliseconds between two reads of loss and metrics. */
const readInterval = 250;

export async function fitModel(
  core: ModelCore,
  model: TrainedModel,
  x: ModelInput,
  y: ArrayTree | undefined,
  options: FitOptions,
): Promise<History> {
  const settings = fitOptions.read(options);
  const { trainStep } = requireSetup(core, 'fit');
  if (trainStep && settings.adversarial) {
    throw new ArgumentError('fit: adversarial does not go with the trainStep of compile(); apply the attack in the step');
  }
  if (core.fitting)
    throw new OmbreError('fit: the model is being trained already; await the fit under way, or stop it with model.stopTraining = true');
  const release = claimLayers(core.network, core, 'fit');
  core.fitting = true;
  let endAttack: (() => void) | undefined;
  try {
    if (settings.adversarial !== undefined) endAttack = await beginAttack(core, settings.adversarial);
    const { batchSize, sampleWeight, classWeight, validationSplit, validationData, validationBatchSize } = settings;
    const weights = { sampleWeight, classWeight };
    const validation = { validationSplit, validationData, validationBatchSize };
    const data = { where: 'fit', isTraining: true, x, y, batchSize, ...weights, ...validation };
    return await withTrainingData(core, data, (sources, steps) => runEpochs(core, model, steps, sources, settings));
  } finally {
    core.fitting = false;
    endAttack?.();
    release();
  }
}

/** Trains on adversarial examples until the returned function is called. */
async function beginAttack(core: ModelCore, choice: AttackChoice): Promise<() => void> {
  const { adversarialStep, attackKind } = await import('./onDemand.ts');
  const { setup } = core;
  core.setup = { ...setup!, fitStep: adversarialStep(attackKind.read(choice, 'fit: adversarial')) };
  core.trainingSteps = undefined;
  return () => {
    core.setup = setup;
    core.trainingSteps = undefined;
  };
}

async function runEpochs(
  core: ModelCore,
  model: TrainedModel,
  steps: TrainingSteps,
  { train, validation }: TrainingSources,
  settings: FitSettings,
): Promise<History> {
  const { epochs, shuffle, stepsPerEpoch, validationFreq, validationSteps, signal } = settings;
  const { setup } = core;
  const { names } = steps.training.objectives;
  const tested = steps.testing.objectives.names;
  const { stepsPerExecution } = steps.setup;
  const record = history();
  const listeners = listenersOf(settings, record);
  const samples = stepsPerEpoch === undefined ? train.samples : undefined;
  const plan = { samples, batches: stepsPerEpoch ?? train.batches, size: train.firstSize };
  // A fit that goes on draws the numbers of the fit before it.
  const { initialEpoch } = settings;
  const before = initialEpoch > 0 && core.progress?.epochs === initialEpoch ? core.progress : undefined;
  const drawn = (settings.seed === undefined && before?.key) || drawFitKey(core, settings.seed);
  const backup = await listeners.backup();
  const restored = backup && (await (await import('./onDemand.ts')).restoreBackup(core, steps, backup, plan));
  const fitKey = restored?.key ?? drawn;
  const start: FitPlace = restored ?? { epoch: initialEpoch, batch: 0, totals: undefined };
  let progress: KeyedProgress | undefined = restored ? core.progress : before;
  /** The place that a backup is of. */
  let place = start;
  const dropoutKey = foldKey(fitKey, 1);
  const orderOf = (pass: number): Uint32Array | undefined =>
    shuffle && train.samples !== undefined ? new RandomStream(foldKey(foldKey(fitKey, 0), pass)).permutation(train.samples) : undefined;
  const feed = makeFeed(train, stepsPerEpoch, orderOf, start);
  const reader = makeReader(steps);
  const waits = makeWaitMeter(() => steps.engine.runtime.settle(0));
  const measured = (batches: ReturnType<typeof feed.epoch>): typeof batches =>
    train.samples === undefined ? waits.measure(batches) : batches;
  const stopped = (): boolean => model.stopTraining || signal?.aborted === true;
  const isValidated = (epoch: number): boolean =>
    typeof validationFreq === 'number' ? (epoch + 1) % validationFreq === 0 : validationFreq.includes(epoch + 1);
  let logs: Logs = {};
  let validationUsedUp = false;
  /** Positions of the validated epochs in the history. */
  const validated: number[] = [];

  model.stopTraining = false;
  await listeners.tell((c) =>
    c.onTrainBegin?.({
      ...{ model, epochs, initialEpoch: start.epoch, signal, samples, batches: plan.batches },
      metrics: [...names, ...(validation ? tested.map((name) => `val_${name}`) : [])],
      directions: { ...directionsOf(steps.training.objectives), ...inValidation(directionsOf(steps.testing.objectives)) },
      activeSeconds: listeners.activeSeconds,
      dataWait: () => waits.share(),
      network: { root: core.network.root, inputs: knownInputs(core) },
      saveBackup: (target) => {
        const now = place;
        return import('./onDemand.ts').then(({ saveBackup }) => saveBackup(core, target, now, { key: fitKey, ...plan }));
      },
    }),
  );
  try {
    for (let epoch = start.epoch; epoch < epochs && !stopped(); epoch++) {
      await listeners.tell((c) => c.onEpochBegin?.(epoch));
      const begun = epoch === start.epoch ? start : undefined;
      let totals = begun?.totals ?? (await startTotals(steps.training));
      let batchNumber = begun?.batch ?? 0;
      place = { epoch, batch: batchNumber, totals };
      // A fit that begins at this epoch draws the same numbers.
      const epochKey = foldKey(dropoutKey, epoch);
      /** Batches and samples since the last callback. */
      let group = { batches: 0, size: 0 };
      const endGroup = async (): Promise<void> => {
        const { size } = group;
        group = { batches: 0, size: 0 };
        await (listeners.readsEveryBatch ? reader.read(totals) : reader.poll(totals));
        await listeners.tell((c) => c.onBatchEnd?.(batchNumber - 1, { size, ...reader.latest() }));
      };
      reader.startEpoch();
      waits.startEpoch();
      for await (const { size, ...arrays } of measured(feed.epoch(epoch))) {
        if (group.batches === 0) {
          await listeners.tell((c) => c.onBatchBegin?.(batchNumber));
          if (stopped()) break;
        }
        totals = await trainBatch(core, steps, totals, { key: keyTensor(foldKey(epochKey, batchNumber)), ...arrays });
        batchNumber++;
        place = { epoch, batch: batchNumber, totals };
        group = { batches: group.batches + 1, size: group.size + size };
        if (group.batches < stepsPerExecution) continue;
        await endGroup();
        if (stopped()) break;
      }
      if (group.batches) await endGroup();
      if (batchNumber === 0) {
        if (!stopped()) warnUsedUp(`the dataset gave no batch in epoch ${epoch + 1} of ${epochs}, so the training ends`);
        break;
      }
      logs = await (await askTotals(steps.training, totals)).logs;
      waits.endEpoch();
      const advice = settings.verbose ? waits.advice(epoch) : undefined;
      if (advice) console.warn(`ombre: fit: ${advice}`);
      if (!stopped() || batchNumber === plan.batches) place = { epoch: epoch + 1, batch: 0, totals: undefined };
      if (validation && isValidated(epoch) && !signal?.aborted) {
        await listeners.tell((c) => c.onValidationBegin?.());
        const tests = await testSource(core, steps, validation, validationSteps);
        const used = tests.samples > 0;
        if (!used && !validationUsedUp) {
          warnUsedUp(`the validation data gave no batch in epoch ${epoch + 1} of ${epochs}, so their values are NaN`);
          validationUsedUp = true;
        }
        const values = used ? tests.logs : Object.fromEntries(tested.map((name) => [name, NaN]));
        const found = inValidation(values);
        validated.push(epoch - start.epoch);
        await listeners.tell((c) => c.onValidationEnd?.(found));
        logs = { ...logs, ...found };
      }
      // After another compile() a new count begins.
      if (core.setup === setup) core.progress = progress = afterEpoch(progress, fitKey, epoch, logs);
      try {
        await listeners.tell((c) => c.onEpochEnd?.(epoch, logs));
      } finally {
        if (!place.totals) release(totals);
      }
    }
  } finally {
    await feed.close();
  }
  await listeners.tell((c) => c.onTrainEnd?.(logs));
  if (listeners.showsVerdict && !signal?.aborted) printVerdict(core, record.history, validated, settings);
  return record;
}

/** Values by their names in validation. */
const inValidation = <T>(values: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`val_${name}`, value]));

/** A source without more batches is no error: the epochs before were trained. */
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

/** Only names that begin with on must be hooks: an object may keep anything else. */
function checkCallback(callback: unknown, position: number): void {
  if (typeof callback !== 'object' || callback === null) {
    throw new ArgumentError(
      `fit: callback ${position} is ${typeof callback}; use callbacks.NAME(options) or an object such as { onEpochEnd() {} }`,
    );
  }
  const known: readonly string[] = callbackHooks;
  const wrong = Object.keys(callback).find((name) => /^on[A-Z]/.test(name) && !known.includes(name));
  const odd = callbackHooks.find((name) => !['function', 'undefined'].includes(typeof (callback as Callback)[name]));
  if (odd) throw new ArgumentError(`fit: ${odd} of callback ${position} is ${typeof (callback as Callback)[odd]}; it must be a function`);
  if (wrong !== undefined) throw new ArgumentError(`fit: callback ${position} has ${wrong}; the hooks are ${known.join(', ')}`);
}

interface Listeners {
  /** The bytes that the fit goes on from: those of the first callback that has some. */
  backup(): Promise<Uint8Array | undefined>;
  /** Whether a callback needs the values at each batch. */
  readonly readsEveryBatch: boolean;
  /** Whether a fault of the curves is printed at the end. */
  readonly showsVerdict: boolean;
  /** Calls one hook of every callback, in order, and waits for those that are async. */
  tell(hook: (callback: Callback) => void | Promise<void>): Promise<void>;
  activeSeconds: FitInfo['activeSeconds'];
}

function listenersOf({ callbacks: given = [], verbose }: FitSettings, record: History): Listeners {
  const list: Callback[] = [record, ...(Array.isArray(given) ? (given as readonly Callback[]) : [given as Callback])];
  list.forEach((callback, i) => checkCallback(callback, i - 1));
  if (verbose && !list.some(({ showsProgress }) => showsProgress)) list.push(progress({ bar: verbose === 1 }));
  const began = performance.now();
  let outside = 0;
  return {
    async backup() {
      for (const callback of list) {
        const bytes = await callback.restoreFrom?.();
        if (bytes) return bytes;
      }
      return undefined;
    },
    showsVerdict: verbose > 0 && !list.some(({ hidesVerdict }) => hidesVerdict === true),
    readsEveryBatch: list.some(({ readsEveryBatch }) => readsEveryBatch === true),
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
function makeReader(steps: TrainingSteps): {
  startEpoch(): void;
  poll(totals: Totals): Promise<void>;
  read(totals: Totals): Promise<void>;
  latest(): Logs;
} {
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
      const { logs } = await askTotals(steps.training, totals);
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
    async read(totals) {
      const { logs } = await askTotals(steps.training, totals);
      latest = await logs;
    },
    latest: () => latest,
  };
}
