// Learning-rate schedules: graph functions of the step, so that a compiled training step computes its own rate and nothing is traced again.
// The first update has step 0. A new schedule is a function in a family's file and a name here.
import { chained, lambda, piecewiseInterpolate, sequential } from './compositions.ts';
import { cosineDecay } from './cosine.ts';
import { cosineDecayRestarts, cyclic, oneCycle } from './cycles.ts';
import { exponentialDecay, inverseTimeDecay, polynomialDecay } from './decay.ts';
import { constant, piecewiseConstantDecay } from './piecewise.ts';
import { linear, multiStep, multiplicative, step } from './steps.ts';
import { inverseSqrt, warmup, warmupStableDecay } from './warmups.ts';

export const schedules = {
  ...{ constant, piecewiseConstantDecay, piecewiseInterpolate, lambda, sequential, chained },
  ...{ exponentialDecay, inverseTimeDecay, polynomialDecay, linear, step, multiStep, multiplicative },
  ...{ cosineDecay, cosineDecayRestarts, cyclic, oneCycle, warmup, inverseSqrt, warmupStableDecay },
};
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
