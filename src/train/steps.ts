// The functions that are compiled once and replayed for every batch. Pure: trees of tensors in, trees out.
import { ArgumentError } from '../core/errors.ts';
import { withoutReads } from '../graph/reads.ts';
import type { Tensor } from '../graph/tensor.ts';
import { currentTrace, withTrace } from '../graph/trace.ts';
import { type LayerTrees, type Network, NetworkPass, type NetworkVariables, type Tensors } from '../nn/index.ts';
import type { LossScale } from './lossScale.ts';
import type { OptimizerStates } from './optimizerState.ts';
import { type BatchLoss, type Supervision, batchLoss, lossesByOutput, nameOfLoss } from './batchLoss.ts';
import type { Objectives } from './objectives.ts';
import { addReport, checkResult, reportedObjectives } from './stepReport.ts';
import { type Totals, addBatch } from './totals.ts';
import { type OptimizerUpdates, type StepResult, StepSession, standardStep } from './trainStep.ts';
import type { TrainingSetup } from './trainingSetup.ts';

/** Everything that a training step takes over and returns. Frozen parameters are returned unchanged. */
export interface TrainState {
  readonly trainable: LayerTrees;
  readonly frozen: LayerTrees;
  readonly state: LayerTrees;
  readonly optimizerStates: OptimizerStates;
  /** Loss scale of mixed precision. */
  readonly lossScale?: LossScale;
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

/** Results of planStep() for a custom step. They are known before the step is compiled. */
export interface StepPlan {
  /** Updates of each optimizer, by its name. */
  readonly updates: ReadonlyMap<string, OptimizerUpdates>;
  /** Losses and metrics that the step reports. */
  readonly objectives: Objectives;
}

/** Variables and optimizer states of a step; no states while it is traced only to plan it. */
export interface StepVariables extends Omit<TrainState, 'totals' | 'optimizerStates'> {
  readonly optimizerStates: OptimizerStates | undefined;
}

/** Runs a step over a batch. Gives its result, and the loss of compile() that it returned, if it did. */
function runStep(
  network: Network,
  { optimizers, trainStep, fitStep = standardStep }: TrainingSetup,
  objectives: Objectives,
  variables: StepVariables,
  batch: StepBatch,
): { session: StepSession; result: StepResult; found: BatchLoss | undefined } {
  const losses = new WeakMap<Tensor, BatchLoss>();
  const { outputs, joint } = objectives;
  const session = new StepSession({
    ...variables,
    lossScale: variables.lossScale,
    network,
    optimizers,
    batch,
    lossName: [joint ?? outputs.flatMap(({ loss }) => loss ?? [])].flat().map(nameOfLoss).join(' and ') || 'the loss',
    lossOf(result, supervision) {
      const found = batchLoss(objectives, result, supervision);
      losses.set(found.loss, found);
      return found.loss;
    },
    lossesOf: (result, supervision) => lossesByOutput(objectives, result, supervision),
  });
  const result = trainStep ? checkResult(withoutReads('trainStep', () => trainStep(session))) : fitStep(session);
  return { session, result, found: losses.get(result.loss) };
}

/**
 * Forward, loss, gradients of the trainable parameters, update, metrics: one step of training.
 * A step of the user's own reports the objectives of its plan.
 */
export function makeTrainStep(
  network: Network,
  setup: TrainingSetup,
  objectives: Objectives,
  plan?: StepPlan,
): (carried: TrainState, batch: StepBatch) => TrainState {
  return function trainStep({ totals, ...variables }, batch) {
    return withKey(batch.key, () => {
      const { session, result, found } = runStep(network, setup, objectives, variables, batch);
      const reported = plan
        ? addReport(plan.objectives, totals, result, session.resultOf(result.outputs ?? []), batch, session.batchSize)
        : addBatch(objectives, totals, found!, session.resultOf(result.outputs!), batch);
      return { ...session.end(), totals: reported };
    });
  };
}

/**
 * Traces a custom step once, without any effect, to find what it updates and reports.
 * @throws ArgumentError for an optimizer that the step never uses.
 */
export function planStep(
  network: Network,
  setup: TrainingSetup,
  objectives: Objectives,
  variables: Omit<StepVariables, 'optimizerStates'>,
  batch: StepBatch,
): StepPlan {
  return withKey(batch.key, () => {
    const { session, result } = runStep(network, setup, objectives, { ...variables, optimizerStates: undefined }, batch);
    const idle = Object.keys(setup.optimizers).find((name) => !session.updates.has(name));
    if (idle !== undefined) {
      throw new ArgumentError(
        `trainStep: the step never uses optimizer '${idle}'; call step.update(gradients, { optimizer: '${idle}' }) or leave it out of compile()`,
      );
    }
    return { updates: session.updates, objectives: reportedObjectives(objectives, result) };
  });
}

export type Weights = NetworkVariables;

/** Forward, loss and metrics, without an update. */
export function makeTestStep(network: Network, objectives: Objectives): (totals: Totals, weights: Weights, batch: StepBatch) => Totals {
  return function testStep(totals, weights, batch) {
    return withKey(batch.key, () => {
      const result = new NetworkPass(network, weights).run(batch.x, false);
      return addBatch(objectives, totals, batchLoss(objectives, result, batch), result, batch);
    });
  };
}

export function makePredictStep(network: Network): (weights: Weights, x: Tensors) => Tensors {
  return function predictStep(weights, x) {
    return new NetworkPass(network, weights).run(x, false).outputs;
  };
}
