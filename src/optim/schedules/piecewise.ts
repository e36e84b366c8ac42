// Schedules of constant rates: one for all steps, or one for each span of steps.
import { isFloat } from '../../core/dtype.ts';
import type { Configured } from '../../core/config.ts';
import { ArgumentError } from '../../core/errors.ts';
import { listOf, number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, required, withConfig } from '../../core/options.ts';
import { full, lessEqual, where } from '../../ops/index.ts';
import { type Schedule, counted } from './schedule.ts';

export const constantOptions = declareOptions('schedules.constant', {
  /** The rate at every step. */
  learningRate: required(number('above 0'), 0.01),
});
export type ConstantOptions = OptionsOf<typeof constantOptions>;

/** Always the same learning rate. */
export function constant(options: ConstantOptions): Configured<Schedule> {
  const settings = constantOptions.read(options);
  const schedule: Schedule = () => full([], settings.learningRate);
  return withConfig(schedule, constantOptions, settings);
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
export function piecewiseConstantDecay(options: PiecewiseConstantDecayOptions): Configured<Schedule> {
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
