// Optimizers and schedules, by name. A new optimizer is a rule for one parameter (optimizer.ts) and a row here.
import { lookUp } from '../core/names.ts';
import { adam, adamW } from './adam.ts';
import { adadelta, adagrad, rmsprop } from './adaptive.ts';
import type { Optimizer } from './optimizer.ts';
import { sgd } from './sgd.ts';

export const optimizers = { sgd, adagrad, adadelta, rmsprop, adam, adamW };

/** The names model.compile({ optimizer }) takes. */
export type OptimizerName = keyof typeof optimizers;

/**
 * The optimizer of that name with its default options.
 * @throws ArgumentError listing the names.
 */
export const optimizerByName = (name: string): Optimizer => lookUp<() => Optimizer>('optimizer', name, optimizers)();

export { schedules, type Schedule, type ScheduleName } from './schedules.ts';
export type {
  ConstantOptions,
  CosineDecayOptions,
  DecayOptions,
  PiecewiseConstantDecayOptions,
  PolynomialDecayOptions,
} from './schedules.ts';
export type { Optimizer, OptimizerState } from './optimizer.ts';
export type { OptimizerOptions } from './optimizerOptions.ts';
export type { ClippingOptions } from './clipping.ts';
export type { SgdOptions } from './sgd.ts';
export type { AdadeltaOptions, AdagradOptions, RmspropOptions } from './adaptive.ts';
export type { AdamOptions } from './adam.ts';
