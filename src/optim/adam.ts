// Adam and AdamW.
import type { Tensor } from '../graph/tensor.ts';
import { add, div, expm1, maximum, mul, neg, sqrt, square } from '../ops/index.ts';
import { checkNumber } from './check.ts';
import { type Optimizer, type OptimizerOptions, checkOptimizerOptions, makeOptimizer } from './optimizer.ts';

export interface AdamOptions extends OptimizerOptions {
  /** Decay of the mean of the gradients; 0.9. */
  beta1?: number;
  /** Decay of the mean of their squares; 0.999. */
  beta2?: number;
  /** 1e-7. */
  epsilon?: number;
  /** Divides by the largest second moment so far; false. Reddi et al., On the Convergence of Adam and Beyond, 2018. */
  amsgrad?: boolean;
}

/** 1 - beta^count. Through expm1 and an f64 logarithm: at the first updates the power is within rounding of 1. */
const correction = (beta: number, count: Tensor): Tensor => neg(expm1(mul(count, Math.log(beta))));

function makeAdam(name: string, options: AdamOptions): Optimizer {
  const where = `optimizers.${name}`;
  checkOptimizerOptions(name, options, ['beta1', 'beta2', 'epsilon', 'amsgrad']);
  const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, amsgrad = false } = options;
  checkNumber(where, 'beta1', beta1, 'in 0..1, without 1');
  checkNumber(where, 'beta2', beta2, 'in 0..1, without 1');
  checkNumber(where, 'epsilon', epsilon, 'at least 0');
  return makeOptimizer<{ rate: Tensor; rootCorrection: Tensor | number }>(
    {
      name,
      slots: { firstMoment: 0, secondMoment: 0, ...(amsgrad ? { largestSecondMoment: 0 } : {}) },
      scalars: ({ count, learningRate: rate }) => ({
        rate: beta1 ? div(rate, correction(beta1, count)) : rate,
        rootCorrection: beta2 ? div(1, sqrt(correction(beta2, count))) : 1,
      }),
      step(gradient, slots, { rate, rootCorrection }) {
        const firstMoment = add(mul(slots.firstMoment, beta1), mul(gradient, 1 - beta1));
        const secondMoment = add(mul(slots.secondMoment, beta2), mul(square(gradient), 1 - beta2));
        const largest = amsgrad ? maximum(slots.largestSecondMoment, secondMoment) : undefined;
        const size = add(mul(sqrt(largest ?? secondMoment), rootCorrection), epsilon);
        return {
          delta: mul(div(firstMoment, size), rate),
          slots: { firstMoment, secondMoment, ...(largest && { largestSecondMoment: largest }) },
        };
      },
    },
    { ...options, learningRate },
  );
}

/**
 * Adam: m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, p -= learningRate * m' / (sqrt(v') + epsilon), where m' = m / (1 - beta1^t)
 * and v' = v / (1 - beta2^t). Kingma and Ba, Adam, 2014. epsilon stands as in PyTorch: outside the root, after the correction.
 *
 *     optimizers.adam({ learningRate: 3e-4 })
 */
export const adam = (options: AdamOptions = {}): Optimizer => makeAdam('adam', options);

/**
 * AdamW: adam after p -= learningRate * weightDecay * p; weightDecay is 0.004 unless said otherwise. Loshchilov and Hutter, Decoupled Weight
 * Decay Regularization, 2017.
 *
 *     optimizers.adamW({ learningRate: 3e-4, weightDecay: 0.01 })
 */
export const adamW = (options: AdamOptions = {}): Optimizer => makeAdam('adamW', { weightDecay: 0.004, ...options });
