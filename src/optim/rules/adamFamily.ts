// Relatives of Adam: other second moments, other corrections, Nesterov momentum.
import type { Configured } from '../../core/config.ts';
import { number } from '../../core/optionKinds.ts';
import { type OptionsOf, type SettingsOf, declareOptions, optional, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { abs, add, div, equal, exp, expm1, greater, less, maximum, mul, sqrt, square, sub, where } from '../../ops/index.ts';
import { type Optimizer, makeOptimizer } from '../optimizer.ts';
import { checkOptimizerSettings, optimizerOptions } from '../optimizerOptions.ts';
import { slotsLike } from '../rule.ts';
import { learningRateKind } from '../schedules/index.ts';
import { type AdamShared, adamShared, correctedRate, correction, momentOptions, moving, rootCorrection } from './moments.ts';

const options = {
  /** Step size: a number, or a schedule of the step. @default 0.001 */
  learningRate: /* @__PURE__ */ optional(learningRateKind, 0.001),
  ...momentOptions,
};

export const adamaxOptions = declareOptions('optimizers.adamax', { ...options, ...optimizerOptions }, checkOptimizerSettings);
export type AdamaxOptions = OptionsOf<typeof adamaxOptions>;

/**
 * Adamax: m = beta1 m + (1 - beta1) g, u = max(beta2 u, |g|), p -= learningRate / (1 - beta1^t) * m / (u + epsilon). Kingma and Ba, Adam,
 * section 7, 2014. As in Keras, epsilon is added to u; PyTorch adds it to |g|.
 *
 *     optimizers.adamax({ learningRate: 0.002 })
 */
export function adamax(given: AdamaxOptions = {}): Configured<Optimizer> {
  const settings = adamaxOptions.read(given);
  const { beta1, beta2, epsilon } = settings;
  const optimizer = makeOptimizer<Tensor>(
    {
      name: 'adamax',
      slots: slotsLike({ firstMoment: 0, largestGradient: 0 }),
      shared: ({ count, learningRate }) => correctedRate(learningRate, beta1, count),
      step({ gradient, slots }, rate) {
        const firstMoment = moving(slots.firstMoment, gradient, beta1);
        const largestGradient = maximum(mul(slots.largestGradient, beta2), abs(gradient));
        return { delta: mul(div(firstMoment, add(largestGradient, epsilon)), rate), slots: { firstMoment, largestGradient } };
      },
    },
    settings,
  );
  return withConfig(optimizer, adamaxOptions, settings);
}

export const nadamOptions = declareOptions('optimizers.nadam', { ...options, ...optimizerOptions }, checkOptimizerSettings);
export type NadamOptions = OptionsOf<typeof nadamOptions>;

export const nadamWOptions = declareOptions(
  'optimizers.nadamW',
  {
    ...options,
    ...optimizerOptions,
    /** Decoupled weight decay: each update first subtracts learningRate * weightDecay * parameter. @default 0.004 */
    weightDecay: optional(number('at least 0'), 0.004),
  },
  checkOptimizerSettings,
);
export type NadamWOptions = OptionsOf<typeof nadamWOptions>;

interface NesterovMomentum {
  readonly ofGradient: Tensor;
  readonly ofMoment: Tensor;
  readonly rootFactor: Tensor | number;
  readonly product: Tensor;
}

/** Momentum u of update t: beta1 (1 - 0.96^t / 2). */
const momentumAt = (beta1: number, count: Tensor): Tensor => mul(sub(1, mul(exp(mul(count, Math.log(0.96))), 0.5)), beta1);

function makeNadam(name: string, settings: SettingsOf<typeof nadamOptions>): Optimizer {
  const { beta1, beta2, epsilon } = settings;
  return makeOptimizer<NesterovMomentum>(
    {
      name,
      slots: slotsLike({ firstMoment: 0, secondMoment: 0 }),
      scalars: { momentumProduct: 1 },
      shared({ count, learningRate, scalars }) {
        const [now, next] = [momentumAt(beta1, count), momentumAt(beta1, add(count, 1))];
        const product = mul(scalars.momentumProduct, now);
        return {
          ofGradient: mul(div(sub(1, now), sub(1, product)), learningRate),
          ofMoment: mul(div(next, sub(1, mul(product, next))), learningRate),
          rootFactor: rootCorrection(beta2, count),
          product,
        };
      },
      nextScalars: (_, { product }) => ({ momentumProduct: product }),
      step({ gradient, slots }, { ofGradient, ofMoment, rootFactor }) {
        const firstMoment = moving(slots.firstMoment, gradient, beta1);
        const secondMoment = moving(slots.secondMoment, square(gradient), beta2);
        const direction = add(mul(firstMoment, ofMoment), mul(gradient, ofGradient));
        return {
          delta: div(direction, add(mul(sqrt(secondMoment), rootFactor), epsilon)),
          slots: { firstMoment, secondMoment },
        };
      },
    },
    settings,
  );
}

/**
 * Nadam: Adam with Nesterov momentum, whose decay u = beta1 (1 - 0.96^t / 2) rises with the update t. Dozat, Incorporating Nesterov Momentum
 * into Adam, 2016. The formula is Keras's; PyTorch's momentum rises 250 times more slowly.
 *
 *     optimizers.nadam({ learningRate: 1e-3 })
 */
export function nadam(given: NadamOptions = {}): Configured<Optimizer> {
  const settings = nadamOptions.read(given);
  return withConfig(makeNadam('nadam', settings), nadamOptions, settings);
}

/**
 * NadamW: nadam after p -= learningRate * weightDecay * p.
 *
 *     optimizers.nadamW({ learningRate: 1e-3, weightDecay: 0.01 })
 */
export function nadamW(given: NadamWOptions = {}): Configured<Optimizer> {
  const settings = nadamWOptions.read(given);
  return withConfig(makeNadam('nadamW', settings), nadamWOptions, settings);
}

export const radamOptions = declareOptions(
  'optimizers.radam',
  {
    ...options,
    /** Added to the root of the second moment. @default 1e-8 */
    epsilon: optional(number('at least 0'), 1e-8),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type RadamOptions = OptionsOf<typeof radamOptions>;

/**
 * Length of the average that the second moment is: (1 + beta) / (1 - beta) - 2 t / (beta^-t - 1). Its terms nearly cancel at first, so a series
 * in t log(1 / beta) replaces it there.
 */
function averageLength(beta: number, count: Tensor): Tensor {
  const rate = -Math.log(beta);
  const limit = (1 + beta) / (1 - beta);
  const z = mul(count, rate);
  const square_ = square(z);
  // (2 / rate) (z / 2 - z^2 / 12 + z^4 / 720), and the rest of the limit.
  const series = add(mul(sub(mul(z, 0.5), mul(square_, sub(1 / 12, mul(square_, 1 / 720)))), 2 / rate), limit - 2 / rate);
  return where(less(z, 0.5), series, sub(limit, div(mul(count, 2), expm1(z))));
}

/**
 * RAdam: Adam whose step is rectified by the variance of its second moment, and a step of momentum while that variance is not finite. The factor is
 * sqrt((l - 4)(l - 2) L / ((L - 4)(L - 2) l)) for l > 5, with L = 2 / (1 - beta2) - 1 and l = L - 2 t beta2^t / (1 - beta2^t). Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, 2019. As in PyTorch, epsilon is added before the correction.
 *
 *     optimizers.radam({ learningRate: 1e-3 })
 */
export function radam(given: RadamOptions = {}): Configured<Optimizer> {
  const settings = radamOptions.read(given);
  const { beta1, beta2, epsilon } = settings;
  const optimizer = makeOptimizer<{ rate: Tensor; isRectified: Tensor; rectified: Tensor }>(
    {
      name: 'radam',
      slots: slotsLike({ firstMoment: 0, secondMoment: 0 }),
      shared({ count, learningRate }) {
        const rate = correctedRate(learningRate, beta1, count);
        const limit = (1 + beta2) / (1 - beta2);
        const length = beta2 ? averageLength(beta2, count) : limit;
        const isRectified = greater(length, 5);
        const safe = where(isRectified, length, 6);
        const ratio = div(mul(mul(sub(safe, 4), sub(safe, 2)), limit), mul(safe, (limit - 4) * (limit - 2)));
        const root = beta2 ? sqrt(correction(beta2, count)) : 1;
        return { rate, isRectified, rectified: mul(mul(sqrt(ratio), root), rate) };
      },
      step({ gradient, slots }, { rate, isRectified, rectified }) {
        const firstMoment = moving(slots.firstMoment, gradient, beta1);
        const secondMoment = moving(slots.secondMoment, square(gradient), beta2);
        const scale = where(isRectified, div(rectified, add(sqrt(secondMoment), epsilon)), rate);
        return { delta: mul(firstMoment, scale), slots: { firstMoment, secondMoment } };
      },
    },
    settings,
  );
  return withConfig(optimizer, radamOptions, settings);
}

export const adabeliefOptions = declareOptions(
  'optimizers.adabelief',
  {
    ...options,
    /** Added to the second moment and to its root. @default 1e-16 */
    epsilon: optional(number('at least 0'), 1e-16),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type AdabeliefOptions = OptionsOf<typeof adabeliefOptions>;

/**
 * AdaBelief: Adam whose second moment is that of g - m, the part of the gradient that its mean does not predict: s = beta2 s + (1 - beta2)
 * (g - m)^2 + epsilon. Zhuang et al., AdaBelief Optimizer, 2020.
 *
 *     optimizers.adabelief({ learningRate: 1e-3 })
 */
export function adabelief(given: AdabeliefOptions = {}): Configured<Optimizer> {
  const settings = adabeliefOptions.read(given);
  const { beta1, beta2, epsilon } = settings;
  const optimizer = makeOptimizer<AdamShared>(
    {
      name: 'adabelief',
      slots: slotsLike({ firstMoment: 0, secondMoment: 0 }),
      shared: (update) => adamShared(beta1, beta2, update),
      step({ gradient, slots }, { rate, rootFactor }) {
        const firstMoment = moving(slots.firstMoment, gradient, beta1);
        const secondMoment = add(moving(slots.secondMoment, square(sub(gradient, firstMoment)), beta2), epsilon);
        const size = add(mul(sqrt(secondMoment), rootFactor), epsilon);
        return { delta: mul(div(firstMoment, size), rate), slots: { firstMoment, secondMoment } };
      },
    },
    settings,
  );
  return withConfig(optimizer, adabeliefOptions, settings);
}

export const adanOptions = declareOptions(
  'optimizers.adan',
  {
    /** Step size: a number, or a schedule of the step. @default 0.001 */
    learningRate: optional(learningRateKind, 0.001),
    /** Decay of the mean of the gradients. @default 0.98 */
    beta1: optional(number('0 to below 1'), 0.98),
    /** Decay of the mean of the differences of gradients. @default 0.92 */
    beta2: optional(number('0 to below 1'), 0.92),
    /** Decay of the second moment. @default 0.99 */
    beta3: optional(number('0 to below 1'), 0.99),
    /** Added to the root of the second moment. @default 1e-8 */
    epsilon: optional(number('at least 0'), 1e-8),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type AdanOptions = OptionsOf<typeof adanOptions>;

/**
 * Adan: Nesterov momentum from differences d of gradients. m, v and n are means of g, d and (g + beta2 d)^2, each corrected; p = (p -
 * learningRate (m + beta2 v) / (sqrt(n) + epsilon)) / (1 + learningRate weightDecay). Xie et al., Adan, 2022.
 *
 *     optimizers.adan({ learningRate: 1e-3, weightDecay: 0.02 })
 */
export function adan(given: AdanOptions = {}): Configured<Optimizer> {
  const settings = adanOptions.read(given);
  const { beta1, beta2, beta3, epsilon } = settings;
  interface Shared {
    readonly learningRate: Tensor;
    readonly isFirst: Tensor;
    readonly corrections: readonly (Tensor | number)[];
  }
  const optimizer = makeOptimizer<Shared>(
    {
      name: 'adan',
      ownsWeightDecay: true,
      slots: slotsLike({ firstMoment: 0, differenceMoment: 0, secondMoment: 0, lastGradient: 0 }),
      shared: ({ count, learningRate }) => ({
        learningRate,
        isFirst: equal(count, 1),
        corrections: [beta1, beta2, beta3].map((beta) => (beta ? correction(beta, count) : 1)),
      }),
      step({ gradient, parameter, slots, weightDecay }, { learningRate, isFirst, corrections }) {
        const difference = where(isFirst, 0, sub(gradient, slots.lastGradient));
        const firstMoment = moving(slots.firstMoment, gradient, beta1);
        const differenceMoment = moving(slots.differenceMoment, difference, beta2);
        const secondMoment = moving(slots.secondMoment, square(add(gradient, mul(difference, beta2))), beta3);
        const direction = add(div(firstMoment, corrections[0]), mul(div(differenceMoment, corrections[1]), beta2));
        const stepped = sub(parameter, mul(div(direction, add(sqrt(div(secondMoment, corrections[2])), epsilon)), learningRate));
        return {
          parameter: weightDecay ? div(stepped, add(mul(learningRate, weightDecay), 1)) : stepped,
          slots: { firstMoment, differenceMoment, secondMoment, lastGradient: gradient },
        };
      },
    },
    settings,
  );
  return withConfig(optimizer, adanOptions, settings);
}
