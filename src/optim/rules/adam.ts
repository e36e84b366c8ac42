// Adam and AdamW.
import type { Configured } from '../../core/config.ts';
import { boolean, number } from '../../core/optionKinds.ts';
import { type OptionsOf, type SettingsOf, declareOptions, optional, withConfig } from '../../core/options.ts';
import { add, div, maximum, mul, sqrt, square } from '../../ops/index.ts';
import { type Optimizer, makeOptimizer } from '../optimizer.ts';
import { checkOptimizerSettings, optimizerOptions } from '../optimizerOptions.ts';
import { slotsLike } from '../rule.ts';
import { learningRateKind } from '../schedules/index.ts';
import { type AdamShared, adamShared, momentOptions, moving } from './moments.ts';

const options = {
  /** Step size: a number, or a schedule of the step. @default 0.001 */
  learningRate: /* @__PURE__ */ optional(learningRateKind, 0.001),
  ...momentOptions,
  /** Divides by the largest second moment so far. Reddi et al., On the Convergence of Adam and Beyond, 2018. @default false */
  amsgrad: /* @__PURE__ */ optional(boolean, false),
  ...optimizerOptions,
};

export const adamOptions = declareOptions('optimizers.adam', options, checkOptimizerSettings);
export type AdamOptions = OptionsOf<typeof adamOptions>;

export const adamWOptions = declareOptions(
  'optimizers.adamW',
  {
    ...options,
    /** Decoupled weight decay: each update first subtracts learningRate * weightDecay * parameter. @default 0.004 */
    weightDecay: optional(number('at least 0'), 0.004),
  },
  checkOptimizerSettings,
);
export type AdamWOptions = OptionsOf<typeof adamWOptions>;

function makeAdam(name: string, settings: SettingsOf<typeof adamOptions>): Optimizer {
  const { beta1, beta2, epsilon, amsgrad } = settings;
  return makeOptimizer<AdamShared>(
    {
      name,
      slots: slotsLike({ firstMoment: 0, secondMoment: 0, ...(amsgrad ? { largestSecondMoment: 0 } : {}) }),
      shared: (update) => adamShared(beta1, beta2, update),
      step({ gradient, slots }, { rate, rootFactor }) {
        const firstMoment = moving(slots.firstMoment, gradient, beta1);
        const secondMoment = moving(slots.secondMoment, square(gradient), beta2);
        const largest = amsgrad ? maximum(slots.largestSecondMoment, secondMoment) : undefined;
        const size = add(mul(sqrt(largest ?? secondMoment), rootFactor), epsilon);
        return {
          delta: mul(div(firstMoment, size), rate),
          slots: { firstMoment, secondMoment, ...(largest && { largestSecondMoment: largest }) },
        };
      },
    },
    settings,
  );
}

/**
 * Adam: m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, p -= learningRate * m' / (sqrt(v') + epsilon), with m' = m / (1 - beta1^t)
 * and v' = v / (1 - beta2^t). As in PyTorch, epsilon is outside of the root, after the correction. Kingma and Ba, Adam, 2014.
 *
 *     optimizers.adam({ learningRate: 3e-4 })
 */
export function adam(given: AdamOptions = {}): Configured<Optimizer> {
  const settings = adamOptions.read(given);
  return withConfig(makeAdam('adam', settings), adamOptions, settings);
}

/**
 * AdamW: adam after p -= learningRate * weightDecay * p. Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2017.
 *
 *     optimizers.adamW({ learningRate: 3e-4, weightDecay: 0.01, excludeFromWeightDecay: ['bias'] })
 */
export function adamW(given: AdamWOptions = {}): Configured<Optimizer> {
  const settings = adamWOptions.read(given);
  return withConfig(makeAdam('adamW', settings), adamWOptions, settings);
}
