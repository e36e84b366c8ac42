// Optimizers whose steps have a sign and a size of their own: Lion, Signum, Rprop.
import type { Configured } from '../../core/config.ts';
import { ArgumentError } from '../../core/errors.ts';
import { number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../../core/options.ts';
import { clip, greater, less, mul, sign, where } from '../../ops/index.ts';
import { type Optimizer, makeOptimizer } from '../optimizer.ts';
import { checkOptimizerSettings, optimizerOptions } from '../optimizerOptions.ts';
import { onlyLearningRate, slotsLike } from '../rule.ts';
import { learningRateKind } from '../schedules/index.ts';
import { moving } from './moments.ts';

export const lionOptions = declareOptions(
  'optimizers.lion',
  {
    /** Step size: a number, or a schedule of the step. @default 0.001 */
    learningRate: optional(learningRateKind, 0.001),
    /** Weight of the momentum in the step. @default 0.9 */
    beta1: optional(number('0 to below 1'), 0.9),
    /** Decay of the momentum. @default 0.99 */
    beta2: optional(number('0 to below 1'), 0.99),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type LionOptions = OptionsOf<typeof lionOptions>;

/**
 * Lion: p -= learningRate * sign(beta1 m + (1 - beta1) g), then m = beta2 m + (1 - beta2) g. Chen et al., Symbolic Discovery of Optimization
 * Algorithms, 2023. Its learning rate is 3 to 10 times smaller than Adam's.
 *
 *     optimizers.lion({ learningRate: 1e-4, weightDecay: 0.1 })
 */
export function lion(given: LionOptions = {}): Configured<Optimizer> {
  const settings = lionOptions.read(given);
  const { beta1, beta2 } = settings;
  const optimizer = makeOptimizer(
    {
      name: 'lion',
      slots: slotsLike({ momentum: 0 }),
      shared: onlyLearningRate,
      step: ({ gradient, slots: { momentum } }, rate) => ({
        delta: mul(sign(moving(momentum, gradient, beta1)), rate),
        slots: { momentum: moving(momentum, gradient, beta2) },
      }),
    },
    settings,
  );
  return withConfig(optimizer, lionOptions, settings);
}

export const signumOptions = declareOptions(
  'optimizers.signum',
  {
    /** Step size: a number, or a schedule of the step. @default 0.001 */
    learningRate: optional(learningRateKind, 0.001),
    /** Decay of the mean of the gradients. 0 is signSGD. @default 0.9 */
    momentum: optional(number('0 to below 1'), 0.9),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type SignumOptions = OptionsOf<typeof signumOptions>;

/**
 * Signum: m = momentum m + (1 - momentum) g, p -= learningRate * sign(m). Bernstein et al., signSGD, 2018.
 *
 *     optimizers.signum({ learningRate: 1e-4 })
 */
export function signum(given: SignumOptions = {}): Configured<Optimizer> {
  const settings = signumOptions.read(given);
  const { momentum: decay } = settings;
  const optimizer = makeOptimizer(
    {
      name: 'signum',
      slots: slotsLike({ momentum: 0 }),
      shared: onlyLearningRate,
      step({ gradient, slots }, rate) {
        const momentum = moving(slots.momentum, gradient, decay);
        return { delta: mul(sign(momentum), rate), slots: { momentum } };
      },
    },
    settings,
  );
  return withConfig(optimizer, signumOptions, settings);
}

export const rpropOptions = declareOptions(
  'optimizers.rprop',
  {
    /** Size of the first step of each element. A schedule counts only at the first update. @default 0.01 */
    learningRate: optional(learningRateKind, 0.01),
    /** Factor of a step's size after the gradient changed its sign. @default 0.5 */
    etaMinus: optional(number('0 to below 1'), 0.5),
    /** Factor of a step's size after the gradient kept its sign. @default 1.2 */
    etaPlus: optional(number('at least 1'), 1.2),
    /** Smallest size of a step. @default 0.000001 */
    minStepSize: optional(number('at least 0'), 1e-6),
    /** Largest size of a step. @default 50 */
    maxStepSize: optional(number('above 0'), 50),
    ...optimizerOptions,
  },
  (settings, where_) => {
    checkOptimizerSettings(settings, where_);
    const { minStepSize, maxStepSize } = settings;
    if (minStepSize > maxStepSize)
      throw new ArgumentError(`${where_}: minStepSize ${minStepSize} is above maxStepSize ${maxStepSize}; it must not be`);
  },
);
export type RpropOptions = OptionsOf<typeof rpropOptions>;

/** A step size before the first update of its parameter. */
const notBegun = -1;

/**
 * Rprop: each element has a step size, which grows while its gradient keeps its sign and shrinks when it changes; only the sign of the gradient
 * counts: p -= sign(g) clip(step factor, minStepSize, maxStepSize), with the factor etaPlus or etaMinus. For whole batches. Riedmiller and Braun, A Direct Adaptive Method for Faster Backpropagation Learning, 1993; PyTorch's Rprop.
 *
 *     optimizers.rprop({ learningRate: 0.01 })
 */
export function rprop(given: RpropOptions = {}): Configured<Optimizer> {
  const settings = rpropOptions.read(given);
  const { etaMinus, etaPlus, minStepSize, maxStepSize } = settings;
  const optimizer = makeOptimizer(
    {
      name: 'rprop',
      slots: slotsLike({ lastGradient: 0, stepSize: notBegun }),
      shared: onlyLearningRate,
      step({ gradient, slots }, rate) {
        // Signs, and not the product of the gradients: it may underflow.
        const agreement = mul(sign(gradient), sign(slots.lastGradient));
        const factor = where(greater(agreement, 0), etaPlus, where(less(agreement, 0), etaMinus, 1));
        const stepSize = clip(mul(where(less(slots.stepSize, 0), rate, slots.stepSize), factor), minStepSize, maxStepSize);
        const used = where(less(agreement, 0), 0, gradient);
        return { delta: mul(sign(used), stepSize), slots: { lastGradient: used, stepSize } };
      },
    },
    settings,
  );
  return withConfig(optimizer, rpropOptions, settings);
}
