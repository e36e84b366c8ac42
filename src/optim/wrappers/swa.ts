// Stochastic weight averaging over another optimizer's weights.
import type { Configured } from '../../core/config.ts';
import { integer } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../../core/options.ts';
import { withScope } from '../../graph/scope.ts';
import { add, cast, div, equal, greater, logicalAnd, maximum, mod, mul, sub, where } from '../../ops/index.ts';
import type { Optimizer, OptimizerState } from '../optimizer.ts';
import { sgd } from '../rules/sgd.ts';
import { described, optimizerKind, stateWithCopy, zipTrees } from './wrap.ts';

export const swaOptions = declareOptions('optimizers.swa', {
  /** The optimizer whose weights are averaged. */
  optimizer: required(optimizerKind, sgd()),
  /** Update after which the averaging begins. Until then the average is the weights themselves. @default 0 */
  start: optional(integer('at least 0'), 0),
  /** Number of updates between two weights that the average takes in. @default 1 */
  every: optional(integer('above 0'), 1),
});
export type SwaOptions = OptionsOf<typeof swaOptions>;

/**
 * Stochastic weight averaging: the mean of the weights after updates start + every, start + 2 every and so on. model.swapAverages() exchanges
 * the weights and the mean. Statistics of batchNormalization belong to the weights: run a few batches after the exchange to renew them.
 * Izmailov et al., Averaging Weights Leads to Wider Optima, 2018.
 *
 *     optimizers.swa({ optimizer: optimizers.sgd({ learningRate: 0.05, momentum: 0.9 }), start: 1000, every: 100 })
 */
export function swa(given: SwaOptions): Configured<Optimizer> {
  const settings = swaOptions.read(given);
  const { optimizer: inner, start, every } = settings;
  const optimizer: Optimizer = {
    ...described('swa', inner),
    init: (parameters, previous) => withScope('swa', () => stateWithCopy('swa', 'average', inner, parameters, previous)),
    update: <P>(gradients: unknown, { average, ...state }: OptimizerState, parameters: P, options = {}) =>
      withScope('swa', () => {
        const next = inner.update(gradients, state, parameters, options);
        const { step } = next.state;
        const past = sub(step, start);
        // Without the second condition, calls that only accumulate gradients would be counted.
        const isDue = logicalAnd(equal(mod(past, every), 0), greater(step, state.step));
        const count = div(cast(past, 'f32'), every);
        const share = where(isDue, div(1, maximum(count, 1)), 0);
        const isBefore = greater(1, past);
        const nextAverage = zipTrees(
          (before, now) => {
            const weights = cast(now, 'f32');
            return where(isBefore, weights, add(before, mul(sub(weights, before), share)));
          },
          average,
          next.parameters,
        );
        return { parameters: next.parameters, state: { ...next.state, average: nextAverage } };
      }),
  };
  return withConfig(optimizer, swaOptions, settings);
}
