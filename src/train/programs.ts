// The compiled functions of a model on one device.
import { type Engine, type MemoryPlan, compile } from '../engine/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Network } from '../nn/index.ts';
import type { Compiled } from './compiled.ts';
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

export interface Programs {
  readonly engine: Engine;
  predict(weights: Weights, x: Tensor): Promise<Tensor>;
}

export interface TrainingPrograms extends Programs {
  readonly train: {
    (carried: TrainState, batch: StepBatch): Promise<TrainState>;
    plan(carried: TrainState, batch: StepBatch): Promise<MemoryPlan>;
  };
  test(totals: Totals, weights: Weights, batch: StepBatch): Promise<Totals>;
  results(totals: Totals): Promise<Tensor[]>;
}

export const compilePrediction = (network: Network, engine: Engine): Programs => ({
  engine,
  predict: compile(makePredictStep(network), { engine, name: 'predictStep' }),
});

export const compileTraining = (programs: Programs, network: Network, compiled: Compiled): TrainingPrograms => {
  const { engine } = programs;
  return {
    ...programs,
    train: compile(makeTrainStep(network, compiled), { engine, name: 'trainStep', donate: [0] }),
    test: compile(makeTestStep(network, compiled), { engine, name: 'testStep', donate: [0] }),
    results: compile(makeResults(compiled), { engine, name: 'results' }),
  };
};
