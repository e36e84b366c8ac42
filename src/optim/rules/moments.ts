// Parts that optimizers with moving moments share.
import { number } from '../../core/optionKinds.ts';
import { optional } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, div, expm1, mul, neg, sqrt } from '../../ops/index.ts';
import type { Update } from '../rule.ts';

export const momentOptions = {
  /** Decay of the mean of the gradients. @default 0.9 */
  beta1: /* @__PURE__ */ optional(number('0 to below 1'), 0.9),
  /** Decay of the second moment. @default 0.999 */
  beta2: /* @__PURE__ */ optional(number('0 to below 1'), 0.999),
  /** Added to the root of the second moment. @default 1e-7 */
  epsilon: /* @__PURE__ */ optional(number('at least 0'), 1e-7),
};

/** decay * average + (1 - decay) * x */
export const moving = (average: Tensor, x: Tensor, decay: number): Tensor => add(mul(average, decay), mul(x, 1 - decay));

/** 1 - beta^count. Through expm1 and an f64 logarithm: at the first updates the power is within rounding of 1. */
export const correction = (beta: number, count: Tensor): Tensor => neg(expm1(mul(count, Math.log(beta))));

/** Learning rate for a mean of gradients that began at 0: rate / (1 - beta^count). */
export const correctedRate = (rate: Tensor, beta: number, count: Tensor): Tensor => (beta ? div(rate, correction(beta, count)) : rate);

/** Factor of the root of a second moment that began at 0: 1 / sqrt(1 - beta^count). */
export const rootCorrection = (beta: number, count: Tensor): Tensor | number => (beta ? div(1, sqrt(correction(beta, count))) : 1);

/** Shared values of rules with Adam's step. */
export interface AdamShared {
  readonly rate: Tensor;
  readonly rootFactor: Tensor | number;
}

export const adamShared = (beta1: number, beta2: number, { count, learningRate }: Update): AdamShared => ({
  rate: correctedRate(learningRate, beta1, count),
  rootFactor: rootCorrection(beta2, count),
});
