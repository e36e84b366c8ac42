// Optimizers and schedules, by name. A new optimizer is a rule for one parameter (rule.ts) and a row here.
import { lookUp } from '../core/names.ts';
import { adafactor } from './rules/adafactor.ts';
import { adam, adamW } from './rules/adam.ts';
import { adabelief, adamax, adan, nadam, nadamW, radam } from './rules/adamFamily.ts';
import { adadelta, adagrad, rmsprop } from './rules/adaptive.ts';
import type { Optimizer } from './optimizer.ts';
import { asgd } from './rules/asgd.ts';
import { ftrl } from './rules/ftrl.ts';
import { lbfgs } from './rules/lbfgs.ts';
import { lamb, lars } from './rules/layerwise.ts';
import { muon } from './rules/muon.ts';
import { prodigy } from './rules/prodigy.ts';
import { scheduleFreeAdamW } from './rules/scheduleFree.ts';
import { sgd } from './rules/sgd.ts';
import { lion, rprop, signum } from './rules/signs.ts';
import { dpSgd } from './wrappers/dpSgd.ts';
import { lookahead } from './wrappers/lookahead.ts';
import { multiOptimizer } from './wrappers/multiOptimizer.ts';
import { sam } from './wrappers/sam.ts';
import { swa } from './wrappers/swa.ts';

/** Optimizers that need no option: compile() takes their names. */
const byName = {
  ...{ sgd, asgd, adagrad, adadelta, rmsprop, adam, adamW, adamax, nadam, nadamW, radam, adabelief, adan },
  ...{ adafactor, ftrl, lion, signum, rprop, lamb, lars, muon, prodigy, scheduleFreeAdamW, lbfgs },
};

export const optimizers = { ...byName, dpSgd, lookahead, multiOptimizer, sam, swa };

/** The names model.compile({ optimizer }) takes. */
export type OptimizerName = keyof typeof byName;

/**
 * The optimizer of that name with its default options.
 * @throws ArgumentError listing the names, or naming the option that the optimizer needs.
 */
export const optimizerByName = (name: string): Optimizer =>
  lookUp('optimizer', name, optimizers as unknown as Record<string, () => Optimizer>)();

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
