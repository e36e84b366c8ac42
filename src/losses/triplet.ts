// Losses of PyTorch over pairs and triplets of outputs: embeddings or scores that a model computes for several inputs.
import type { Configured } from '../core/config.ts';
import { ShapeError } from '../core/errors.ts';
import { boolean, callable, either, number, oneOf } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { abs, add, div, equal, mean, minimum, mul, pow, reshape, sqrt, square, sub, sum, where } from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { alignEqual, toFloat } from './align.ts';
import { positivePart } from './distances.ts';
import { lossOptions } from './loss.ts';
import { type SeveralLoss, makeSeveralLoss } from './several.ts';

/** Sum of |x - y + epsilon|^p over the last axis, to the power 1 / p. Its gradient at 0 is 0. */
function pairwiseDistance(x: Tensor, y: Tensor, p: number, epsilon: number): Tensor {
  const difference = add(sub(x, y), epsilon);
  if (p === 1) return sum(abs(difference), { axis: -1 });
  const total = sum(p === 2 ? square(difference) : pow(abs(difference), p), { axis: -1 });
  const isZero = equal(total, 0);
  const safe = where(isZero, 1, total);
  return where(isZero, 0, p === 2 ? sqrt(safe) : pow(safe, 1 / p));
}

const triplet = ['anchor', 'positive', 'negative'] as const;

export type Distance = (x: Tensor, y: Tensor) => Tensor;

/** max(d(a, p) - d(a, n) + margin, 0); with swap, d(a, n) is at most d(p, n). */
function tripletValues(
  { anchor, positive, negative }: Record<(typeof triplet)[number], Tensor>,
  distance: Distance,
  margin: number,
  swap: boolean,
): Tensor {
  const far = distance(anchor, negative);
  const away = swap ? minimum(far, distance(positive, negative)) : far;
  return positivePart(add(sub(distance(anchor, positive), away), margin));
}

const tripletTable = {
  /** Smallest difference of both distances that has the loss 0. @default 1 */
  margin: /* @__PURE__ */ optional(number('above 0'), 1),
  /** Uses the distance of positive and negative if it is smaller than that of anchor and negative. @default false */
  swap: /* @__PURE__ */ optional(boolean, false),
};

export const tripletMarginOptions = declareOptions('losses.tripletMargin', {
  ...tripletTable,
  /** Exponent of the norm. @default 2 */
  p: optional(number('at least 1'), 2),
  /** Summand of the differences, so that the distance of equal embeddings is above 0. @default 0.000001 */
  epsilon: optional(number('at least 0'), 1e-6),
  ...lossOptions,
});
export type TripletMarginOptions = OptionsOf<typeof tripletMarginOptions>;

/**
 * Triplet margin loss, max(|a - p| - |a - n| + margin, 0), as in PyTorch. A joint loss of the outputs { anchor, positive, negative }, each
 * [n, ..., d]; it reads no targets. Balntas et al., Learning Shallow Convolutional Feature Descriptors with Triplet Losses, 2016.
 *
 *     losses.tripletMargin({ margin: 0.5 })(undefined, { anchor, positive, negative })
 *
 * @throws ArgumentError for other outputs, ShapeError if their shapes differ.
 */
export function tripletMargin(options: TripletMarginOptions = {}): Configured<SeveralLoss> {
  const settings = tripletMarginOptions.read(options);
  const { margin, swap, p, epsilon, reduction } = settings;
  const distance: Distance = (x, y) => pairwiseDistance(x, y, p, epsilon);
  return makeSeveralLoss(tripletMarginOptions, settings, {
    outputs: triplet,
    reduction,
    values: (outputs) => tripletValues(outputs, distance, margin, swap),
  });
}

const distances = {
  euclidean: (x, y) => pairwiseDistance(x, y, 2, 1e-6),
  squaredEuclidean: (x, y) => sum(square(sub(x, y)), { axis: -1 }),
  manhattan: (x, y) => pairwiseDistance(x, y, 1, 0),
  cosine: (x, y) => sub(1, cosine(x, y)),
} satisfies Record<string, Distance>;

export const tripletMarginWithDistanceOptions = declareOptions('losses.tripletMarginWithDistance', {
  ...tripletTable,
  /** Distance of two embeddings [n, ..., d]: a name, or a function that returns one value per sample [n, ...]. @default 'euclidean' */
  distance: optional(
    either(oneOf('euclidean', 'squaredEuclidean', 'manhattan', 'cosine'), callable<Distance>('a function (x, y) => distances')),
    'euclidean',
  ),
  ...lossOptions,
});
export type TripletMarginWithDistanceOptions = OptionsOf<typeof tripletMarginWithDistanceOptions>;

/**
 * Triplet margin loss with any distance d, max(d(a, p) - d(a, n) + margin, 0), as in PyTorch. A joint loss of the outputs { anchor, positive,
 * negative }, each [n, ..., d]; it reads no targets.
 *
 *     losses.tripletMarginWithDistance({ distance: 'cosine' })(undefined, { anchor, positive, negative })
 *
 * @throws ArgumentError for other outputs, ShapeError if their shapes differ, or the distances are not one per sample.
 */
export function tripletMarginWithDistance(options: TripletMarginWithDistanceOptions = {}): Configured<SeveralLoss> {
  const settings = tripletMarginWithDistanceOptions.read(options);
  const { margin, swap, distance: choice, reduction } = settings;
  const distance = typeof choice === 'function' ? checked(choice) : distances[choice];
  return makeSeveralLoss(tripletMarginWithDistanceOptions, settings, {
    outputs: triplet,
    reduction,
    values: (outputs) => tripletValues(outputs, distance, margin, swap),
  });
}

/** A distance of the user's that must return one value per sample. */
const checked =
  (distance: Distance): Distance =>
  (x, y) => {
    const value = distance(x, y);
    if (sameShape(value.shape, x.shape.slice(0, -1))) return value;
    throw new ShapeError(
      `tripletMarginWithDistance: distance returned ${formatShape(value.shape)} for embeddings ${formatShape(x.shape)}; it must return one value ` +
        `per sample, ${formatShape(x.shape.slice(0, -1))}: reduce the last axis`,
    );
  };

export const marginRankingOptions = declareOptions('losses.marginRanking', {
  /** Smallest difference of the scores that has the loss 0. @default 0 */
  margin: optional(number(), 0),
  ...lossOptions,
});
export type MarginRankingOptions = OptionsOf<typeof marginRankingOptions>;

/**
 * Margin ranking loss, mean(max(-t (first - second) + margin, 0)), as in PyTorch. A joint loss of the scores { first, second }, each [n] or
 * [n, ..., d]. Targets of that shape are 1 if the first shall be higher, -1 if the second shall.
 *
 *     losses.marginRanking({ margin: 0.1 })(tensor([1, -1]), { first, second })
 *
 * @throws ArgumentError for other outputs, ShapeError if the shapes differ.
 */
export function marginRanking(options: MarginRankingOptions = {}): Configured<SeveralLoss> {
  const settings = marginRankingOptions.read(options);
  const { margin, reduction } = settings;
  return makeSeveralLoss(marginRankingOptions, settings, {
    outputs: ['first', 'second'],
    hasTargets: true,
    reduction,
    values({ first, second }, targets) {
      const { targets: t } = alignEqual('marginRanking', targets!, first);
      return mean(positivePart(sub(margin, productOrZero(t, sub(first, second)))), { axis: -1 });
    },
  });
}

/** Cosine of the angle of two vectors on the last axis, with 1e-12 (an f32, as in PyTorch) added to the squared lengths. */
function cosine(x: Tensor, y: Tensor): Tensor {
  const length = (v: Tensor): Tensor => sqrt(add(sum(square(v), { axis: -1 }), Math.fround(1e-12)));
  return div(sum(mul(x, y), { axis: -1 }), mul(length(x), length(y)));
}

export const cosineEmbeddingOptions = declareOptions('losses.cosineEmbedding', {
  /** Cosine of a pair of targets -1 below which the loss is 0, from -1 to 1. @default 0 */
  margin: optional(number(), 0),
  ...lossOptions,
});
export type CosineEmbeddingOptions = OptionsOf<typeof cosineEmbeddingOptions>;

/**
 * Cosine embedding loss, 1 - cos(first, second) for targets 1 and max(cos(first, second) - margin, 0) for targets -1, as in PyTorch. A joint loss
 * of the outputs { first, second }, each [n, ..., d], and of targets [n, ...].
 *
 *     losses.cosineEmbedding()(tensor([1, -1]), { first, second })
 *
 * @throws ArgumentError for other outputs, ShapeError if the shapes differ.
 */
export function cosineEmbedding(options: CosineEmbeddingOptions = {}): Configured<SeveralLoss> {
  const settings = cosineEmbeddingOptions.read(options);
  const { margin, reduction } = settings;
  return makeSeveralLoss(cosineEmbeddingOptions, settings, {
    outputs: ['first', 'second'],
    hasTargets: true,
    reduction,
    values({ first, second }, targets) {
      const samples = first.shape.slice(0, -1);
      if (!sameShape(targets!.shape, samples) && !sameShape(targets!.shape, [...samples, 1])) {
        throw new ShapeError(
          `cosineEmbedding: targets ${formatShape(targets!.shape)} do not fit outputs ${formatShape(first.shape)}; give one target 1 or -1 per ` +
            `sample, shape ${formatShape(samples)}`,
        );
      }
      const similarity = cosine(first, second);
      return where(equal(reshape(toFloat(targets!), samples), 1), sub(1, similarity), positivePart(sub(similarity, margin)));
    },
  });
}
