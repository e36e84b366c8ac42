// Schedules that decay by a power, a hyperbola or a polynomial of the step. Formulas and names are Keras's.
import type { Configured } from '../../core/config.ts';
import { boolean, number } from '../../core/optionKinds.ts';
import { type Declaration, type OptionsOf, type SettingsOf, declareOptions, optional, required, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, cast, div, equal, exp, floorDiv, maximum, minimum, mul, neg, pow, sub, where } from '../../ops/index.ts';
import { type Schedule, counted } from './schedule.ts';

const decayTable = {
  /** The rate at step 0. */
  initialLearningRate: /* @__PURE__ */ required(number('above 0'), 0.1),
  /** Number of steps after which the rate has decayed once. */
  decaySteps: /* @__PURE__ */ required(number('above 0'), 1000),
  /** Strength of the decay. See the formula. */
  decayRate: /* @__PURE__ */ required(number('above 0'), 0.96),
  /** Decays only at whole multiples of decaySteps. @default false */
  staircase: /* @__PURE__ */ optional(boolean, false),
};
type Decay = Declaration<typeof decayTable>;
export type DecayOptions = OptionsOf<Decay>;

/** step / decaySteps, in whole numbers for a staircase. */
function periods(step: Tensor, { decaySteps, staircase }: SettingsOf<Decay>): Tensor {
  // Not floor(div(…)): the quotient of a device may be just below the whole number.
  return cast(staircase ? floorDiv(step, decaySteps) : div(step, decaySteps), 'f32');
}

export const exponentialDecayOptions = declareOptions('schedules.exponentialDecay', decayTable);

/**
 * Exponential decay, initialLearningRate * decayRate^(step / decaySteps).
 *
 *     optimizers.sgd({ learningRate: schedules.exponentialDecay({ initialLearningRate: 0.1, decaySteps: 1000, decayRate: 0.96 }) })
 */
export function exponentialDecay(options: DecayOptions): Configured<Schedule> {
  const settings = exponentialDecayOptions.read(options);
  const { initialLearningRate, decayRate } = settings;
  // The logarithm is computed here, in f64. The pow of a device would add its own error.
  const schedule: Schedule = (step) => mul(exp(mul(periods(step, settings), Math.log(decayRate))), initialLearningRate);
  return withConfig(schedule, exponentialDecayOptions, settings);
}

export const inverseTimeDecayOptions = declareOptions('schedules.inverseTimeDecay', decayTable);

/** Inverse-time decay, initialLearningRate / (1 + decayRate * step / decaySteps). */
export function inverseTimeDecay(options: DecayOptions): Configured<Schedule> {
  const settings = inverseTimeDecayOptions.read(options);
  const { initialLearningRate, decayRate } = settings;
  const schedule: Schedule = (step) => div(initialLearningRate, add(mul(periods(step, settings), decayRate), 1));
  return withConfig(schedule, inverseTimeDecayOptions, settings);
}

export const polynomialDecayOptions = declareOptions('schedules.polynomialDecay', {
  /** The rate at step 0. */
  initialLearningRate: required(number('above 0'), 0.1),
  /** Number of steps of the decay. */
  decaySteps: required(number('above 0'), 1000),
  /** The rate at the end. @default 0.0001 */
  endLearningRate: optional(number('at least 0'), 1e-4),
  /** Exponent of the decay. 1 is a straight line. @default 1 */
  power: optional(number('above 0'), 1),
  /** Starts again over longer and longer spans, instead of keeping the rate of the end. @default false */
  cycle: optional(boolean, false),
});
export type PolynomialDecayOptions = OptionsOf<typeof polynomialDecayOptions>;

/** Polynomial decay, (initial - end) * (1 - step / decaySteps)^power + end, step at most decaySteps. */
export function polynomialDecay(options: PolynomialDecayOptions): Configured<Schedule> {
  const settings = polynomialDecayOptions.read(options);
  const { initialLearningRate: initial, decaySteps, endLearningRate, power, cycle } = settings;
  const schedule: Schedule = (step) => {
    const now = counted(step, decaySteps);
    // With cycle, the span is the next multiple of decaySteps; at step 0 it is the first.
    const span = cycle ? mul(where(equal(now, 0), 1, neg(floorDiv(neg(now), decaySteps))), decaySteps) : decaySteps;
    // (span - now) / span keeps the digits of the last steps, which 1 - now / span would lose.
    const left = maximum(div(sub(span, cycle ? now : minimum(now, decaySteps)), span), 0);
    return add(mul(power === 1 ? left : pow(left, power), initial - endLearningRate), endLearningRate);
  };
  return withConfig(schedule, polynomialDecayOptions, settings);
}
