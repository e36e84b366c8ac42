// The compiled functions of a model on one device.
import { type Engine, type MemoryPlan, compile } from '../engine/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Network, Tensors } from '../nn/index.ts';
import type { Objectives } from './objectives.ts';
import type { TrainingSetup } from './trainingSetup.ts';
import { type StepBatch, type TrainState, type Weights, makePredictStep, makeTestStep, makeTrainStep } from './steps.ts';
import { type Totals, makeResults } from './totals.ts';

export interface CompiledSteps {
  readonly engine: Engine;
  predict(weights: Weights, x: Tensors): Promise<Tensors>;
}

export interface TrainingSteps extends CompiledSteps {
  /** The losses and metrics that the steps compute. */
  readonly objectives: Objectives;
  readonly train: {
    (carried: TrainState, batch: StepBatch): Promise<TrainState>;
    plan(carried: TrainState, batch: StepBatch): Promise<MemoryPlan>;
  };
  test(totals: Totals, weights: Weights, batch: StepBatch): Promise<Totals>;
  results(totals: Totals): Promise<Tensor[]>;
}

export const compilePrediction = (network: Network, engine: Engine): CompiledSteps => ({
  engine,
  predict: compile(makePredictStep(network), { engine, name: 'predictStep' }),
});

export const compileTraining = (steps: CompiledSteps, network: Network, setup: TrainingSetup, objectives: Objectives): TrainingSteps => {
  const { engine } = steps;
  return {
    ...steps,
    objectives,
    train: compile(makeTrainStep(network, setup, objectives), { engine, name: 'trainStep', donate: [0] }),
    test: compile(makeTestStep(network, objectives), { engine, name: 'testStep', donate: [0] }),
    results: compile(makeResults(objectives), { engine, name: 'results' }),
  };
};
