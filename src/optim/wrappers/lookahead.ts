// Lookahead: slow weights that follow the fast ones of another optimizer.
import type { Configured } from '../../core/config.ts';
import { integer, number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../../core/options.ts';
import { withScope } from '../../graph/scope.ts';
import { add, cast, equal, mod, mul, sub, where } from '../../ops/index.ts';
import type { Optimizer, OptimizerState } from '../optimizer.ts';
import { sgd } from '../rules/sgd.ts';
import { described, optimizerKind, stateWithCopy, zipTrees } from './wrap.ts';

export const lookaheadOptions = declareOptions('optimizers.lookahead', {
  /** The optimizer of the fast weights. */
  optimizer: required(optimizerKind, sgd()),
  /** Number of updates of the fast weights before the slow ones follow. @default 6 */
  syncPeriod: optional(integer('above 0'), 6),
  /** Part of the way to the fast weights that the slow ones go. @default 0.5 */
  slowStepSize: optional(number('0 to 1'), 0.5),
});
export type LookaheadOptions = OptionsOf<typeof lookaheadOptions>;

/**
 * Lookahead: after every syncPeriod updates of the fast weights p, slow += slowStepSize (p - slow) and p = slow.
 * Zhang et al., Lookahead Optimizer: k steps forward, 1 step back, 2019. The defaults are those of optax and TensorFlow Addons.
 *
 *     optimizers.lookahead({ optimizer: optimizers.adam(), syncPeriod: 5 })
 */
export function lookahead(given: LookaheadOptions): Configured<Optimizer> {
  const settings = lookaheadOptions.read(given);
  const { optimizer: inner, syncPeriod, slowStepSize } = settings;
  const optimizer: Optimizer = {
    ...described('lookahead', inner),
    init: (parameters, previous) => withScope('lookahead', () => stateWithCopy('lookahead', 'slow', inner, parameters, previous)),
    update: <P>(gradients: unknown, { slow, ...state }: OptimizerState, parameters: P, options = {}) =>
      withScope('lookahead', () => {
        const fast = inner.update(gradients, state, parameters, options);
        // A call that only accumulates gradients changes nothing here: the slow and the fast weights are equal after each synchronization.
        const isDue = equal(mod(fast.state.step, syncPeriod), 0);
        const nextSlow = zipTrees(
          (before, now) => where(isDue, add(before, mul(sub(cast(now, 'f32'), before), slowStepSize)), before),
          slow,
          fast.parameters,
        );
        const next = zipTrees((now, to) => where(isDue, cast(to, now.dtype), now), fast.parameters, nextSlow) as P;
        return { parameters: next, state: { ...fast.state, slow: nextSlow } };
      }),
  };
  return withConfig(optimizer, lookaheadOptions, settings);
}
