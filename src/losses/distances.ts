// Losses of the distance of two samples: predictions are distances, targets say whether both samples belong together.
import type { Configured } from '../core/config.ts';
import { number } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, equal, less, square, sub, where } from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { type Loss, type LossOptions, lossOptions, termwise } from './loss.ts';

/** max(x, 0) whose slope at 0 is 1, as that of PyTorch's clamp_min. */
export const positivePart = (x: Tensor): Tensor => where(less(x, 0), 0, x);

export const contrastiveOptions = declareOptions('losses.contrastive', {
  /** Distance from which a pair of different samples has the loss 0. @default 1 */
  margin: optional(number('at least 0'), 1),
  ...lossOptions,
});
export type ContrastiveOptions = OptionsOf<typeof contrastiveOptions>;

/**
 * Contrastive loss of distances d, mean(t d^2 + (1 - t) max(margin - d, 0)^2). Targets 1 for pairs that belong together, 0 for others; distances
 * [n] or [n, ..., d]. Hadsell et al., Dimensionality Reduction by Learning an Invariant Mapping, 2006, with the labels of TensorFlow Addons.
 *
 *     losses.contrastive({ margin: 1 })(tensor([1, 0]), distances)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export const contrastive = (options: ContrastiveOptions = {}): Configured<Loss> =>
  termwise(
    contrastiveOptions,
    options,
    (t, d, { margin }) =>
      add(productOrZero(t, square(where(equal(t, 0), 0, d))), productOrZero(sub(1, t), square(positivePart(sub(margin, d))))),
    { targetKind: 'probabilities' },
  );

export const hingeEmbeddingOptions = declareOptions('losses.hingeEmbedding', {
  /** Distance from which a pair of different samples has the loss 0. @default 1 */
  margin: optional(number(), 1),
  ...lossOptions,
});
export type HingeEmbeddingOptions = OptionsOf<typeof hingeEmbeddingOptions>;

/**
 * Hinge embedding loss of distances d, the mean of d for targets 1 and of max(margin - d, 0) for targets -1, as in PyTorch. Targets and
 * predictions [n] or [n, ..., d].
 *
 *     losses.hingeEmbedding()(tensor([1, -1]), distances)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export const hingeEmbedding = (options: HingeEmbeddingOptions = {}): Configured<Loss> =>
  termwise(hingeEmbeddingOptions, options, (t, d, { margin }) => where(equal(t, 1), d, positivePart(sub(margin, d))), {
    targetKind: 'signs',
  });

export const wassersteinOptions = declareOptions('losses.wasserstein', lossOptions);

/**
 * Wasserstein loss of a critic's scores, mean(t p). Targets -1 for real samples and 1 for generated ones train the critic; the generator trains
 * with -1 for its samples. Targets and predictions [n] or [n, ..., d]. Arjovsky et al., Wasserstein GAN, 2017.
 *
 *     losses.wasserstein()(tensor([-1, 1]), scores)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export const wasserstein = (options: LossOptions = {}): Configured<Loss> =>
  termwise(wassersteinOptions, options, (t, p) => productOrZero(t, p));
