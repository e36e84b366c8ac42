// The gradient penalty of Wasserstein GANs: a loss that contains a gradient.
import { grad } from '../autodiff/index.ts';
import { ShapeError, requireFunction } from '../core/errors.ts';
import { number, seed } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, mean, mul, norm, random, reshape, square, sub, sum } from '../ops/index.ts';
import { checkTensor } from '../ops/operands/arguments.ts';

export const gradientPenaltyOptions = declareOptions('gradientPenalty', {
  /** Norm that the gradient is held at. @default 1 */
  target: optional(number('at least 0'), 1),
  /** Fixes the points between real and fake samples. A training step draws new ones without it. */
  seed: optional(seed),
});
export type GradientPenaltyOptions = OptionsOf<typeof gradientPenaltyOptions>;

/**
 * Gradient penalty, mean((|d critic(z) / dz| - target)^2), at a random point z between each real and fake sample. `critic` gives values per
 * sample; real and fake have one shape [n, ...]. Gulrajani et al., Improved Training of Wasserstein GANs, 2017.
 *
 *     const penalty = gradientPenalty((x) => step.apply(critic, x), step.x, fake);
 *     const loss = mean(step.apply(critic, fake)).sub(mean(step.apply(critic, step.x))).add(penalty.mul(10));
 *
 * @throws ShapeError for samples of different shapes.
 */
export function gradientPenalty(critic: (x: Tensor) => Tensor, real: Tensor, fake: Tensor, options: GradientPenaltyOptions = {}): Tensor {
  const { target, seed } = gradientPenaltyOptions.read(options);
  requireFunction('gradientPenalty', critic, 'gradientPenalty((x) => critic.apply(x), real, fake)');
  checkTensor('gradientPenalty', 'real', real);
  checkTensor('gradientPenalty', 'fake', fake);
  if (real.rank === 0 || !sameShape(real.shape, fake.shape)) {
    throw new ShapeError(
      `gradientPenalty: real ${formatShape(real.shape)} and fake ${formatShape(fake.shape)} must have one shape [n, ...]: ` +
        'generate as many samples as the batch has',
    );
  }
  return withScope('gradientPenalty', () => {
    const [n, ...sizes] = real.shape;
    const share = random.uniform([n, ...sizes.map(() => 1)], seed === undefined ? {} : { seed });
    const between = add(mul(real, share), mul(fake, sub(1, share)));
    const slope = grad((x: Tensor) => sum(critic(x)))(between);
    const flat = reshape(slope, [n, slope.size / Math.max(n, 1)]);
    return mean(square(sub(norm(flat, { axis: 1 }), target)));
  });
}
