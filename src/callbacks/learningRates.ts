// Callbacks that change the learning rate.
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { callable, integer, number, oneOf, text } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../core/options.ts';
import { shown } from '../core/shown.ts';
import type { Callback, TrainedModel } from './callback.ts';
import { signOf } from './direction.ts';
import { requireMonitor } from './monitor.ts';

export const reduceLROnPlateauOptions = declareOptions('callbacks.reduceLROnPlateau', {
  /** Name of the watched value. @default 'val_loss' */
  monitor: optional(text, 'val_loss'),
  /** Factor of the learning rate; less than 1. @default 0.1 */
  factor: optional(number('0 to below 1'), 0.1),
  /** Number of epochs without improvement after which the rate is reduced. @default 10 */
  patience: optional(integer('at least 0'), 10),
  /** Whether smaller or larger is better. 'auto' takes the direction that the metric states; losses are minimised. @default 'auto' */
  mode: optional(oneOf('auto', 'min', 'max'), 'auto'),
  /** Smallest change that counts as an improvement. @default 0.0001 */
  minDelta: optional(number('at least 0'), 1e-4),
  /** Number of epochs after a reduction that are not counted. @default 0 */
  cooldown: optional(integer('at least 0'), 0),
  /** Smallest learning rate. @default 0 */
  minLr: optional(number('at least 0'), 0),
});
export type ReduceLROnPlateauOptions = OptionsOf<typeof reduceLROnPlateauOptions>;

/**
 * Reduces the learning rate when the watched value no longer improves, like Keras's ReduceLROnPlateau. Epochs without the value do not count.
 *
 *     callbacks.reduceLROnPlateau({ factor: 0.5, patience: 5 })
 *
 * @throws ArgumentError at the start of fit if no value of that name will exist, or if mode is 'auto' and its direction is unknown.
 */
export function reduceLROnPlateau(options: ReduceLROnPlateauOptions = {}): Configured<Callback> {
  const settings = reduceLROnPlateauOptions.read(options);
  const { monitor, factor, patience, mode, minDelta, cooldown, minLr } = settings;
  let model: TrainedModel;
  let sign: 1 | -1;
  let best = 0;
  let wait = 0;
  let cooling = 0;
  const callback: Callback = {
    onTrainBegin(info) {
      requireMonitor('callbacks.reduceLROnPlateau', monitor, info);
      sign = signOf('callbacks.reduceLROnPlateau', monitor, mode, info);
      ({ model } = info);
      best = -sign * Infinity;
      wait = cooling = 0;
    },
    onEpochEnd(_, logs) {
      if (!(monitor in logs)) return;
      if (cooling > 0) {
        cooling--;
        wait = 0;
      }
      if (sign * (logs[monitor] - best) > minDelta) {
        best = logs[monitor];
        wait = 0;
        return;
      }
      if (cooling > 0 || ++wait < patience) return;
      const { learningRate } = model;
      if (learningRate > minLr) model.setLearningRate(Math.max(learningRate * factor, minLr));
      cooling = cooldown;
      wait = 0;
    },
  };
  return withConfig(callback, reduceLROnPlateauOptions, settings);
}

/** The learning rate of an epoch, from its number and the rate before. */
export type EpochSchedule = (epoch: number, learningRate: number) => number;

export const learningRateSchedulerOptions = declareOptions('callbacks.learningRateScheduler', {
  /** The learning rate of an epoch, counted from 0: (epoch, rate before) => rate. */
  schedule: required(callable<EpochSchedule>(), (_epoch: number, rate: number) => rate),
});
export type LearningRateSchedulerOptions = OptionsOf<typeof learningRateSchedulerOptions>;

/**
 * Sets the learning rate before each epoch. schedules.NAME() set it before each step, without a callback.
 *
 *     callbacks.learningRateScheduler({ schedule: (epoch, rate) => (epoch < 10 ? rate : rate * 0.9) })
 *
 * @throws ArgumentError during fit for a rate that is not positive.
 */
export function learningRateScheduler(options: LearningRateSchedulerOptions): Configured<Callback> {
  const settings = learningRateSchedulerOptions.read(options);
  let model: TrainedModel;
  const callback: Callback = {
    onTrainBegin(info) {
      ({ model } = info);
    },
    onEpochBegin(epoch) {
      const rate: unknown = settings.schedule(epoch, model.learningRate);
      if (typeof rate !== 'number' || !(rate > 0 && rate < Infinity)) {
        throw new ArgumentError(
          `callbacks.learningRateScheduler: schedule(${epoch}, …) returned ${shown(rate)}; it must be a number above 0`,
        );
      }
      model.setLearningRate(rate);
    },
  };
  return withConfig(callback, learningRateSchedulerOptions, settings);
}
