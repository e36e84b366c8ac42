// Parts that optimizers with moving moments share.
import { number } from '../../core/optionKinds.ts';
import { optional } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, expm1, mul, neg } from '../../ops/index.ts';

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
