// Optimizers that divide each element's step by the size of its past gradients: Adagrad, Adadelta, RMSprop.
import type { Configured } from '../../core/config.ts';
import { boolean, number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../../core/options.ts';
import { add, div, maximum, mul, sqrt, square, sub } from '../../ops/index.ts';
import { type Optimizer, makeOptimizer } from '../optimizer.ts';
import { checkOptimizerSettings, optimizerOptions } from '../optimizerOptions.ts';
import { onlyLearningRate, slotsLike } from '../rule.ts';
import { learningRateKind } from '../schedules/index.ts';
import { moving } from './moments.ts';

export const adagradOptions = declareOptions(
  'optimizers.adagrad',
  {
    /** Step size: a number, or a schedule of the step. @default 0.001 */
    learningRate: optional(learningRateKind, 0.001),
    /** First value of the sum of squared gradients. @default 0.1 */
    initialAccumulatorValue: optional(number('at least 0'), 0.1),
    /** Added to the root of the sum. @default 1e-7 */
    epsilon: optional(number('at least 0'), 1e-7),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type AdagradOptions = OptionsOf<typeof adagradOptions>;

/**
 * Adagrad: s += g^2, p -= learningRate * g / (sqrt(s) + epsilon). Duchi, Hazan and Singer, Adaptive Subgradient Methods, 2011.
 *
 *     optimizers.adagrad({ learningRate: 0.01 })
 */
export function adagrad(options: AdagradOptions = {}): Configured<Optimizer> {
  const settings = adagradOptions.read(options);
  const { initialAccumulatorValue, epsilon } = settings;
  const optimizer = makeOptimizer(
    {
      name: 'adagrad',
      slots: slotsLike({ accumulator: initialAccumulatorValue }),
      shared: onlyLearningRate,
      step({ gradient, slots }, rate) {
        const accumulator = add(slots.accumulator, square(gradient));
        return { delta: mul(div(gradient, add(sqrt(accumulator), epsilon)), rate), slots: { accumulator } };
      },
    },
    settings,
  );
  return withConfig(optimizer, adagradOptions, settings);
}

export const adadeltaOptions = declareOptions(
  'optimizers.adadelta',
  {
    /** Step size: a number, or a schedule of the step. The paper has none, which is 1. @default 0.001 */
    learningRate: optional(learningRateKind, 0.001),
    /** Decay of both averages. @default 0.95 */
    rho: optional(number('0 to below 1'), 0.95),
    /** Added inside the roots. @default 1e-7 */
    epsilon: optional(number('above 0'), 1e-7),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type AdadeltaOptions = OptionsOf<typeof adadeltaOptions>;

/**
 * Adadelta: s = rho s + (1 - rho) g^2, d = g sqrt(u + epsilon) / sqrt(s + epsilon), u = rho u + (1 - rho) d^2, p -= learningRate * d.
 * Zeiler, ADADELTA, 2012.
 *
 *     optimizers.adadelta({ learningRate: 1 })
 */
export function adadelta(options: AdadeltaOptions = {}): Configured<Optimizer> {
  const settings = adadeltaOptions.read(options);
  const { rho, epsilon } = settings;
  const optimizer = makeOptimizer(
    {
      name: 'adadelta',
      slots: slotsLike({ squaredGradient: 0, squaredDelta: 0 }),
      shared: onlyLearningRate,
      step({ gradient, slots }, rate) {
        const squaredGradient = moving(slots.squaredGradient, square(gradient), rho);
        const delta = mul(div(sqrt(add(slots.squaredDelta, epsilon)), sqrt(add(squaredGradient, epsilon))), gradient);
        return { delta: mul(delta, rate), slots: { squaredGradient, squaredDelta: moving(slots.squaredDelta, square(delta), rho) } };
      },
    },
    settings,
  );
  return withConfig(optimizer, adadeltaOptions, settings);
}

export const rmspropOptions = declareOptions(
  'optimizers.rmsprop',
  {
    /** Step size: a number, or a schedule of the step. @default 0.001 */
    learningRate: optional(learningRateKind, 0.001),
    /** Decay of the averages. @default 0.9 */
    rho: optional(number('0 to below 1'), 0.9),
    /** Share of the last step that is taken again. @default 0 */
    momentum: optional(number('0 to 1'), 0),
    /** Added to the root. @default 1e-7 */
    epsilon: optional(number('at least 0'), 1e-7),
    /** Divides by the standard deviation of the gradient instead of its root mean square. @default false */
    centered: optional(boolean, false),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type RmspropOptions = OptionsOf<typeof rmspropOptions>;

/**
 * RMSprop: s = rho s + (1 - rho) g^2, d = g / (sqrt(s) + epsilon), p -= learningRate * d. With centered, s - mean(g)^2 replaces s under the root.
 * With momentum m, v = m v + d replaces d. Hinton, lecture 6e, 2012.
 *
 *     optimizers.rmsprop({ learningRate: 1e-3, momentum: 0.9 })
 */
export function rmsprop(options: RmspropOptions = {}): Configured<Optimizer> {
  const settings = rmspropOptions.read(options);
  const { rho, momentum, epsilon, centered } = settings;
  const optimizer = makeOptimizer(
    {
      name: 'rmsprop',
      slots: slotsLike({ squaredGradient: 0, ...(centered ? { meanGradient: 0 } : {}), ...(momentum ? { momentum: 0 } : {}) }),
      shared: onlyLearningRate,
      step({ gradient, slots }, rate) {
        const squaredGradient = moving(slots.squaredGradient, square(gradient), rho);
        const meanGradient = centered ? moving(slots.meanGradient, gradient, rho) : undefined;
        // A variance. Rounding may make it negative, and its root is then NaN.
        const spread = meanGradient ? maximum(sub(squaredGradient, square(meanGradient)), 0) : squaredGradient;
        const scaled = div(gradient, add(sqrt(spread), epsilon));
        const velocity = momentum ? add(mul(slots.momentum, momentum), scaled) : undefined;
        return {
          delta: mul(velocity ?? scaled, rate),
          slots: { squaredGradient, ...(meanGradient && { meanGradient }), ...(velocity && { momentum: velocity }) },
        };
      },
    },
    settings,
  );
  return withConfig(optimizer, rmspropOptions, settings);
}
