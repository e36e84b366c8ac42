// Differentially private training around another optimizer.
import type { Configured } from '../../core/config.ts';
import { ArgumentError } from '../../core/errors.ts';
import { number, seed as seedKind } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../../core/options.ts';
import { keyFromSeed } from '../../core/random.ts';
import { leavesOf } from '../../core/tree.ts';
import { withScope } from '../../graph/scope.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { withTrace } from '../../graph/trace.ts';
import { add, cast, div, matmul, maximum, mul, norm, random, reshape, scalar, stack, tensor } from '../../ops/index.ts';
import type { Optimizer, OptimizerState, UpdateOptions } from '../optimizer.ts';
import { sgd } from '../rules/sgd.ts';
import { described, optimizerKind, zipTrees } from './wrap.ts';

export const dpSgdOptions = declareOptions(
  'optimizers.dpSgd',
  {
    /** The optimizer that gets the private gradients. */
    optimizer: required(optimizerKind, sgd()),
    /** Largest norm of the gradients of one sample, all parameters together. Greater ones are scaled down to it. */
    l2NormClip: required(number('above 0'), 1),
    /** Standard deviation of the noise in the sum of the gradients, in units of l2NormClip. */
    noiseMultiplier: required(number('at least 0'), 1.1),
    /** Fixes the noise, which differs in each update. Without it, the noise follows the seed of compile() or fit(). */
    seed: optional(seedKind),
  },
  ({ optimizer: { name, needsLoss, needsSampleGradients } }, where) => {
    if (!needsLoss && !needsSampleGradients) return;
    throw new ArgumentError(
      `${where}: optimizer is ${name}, which reads the loss or gradients of samples without noise; wrap an optimizer that reads gradients only, such as adam`,
    );
  },
);
export type DpSgdOptions = OptionsOf<typeof dpSgdOptions>;

/**
 * DP-SGD: an update by (sum over samples of g min(1, C / |g|) + noise) / samples, with C = l2NormClip and normal noise of deviation
 * noiseMultiplier C. Gradients of all samples exist at once: batch size times the memory of the parameters. Dropout draws one mask for the
 * batch. Layers whose state depends on a batch, such as batchNormalization, are refused. Abadi et al., Deep Learning with Differential Privacy,
 * 2016; optax's differentially_private_aggregate.
 *
 *     optimizers.dpSgd({ optimizer: optimizers.sgd({ learningRate: 0.1 }), l2NormClip: 1, noiseMultiplier: 1.1 })
 *
 * In a step of the user's own, the function given to step.gradients() must read step.x, step.y and step.sampleWeight itself: it is called for
 * single samples too.
 *
 * @throws ArgumentError for an inner optimizer that reads the loss.
 */
export function dpSgd(given: DpSgdOptions): Configured<Optimizer> {
  const settings = dpSgdOptions.read(given);
  const { optimizer: inner, l2NormClip, noiseMultiplier, seed } = settings;
  const optimizer: Optimizer = {
    ...described('dpSgd', inner),
    needsSampleGradients: true,
    init: (parameters, previous) => ({ ...inner.init(parameters, previous), noiseSteps: previous?.noiseSteps ?? scalar(0, 'i32') }),
    update: <P>(gradients: unknown, { noiseSteps, ...state }: OptimizerState, parameters: P, options: UpdateOptions = {}) =>
      withScope('dpSgd', () => {
        const samples = requireSamples(options);
        const leaves = leavesOf(samples).map(({ value }) => value as Tensor);
        if (leaves.length === 0) return { ...inner.update(gradients, state, parameters) };
        const [count] = leaves[0].shape;
        // [samples, size of the leaf] for each leaf
        const rows = leaves.map((leaf) => reshape(cast(leaf, 'f32'), [count, leaf.size / Math.max(1, count)]));
        const lengths = norm(stack(rows.map((row) => norm(row, { axis: 1 }))), { axis: 0 });
        const shares = div(l2NormClip, maximum(lengths, l2NormClip));
        const sums = rows.map((row) => reshape(matmul(reshape(shares, [1, count]), row), [row.shape[1]]));
        const noisy = withNoise(seed, noiseSteps as Tensor, () =>
          sums.map((total) => add(total, mul(random.normal(total.shape), noiseMultiplier * l2NormClip))),
        );
        let i = 0;
        const private_ = zipTrees((p) => reshape(div((noiseMultiplier ? noisy : sums)[i++], count), p.shape), parameters);
        const next = inner.update(private_, state, parameters);
        return { ...next, state: { ...next.state, noiseSteps: add(noiseSteps as Tensor, 1) } };
      }),
  };
  return withConfig(optimizer, dpSgdOptions, settings);
}

/** Runs fn with the key of the seed and of the update, or with the keys of the step without a seed. */
function withNoise<T>(seed: number | undefined, step: Tensor, fn: () => T): T {
  if (seed === undefined) return fn();
  const [first, second] = keyFromSeed(seed);
  const words = tensor([first, second], [2], 'u32');
  const key = add(words, stack([scalar(0, 'u32'), cast(step, 'u32')]));
  let site = 0;
  return withTrace({ name: 'dpSgd', key: () => key, nextSite: () => site++ }, fn);
}

function requireSamples({ sampleGradients }: UpdateOptions): unknown {
  if (sampleGradients !== undefined) return sampleGradients;
  throw new ArgumentError(
    'dpSgd: update() needs the gradients of each sample; pass { sampleGradients } as the fourth argument: a tree like the parameters with ' +
      'the samples along the first axis, such as vmap(grad(loss), [null, 0, 0])(parameters, x, y). sam and multiOptimizer do not pass them on',
  );
}
