// Muon: momentum whose matrices are made orthogonal.
import type { Configured } from '../../core/config.ts';
import { boolean, integer, listOf, number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, div, matmul, mul, norm, reshape, sqrt, square, zeros } from '../../ops/index.ts';
import { type Optimizer, makeOptimizer } from '../optimizer.ts';
import { checkOptimizerSettings, excludes, optimizerOptions, pathPattern } from '../optimizerOptions.ts';
import { learningRateKind } from '../schedules/index.ts';
import { correctedRate, moving, rootCorrection } from './moments.ts';

export const muonOptions = declareOptions(
  'optimizers.muon',
  {
    /** Step size of matrices: a number, or a schedule of the step. @default 0.001 */
    learningRate: optional(learningRateKind, 0.001),
    /** Decay of the momentum of matrices. @default 0.95 */
    momentum: optional(number('0 to below 1'), 0.95),
    /** Evaluates the gradient ahead along the momentum. @default true */
    nesterov: optional(boolean, true),
    /** Number of Newton-Schulz iterations. @default 6 */
    nsSteps: optional(integer('above 0'), 6),
    /** Matrices that Adam updates. Each text is searched in a parameter's path as a regular expression. @default ['embedding'] */
    excludeLayers: optional(listOf(pathPattern, 'regular expressions'), ['embedding']),
    /** Step size of the parameters that Adam updates, as a multiple of learningRate. @default 1 */
    adamLearningRateRatio: optional(number('above 0'), 1),
    /** Decay of Adam's mean of the gradients. @default 0.9 */
    adamBeta1: optional(number('0 to below 1'), 0.9),
    /** Decay of Adam's second moment. @default 0.999 */
    adamBeta2: optional(number('0 to below 1'), 0.999),
    /** Added to the root of Adam's second moment. @default 1e-7 */
    epsilon: optional(number('at least 0'), 1e-7),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type MuonOptions = OptionsOf<typeof muonOptions>;

/** Coefficients of the iteration a X + (b A + c A A) X, A = X X^T. They bring singular values near 1 fast, and not exactly to 1. */
const coefficients = { a: 3.4445, b: -4.775, c: 2.0315 };

/** An approximation of the orthogonal matrix nearest to x [rows, columns]. */
function orthogonal(x: Tensor, iterations: number): Tensor {
  const { a, b, c } = coefficients;
  const [rows, columns] = x.shape;
  // Products of the smaller side are cheaper: X (b A + c A A) with A = X^T X if there are more rows.
  const isTall = rows > columns;
  let current = div(x, add(norm(x), 1e-7));
  for (let i = 0; i < iterations; i++) {
    const product = matmul(current, current, isTall ? { transposeA: true } : { transposeB: true });
    const polynomial = add(mul(product, b), mul(matmul(product, product), c));
    current = add(mul(current, a), isTall ? matmul(current, polynomial) : matmul(polynomial, current));
  }
  return current;
}

/**
 * Muon: for each matrix [n, m], v = momentum v + g, and p -= learningRate sqrt(max(1, m / n)) O, with O the orthogonal matrix near g + momentum v
 * by Newton-Schulz iterations. Kernels of convolutions are matrices [height * width * in, out]. Vectors, scalars and excluded matrices follow
 * Adam. Jordan et al., Muon, 2024; the options are Keras's.
 *
 *     optimizers.muon({ learningRate: 0.02, adamLearningRateRatio: 0.05, excludeLayers: ['embedding', 'head'] })
 */
export function muon(given: MuonOptions = {}): Configured<Optimizer> {
  const settings = muonOptions.read(given);
  const { momentum, nesterov, nsSteps, excludeLayers, adamLearningRateRatio, adamBeta1, adamBeta2, epsilon } = settings;
  const isExcluded = excludes(excludeLayers);
  const isMatrix = ({ rank, size }: Tensor, path: string): boolean => rank >= 2 && size > 0 && !isExcluded(path);
  interface Shared {
    readonly rate: Tensor;
    readonly adamRate: Tensor;
    readonly rootFactor: Tensor | number;
  }
  const optimizer = makeOptimizer<Shared>(
    {
      name: 'muon',
      slots: (parameter, path) => ({
        momentum: zeros(parameter.shape),
        secondMoment: zeros(isMatrix(parameter, path) ? [] : parameter.shape),
      }),
      shared({ count, learningRate: rate }) {
        return {
          rate,
          adamRate: correctedRate(mul(rate, adamLearningRateRatio), adamBeta1, count),
          rootFactor: rootCorrection(adamBeta2, count),
        };
      },
      step({ gradient, parameter, slots, path }, { rate, adamRate, rootFactor }) {
        if (!isMatrix(parameter, path)) {
          const firstMoment = moving(slots.momentum, gradient, adamBeta1);
          const secondMoment = moving(slots.secondMoment, square(gradient), adamBeta2);
          const size = add(mul(sqrt(secondMoment), rootFactor), epsilon);
          return { delta: mul(div(firstMoment, size), adamRate), slots: { momentum: firstMoment, secondMoment } };
        }
        const velocity = add(mul(slots.momentum, momentum), gradient);
        const direction = nesterov ? add(gradient, mul(velocity, momentum)) : velocity;
        const columns = parameter.shape[parameter.rank - 1];
        const rows = parameter.size / columns;
        const matrix = orthogonal(reshape(direction, [rows, columns]), nsSteps);
        return {
          delta: mul(reshape(matrix, parameter.shape), mul(rate, Math.sqrt(Math.max(1, columns / rows)))),
          slots: { momentum: velocity, secondMoment: slots.secondMoment },
        };
      },
    },
    settings,
  );
  return withConfig(optimizer, muonOptions, settings);
}
