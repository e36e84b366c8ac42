// Learning-rate schedules: graph functions of the step, so that a compiled training step computes its own rate and nothing is traced again.
// Formulas and names are Keras's; the first update has step 0.
import { isFloat } from '../core/dtype.ts';
import type { Config, Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { type Kind, boolean, callable, either, integer, listOf, number } from '../core/optionKinds.ts';
import { type Declaration, type OptionsOf, type SettingsOf, declareOptions, optional, required, withConfig } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  cast,
  cos,
  div,
  equal,
  exp,
  floorDiv,
  full,
  less,
  lessEqual,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  sub,
  where,
} from '../ops/index.ts';

/** The learning rate at a step: (step: i32 or f32 scalar) => f32 scalar. */
export interface Schedule {
  (step: Tensor): Tensor;
  readonly config?: Config;
}

/** The option `learningRate` of optimizers. */
export const learningRateKind: Kind<number | Schedule> = /* @__PURE__ */ either(
  number('above 0'),
  callable<Schedule>('a schedule such as schedules.cosineDecay({...})'),
);

export const constantOptions = declareOptions('schedules.constant', {
  /** The rate at every step. */
  learningRate: required(number('above 0'), 0.01),
});
export type ConstantOptions = OptionsOf<typeof constantOptions>;

/** Always the same learning rate. */
function constant(options: ConstantOptions): Configured<Schedule> {
  const settings = constantOptions.read(options);
  const schedule: Schedule = () => full([], settings.learningRate);
  return withConfig(schedule, constantOptions, settings);
}

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

/**
 * The step, to compare with these numbers and to subtract. An integer step stays one, because f32 cannot hold every integer beyond 2^24.
 * It becomes f32 if multiples of the numbers could leave i32.
 */
const counted = (step: Tensor, ...numbers: readonly number[]): Tensor => (numbers.every((n) => n < 2 ** 30) ? step : cast(step, 'f32'));

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
function exponentialDecay(options: DecayOptions): Configured<Schedule> {
  const settings = exponentialDecayOptions.read(options);
  const { initialLearningRate, decayRate } = settings;
  // The logarithm is computed here, in f64. The pow of a device would add its own error.
  const schedule: Schedule = (step) => mul(exp(mul(periods(step, settings), Math.log(decayRate))), initialLearningRate);
  return withConfig(schedule, exponentialDecayOptions, settings);
}

export const inverseTimeDecayOptions = declareOptions('schedules.inverseTimeDecay', decayTable);

/** Inverse-time decay, initialLearningRate / (1 + decayRate * step / decaySteps). */
function inverseTimeDecay(options: DecayOptions): Configured<Schedule> {
  const settings = inverseTimeDecayOptions.read(options);
  const { initialLearningRate, decayRate } = settings;
  const schedule: Schedule = (step) => div(initialLearningRate, add(mul(periods(step, settings), decayRate), 1));
  return withConfig(schedule, inverseTimeDecayOptions, settings);
}

export const cosineDecayOptions = declareOptions(
  'schedules.cosineDecay',
  {
    /** The rate at step 0. It may be 0 if there is a warm-up. */
    initialLearningRate: required(number('at least 0'), 0.1),
    /** Number of steps of the decay, counted after the warm-up. */
    decaySteps: required(number('above 0'), 1000),
    /** The rate at the end, as a fraction of the rate at which the decay begins. @default 0 */
    alpha: optional(number('0 to 1'), 0),
    /** The rate at the end of the warm-up, which rises in a straight line from initialLearningRate. Without it there is no warm-up. */
    warmupTarget: optional(number('above 0')),
    /** Number of steps of the warm-up. @default 0 */
    warmupSteps: optional(integer('at least 0'), 0),
  },
  ({ initialLearningRate, warmupTarget, warmupSteps }, where) => {
    if (warmupTarget !== undefined) return;
    if (initialLearningRate === 0) {
      throw new ArgumentError(`${where}: initialLearningRate is 0; it must be a number above 0, or give a warmupTarget to rise to`);
    }
    if (warmupSteps > 0) {
      throw new ArgumentError(`${where}: warmupSteps is ${warmupSteps} without a warmupTarget; give the rate to rise to`);
    }
  },
);
export type CosineDecayOptions = OptionsOf<typeof cosineDecayOptions>;

/**
 * Cosine decay, rate * ((1 - alpha) * (1 + cos(pi * step / decaySteps)) / 2 + alpha), after an optional linear warm-up.
 * Loshchilov and Hutter, SGDR, 2016.
 *
 *     schedules.cosineDecay({ initialLearningRate: 0, warmupTarget: 1e-3, warmupSteps: 100, decaySteps: 900 })
 */
function cosineDecay(options: CosineDecayOptions): Configured<Schedule> {
  const settings = cosineDecayOptions.read(options);
  const { initialLearningRate: initial, decaySteps, alpha, warmupTarget: peak = initial, warmupSteps } = settings;
  const schedule: Schedule = (step) => {
    const now = counted(step, warmupSteps);
    const fraction = minimum(maximum(div(sub(now, warmupSteps), decaySteps), 0), 1);
    const decayed = mul(add(mul(add(cos(mul(fraction, Math.PI)), 1), 0.5 * (1 - alpha)), alpha), peak);
    if (warmupSteps === 0) return decayed;
    const climbing = add(mul(div(now, warmupSteps), peak - initial), initial);
    return where(less(now, warmupSteps), climbing, decayed);
  };
  return withConfig(schedule, cosineDecayOptions, settings);
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
function polynomialDecay(options: PolynomialDecayOptions): Configured<Schedule> {
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

export const piecewiseConstantDecayOptions = declareOptions(
  'schedules.piecewiseConstantDecay',
  {
    /** Last step of each value but the last, rising. */
    boundaries: required(listOf(number('at least 0'), 'numbers of at least 0'), [1000]),
    /** The rates, one more than boundaries. */
    values: required(listOf(number('at least 0'), 'numbers of at least 0', 1), [0.1, 0.01]),
  },
  ({ boundaries, values }, where) => {
    if (values.length !== boundaries.length + 1) {
      throw new ArgumentError(
        `${where}: ${boundaries.length} boundaries and ${values.length} values; it takes one value more than boundaries`,
      );
    }
    if (boundaries.some((boundary, i) => i > 0 && boundary <= boundaries[i - 1])) {
      throw new ArgumentError(`${where}: boundaries are ${boundaries.join(', ')}; they must rise`);
    }
  },
);
export type PiecewiseConstantDecayOptions = OptionsOf<typeof piecewiseConstantDecayOptions>;

/** values[0] up to and including step boundaries[0], then values[1], and so on. */
function piecewiseConstantDecay(options: PiecewiseConstantDecayOptions): Configured<Schedule> {
  const settings = piecewiseConstantDecayOptions.read(options);
  const { boundaries, values } = settings;
  const schedule: Schedule = (step) => {
    // Whole steps up to 2.5 are those up to 2.
    const limits = isFloat(step.dtype) ? boundaries : boundaries.map(Math.floor);
    const now = counted(step, ...limits);
    let rate = full([], values[values.length - 1]);
    for (let i = boundaries.length - 1; i >= 0; i--) rate = where(lessEqual(now, limits[i]), values[i], rate);
    return rate;
  };
  return withConfig(schedule, piecewiseConstantDecayOptions, settings);
}

export const schedules = { constant, exponentialDecay, inverseTimeDecay, cosineDecay, polynomialDecay, piecewiseConstantDecay };
export type ScheduleName = keyof typeof schedules;
