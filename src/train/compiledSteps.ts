// The compiled functions of a model on one device.
import { type Engine, type MemoryPlan, compile } from '../engine/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Network } from '../nn/index.ts';
import type { TrainingSetup } from './trainingSetup.ts';
import {
  type StepBatch,
  type Totals,
  type TrainState,
  type Weights,
  makePredictStep,
  makeResults,
  makeTestStep,
  makeTrainStep,
} from './steps.ts';

export interface CompiledSteps {
  readonly engine: Engine;
  predict(weights: Weights, x: Tensor): Promise<Tensor>;
}

export interface TrainingSteps extends CompiledSteps {
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

export const compileTraining = (steps: CompiledSteps, network: Network, setup: TrainingSetup): TrainingSteps => {
  const { engine } = steps;
  return {
    ...steps,
    train: compile(makeTrainStep(network, setup), { engine, name: 'trainStep', donate: [0] }),
    test: compile(makeTestStep(network, setup), { engine, name: 'testStep', donate: [0] }),
    results: compile(makeResults(setup), { engine, name: 'results' }),
  };
};
