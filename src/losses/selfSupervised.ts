// Losses of two views of the same samples, for training without labels. Joint losses of two outputs [n, d]; they read no targets.
import type { Configured } from '../core/config.ts';
import { ShapeError } from '../core/errors.ts';
import { boolean, number } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  concat,
  div,
  expandDims,
  eye,
  logSumExp,
  logicalOr,
  matmul,
  mean,
  mul,
  relu,
  sqrt,
  square,
  sub,
  sum,
  transpose,
  where,
} from '../ops/index.ts';
import { lossOptions } from './loss.ts';
import { unit } from './regression.ts';
import { type SeveralLoss, makeSeveralLoss } from './several.ts';

/** @throws ShapeError if x is not [n, d], or has fewer than `least` samples. */
function checkEmbeddings(name: string, x: Tensor, least: number): void {
  if (x.rank === 2 && x.shape[0] >= least) return;
  const rule = least > 1 ? `, and ${least} samples or more` : '';
  throw new ShapeError(`${name}: outputs have the shape ${formatShape(x.shape)}; they must be embeddings [n, d]${rule}`);
}

/** Logit of a sample that is not a negative: its probability is 0. */
const lowest = -1e30;

/** log(sum of exp(x)) of each row over the elements that are kept. */
const rowTotal = (x: Tensor, keep: Tensor | undefined): Tensor => logSumExp(keep ? where(keep, x, lowest) : x, { axis: -1 });

/** Elements of the diagonal. */
const diagonalOf = (x: Tensor): Tensor => sum(where(eye(x.shape[0], x.shape[0], 'bool'), x, 0), { axis: -1 });

export const infoNceOptions = declareOptions('losses.infoNce', {
  /** Divisor of the cosines. @default 0.1 */
  temperature: optional(number('above 0'), 0.1),
  /** Averages the loss of queries against keys and that of keys against queries, as CLIP does. @default false */
  symmetric: optional(boolean, false),
  ...lossOptions,
});
export type InfoNceOptions = OptionsOf<typeof infoNceOptions>;

/**
 * InfoNCE loss, -log softmax(cos(query_i, key_j) / temperature over j) at j = i: the keys of the other samples are the negatives. A joint loss of
 * the outputs { query, key }, both [n, d]. Samples of weight 0 are no negatives. van den Oord et al., Representation Learning with Contrastive
 * Predictive Coding, 2018.
 *
 *     losses.infoNce({ temperature: 0.07, symmetric: true })(undefined, { query, key })
 *
 * @throws ArgumentError for other outputs, ShapeError if they are not both [n, d].
 */
export function infoNce(options: InfoNceOptions = {}): Configured<SeveralLoss> {
  const settings = infoNceOptions.read(options);
  const { temperature, symmetric, reduction } = settings;
  return makeSeveralLoss(infoNceOptions, settings, {
    outputs: ['query', 'key'],
    reduction,
    values({ query, key }, _, counts) {
      checkEmbeddings('infoNce', query, 1);
      const logits = mul(matmul(unit(query, -1), transpose(unit(key, -1))), 1 / temperature);
      const keep = counts && logicalOr(expandDims(counts, 0), eye(query.shape[0], query.shape[0], 'bool'));
      const own = diagonalOf(logits);
      const values = sub(rowTotal(logits, keep), own);
      return symmetric ? mul(add(values, sub(rowTotal(transpose(logits), keep), own)), 0.5) : values;
    },
  });
}

export const ntXentOptions = declareOptions('losses.ntXent', {
  /** Divisor of the cosines. @default 0.5 */
  temperature: optional(number('above 0'), 0.5),
  ...lossOptions,
});
export type NtXentOptions = OptionsOf<typeof ntXentOptions>;

/**
 * NT-Xent loss of SimCLR: the InfoNCE loss of all 2 n views, each with the other view of its sample as the positive and the 2 n - 2 views of the
 * other samples as negatives. A joint loss of the outputs { first, second }, both [n, d]; the value of a sample is the mean of both views. Samples of
 * weight 0 are no negatives. Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, 2020.
 *
 *     losses.ntXent({ temperature: 0.5 })(undefined, { first, second })
 *
 * @throws ArgumentError for other outputs, ShapeError if they are not both [n, d].
 */
export function ntXent(options: NtXentOptions = {}): Configured<SeveralLoss> {
  const settings = ntXentOptions.read(options);
  const { temperature, reduction } = settings;
  return makeSeveralLoss(ntXentOptions, settings, {
    outputs: ['first', 'second'],
    reduction,
    values({ first, second }, _, counts) {
      checkEmbeddings('ntXent', first, 1);
      const [x, y] = [unit(first, -1), unit(second, -1)];
      const cosines = (a: Tensor, b: Tensor): Tensor => mul(matmul(a, transpose(b)), 1 / temperature);
      const same = eye(first.shape[0], first.shape[0], 'bool');
      const kept = (z: Tensor): Tensor => (counts ? where(logicalOr(expandDims(counts, 0), same), z, lowest) : z);
      const across = cosines(x, y);
      const own = diagonalOf(across);
      const total = (within: Tensor, others: Tensor): Tensor =>
        logSumExp(concat([kept(others), where(same, lowest, kept(within))], -1), { axis: -1 });
      const values = add(total(cosines(x, x), across), total(cosines(y, y), transpose(across)));
      return sub(mul(values, 0.5), own);
    },
  });
}

/** Sum of the squares outside of the diagonal. */
const beside = (x: Tensor): Tensor => sum(square(where(eye(x.shape[0], x.shape[0], 'bool'), 0, x)));

export const barlowTwinsOptions = declareOptions('losses.barlowTwins', {
  /** Factor of the elements outside of the diagonal. @default 0.0051 */
  lambda: optional(number('at least 0'), 0.0051),
  /** Summand of the variances. @default 0.00001 */
  epsilon: optional(number('above 0'), 1e-5),
});
export type BarlowTwinsOptions = OptionsOf<typeof barlowTwinsOptions>;

/**
 * Barlow Twins loss, sum((C_ii - 1)^2) + lambda sum(C_ij^2 for i other than j), with the correlations C [d, d] of both views over the batch. A joint
 * loss of the outputs { first, second }, both [n, d]. One value for the batch: it takes no weights and masks. Zbontar et al., Barlow Twins, 2021.
 *
 *     losses.barlowTwins()(undefined, { first, second })
 *
 * @throws ArgumentError for other outputs or weights, ShapeError if they are not both [n, d].
 */
export function barlowTwins(options: BarlowTwinsOptions = {}): Configured<SeveralLoss> {
  const settings = barlowTwinsOptions.read(options);
  const { lambda, epsilon } = settings;
  return makeSeveralLoss(barlowTwinsOptions, settings, {
    outputs: ['first', 'second'],
    reduction: undefined,
    values({ first, second }) {
      checkEmbeddings('barlowTwins', first, 2);
      const standard = (x: Tensor): Tensor => {
        const centred = sub(x, mean(x, { axis: 0, keepDims: true }));
        return div(centred, sqrt(add(mean(square(centred), { axis: 0, keepDims: true }), epsilon)));
      };
      const correlations = div(matmul(transpose(standard(first)), standard(second)), first.shape[0]);
      return add(sum(square(sub(diagonalOf(correlations), 1))), mul(beside(correlations), lambda));
    },
  });
}

export const vicRegOptions = declareOptions('losses.vicReg', {
  /** Factor of the squared distance of both views. @default 25 */
  simCoeff: optional(number('at least 0'), 25),
  /** Factor of the deviations below 1. @default 25 */
  stdCoeff: optional(number('at least 0'), 25),
  /** Factor of the squared covariances. @default 1 */
  covCoeff: optional(number('at least 0'), 1),
  /** Summand of the variances. @default 0.0001 */
  epsilon: optional(number('above 0'), 1e-4),
});
export type VicRegOptions = OptionsOf<typeof vicRegOptions>;

/**
 * VICReg loss, simCoeff mean((x - y)^2) + stdCoeff s + covCoeff c. s is the mean of max(1 - sqrt(var + epsilon), 0) of both views, c the sum of their
 * squared covariances of different features, divided by d. A joint loss of the outputs { first, second }, both [n, d]. One value for the batch: it
 * takes no weights and masks. Bardes et al., VICReg, 2022.
 *
 *     losses.vicReg()(undefined, { first, second })
 *
 * @throws ArgumentError for other outputs or weights, ShapeError if they are not both [n, d] with 2 samples or more.
 */
export function vicReg(options: VicRegOptions = {}): Configured<SeveralLoss> {
  const settings = vicRegOptions.read(options);
  const { simCoeff, stdCoeff, covCoeff, epsilon } = settings;
  return makeSeveralLoss(vicRegOptions, settings, {
    outputs: ['first', 'second'],
    reduction: undefined,
    values({ first, second }) {
      checkEmbeddings('vicReg', first, 2);
      const [n, d] = first.shape;
      const distance = mean(square(sub(first, second)));
      const centred = [first, second].map((x) => sub(x, mean(x, { axis: 0, keepDims: true })));
      const [sd1, sd2] = centred.map((x) => mean(relu(sub(1, sqrt(add(div(sum(square(x), { axis: 0 }), n - 1), epsilon))))));
      const [cov1, cov2] = centred.map((x) => div(beside(div(matmul(transpose(x), x), n - 1)), d));
      return add(add(mul(distance, simCoeff), mul(add(sd1, sd2), stdCoeff / 2)), mul(add(cov1, cov2), covCoeff));
    },
  });
}
