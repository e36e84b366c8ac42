// Optimizers and schedules, by name. A new optimizer is a rule for one parameter (rule.ts) and a row here.
import { lookUp } from '../core/names.ts';
import { adam, adamW } from './rules/adam.ts';
import { adadelta, adagrad, rmsprop } from './rules/adaptive.ts';
import type { Optimizer } from './optimizer.ts';
import { sgd } from './rules/sgd.ts';

export const optimizers = { sgd, adagrad, adadelta, rmsprop, adam, adamW };

/** The names model.compile({ optimizer }) takes. */
export type OptimizerName = keyof typeof optimizers;

/**
 * The optimizer of that name with its default options.
 * @throws ArgumentError listing the names.
 */
export const optimizerByName = (name: string): Optimizer => lookUp<() => Optimizer>('optimizer', name, optimizers)();

export { schedules, type Schedule, type ScheduleName } from './schedules/index.ts';
export type {
  ChainedOptions,
  CosineDecayRestartsOptions,
  CyclicOptions,
  InverseSqrtOptions,
  LinearOptions,
  MultiStepOptions,
  MultiplicativeOptions,
  OneCycleOptions,
  PiecewiseInterpolateOptions,
  ScheduleLambdaOptions,
  SequentialOptions,
  StepOptions,
  WarmupOptions,
  WarmupStableDecayOptions,
  ConstantOptions,
  CosineDecayOptions,
  DecayOptions,
  PiecewiseConstantDecayOptions,
  PolynomialDecayOptions,
} from './schedules/index.ts';
export { type LossAndGradients, type Optimizer, type OptimizerState, type UpdateOptions, makeOptimizer } from './optimizer.ts';
export type { OptimizerOptions, OptimizerSettings } from './optimizerOptions.ts';
export {
  type ParameterUpdate,
  type Rule,
  type RuleResult,
  type Scalars,
  type Slots,
  type Update,
  onlyLearningRate,
  slotsLike,
} from './rule.ts';
export type { ClippingOptions } from './clipping.ts';
export type { SgdOptions } from './rules/sgd.ts';
export type { AdadeltaOptions, AdagradOptions, RmspropOptions } from './rules/adaptive.ts';
export type { AdamOptions, AdamWOptions } from './rules/adam.ts';
