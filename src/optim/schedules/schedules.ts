// Every schedule. A namespace and no table: a bundler keeps only the schedules that are used.
export { constant, piecewiseConstantDecay } from './piecewise.ts';
export { piecewiseInterpolate, lambda, sequential, chained } from './compositions.ts';
export { exponentialDecay, inverseTimeDecay, polynomialDecay } from './decay.ts';
export { linear, step, multiStep, multiplicative } from './steps.ts';
export { cosineDecay } from './cosine.ts';
export { cosineDecayRestarts, cyclic, oneCycle } from './cycles.ts';
export { warmup, inverseSqrt, warmupStableDecay } from './warmups.ts';
