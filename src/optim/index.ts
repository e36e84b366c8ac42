// Optimizers and schedules, by name. A new optimizer is a rule for one parameter (rule.ts) and a name in optimizers.ts.
import { lookUp } from '../core/names.ts';
import type { Optimizer } from './optimizer.ts';
import * as optimizers from './optimizers.ts';

/** Optimizer factories by name: `optimizers.adam({ learningRate: 1e-3 })`. */
export { optimizers };

/** The names model.compile({ optimizer }) takes: optimizers that need no option. */
export type OptimizerName = Exclude<keyof typeof optimizers, 'dpSgd' | 'lookahead' | 'multiOptimizer' | 'sam' | 'swa'>;

/**
 * The optimizer of that name with its default options.
 * @throws ArgumentError listing the names, or naming the option that the optimizer needs.
 */
export const optimizerByName = (name: string): Optimizer => lookUp<() => Optimizer>('optimizer', name, 'optimizers')();

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
export type { AdabeliefOptions, AdamaxOptions, AdanOptions, NadamOptions, NadamWOptions, RadamOptions } from './rules/adamFamily.ts';
export type { AdafactorOptions } from './rules/adafactor.ts';
export type { AsgdOptions } from './rules/asgd.ts';
export type { FtrlOptions } from './rules/ftrl.ts';
export type { LambOptions, LarsOptions } from './rules/layerwise.ts';
export type { LbfgsOptions } from './rules/lbfgs.ts';
export type { MuonOptions } from './rules/muon.ts';
export type { ProdigyOptions } from './rules/prodigy.ts';
export type { ScheduleFreeAdamWOptions } from './rules/scheduleFree.ts';
export type { LionOptions, RpropOptions, SignumOptions } from './rules/signs.ts';
export type { DpSgdOptions } from './wrappers/dpSgd.ts';
export type { LookaheadOptions } from './wrappers/lookahead.ts';
export type { MultiOptimizerOptions } from './wrappers/multiOptimizer.ts';
export type { SamOptions } from './wrappers/sam.ts';
export type { SwaOptions } from './wrappers/swa.ts';
