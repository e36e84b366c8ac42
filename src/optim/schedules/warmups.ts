// Schedules with a warm-up.
import type { Configured } from '../../core/config.ts';
import { integer, number, oneOf, positiveInteger } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, cast, cos, div, less, maximum, minimum, mul, rsqrt, sqrt, sub, where } from '../../ops/index.ts';
import { type Schedule, counted, learningRateKind, rateAt } from './schedule.ts';

export const warmupOptions = declareOptions('schedules.warmup', {
  /** The rate after the warm-up, or a schedule that then begins with its step 0. */
  after: required(learningRateKind, 0.001),
  /** Number of steps of the warm-up. */
  warmupSteps: required(positiveInteger, 100),
  /** The rate at step 0, as a fraction of the rate to which it rises. @default 0 */
  startFactor: optional(number('0 to 1'), 0),
});
export type WarmupOptions = OptionsOf<typeof warmupOptions>;

/**
 * A straight line up to the first rate of another schedule, which then begins. At step t < warmupSteps the rate is
 * first (startFactor + (1 - startFactor) t / warmupSteps). Goyal et al., Accurate, Large Minibatch SGD, 2017.
 *
 *     schedules.warmup({ warmupSteps: 500, after: schedules.cosineDecay({ initialLearningRate: 1e-3, decaySteps: 10_000 }) })
 */
export function warmup(options: WarmupOptions): Configured<Schedule> {
  const settings = warmupOptions.read(options);
  const { after, warmupSteps, startFactor } = settings;
  const schedule: Schedule = (step) => {
    const now = counted(step, warmupSteps);
    const fraction = add(mul(div(cast(now, 'f32'), warmupSteps), 1 - startFactor), startFactor);
    const later = rateAt(after, maximum(sub(now, warmupSteps), 0));
    return where(less(now, warmupSteps), mul(rateAt(after, mul(now, 0)), fraction), later);
  };
  return withConfig(schedule, warmupOptions, settings);
}

export const inverseSqrtOptions = declareOptions('schedules.inverseSqrt', {
  /** The highest rate, at the end of the warm-up. */
  peakLearningRate: required(number('above 0'), 0.001),
  /** Number of steps of the warm-up. @default 4000 */
  warmupSteps: optional(positiveInteger, 4000),
});
export type InverseSqrtOptions = OptionsOf<typeof inverseSqrtOptions>;

/**
 * Inverse square root, peakLearningRate * min(step / warmupSteps, sqrt(warmupSteps / step)). Vaswani et al., Attention Is All You Need, 2017.
 *
 *     schedules.inverseSqrt({ peakLearningRate: 7e-4, warmupSteps: 4000 })
 */
export function inverseSqrt(options: InverseSqrtOptions): Configured<Schedule> {
  const settings = inverseSqrtOptions.read(options);
  const { peakLearningRate, warmupSteps } = settings;
  const schedule: Schedule = (step) => {
    const now = cast(step, 'f32');
    const falling = mul(rsqrt(maximum(now, 1)), Math.sqrt(warmupSteps));
    return mul(minimum(div(now, warmupSteps), falling), peakLearningRate);
  };
  return withConfig(schedule, inverseSqrtOptions, settings);
}

export const warmupStableDecayOptions = declareOptions('schedules.warmupStableDecay', {
  /** The rate between the warm-up and the decay. */
  peakLearningRate: required(number('above 0'), 0.001),
  /** Number of steps of the warm-up, which rises from 0. */
  warmupSteps: required(integer('at least 0'), 100),
  /** Number of steps at the peak. */
  stableSteps: required(integer('at least 0'), 800),
  /** Number of steps of the decay. */
  decaySteps: required(positiveInteger, 100),
  /** The rate after the decay. @default 0 */
  endLearningRate: optional(number('at least 0'), 0),
  /** Form of the decay: 'sqrt' is 1 - sqrt(x) of the fraction x that is done. @default 'linear' */
  decay: optional(oneOf('linear', 'cosine', 'sqrt'), 'linear'),
});
export type WarmupStableDecayOptions = OptionsOf<typeof warmupStableDecayOptions>;

/** The part of the way from the peak to the end that is left, at a fraction of the decay. */
const left: Record<'linear' | 'cosine' | 'sqrt', (fraction: Tensor) => Tensor> = {
  linear: (fraction) => sub(1, fraction),
  cosine: (fraction) => mul(add(cos(mul(fraction, Math.PI)), 1), 0.5),
  sqrt: (fraction) => sub(1, sqrt(fraction)),
};

/**
 * Warm-up, a constant rate, and a decay: peak t / warmupSteps, then peak, then end + (peak - end) left, and left falls from 1 to 0. Hu et al.,
 * MiniCPM, 2024; the square-root decay is by Hägele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations, 2024.
 *
 *     schedules.warmupStableDecay({ peakLearningRate: 1e-3, warmupSteps: 100, stableSteps: 8000, decaySteps: 2000 })
 */
export function warmupStableDecay(options: WarmupStableDecayOptions): Configured<Schedule> {
  const settings = warmupStableDecayOptions.read(options);
  const { peakLearningRate: peak, warmupSteps, stableSteps, decaySteps, endLearningRate: end, decay } = settings;
  const begin = warmupSteps + stableSteps;
  const schedule: Schedule = (step) => {
    const now = counted(step, begin);
    const fraction = minimum(div(cast(maximum(sub(now, begin), 0), 'f32'), decaySteps), 1);
    const decayed = add(mul(left[decay](fraction), peak - end), end);
    return warmupSteps === 0 ? decayed : where(less(now, warmupSteps), mul(div(cast(now, 'f32'), warmupSteps), peak), decayed);
  };
  return withConfig(schedule, warmupStableDecayOptions, settings);
}
