// FTRL, for sparse linear models.
import type { Configured } from '../../core/config.ts';
import { kindOf, number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, clip, div, exp, log, mul, sqrt, square, sub } from '../../ops/index.ts';
import { type Optimizer, makeOptimizer } from '../optimizer.ts';
import { checkOptimizerSettings, optimizerOptions } from '../optimizerOptions.ts';
import { onlyLearningRate, slotsLike } from '../rule.ts';
import { learningRateKind } from '../schedules/index.ts';

export const ftrlOptions = declareOptions(
  'optimizers.ftrl',
  {
    /** Step size: a number, or a schedule of the step. @default 0.001 */
    learningRate: optional(learningRateKind, 0.001),
    /** Exponent of the decay of the rate. 0 keeps the rate. @default -0.5 */
    learningRatePower: optional(
      kindOf<number>({
        rule: 'a number of at most 0',
        accepts: (value): value is number => typeof value === 'number' && value <= 0 && value > -Infinity,
      }),
      -0.5,
    ),
    /** First value of the sum of squared gradients. @default 0.1 */
    initialAccumulatorValue: optional(number('at least 0'), 0.1),
    /** Strength of the penalty |p|, which makes weights exactly 0. @default 0 */
    l1RegularizationStrength: optional(number('at least 0'), 0),
    /** Strength of the penalty p^2. @default 0 */
    l2RegularizationStrength: optional(number('at least 0'), 0),
    /** Strength of a penalty p^2 that is part of the gradient. @default 0 */
    l2ShrinkageRegularizationStrength: optional(number('at least 0'), 0),
    /** The paper's beta. @default 0 */
    beta: optional(number('at least 0'), 0),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type FtrlOptions = OptionsOf<typeof ftrlOptions>;

/**
 * FTRL-proximal: with s += g^2 and r(s) = s^-learningRatePower / learningRate, z += g - (r(s) - r(s before)) p, and p = (clip(z, -l1, l1) - z)
 * / (r(s) + 2 l2 + beta / learningRate). McMahan et al., Ad Click Prediction: a View from the Trenches, 2013; the formula is Keras's.
 *
 *     optimizers.ftrl({ learningRate: 0.1, l1RegularizationStrength: 0.001 })
 */
export function ftrl(given: FtrlOptions = {}): Configured<Optimizer> {
  const settings = ftrlOptions.read(given);
  const { learningRatePower, initialAccumulatorValue, l1RegularizationStrength: l1, l2RegularizationStrength: l2, beta } = settings;
  const shrinkage = settings.l2ShrinkageRegularizationStrength;
  const power = (s: Tensor): Tensor => (learningRatePower === -0.5 ? sqrt(s) : exp(mul(log(s), -learningRatePower)));
  const optimizer = makeOptimizer(
    {
      name: 'ftrl',
      slots: slotsLike({ accumulator: initialAccumulatorValue, linear: 0 }),
      shared: onlyLearningRate,
      step({ gradient, parameter, slots }, rate) {
        const accumulator = add(slots.accumulator, square(gradient));
        const [before, after] = [power(slots.accumulator), power(accumulator)];
        const shrunk = shrinkage ? add(gradient, mul(parameter, 2 * shrinkage)) : gradient;
        const linear = add(slots.linear, sub(shrunk, mul(div(sub(after, before), rate), parameter)));
        const quadratic = add(div(add(after, beta), rate), 2 * l2);
        return { parameter: div(sub(clip(linear, -l1, l1), linear), quadratic), slots: { accumulator, linear } };
      },
    },
    settings,
  );
  return withConfig(optimizer, ftrlOptions, settings);
}
