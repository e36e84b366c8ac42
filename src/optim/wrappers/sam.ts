// Sharpness-aware minimization around another optimizer.
import type { Configured } from '../../core/config.ts';
import { boolean, number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../../core/options.ts';
import { leavesOf } from '../../core/tree.ts';
import { withScope } from '../../graph/scope.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { abs, add, cast, div, maximum, mul, norm, square, stack } from '../../ops/index.ts';
import { type Optimizer, type OptimizerState, type UpdateOptions, requireLoss } from '../optimizer.ts';
import { sgd } from '../rules/sgd.ts';
import { described, optimizerKind, zipTrees } from './wrap.ts';

export const samOptions = declareOptions('optimizers.sam', {
  /** The optimizer that gets the gradients at the sharper point. */
  optimizer: required(optimizerKind, sgd()),
  /** Distance to that point. @default 0.05 */
  rho: optional(number('above 0'), 0.05),
  /** Measures the distance in multiples of each weight's size. Kwon et al., ASAM, 2021. @default false */
  adaptive: optional(boolean, false),
});
export type SamOptions = OptionsOf<typeof samOptions>;

/** Keeps a gradient of 0 from becoming NaN. */
const tiny = 1e-12;

/**
 * SAM: an update by the gradients at p + rho g / |g|, which has about the greatest loss near p; |g| is the norm of all gradients together. Each update
 * has two forward and backward passes. Foret et al., Sharpness-Aware Minimization, 2020.
 *
 *     optimizers.sam({ optimizer: optimizers.sgd({ learningRate: 0.1, momentum: 0.9 }), rho: 0.05 })
 */
export function sam(given: SamOptions): Configured<Optimizer> {
  const settings = samOptions.read(given);
  const { optimizer: inner, rho, adaptive } = settings;
  const optimizer: Optimizer = {
    ...described('sam', inner),
    needsLoss: true,
    init: (parameters, previous) => inner.init(parameters, previous),
    update: <P>(gradients: unknown, state: OptimizerState, parameters: P, options: UpdateOptions = {}) =>
      withScope('sam', () => {
        const lossAndGradients = requireLoss('sam', options);
        const scaled = adaptive ? zipTrees((p, g) => mul(cast(g, 'f32'), abs(cast(p, 'f32'))), parameters, gradients) : gradients;
        const length = norm(stack(leavesOf(scaled).map(({ value }) => norm(cast(value as Tensor, 'f32')))));
        const factor = div(rho, maximum(length, tiny));
        const ahead = zipTrees(
          (p, g) => {
            const direction = mul(cast(g, 'f32'), factor);
            const wide = cast(p, 'f32');
            return cast(add(wide, adaptive ? mul(direction, square(wide)) : direction), p.dtype);
          },
          parameters,
          gradients,
        );
        return inner.update(lossAndGradients(ahead).gradients, state, parameters, { lossAndGradients });
      }),
  };
  return withConfig(optimizer, samOptions, settings);
}
