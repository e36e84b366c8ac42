// Cosine decay with an optional warm-up. The formula and the names are Keras's.
import type { Configured } from '../../core/config.ts';
import { ArgumentError } from '../../core/errors.ts';
import { integer, number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../../core/options.ts';
import { add, cos, div, less, maximum, minimum, mul, sub, where } from '../../ops/index.ts';
import { type Schedule, counted } from './schedule.ts';

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
export function cosineDecay(options: CosineDecayOptions): Configured<Schedule> {
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
