// The data of a model, and the rules for changing them: only a finished step replaces weights, and only one step runs at a time.
import { OmbreError, ShapeError } from '../core/errors.ts';
import { PromiseQueue, runExclusive } from '../core/promiseQueue.ts';
import { type Key, RandomStream, globalStream } from '../core/random.ts';
import { leavesOf } from '../core/tree.ts';
import { type Engine, defaultEngine, engineFor, evaluate, readAll } from '../engine/index.ts';
import { Tensor } from '../graph/tensor.ts';
import type { LayerTrees, Network, Specs } from '../nn/index.ts';
import type { TrainingSetup } from './trainingSetup.ts';
import { type CompiledSteps, type Reports, type TrainingSteps, compilePrediction, compileTraining } from './compiledSteps.ts';
import {
  type Births,
  type OptimizerRecord,
  type OptimizerRecords,
  type OptimizerStates,
  birthsOf,
  bringToHost,
  chooseOptimizer,
  draftState,
  isStateOf,
  recordsOf,
  startState,
} from './optimizerState.ts';
import { type LossScale, firstLossScale } from './lossScale.ts';
import { queuesOf, useLayers } from './ownership.ts';
import type { KeyedProgress } from './progress.ts';
import { isElsewhere, isLost, lostWeights, toHost } from './residence.ts';
import { requireCapacity } from './capacity.ts';
import { type Objectives, assignObjectives, namedOutputs } from './objectives.ts';
import { type StepBatch, type StepPlan, type TrainState, type Weights, planStep } from './steps.ts';
import { type Totals, freshTotals } from './totals.ts';

export interface ModelCore {
  readonly network: Network;
  /** Key of the initial weights. It is drawn when the model is made, if the input shape is known then. */
  initKey: Key | undefined;
  /** Specs of the inputs that the weights were built for. */
  inputs: Specs | undefined;
  /** Stored in the layers, which other models may share. */
  weights: Weights | undefined;
  setup: TrainingSetup | undefined;
  /** How far the model was trained since compile(). */
  progress: KeyedProgress | undefined;
  /** Losses and metrics of the outputs; undefined until the form of the outputs is known. */
  objectives: Objectives | undefined;
  /** Plan of a custom step. Undefined before data are known, and for the standard step. */
  plan: StepPlan | undefined;
  /** Keys of fits without a seed, if compile was given a seed. */
  fitKeys: RandomStream | undefined;
  /** Optimizers of the setup with their state. */
  optimizers: OptimizerRecords;
  /** Loss scale of mixed precision, from the first step on. */
  lossScale: LossScale | undefined;
  steps: CompiledSteps | undefined;
  /** Version of the network that the steps were compiled for. */
  stepsVersion: number;
  trainingSteps: TrainingSteps | undefined;
  /** Whether a fit is running. */
  fitting: boolean;
  /** Queues in which steps wait: the model's own, and those of its layers, which other models may share. */
  readonly queues: readonly PromiseQueue[];
}

export const makeCore = (network: Network): ModelCore => ({
  network,
  initKey: network.inputs && globalStream().nextKey(),
  inputs: undefined,
  get weights() {
    return network.current();
  },
  set weights(weights) {
    if (weights) network.store(weights);
  },
  setup: undefined,
  progress: undefined,
  objectives: undefined,
  plan: undefined,
  fitKeys: undefined,
  optimizers: {},
  lossScale: undefined,
  steps: undefined,
  stepsVersion: 0,
  trainingSteps: undefined,
  fitting: false,
  queues: [new PromiseQueue(), ...queuesOf(network)],
});

/** Runs fn after everything queued so far, for this model and for models that share layers with it. */
export const exclusive = <T>({ queues, network }: ModelCore, fn: () => Promise<T>): Promise<T> =>
  runExclusive(queues, async () => {
    const release = useLayers(network);
    try {
      return await fn();
    } finally {
      release();
    }
  });

/** Initial weights for inputs. Every call returns the same values. */
export function draftWeights(core: ModelCore, inputs: Specs): Weights {
  core.initKey ??= globalStream().nextKey();
  return core.network.draft(inputs, new RandomStream(core.initKey));
}

/** The model's weights, made now if its layers state their inputs. */
export function builtWeights(core: ModelCore, where: string): Weights {
  if (core.weights) return core.weights;
  const { inputs } = core.network;
  if (!inputs) {
    throw new ShapeError(`${where}: the model is not built: give its first layer an inputShape, or call fit first`);
  }
  return adoptWeights(core, inputs, draftWeights(core, inputs));
}

export function adoptWeights(core: ModelCore, inputs: Specs, weights: Weights): Weights {
  core.inputs = inputs;
  core.network.store(weights, inputs);
  return weights;
}

/** Specs of the inputs, if they are known before data come. */
export const knownInputs = ({ inputs, network }: ModelCore): Specs | undefined => inputs ?? network.inputs;

/** Losses and metrics of the outputs for inputs of this form. */
export function objectivesFor(core: ModelCore, setup: TrainingSetup, inputs: Specs): Objectives {
  return (core.objectives ??= assignObjectives(setup, namedOutputs(core.network, core.network.outputSpecs(inputs))));
}

export function requireSetup(core: ModelCore, where: string): TrainingSetup {
  if (core.setup) return core.setup;
  throw new OmbreError(`${where}: the model is not compiled; call model.compile({ optimizer, loss }) first`);
}

/** Returns the compiled forward pass on the device of compile(), else on the default device. Moves the weights if that device changed. */
export async function prepareSteps(core: ModelCore): Promise<CompiledSteps> {
  const device = core.setup?.device;
  const engine = await (device ? engineFor(device) : defaultEngine());
  if (isElsewhere([core.weights, core.lossScale, heldBy(core.optimizers)], engine)) await exclusive(core, () => leaveDevice(core, engine));
  const version = core.network.version();
  if (core.steps?.engine !== engine || core.stepsVersion !== version) {
    core.steps = compilePrediction(core.network, engine);
    core.stepsVersion = version;
    core.trainingSteps = undefined;
  }
  return core.steps;
}

/**
 * The compiled steps; made again after compile() and on another device. The objectives are known: data were opened before, for this setup.
 * @throws OmbreError if compile() was called since then.
 */
export async function prepareTraining(core: ModelCore, where: string, setup: TrainingSetup): Promise<TrainingSteps> {
  const steps = await prepareSteps(core);
  if (core.setup !== setup) throw new OmbreError(`${where}: compile() was called before ${where} had begun; call ${where} again`);
  return (core.trainingSteps ??= compileTraining(steps, core.network, setup, core.optimizers, core.objectives!, core.plan));
}

/**
 * Brings weights and optimizer state to the host, from where any device takes them.
 * @throws DeviceLostError when the weights are gone. An optimizer state that is gone starts again, at the learning rate that was set last.
 */
async function leaveDevice(core: ModelCore, engine: Engine): Promise<void> {
  if (core.weights && isElsewhere(core.weights, engine)) {
    if (isLost(core.weights)) throw lostWeights();
    core.weights = await toHost(core.weights, engine);
  }
  if (core.lossScale && isElsewhere(core.lossScale, engine)) {
    core.lossScale = isLost(core.lossScale) ? undefined : await toHost(core.lossScale, engine);
  }
  await bringToHost(core.optimizers, engine);
}

/** Tensors that the optimizers hold. */
const heldBy = (records: OptimizerRecords): unknown => Object.values(records).map(({ state, aside }) => [state, aside]);

/** Starts to read the values of loss and metrics by name. Resolves when the read is submitted; `logs` resolves with the values. */
export async function askTotals(reports: Reports, totals: Totals): Promise<{ logs: Promise<Record<string, number>> }> {
  const { names } = reports.objectives;
  const results = await reports.results(totals);
  const answers = readAll(results, { engine: reports.engine }).finally(() => release(results));
  return { logs: answers.then((values) => Object.fromEntries(names.map((name, i) => [name, values[i][0]]))) };
}

/** Reads the values of loss and metrics, and frees their sums. */
export async function finishTotals(reports: Reports, totals: Totals): Promise<Record<string, number>> {
  const { logs } = await askTotals(reports, totals);
  release(totals);
  return logs;
}

/** Frees tensors that only the caller references. Waiting for the garbage collector would keep their memory too long. */
export function release(tree: unknown): void {
  for (const { value } of leavesOf(tree)) if (value instanceof Tensor) value.dispose();
}

/** Sums at zero. */
export const startTotals = ({ engine, objectives }: Reports): Promise<Totals> => evaluate(freshTotals(objectives), { engine });

/** One update of the model by one batch. Returns the totals with the batch in them. If it fails, the model is unchanged. */
export function trainBatch(core: ModelCore, steps: TrainingSteps, totals: Totals, batch: StepBatch): Promise<Totals> {
  return exclusive(core, async () => {
    const { trainable, frozen } = splitParameters(core, core.weights!);
    const { state } = core.weights!;
    const updated = updatedBy(steps, trainable);
    const now = birthsOf(core.network);
    if (!updated.every(([, record, parameters]) => isStateOf(record, Object.keys(parameters), now))) {
      await requireCapacity(steps, firstState(core, steps, totals), batch);
      for (const [, record, parameters] of updated) await startState(record, parameters, now, steps.engine);
    }
    const scale = computesInF16(steps) ? (core.lossScale ??= await evaluate(firstLossScale(), { engine: steps.engine })) : undefined;
    const carried = { trainable, frozen, state, optimizerStates: statesOf(steps), totals };
    const next = await steps.train(scale ? { ...carried, lossScale: scale } : carried, batch);
    // A compile() meanwhile begins a new scale.
    if (core.setup === steps.setup) core.lossScale = next.lossScale;
    const joined = Object.fromEntries(core.network.owners.map(({ name }) => [name, next.trainable[name] ?? next.frozen[name]]));
    core.weights = { parameters: joined, state: next.state };
    for (const [name, record] of Object.entries(steps.optimizers)) {
      record.state = next.optimizerStates[name];
      record.calls += steps.plan?.updates.get(name)?.count ?? 1;
    }
    return next.totals;
  });
}

/** Parameters by layer: those that are trained, and those that are not. */
function splitParameters({ network }: ModelCore, { parameters }: Weights): { trainable: LayerTrees; frozen: LayerTrees } {
  const trainable: Record<string, LayerTrees[string]> = {};
  const frozen: Record<string, LayerTrees[string]> = {};
  for (const { name, layer } of network.owners) (layer.trainable ? trainable : frozen)[name] = parameters[name];
  return { trainable, frozen };
}

/** The state that a first step takes over. The optimizer state in it is not computed yet. */
export function firstState(core: ModelCore, steps: TrainingSteps, totals: Totals): TrainState {
  const { trainable, frozen } = splitParameters(core, core.weights!);
  const lossScale = computesInF16(steps) ? (core.lossScale ?? firstLossScale()) : undefined;
  return {
    ...(lossScale && { lossScale }),
    trainable,
    frozen,
    state: core.weights!.state,
    optimizerStates: draftStates(steps, trainable, birthsOf(core.network)),
    totals,
  };
}

/** Whether the steps compute in f16. A device without it computes in f32. */
function computesInF16({ setup, engine }: TrainingSteps): boolean {
  if (setup.dtypePolicy !== 'mixedFloat16') return false;
  const { kind, features } = engine.info;
  const hasF16 = kind === 'cpu' || features.includes('shader-f16');
  if (!hasF16 && !warnedOfF16) {
    warnedOfF16 = true;
    console.warn('ombre: compile: the device has no f16 (shader-f16), so the mixedFloat16 policy computes in f32');
  }
  return hasF16;
}

let warnedOfF16 = false;

const statesOf = ({ optimizers }: TrainingSteps): OptimizerStates =>
  Object.fromEntries(Object.entries(optimizers).map(([name, { state }]) => [name, state!]));

const draftStates = (steps: TrainingSteps, trainable: LayerTrees, now: Births): OptimizerStates =>
  Object.fromEntries(updatedBy(steps, trainable).map(([name, record, parameters]) => [name, draftState(record, parameters, now)]));

/** Each optimizer with the trainable parameters that it updates. */
function updatedBy({ optimizers, plan }: TrainingSteps, trainable: LayerTrees): [string, OptimizerRecord, LayerTrees][] {
  return Object.entries(optimizers).map(([name, record]) => {
    const layers = plan?.updates.get(name)?.layers;
    const parameters = layers
      ? Object.fromEntries(layers.flatMap((path) => (path in trainable ? [[path, trainable[path]]] : [])))
      : trainable;
    return [name, record, parameters];
  });
}

/**
 * Traces a custom step over a batch of placeholders. Steps that were compiled for another plan are dropped.
 * @throws ArgumentError, ShapeError or TraceError of the step.
 */
export function planTraining(core: ModelCore, weights: Weights, batch: StepBatch): void {
  const plan = planStep(core.network, core.setup!, core.objectives!, { ...splitParameters(core, weights), state: weights.state }, batch);
  const signature = ({ updates, objectives }: StepPlan): string => JSON.stringify([[...updates], objectives.names]);
  if (core.plan && signature(core.plan) === signature(plan)) return;
  core.plan = plan;
  core.trainingSteps = undefined;
}

/** Optimizers without state, for a new setup. */
export function startSetup(core: ModelCore, setup: TrainingSetup, objectives: Objectives | undefined): void {
  core.setup = setup;
  core.progress = undefined;
  core.objectives = objectives;
  core.optimizers = recordsOf(setup.optimizers);
  core.lossScale = undefined;
  core.plan = core.trainingSteps = core.fitKeys = undefined;
}

/**
 * An optimizer of the model, by name if there are several.
 * @throws ArgumentError listing the names.
 */
export function recordOf(core: ModelCore, where: string, name: string | undefined): OptimizerRecord {
  requireSetup(core, where);
  return core.optimizers[chooseOptimizer(core.optimizers, name, where, 'model.setLearningRate(rate')];
}
