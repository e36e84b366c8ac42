// The functions that are compiled once and replayed for every batch. Pure: trees of tensors in, trees out.
import { valueAndGrad } from '../autodiff/index.ts';
import { ArgumentError } from '../core/errors.ts';
import { leavesOf } from '../core/tree.ts';
import { Tensor } from '../graph/tensor.ts';
import { currentTrace, withTrace } from '../graph/trace.ts';
import type { LayerTrees, Network, NetworkResult, NetworkVariables, Tensors } from '../nn/index.ts';
import { isZero } from '../ops/operands/knownValue.ts';
import type { OptimizerStates } from './optimizerState.ts';
import { type BatchLoss, type Supervision, batchLoss, nameOfLoss } from './batchLoss.ts';
import type { Objectives } from './objectives.ts';
import { type Totals, addBatch } from './totals.ts';
import type { TrainingSetup } from './trainingSetup.ts';

/** Everything a training step takes over and gives back. Frozen parameters come back as they were. */
export interface TrainState {
  readonly trainable: LayerTrees;
  readonly frozen: LayerTrees;
  readonly state: LayerTrees;
  readonly optimizerStates: OptimizerStates;
  readonly totals: Totals;
}

/** One batch. Trees have the form of the network's inputs and outputs. */
export interface StepBatch extends Supervision {
  /** u32[2], another one for each step: dropout draws from it. */
  readonly key: Tensor;
  readonly x: Tensors;
}

/** Runs fn with a key: its random ops draw from that key and not from the device's own sequence. */
function withKey<T>(key: Tensor, fn: () => T): T {
  let site = 0;
  return withTrace({ name: currentTrace()?.name ?? 'step', key: () => key, nextSite: () => site++ }, fn);
}

/**
 * Refuses a loss that no weight has an effect on: the training would run and change nothing. Gradients that reach no weight are the constant 0.
 * @throws ArgumentError naming the weights.
 */
function requireConnected({ outputs, joint }: Objectives, gradients: LayerTrees): void {
  const found = leavesOf(gradients).filter(({ value }) => value instanceof Tensor);
  if (found.some(({ value }) => !isZero(value as Tensor))) return;
  const names = found.map(({ path }) => path.replace(/^\./, '').replaceAll('.', '/'));
  const losses = joint ? [joint] : outputs.flatMap(({ loss }) => loss ?? []);
  throw new ArgumentError(
    `${losses.map(nameOfLoss).join(' and ')} has no path to the weights (${names.join(', ')}): its gradient is 0 whatever they are; compute it ` +
      'from the predictions, by ops that have a gradient (argMax, round, comparisons, casts to integers and stopGradient have none)',
  );
}

/** Forward, loss, gradients of the trainable parameters, update, metrics. */
export function makeTrainStep(
  network: Network,
  { optimizers }: TrainingSetup,
  objectives: Objectives,
): (carried: TrainState, batch: StepBatch) => TrainState {
  const { optimizer } = optimizers;
  return function trainStep({ trainable, frozen, state, optimizerStates, totals }, batch) {
    return withKey(batch.key, () => {
      const forward = (parameters: LayerTrees): [Tensor, { result: NetworkResult; batchLoss: BatchLoss }] => {
        const result = network.apply({ parameters: { ...parameters, ...frozen }, state }, batch.x, { training: true });
        const found = batchLoss(objectives, result, batch);
        return [found.loss, { result, batchLoss: found }];
      };
      const hasParameters = leavesOf(trainable).length > 0;
      const [[, { result, batchLoss: found }], gradients] = hasParameters
        ? valueAndGrad(forward, { hasAux: true })(trainable)
        : [forward(trainable), {}];
      if (hasParameters) requireConnected(objectives, gradients);
      const updated = hasParameters
        ? optimizer.update(gradients, optimizerStates.optimizer, trainable)
        : { parameters: trainable, state: optimizerStates.optimizer };
      return {
        trainable: network.constrain(updated.parameters),
        frozen,
        state: result.state,
        optimizerStates: { optimizer: updated.state },
        totals: addBatch(objectives, totals, found, result, batch),
      };
    });
  };
}

export type Weights = NetworkVariables;

/** Forward, loss and metrics, without an update. */
export function makeTestStep(network: Network, objectives: Objectives): (totals: Totals, weights: Weights, batch: StepBatch) => Totals {
  return function testStep(totals, weights, batch) {
    return withKey(batch.key, () => {
      const result = network.apply(weights, batch.x, { training: false });
      return addBatch(objectives, totals, batchLoss(objectives, result, batch), result, batch);
    });
  };
}

export function makePredictStep(network: Network): (weights: Weights, x: Tensors) => Tensors {
  return function predictStep(weights, x) {
    return network.apply(weights, x, { training: false }).outputs;
  };
}
