// Schedules made of other schedules, of points, or of a function.
import type { Configured } from '../../core/config.ts';
import { ArgumentError } from '../../core/errors.ts';
import { callable, integer, listOf, number, oneOf } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../../core/options.ts';
import { Tensor } from '../../graph/tensor.ts';
import { add, cast, cos, div, full, less, maximum, minimum, mul, sub, where } from '../../ops/index.ts';
import { type Schedule, counted, learningRateKind, rateAt } from './schedule.ts';
import { requireRising } from './steps.ts';

const scheduleList = /* @__PURE__ */ listOf(learningRateKind, 'schedules or numbers above 0', 1);

export const sequentialOptions = declareOptions(
  'schedules.sequential',
  {
    /** Schedules in order. A number is a constant rate. */
    schedules: required(scheduleList, [0.1, 0.01]),
    /** Step at which each schedule but the first begins, rising. */
    milestones: required(listOf(integer('at least 0'), 'integers of at least 0'), [1000]),
  },
  ({ schedules, milestones }, where) => {
    if (schedules.length !== milestones.length + 1) {
      throw new ArgumentError(
        `${where}: ${schedules.length} schedules and ${milestones.length} milestones; it takes one schedule more than milestones`,
      );
    }
    requireRising(where, 'milestones', milestones);
  },
);
export type SequentialOptions = OptionsOf<typeof sequentialOptions>;

/**
 * One schedule after another: rate = schedules[i](step - milestones[i - 1]) from milestones[i - 1] on. PyTorch's SequentialLR, optax's join_schedules.
 *
 *     schedules.sequential({ schedules: [0.1, schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 900 })], milestones: [100] })
 *
 * @throws ArgumentError if the numbers of schedules and milestones do not fit, or the milestones do not rise.
 */
export function sequential(options: SequentialOptions): Configured<Schedule> {
  const settings = sequentialOptions.read(options);
  const { schedules, milestones } = settings;
  const schedule: Schedule = (step) => {
    const now = counted(step, ...milestones);
    let rate = rateAt(schedules[0], now);
    milestones.forEach((milestone, i) => {
      rate = where(less(now, milestone), rate, rateAt(schedules[i + 1], maximum(sub(now, milestone), 0)));
    });
    return rate;
  };
  return withConfig(schedule, sequentialOptions, settings);
}

export const chainedOptions = declareOptions('schedules.chained', {
  /** Schedules of which the first gives a rate, and the others factors. */
  schedules: required(scheduleList, [0.1, 0.5]),
});
export type ChainedOptions = OptionsOf<typeof chainedOptions>;

/**
 * The product of several schedules at each step. PyTorch's ChainedScheduler: the first schedule has the rate, the others have an
 * initialLearningRate of 1.
 *
 *     schedules.chained({ schedules: [schedules.linear({ initialLearningRate: 0.1 }), schedules.multiplicative({ initialLearningRate: 1, factor: 0.999 })] })
 */
export function chained(options: ChainedOptions): Configured<Schedule> {
  const settings = chainedOptions.read(options);
  const schedule: Schedule = (step) => settings.schedules.map((one) => rateAt(one, step)).reduce((a, b) => mul(a, b));
  return withConfig(schedule, chainedOptions, settings);
}

export const lambdaOptions = declareOptions('schedules.lambda', {
  /** Function of the step (a scalar tensor) that returns a factor: a number or a scalar tensor. It is part of the compiled step. */
  fn: required(callable<(step: Tensor) => Tensor | number>(), () => 1),
  /** The rate that the factor multiplies. @default 1 */
  initialLearningRate: optional(number('above 0'), 1),
});
export type LambdaOptions = OptionsOf<typeof lambdaOptions>;

/**
 * A function of your own, initialLearningRate * fn(step). PyTorch's LambdaLR.
 *
 *     schedules.lambda({ initialLearningRate: 0.1, fn: (step) => step.add(1).cast('f32').rsqrt() })
 *
 * @throws ArgumentError if fn returns no number and no scalar.
 */
export function lambda(options: LambdaOptions): Configured<Schedule> {
  const settings = lambdaOptions.read(options);
  const { fn, initialLearningRate } = settings;
  const schedule: Schedule = (step) => {
    const factor: unknown = fn(step);
    if (typeof factor === 'number') return full([], factor * initialLearningRate);
    if (factor instanceof Tensor && factor.rank === 0) return mul(cast(factor, 'f32'), initialLearningRate);
    const got = factor instanceof Tensor ? factor.toString() : typeof factor;
    throw new ArgumentError(`schedules.lambda: fn returned ${got}; it must return a number or a scalar tensor`);
  };
  return withConfig(schedule, lambdaOptions, settings);
}

export const piecewiseInterpolateOptions = declareOptions(
  'schedules.piecewiseInterpolate',
  {
    /** Steps of the rates after the first, rising. */
    boundaries: required(listOf(integer('at least 0'), 'integers of at least 0', 1), [100, 1000]),
    /** The rates: at step 0, then at each boundary. */
    values: required(listOf(number('at least 0'), 'numbers of at least 0', 1), [0, 0.1, 0.01]),
    /** Form of the curve between two points. @default 'linear' */
    interpolation: optional(oneOf('linear', 'cosine'), 'linear'),
  },
  ({ boundaries, values }, where) => {
    if (values.length !== boundaries.length + 1) {
      throw new ArgumentError(
        `${where}: ${boundaries.length} boundaries and ${values.length} values; it takes one value more than boundaries`,
      );
    }
    requireRising(where, 'boundaries', [0, ...boundaries]);
  },
);
export type PiecewiseInterpolateOptions = OptionsOf<typeof piecewiseInterpolateOptions>;

/**
 * Rates between given points: v[i] + (v[i + 1] - v[i]) f, with the fraction f of the way, or (1 - cos(pi f)) / 2 in its place. After the last point
 * the rate stays. optax's piecewise_interpolate_schedule,
 * with rates instead of factors.
 *
 *     schedules.piecewiseInterpolate({ boundaries: [100, 1000], values: [0, 0.1, 0.01] })
 *
 * @throws ArgumentError if the numbers of boundaries and values do not fit, or the boundaries do not rise from above 0.
 */
export function piecewiseInterpolate(options: PiecewiseInterpolateOptions): Configured<Schedule> {
  const settings = piecewiseInterpolateOptions.read(options);
  const { boundaries, values, interpolation } = settings;
  const schedule: Schedule = (step) => {
    const now = counted(step, ...boundaries);
    let rate: Tensor = full([], values[values.length - 1]);
    for (let i = boundaries.length - 1; i >= 0; i--) {
      const begin = i === 0 ? 0 : boundaries[i - 1];
      const fraction = minimum(maximum(div(cast(sub(now, begin), 'f32'), boundaries[i] - begin), 0), 1);
      const done = interpolation === 'linear' ? fraction : mul(sub(1, cos(mul(fraction, Math.PI))), 0.5);
      rate = where(less(now, boundaries[i]), add(mul(done, values[i + 1] - values[i]), values[i]), rate);
    }
    return rate;
  };
  return withConfig(schedule, piecewiseInterpolateOptions, settings);
}
