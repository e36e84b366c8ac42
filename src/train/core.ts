// What a model holds, and the rules for changing it: weights are replaced only by what a finished step returned, one step at a time.
import { OmbreError, ShapeError } from '../core/errors.ts';
import { PromiseQueue } from '../core/promiseQueue.ts';
import { type Key, RandomStream, globalStream } from '../core/random.ts';
import type { Shape } from '../core/shape.ts';
import { leavesOf } from '../core/tree.ts';
import { type Engine, defaultEngine, engineFor, evaluate, readAll } from '../engine/index.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import { type LayerTrees, type Network, TensorSpec } from '../nn/index.ts';
import type { OptimizerState } from '../optim/index.ts';
import type { TrainingSetup } from './trainingSetup.ts';
import { type CompiledSteps, type TrainingSteps, compilePrediction, compileTraining } from './compiledSteps.ts';
import { isElsewhere, isLost, lostWeights, toHost } from './residence.ts';
import { requireCapacity } from './capacity.ts';
import { type StepBatch, type Totals, type TrainState, type Weights, freshTotals, resultNames } from './steps.ts';

export interface ModelCore {
  readonly network: Network;
  /** What the initial weights are drawn from; fixed when the model is made where its input shape is known then. */
  initKey: Key | undefined;
  /** Shape of one input that the weights were built for. */
  inputShape: Shape | undefined;
  /** Stored in the layers, which other models may share. */
  weights: Weights | undefined;
  setup: TrainingSetup | undefined;
  /** Keys of fits without a seed of their own, where compile was given a seed. */
  fitKeys: RandomStream | undefined;
  /** `trained` lists the layers that the state was made for. */
  optimizer: { readonly state: OptimizerState; readonly trained: string } | undefined;
  /** Asked for before there was an optimizer state to hold it. */
  learningRate: number | undefined;
  /** The last one asked for, for an optimizer state that is lost with its device. */
  learningRateSet: number | undefined;
  steps: CompiledSteps | undefined;
  trainingSteps: TrainingSteps | undefined;
  /** A fit is under way. */
  fitting: boolean;
  /** Steps wait here for their turn. */
  readonly queue: PromiseQueue;
}

export const makeCore = (network: Network): ModelCore => ({
  network,
  initKey: network.inputs && globalStream().nextKey(),
  inputShape: undefined,
  get weights() {
    return network.current();
  },
  set weights(weights) {
    if (weights) network.store(weights);
  },
  setup: undefined,
  fitKeys: undefined,
  optimizer: undefined,
  learningRate: undefined,
  learningRateSet: undefined,
  steps: undefined,
  trainingSteps: undefined,
  fitting: false,
  queue: new PromiseQueue(),
});

/** Runs fn after everything queued so far. Only one step at a time may own the weights. */
export const exclusive = <T>(core: ModelCore, fn: () => Promise<T>): Promise<T> => core.queue.run(fn);

/** Fresh weights for an input shape: the same ones however often it is asked. */
export function draftWeights(core: ModelCore, inputShape: Shape): Weights {
  core.initKey ??= globalStream().nextKey();
  return core.network.draft(specOf(core, inputShape), new RandomStream(core.initKey));
}

/** The model's weights, made now where its layers state an input shape. */
export function builtWeights(core: ModelCore, where: string): Weights {
  if (core.weights) return core.weights;
  const { inputShape } = core.network.root;
  if (!inputShape) {
    throw new ShapeError(`${where}: the model is not built: give its first layer an inputShape, or call fit first`);
  }
  return adoptWeights(core, inputShape, draftWeights(core, inputShape));
}

export function adoptWeights(core: ModelCore, inputShape: Shape, weights: Weights): Weights {
  core.inputShape = inputShape;
  core.network.store(weights, specOf(core, inputShape));
  return weights;
}

const specOf = ({ network }: ModelCore, inputShape: Shape): TensorSpec => new TensorSpec(inputShape, network.inputDtype);

/** Shape of one output for a shape of one input. */
export const outputShapeOf = (core: ModelCore, inputShape: Shape): Shape =>
  (core.network.outputSpecs(specOf(core, inputShape)) as TensorSpec).shape;

export function requireSetup(core: ModelCore, where: string): TrainingSetup {
  if (core.setup) return core.setup;
  throw new OmbreError(`${where}: the model is not compiled; call model.compile({ optimizer, loss }) first`);
}

/** Forward on the model's device: the one compile() named, else the default one, which weights follow when it changes. */
export async function prepareSteps(core: ModelCore): Promise<CompiledSteps> {
  const device = core.setup?.device;
  const engine = await (device ? engineFor(device) : defaultEngine());
  if (isElsewhere([core.weights, core.optimizer?.state], engine)) await exclusive(core, () => leaveDevice(core, engine));
  if (core.steps?.engine !== engine) {
    core.steps = compilePrediction(core.network, engine);
    core.trainingSteps = undefined;
  }
  return core.steps;
}

/** The compiled steps; made again after compile() and on another device. */
export async function prepareTraining(core: ModelCore, where: string): Promise<TrainingSteps> {
  const setup = requireSetup(core, where);
  const steps = await prepareSteps(core);
  return (core.trainingSteps ??= compileTraining(steps, core.network, setup));
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
  const { optimizer } = core;
  if (!optimizer || !isElsewhere(optimizer.state, engine)) return;
  if (!isLost(optimizer.state)) core.optimizer = { ...optimizer, state: await toHost(optimizer.state, engine) };
  else {
    core.optimizer = undefined;
    core.learningRate = core.learningRateSet;
    console.warn("ombre: the optimizer's state was lost with its device; its slots and its step count start again");
  }
}

/** Asks for the values of loss and metrics by name: resolves when the device has been asked, `logs` when it has answered. */
export async function askTotals(core: ModelCore, steps: TrainingSteps, totals: Totals): Promise<{ logs: Promise<Record<string, number>> }> {
  const names = resultNames(core.setup!);
  const results = await steps.results(totals);
  const answers = readAll(results, { engine: steps.engine }).finally(() => release(results));
  return { logs: answers.then((values) => Object.fromEntries(names.map((name, i) => [name, values[i][0]]))) };
}

/** The values of loss and metrics, whose sums are then done with. */
export async function finishTotals(core: ModelCore, steps: TrainingSteps, totals: Totals): Promise<Record<string, number>> {
  const { logs } = await askTotals(core, steps, totals);
  release(totals);
  return logs;
}

/** Gives the memory of tensors that nobody else has a handle of back now: the collector would take its time. */
export function release(tree: unknown): void {
  for (const { value } of leavesOf(tree)) if (value instanceof Tensor) value.dispose();
}

/** Sums at zero. */
export const startTotals = (core: ModelCore, { engine }: CompiledSteps): Promise<Totals> => evaluate(freshTotals(core.setup!), { engine });

/** One update of the model by one batch; gives the totals with the batch in them. Where it fails, the model is as it was. */
export function trainBatch(core: ModelCore, steps: TrainingSteps, totals: Totals, batch: StepBatch): Promise<Totals> {
  return exclusive(core, async () => {
    const { trainable, frozen } = splitParameters(core);
    const { state } = core.weights!;
    const trained = Object.keys(trainable).join();
    if (core.optimizer?.trained !== trained) {
      await requireCapacity(steps, firstState(core, totals), batch);
      await startOptimizer(core, steps, trainable, trained);
    }
    const next = await steps.train({ trainable, frozen, state, optimizerState: core.optimizer!.state, totals }, batch);
    const joined = Object.fromEntries(core.network.owners.map(({ name }) => [name, next.trainable[name] ?? next.frozen[name]]));
    core.weights = { parameters: joined, state: next.state };
    core.optimizer = { state: next.optimizerState, trained };
    return next.totals;
  });
}

/** The weights by layer, those that are trained apart from those that are not. */
function splitParameters({ weights, network }: ModelCore): { trainable: LayerTrees; frozen: LayerTrees } {
  const trainable: Record<string, LayerTrees[string]> = {};
  const frozen: Record<string, LayerTrees[string]> = {};
  for (const { name, layer } of network.owners) (layer.trainable ? trainable : frozen)[name] = weights!.parameters[name];
  return { trainable, frozen };
}

/** What a first step would take over: an optimizer state of which nothing has been computed yet. */
export function firstState(core: ModelCore, totals: Totals): TrainState {
  const { trainable, frozen } = splitParameters(core);
  return { trainable, frozen, state: core.weights!.state, optimizerState: core.setup!.optimizer.init(trainable), totals };
}

/** Optimizer state for the parameters that are trained now. Freezing or thawing a layer starts the slots anew, at the learning rate reached. */
async function startOptimizer(core: ModelCore, { engine }: CompiledSteps, trainable: LayerTrees, trained: string): Promise<void> {
  const before = core.optimizer?.state;
  let state = core.setup!.optimizer.init(trainable);
  if (before) state = { ...state, learningRate: before.learningRate };
  if (core.learningRate !== undefined) state = { ...state, learningRate: scalarOf(core.learningRate) };
  core.learningRate = undefined;
  core.optimizer = { state: await evaluate(state, { engine }), trained };
}

export const scalarOf = (value: number): Tensor => hostTensor({ shape: [], dtype: 'f32' }, Float32Array.of(value));
