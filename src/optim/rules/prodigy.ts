// Prodigy: Adam that finds its own learning rate.
import type { Configured } from '../../core/config.ts';
import { boolean, number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { abs, add, div, equal, greater, maximum, minimum, mul, sqrt, square, sub, sum, where } from '../../ops/index.ts';
import { type Optimizer, makeOptimizer } from '../optimizer.ts';
import { checkOptimizerSettings, optimizerOptions } from '../optimizerOptions.ts';
import { copyOf, slotsLike } from '../rule.ts';
import { learningRateKind } from '../schedules/index.ts';
import { correction, moving } from './moments.ts';

export const prodigyOptions = declareOptions(
  'optimizers.prodigy',
  {
    /** Factor of the rate that is found: a number, or a schedule of the step. @default 1 */
    learningRate: optional(learningRateKind, 1),
    /** Decay of the mean of the gradients. @default 0.9 */
    beta1: optional(number('0 to below 1'), 0.9),
    /** Decay of the second moment. @default 0.999 */
    beta2: optional(number('0 to below 1'), 0.999),
    /** Decay of the sums that estimate the distance. @default the root of beta2 */
    beta3: optional(number('0 to below 1')),
    /** Added to the root of the second moment, times the distance. @default 1e-8 */
    epsilon: optional(number('at least 0'), 1e-8),
    /** First estimate of the distance to the solution. @default 0.000001 */
    d0: optional(number('above 0'), 1e-6),
    /** Factor of the estimated distance. @default 1 */
    dCoef: optional(number('above 0'), 1),
    /** Largest factor by which the distance grows in one update. */
    growthRate: optional(number('at least 1')),
    /** Corrects the moments at the first updates, as Adam does. @default false */
    useBiasCorrection: optional(boolean, false),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type ProdigyOptions = OptionsOf<typeof prodigyOptions>;

/**
 * Prodigy: Adam with the rate d, an estimate of the distance from the first parameters p0 to the solution. d = max(d, dCoef r / |s|_1), with moving
 * sums r of w g . (p0 - p) and s of w g, decayed by beta3, and w = learningRate d^2 / d0. Mishchenko and Defazio, Prodigy, 2023.
 *
 *     optimizers.prodigy()
 */
export function prodigy(given: ProdigyOptions = {}): Configured<Optimizer> {
  const settings = prodigyOptions.read(given);
  const { beta1, beta2, beta3 = Math.sqrt(beta2), epsilon, d0, dCoef, growthRate, useBiasCorrection } = settings;
  interface Shared {
    readonly sums: readonly Tensor[];
    readonly before: Tensor;
    readonly after: Tensor;
    readonly largest: Tensor;
    readonly numerator: Tensor;
    readonly rate: Tensor;
  }
  const momentSlots = slotsLike({ firstMoment: 0, secondMoment: 0, sum: 0 });
  const optimizer = makeOptimizer<Shared>(
    {
      name: 'prodigy',
      ownsWeightDecay: true,
      slots: (parameter, path) => ({ ...momentSlots(parameter, path), first: copyOf(parameter) }),
      scalars: { distance: d0, largestDistance: d0, numerator: 0 },
      shared({ count, learningRate, scalars: { distance, largestDistance, numerator: earlier }, parameters }) {
        const corrected = useBiasCorrection ? div(sqrt(correction(beta2, count)), beta1 ? correction(beta1, count) : 1) : 1;
        const rate = mul(mul(distance, learningRate), corrected);
        const weight = mul(div(distance, d0), rate);
        const sums = parameters.map(({ gradient, slots }) => add(mul(slots.sum, beta3), mul(gradient, weight)));
        const total = (values: readonly Tensor[]): Tensor => values.reduce((a, b) => add(a, b));
        const products = total(parameters.map(({ gradient, parameter, slots }) => sum(mul(gradient, sub(slots.first, parameter)))));
        const numerator = add(mul(earlier, beta3), mul(products, weight));
        const denominator = total(sums.map((one) => sum(abs(one))));
        const isKnown = greater(denominator, 0);
        const estimate = div(mul(numerator, dCoef), where(isKnown, denominator, 1));
        const begun = where(equal(distance, Math.fround(d0)), maximum(distance, estimate), distance);
        const largest = where(isKnown, maximum(largestDistance, estimate), largestDistance);
        const grown = growthRate === undefined ? largest : minimum(largest, mul(begun, growthRate));
        return { sums, before: distance, after: where(isKnown, grown, distance), largest, numerator, rate };
      },
      nextScalars: (_, { after, largest, numerator }) => ({ distance: after, largestDistance: largest, numerator }),
      step({ gradient, parameter, slots, index, weightDecay }, { sums, before, after, rate }) {
        const firstMoment = moving(slots.firstMoment, mul(gradient, before), beta1);
        const secondMoment = moving(slots.secondMoment, square(mul(gradient, before)), beta2);
        const kept = weightDecay ? mul(parameter, sub(1, mul(rate, weightDecay))) : parameter;
        return {
          parameter: sub(kept, mul(div(firstMoment, add(sqrt(secondMoment), mul(after, epsilon))), rate)),
          slots: { firstMoment, secondMoment, first: slots.first, sum: sums[index] },
        };
      },
    },
    settings,
  );
  return withConfig(optimizer, prodigyOptions, settings);
}
