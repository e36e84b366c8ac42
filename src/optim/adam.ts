// Adam and AdamW.
import type { Configured } from '../core/config.ts';
import { boolean, number } from '../core/optionKinds.ts';
import { type Declaration, type OptionsOf, type SettingsOf, declareOptions, optional, withConfig } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, div, expm1, maximum, mul, neg, sqrt, square } from '../ops/index.ts';
import { checkClipping } from './clipping.ts';
import { type Optimizer, makeOptimizer } from './optimizer.ts';
import { optimizerOptions } from './optimizerOptions.ts';
import { learningRateKind } from './schedules.ts';

const adamTable = {
  /** A number, or a schedule of the step. @default 0.001 */
  learningRate: /* @__PURE__ */ optional(learningRateKind, 0.001),
  /** Decay of the mean of the gradients, at least 0 and less than 1. @default 0.9 */
  beta1: /* @__PURE__ */ optional(number('0 to below 1'), 0.9),
  /** Decay of the mean of the squared gradients, at least 0 and less than 1. @default 0.999 */
  beta2: /* @__PURE__ */ optional(number('0 to below 1'), 0.999),
  /** Added to the root of the second moment, so that the division stays finite. @default 1e-7 */
  epsilon: /* @__PURE__ */ optional(number('at least 0'), 1e-7),
  /** Divides by the largest second moment so far. Reddi et al., On the Convergence of Adam and Beyond, 2018. @default false */
  amsgrad: /* @__PURE__ */ optional(boolean, false),
  ...optimizerOptions,
};
type AdamDeclaration = Declaration<typeof adamTable>;

export const adamOptions: AdamDeclaration = declareOptions('optimizers.adam', adamTable, checkClipping);
export type AdamOptions = OptionsOf<AdamDeclaration>;

export const adamWOptions: AdamDeclaration = declareOptions(
  'optimizers.adamW',
  {
    ...adamTable,
    /** Decoupled weight decay: each update first subtracts learningRate * weightDecay * parameter. @default 0.004 */
    weightDecay: optional(number('at least 0'), 0.004),
  },
  checkClipping,
);

/** 1 - beta^count. Through expm1 and an f64 logarithm: at the first updates the power is within rounding of 1. */
const correction = (beta: number, count: Tensor): Tensor => neg(expm1(mul(count, Math.log(beta))));

function makeAdam(name: string, declaration: AdamDeclaration, settings: SettingsOf<AdamDeclaration>): Configured<Optimizer> {
  const { beta1, beta2, epsilon, amsgrad } = settings;
  const optimizer = makeOptimizer<{ rate: Tensor; rootCorrection: Tensor | number }>(
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
    settings,
  );
  return withConfig(optimizer, declaration, settings);
}

/**
 * Adam: m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, p -= learningRate * m' / (sqrt(v') + epsilon), where m' = m / (1 - beta1^t)
 * and v' = v / (1 - beta2^t). Kingma and Ba, Adam, 2014. As in PyTorch, epsilon is added outside of the root, after the correction.
 *
 *     optimizers.adam({ learningRate: 3e-4 })
 */
export const adam = (options: AdamOptions = {}): Configured<Optimizer> => makeAdam('adam', adamOptions, adamOptions.read(options));

/**
 * AdamW: adam after p -= learningRate * weightDecay * p. Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2017.
 *
 *     optimizers.adamW({ learningRate: 3e-4, weightDecay: 0.01 })
 */
export const adamW = (options: AdamOptions = {}): Configured<Optimizer> => makeAdam('adamW', adamWOptions, adamWOptions.read(options));
