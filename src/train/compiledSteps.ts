// The compiled functions of a model on one device.
import { type Engine, type MemoryPlan, compile } from '../engine/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Network, Tensors } from '../nn/index.ts';
import type { Objectives } from './objectives.ts';
import type { OptimizerRecords } from './optimizerState.ts';
import type { TrainingSetup } from './trainingSetup.ts';
import { type StepBatch, type StepPlan, type TrainState, type Weights, makePredictStep, makeTestStep, makeTrainStep } from './steps.ts';
import { type Totals, makeResults } from './totals.ts';

export interface CompiledSteps {
  readonly engine: Engine;
  predict(weights: Weights, x: Tensors): Promise<Tensors>;
  /** Frees the programs. A later call compiles them again. */
  free(): void;
}

/** Sums of losses and metrics, and the way to their values. */
export interface Reports {
  readonly engine: Engine;
  readonly objectives: Objectives;
  results(totals: Totals): Promise<Tensor[]>;
}

export interface TrainingSteps extends CompiledSteps {
  /** The setup that the steps were compiled for, and its optimizers. A later compile() leaves them as they are. */
  readonly setup: TrainingSetup;
  readonly optimizers: OptimizerRecords;
  /** Values that training reports. */
  readonly training: Reports;
  /** Values that evaluation reports. */
  readonly testing: Reports;
  /** Layers whose parameters each optimizer updates, by the optimizer's name; all trainable ones without a plan. */
  readonly plan: StepPlan | undefined;
  readonly train: {
    (carried: TrainState, batch: StepBatch): Promise<TrainState>;
    plan(carried: TrainState, batch: StepBatch): Promise<MemoryPlan>;
  };
  test(totals: Totals, weights: Weights, batch: StepBatch): Promise<Totals>;
}

export function compilePrediction(network: Network, engine: Engine): CompiledSteps {
  const predict = compile(makePredictStep(network), { engine, name: 'predictStep' });
  return { engine, predict, free: () => predict.free(engine) };
}

export function compileTraining(
  steps: CompiledSteps,
  network: Network,
  setup: TrainingSetup,
  optimizers: OptimizerRecords,
  objectives: Objectives,
  plan: StepPlan | undefined,
): TrainingSteps {
  const { engine } = steps;
  const freed: (() => void)[] = [() => steps.free()];
  const counted = <F extends { free(engine: Engine): void }>(compiled: F): F => {
    freed.push(() => compiled.free(engine));
    return compiled;
  };
  const reports = (reported: Objectives): Reports => ({
    engine,
    objectives: reported,
    results: counted(compile(makeResults(reported), { engine, name: 'results' })),
  });
  const testing = reports(objectives);
  return {
    ...steps,
    setup,
    optimizers,
    plan,
    training: plan ? reports(plan.objectives) : testing,
    testing,
    train: counted(compile(makeTrainStep(network, setup, objectives, plan), { engine, name: 'trainStep', donate: [0] })),
    test: counted(compile(makeTestStep(network, objectives), { engine, name: 'testStep', donate: [0] })),
    free: () => freed.forEach((free) => free()),
  };
}
