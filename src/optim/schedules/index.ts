// Learning-rate schedules: graph functions of the step, so that a compiled training step computes its own rate and nothing is traced again.
// The first update has step 0. A new schedule is a function in a family's file and a name in schedules.ts.
import * as schedules from './schedules.ts';

/** Schedule factories by name: `schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 1000 })`. */
export { schedules };
export type ScheduleName = keyof typeof schedules;

export type {
  ChainedOptions,
  LambdaOptions as ScheduleLambdaOptions,
  PiecewiseInterpolateOptions,
  SequentialOptions,
} from './compositions.ts';
export type { CosineDecayOptions } from './cosine.ts';
export type { CosineDecayRestartsOptions, CyclicOptions, OneCycleOptions } from './cycles.ts';
export type { DecayOptions, PolynomialDecayOptions } from './decay.ts';
export type { ConstantOptions, PiecewiseConstantDecayOptions } from './piecewise.ts';
export type { LinearOptions, MultiStepOptions, MultiplicativeOptions, StepOptions } from './steps.ts';
export type { InverseSqrtOptions, WarmupOptions, WarmupStableDecayOptions } from './warmups.ts';
export { type Schedule, learningRateKind } from './schedule.ts';
