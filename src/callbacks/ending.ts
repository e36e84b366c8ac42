// Callbacks that end the training.
import type { Configured } from '../core/config.ts';
import { number } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, required, withConfig } from '../core/options.ts';
import type { Callback, FitInfo, Logs, TrainedModel } from './callback.ts';

export const terminateOnNaNOptions = declareOptions('callbacks.terminateOnNaN', {});
export type TerminateOnNaNOptions = OptionsOf<typeof terminateOnNaNOptions>;

/**
 * Ends the training when the loss is NaN or infinite. Within an epoch the loss is read a few times a second, so some batches may pass.
 *
 *     callbacks.terminateOnNaN()
 */
export function terminateOnNaN(options: TerminateOnNaNOptions = {}): Configured<Callback> {
  const settings = terminateOnNaNOptions.read(options);
  let model: TrainedModel;
  const look = ({ loss }: Logs): void => {
    if (loss === undefined || Number.isFinite(loss) || model.stopTraining) return;
    console.warn(`ombre: callbacks.terminateOnNaN: the loss is ${loss}, so the training ends`);
    model.stopTraining = true;
  };
  const callback: Callback = {
    onTrainBegin(info) {
      ({ model } = info);
    },
    onBatchEnd: (_, logs) => look(logs),
    onEpochEnd: (_, logs) => look(logs),
  };
  return withConfig(callback, terminateOnNaNOptions, settings);
}

export const timeLimitOptions = declareOptions('callbacks.timeLimit', {
  /** Seconds of training after which it ends. The time in callbacks does not count. */
  seconds: required(number('above 0'), 60),
});
export type TimeLimitOptions = OptionsOf<typeof timeLimitOptions>;

/**
 * Ends the training after some seconds, at the end of a batch.
 *
 *     callbacks.timeLimit({ seconds: 600 })
 */
export function timeLimit(options: TimeLimitOptions): Configured<Callback> {
  const settings = timeLimitOptions.read(options);
  let info: FitInfo;
  const callback: Callback = {
    onTrainBegin(given) {
      info = given;
    },
    onBatchEnd() {
      if (info.activeSeconds() >= settings.seconds) info.model.stopTraining = true;
    },
  };
  return withConfig(callback, timeLimitOptions, settings);
}
