// Stochastic gradient descent, with or without momentum.
import type { Configured } from '../../core/config.ts';
import { ArgumentError } from '../../core/errors.ts';
import { boolean, number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, equal, mul, where } from '../../ops/index.ts';
import { type Optimizer, makeOptimizer } from '../optimizer.ts';
import { checkOptimizerSettings, optimizerOptions } from '../optimizerOptions.ts';
import { slotsLike } from '../rule.ts';
import { learningRateKind } from '../schedules/index.ts';

export const sgdOptions = declareOptions(
  'optimizers.sgd',
  {
    /** Step size: a number, or a schedule of the step. @default 0.01 */
    learningRate: optional(learningRateKind, 0.01),
    /** Share of the last step that is taken again. @default 0 */
    momentum: optional(number('0 to 1'), 0),
    /** Evaluates the gradient ahead along the momentum. Sutskever et al., On the importance of initialization and momentum, 2013. @default false */
    nesterov: optional(boolean, false),
    /** Share of the gradient that the momentum leaves out, from the second update on. @default 0 */
    dampening: optional(number('0 to 1'), 0),
    ...optimizerOptions,
  },
  (settings, where_) => {
    checkOptimizerSettings(settings, where_);
    const { nesterov, momentum, dampening } = settings;
    if (!nesterov || (momentum !== 0 && dampening === 0)) return;
    throw new ArgumentError(
      `${where_}: nesterov with momentum ${momentum} and dampening ${dampening}; it needs a momentum above 0 and no dampening`,
    );
  },
);
export type SgdOptions = OptionsOf<typeof sgdOptions>;

/**
 * Stochastic gradient descent: p -= learningRate * g. With momentum m: v = m v + (1 - dampening) g (v = g at the first update) and
 * p -= learningRate * v; with nesterov p -= learningRate * (g + m v).
 *
 *     const sgd = optimizers.sgd({ learningRate: 0.01, momentum: 0.9 });
 *     const state = sgd.init(parameters);
 *     const next = sgd.update(gradients, state, parameters);   // { parameters, state }
 *
 * @throws ArgumentError for nesterov without momentum or with dampening.
 */
export function sgd(options: SgdOptions = {}): Configured<Optimizer> {
  const settings = sgdOptions.read(options);
  const { momentum, nesterov, dampening } = settings;
  const optimizer = makeOptimizer<{ rate: Tensor; fresh: Tensor | undefined }>(
    {
      name: 'sgd',
      slots: slotsLike(momentum ? { momentum: 0 } : {}),
      shared: ({ count, learningRate: rate }) => ({
        rate,
        fresh: momentum && dampening ? where(equal(count, 1), 1, 1 - dampening) : undefined,
      }),
      step({ gradient, slots }, { rate, fresh }) {
        if (!momentum) return { delta: mul(gradient, rate), slots };
        const velocity = add(mul(slots.momentum, momentum), fresh ? mul(gradient, fresh) : gradient);
        const direction = nesterov ? add(gradient, mul(velocity, momentum)) : velocity;
        return { delta: mul(direction, rate), slots: { momentum: velocity } };
      },
    },
    settings,
  );
  return withConfig(optimizer, sgdOptions, settings);
}
