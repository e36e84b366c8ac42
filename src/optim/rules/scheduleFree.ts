// AdamW without a schedule: an average of the weights takes the place of a falling rate.
import type { Configured } from '../../core/config.ts';
import { integer, number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, div, exp, log, maximum, minimum, mul, sqrt, square, sub, zeros } from '../../ops/index.ts';
import { type Optimizer, makeOptimizer } from '../optimizer.ts';
import { checkOptimizerSettings, optionsWithoutAverage } from '../optimizerOptions.ts';
import { copyOf } from '../rule.ts';
import { learningRateKind } from '../schedules/index.ts';
import { correction, moving } from './moments.ts';

export const scheduleFreeAdamWOptions = declareOptions(
  'optimizers.scheduleFreeAdamW',
  {
    /** Step size, the same for the whole training: a number, or a schedule of the step. @default 0.0025 */
    learningRate: optional(learningRateKind, 0.0025),
    /** Share of the average in the point whose gradients are taken. @default 0.9 */
    beta1: optional(number('above 0'), 0.9),
    /** Decay of the second moment. @default 0.999 */
    beta2: optional(number('0 to below 1'), 0.999),
    /** Added to the root of the second moment. @default 1e-8 */
    epsilon: optional(number('at least 0'), 1e-8),
    /** Number of updates over which the rate rises from 0. @default 0 */
    warmupSteps: optional(integer('at least 0'), 0),
    /** Exponent of the update's number in its weight in the average. @default 0 */
    r: optional(number('at least 0'), 0),
    /** Exponent of the largest rate so far in an update's weight in the average. @default 2 */
    weightLearningRatePower: optional(number('at least 0'), 2),
    ...optionsWithoutAverage,
  },
  checkOptimizerSettings,
);
export type ScheduleFreeAdamWOptions = OptionsOf<typeof scheduleFreeAdamWOptions>;

/**
 * Schedule-free AdamW. z makes the steps of AdamW without momentum, x is the weighted mean of all z, and gradients are taken at y = (1 - beta1)
 * z + beta1 x, which the parameters are while training. x is better: evaluate after model.swapAverages(), and swap back to go on training.
 * Defazio et al., The Road Less Scheduled, 2024; options and defaults are those of its PyTorch code.
 *
 *     optimizers.scheduleFreeAdamW({ learningRate: 0.0025, warmupSteps: 100 })
 */
export function scheduleFreeAdamW(given: ScheduleFreeAdamWOptions = {}): Configured<Optimizer> {
  const settings = scheduleFreeAdamWOptions.read(given);
  const { beta1, beta2, epsilon, warmupSteps, r, weightLearningRatePower } = settings;
  interface Shared {
    readonly rate: Tensor;
    readonly largest: Tensor;
    readonly sum: Tensor;
    readonly share: Tensor;
  }
  const power = (x: Tensor, exponent: number): Tensor | number => (exponent === 0 ? 1 : exp(mul(log(x), exponent)));
  const optimizer = makeOptimizer<Shared>(
    {
      name: 'scheduleFreeAdamW',
      ownsAverage: true,
      ownsWeightDecay: true,
      slots: (parameter) => ({ base: copyOf(parameter), average: copyOf(parameter), secondMoment: zeros(parameter.shape) }),
      scalars: { largestRate: 0, weightSum: 0 },
      shared({ count, learningRate, scalars: { largestRate, weightSum } }) {
        const warm = warmupSteps ? mul(learningRate, minimum(div(count, warmupSteps), 1)) : learningRate;
        const rate = beta2 ? mul(warm, sqrt(correction(beta2, count))) : warm;
        const largest = maximum(rate, largestRate);
        const weight = mul(power(largest, weightLearningRatePower), power(count, r));
        const sum = add(weightSum, weight);
        return { rate, largest, sum, share: div(weight, sum) };
      },
      nextScalars: (_update, { largest, sum }) => ({ largestRate: largest, weightSum: sum }),
      step({ gradient, parameter, slots, weightDecay }, { rate, share }) {
        const secondMoment = moving(slots.secondMoment, square(gradient), beta2);
        const direction = div(gradient, add(sqrt(secondMoment), epsilon));
        const decayed = weightDecay ? add(direction, mul(parameter, weightDecay)) : direction;
        const base = sub(slots.base, mul(decayed, rate));
        const average = add(slots.average, mul(sub(base, slots.average), share));
        return { parameter: moving(average, base, beta1), slots: { base, average, secondMoment } };
      },
    },
    settings,
  );
  return withConfig(optimizer, scheduleFreeAdamWOptions, settings);
}
