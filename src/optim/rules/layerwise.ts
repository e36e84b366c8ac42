// Optimizers whose step is scaled by the norm of each parameter tensor: LAMB and LARS.
import type { Configured } from '../../core/config.ts';
import { boolean, number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, div, greater, logicalAnd, mul, norm, sqrt, square, where } from '../../ops/index.ts';
import { type Optimizer, makeOptimizer } from '../optimizer.ts';
import { checkOptimizerSettings, optimizerOptions } from '../optimizerOptions.ts';
import { onlyLearningRate, slotsLike } from '../rule.ts';
import { learningRateKind } from '../schedules/index.ts';
import { correction, momentOptions, moving, rootCorrection } from './moments.ts';

/** numerator / denominator, and 1 if one of the norms is 0. */
function trust(parameterNorm: Tensor, stepNorm: Tensor, ratio: Tensor): Tensor {
  return where(logicalAnd(greater(parameterNorm, 0), greater(stepNorm, 0)), ratio, 1);
}

export const lambOptions = declareOptions(
  'optimizers.lamb',
  {
    /** Step size: a number, or a schedule of the step. @default 0.001 */
    learningRate: optional(learningRateKind, 0.001),
    ...momentOptions,
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type LambOptions = OptionsOf<typeof lambOptions>;

/**
 * LAMB: Adam's step d, plus weightDecay * p, times the ratio of the norms |p| / |d|, for each tensor. You et al., Large Batch Optimization for
 * Deep Learning, 2019. As in the paper, the weight decay is part of d; Keras leaves it out of the ratio.
 *
 *     optimizers.lamb({ learningRate: 2e-3, weightDecay: 0.01, excludeFromWeightDecay: ['bias', 'ormalization'] })
 */
export function lamb(given: LambOptions = {}): Configured<Optimizer> {
  const settings = lambOptions.read(given);
  const { beta1, beta2, epsilon } = settings;
  interface Shared {
    readonly rate: Tensor;
    readonly firstCorrection: Tensor | number;
    readonly rootFactor: Tensor | number;
  }
  const optimizer = makeOptimizer<Shared>(
    {
      name: 'lamb',
      ownsWeightDecay: true,
      slots: slotsLike({ firstMoment: 0, secondMoment: 0 }),
      shared: ({ count, learningRate: rate }) => ({
        rate,
        firstCorrection: beta1 ? div(1, correction(beta1, count)) : 1,
        rootFactor: rootCorrection(beta2, count),
      }),
      step({ gradient, parameter, slots, weightDecay }, { rate, firstCorrection, rootFactor }) {
        const firstMoment = moving(slots.firstMoment, gradient, beta1);
        const secondMoment = moving(slots.secondMoment, square(gradient), beta2);
        const adam = div(mul(firstMoment, firstCorrection), add(mul(sqrt(secondMoment), rootFactor), epsilon));
        const direction = weightDecay ? add(adam, mul(parameter, weightDecay)) : adam;
        const [parameterNorm, stepNorm] = [norm(parameter), norm(direction)];
        const ratio = trust(parameterNorm, stepNorm, div(parameterNorm, stepNorm));
        return { delta: mul(direction, mul(ratio, rate)), slots: { firstMoment, secondMoment } };
      },
    },
    settings,
  );
  return withConfig(optimizer, lambOptions, settings);
}

export const larsOptions = declareOptions(
  'optimizers.lars',
  {
    /** Step size: a number, or a schedule of the step. @default 0.1 */
    learningRate: optional(learningRateKind, 0.1),
    /** Share of the last step that is taken again. @default 0.9 */
    momentum: optional(number('0 to 1'), 0.9),
    /** Evaluates the gradient ahead along the momentum. @default false */
    nesterov: optional(boolean, false),
    /** Ratio of a tensor's step to its norm, at a learning rate of 1. @default 0.001 */
    trustCoefficient: optional(number('above 0'), 0.001),
    /** Added to the norm of the step. @default 0 */
    epsilon: optional(number('at least 0'), 0),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type LarsOptions = OptionsOf<typeof larsOptions>;

/**
 * LARS: momentum over d = g + weightDecay * p, scaled for each tensor by trustCoefficient |p| / (|g| + weightDecay |p| + epsilon). You, Gitman
 * and Ginsburg, Large Batch Training of Convolutional Networks, 2017.
 *
 *     optimizers.lars({ learningRate: 5, weightDecay: 1e-4 })
 */
export function lars(given: LarsOptions = {}): Configured<Optimizer> {
  const settings = larsOptions.read(given);
  const { momentum, nesterov, trustCoefficient, epsilon } = settings;
  const optimizer = makeOptimizer(
    {
      name: 'lars',
      ownsWeightDecay: true,
      slots: slotsLike({ momentum: 0 }),
      shared: onlyLearningRate,
      step({ gradient, parameter, slots, weightDecay }, rate) {
        const [parameterNorm, gradientNorm] = [norm(parameter), norm(gradient)];
        const size = add(gradientNorm, weightDecay ? add(mul(parameterNorm, weightDecay), epsilon) : epsilon);
        const ratio = trust(parameterNorm, gradientNorm, mul(div(parameterNorm, size), trustCoefficient));
        const direction = mul(weightDecay ? add(gradient, mul(parameter, weightDecay)) : gradient, mul(ratio, rate));
        const velocity = add(mul(slots.momentum, momentum), direction);
        return { delta: nesterov ? add(direction, mul(velocity, momentum)) : velocity, slots: { momentum: velocity } };
      },
    },
    settings,
  );
  return withConfig(optimizer, larsOptions, settings);
}
