// Learning-rate schedules: graph functions of the step, so that a compiled training step computes its own rate and nothing is traced again.
// The first update has step 0. A new schedule is a function in a family's file and a name here.
import { cosineDecay } from './cosine.ts';
import { exponentialDecay, inverseTimeDecay, polynomialDecay } from './decay.ts';
import { constant, piecewiseConstantDecay } from './piecewise.ts';

export const schedules = { constant, exponentialDecay, inverseTimeDecay, cosineDecay, polynomialDecay, piecewiseConstantDecay };
export type ScheduleName = keyof typeof schedules;

export type { CosineDecayOptions } from './cosine.ts';
export type { DecayOptions, PolynomialDecayOptions } from './decay.ts';
export type { ConstantOptions, PiecewiseConstantDecayOptions } from './piecewise.ts';
export { type Schedule, learningRateKind } from './schedule.ts';
