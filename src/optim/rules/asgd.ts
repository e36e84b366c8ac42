// Averaged stochastic gradient descent.
import type { Configured } from '../../core/config.ts';
import { number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, div, exp, log, maximum, mul, sub } from '../../ops/index.ts';
import { type Optimizer, makeOptimizer } from '../optimizer.ts';
import { checkOptimizerSettings, optionsWithoutAverage } from '../optimizerOptions.ts';
import { copyOf } from '../rule.ts';
import { learningRateKind } from '../schedules/index.ts';

export const asgdOptions = declareOptions(
  'optimizers.asgd',
  {
    /** Step size: a number, or a schedule of the step. @default 0.01 */
    learningRate: optional(learningRateKind, 0.01),
    /** Decay of the parameters, and of the rate. @default 0.0001 */
    lambd: optional(number('at least 0'), 1e-4),
    /** Exponent of the decay of the rate. @default 0.75 */
    alpha: optional(number('at least 0'), 0.75),
    /** Update after which the averaging begins. Until then the average is the parameter. @default 1000000 */
    t0: optional(number('at least 0'), 1e6),
    ...optionsWithoutAverage,
  },
  checkOptimizerSettings,
);
export type AsgdOptions = OptionsOf<typeof asgdOptions>;

/**
 * Averaged SGD: p = p (1 - lambd r) - r g with r = learningRate / (1 + lambd learningRate (t - 1))^alpha, and the mean of p over the updates
 * after t0. model.swapAverages() exchanges the parameters and the means. Polyak and Juditsky, Acceleration of Stochastic Approximation by
 * Averaging, 1992; PyTorch's ASGD.
 *
 *     optimizers.asgd({ learningRate: 0.1, t0: 1000 })
 */
export function asgd(given: AsgdOptions = {}): Configured<Optimizer> {
  const settings = asgdOptions.read(given);
  const { lambd, alpha, t0 } = settings;
  const optimizer = makeOptimizer<{ rate: Tensor; share: Tensor }>(
    {
      name: 'asgd',
      ownsAverage: true,
      slots: (parameter) => ({ average: copyOf(parameter) }),
      shared({ count, learningRate }) {
        const grown = add(mul(mul(sub(count, 1), learningRate), lambd), 1);
        return {
          rate: mul(learningRate, exp(mul(log(grown), -alpha))),
          share: div(1, maximum(sub(sub(count, 1), t0), 1)),
        };
      },
      step({ gradient, parameter, slots }, { rate, share }) {
        const next = sub(mul(parameter, sub(1, mul(rate, lambd))), mul(gradient, rate));
        return { parameter: next, slots: { average: add(slots.average, mul(sub(next, slots.average), share)) } };
      },
    },
    settings,
  );
  return withConfig(optimizer, asgdOptions, settings);
}
