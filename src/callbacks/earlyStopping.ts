// Stops the training when a value no longer improves.
import type { Configured } from '../core/config.ts';
import { boolean, integer, number, oneOf, text } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Callback, TrainedModel } from './callback.ts';
import { signOf } from './direction.ts';
import { requireMonitor } from './monitor.ts';

export const earlyStoppingOptions = declareOptions('callbacks.earlyStopping', {
  /** Name of the watched value. @default 'val_loss' */
  monitor: optional(text, 'val_loss'),
  /** Smallest change that counts as an improvement. @default 0 */
  minDelta: optional(number(), 0),
  /** Number of epochs without improvement after which the training stops. Epochs without the value do not count. @default 0 */
  patience: optional(integer('at least 0'), 0),
  /** Whether smaller or larger is better. 'auto' takes the direction that the metric states; losses are minimised. @default 'auto' */
  mode: optional(oneOf('auto', 'min', 'max'), 'auto'),
  /** Value that must also be improved on before the patience starts again. */
  baseline: optional(number()),
  /** Ends with the weights of the best epoch instead of the last. @default false */
  restoreBestWeights: optional(boolean, false),
  /** Number of epochs at the beginning that are not watched. @default 0 */
  startFromEpoch: optional(integer('at least 0'), 0),
});
export type EarlyStoppingOptions = OptionsOf<typeof earlyStoppingOptions>;

export interface EarlyStopping extends Callback {
  /** The epoch after which the training was stopped. Undefined if it ran to its end. */
  readonly stoppedEpoch: number | undefined;
  readonly bestEpoch: number | undefined;
}

/**
 * Stops the training when the watched value no longer improves, like Keras's EarlyStopping.
 *
 *     callbacks.earlyStopping({ monitor: 'val_loss', patience: 3, restoreBestWeights: true })
 *
 * @throws ArgumentError at the start of fit if no value of that name will exist, or if mode is 'auto' and its direction is unknown.
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): Configured<EarlyStopping> {
  const settings = earlyStoppingOptions.read(options);
  const { monitor, patience, mode, baseline, restoreBestWeights, startFromEpoch } = settings;
  const minDelta = Math.abs(settings.minDelta);
  const improves = (value: number, reference: number): boolean => sign * (value - reference) > minDelta;

  let model: TrainedModel;
  let sign: 1 | -1;
  let best = 0;
  let bestWeights: Tensor[] | undefined;
  let wait = 0;
  let bestEpoch: number | undefined;
  let stoppedEpoch: number | undefined;
  const callback: EarlyStopping = {
    get stoppedEpoch() {
      return stoppedEpoch;
    },
    get bestEpoch() {
      return bestEpoch;
    },
    onTrainBegin(info) {
      requireMonitor('callbacks.earlyStopping', monitor, info);
      sign = signOf('callbacks.earlyStopping', monitor, mode, info);
      model = info.model;
      best = -sign * Infinity;
      bestWeights = bestEpoch = stoppedEpoch = undefined;
      wait = 0;
    },
    async onEpochEnd(epoch, logs) {
      // Epochs without validation have no validation values.
      if (epoch < startFromEpoch || !(monitor in logs)) return;
      const value = logs[monitor];
      wait++;
      const better = improves(value, best);
      // Weights of the first watched epoch are kept even if its value is NaN: some weights must exist to restore. It is not an improvement.
      if (better || bestEpoch === undefined) {
        bestEpoch = epoch;
        if (restoreBestWeights) bestWeights = await model.getWeights();
      }
      if (better) {
        best = value;
        if (baseline === undefined || improves(value, baseline)) wait = 0;
        return;
      }
      if (wait >= patience && epoch > 0) {
        stoppedEpoch = epoch;
        model.stopTraining = true;
      }
    },
    async onTrainEnd() {
      if (bestWeights) await model.setWeights(bestWeights);
      bestWeights = undefined;
    },
  };
  return withConfig(callback, earlyStoppingOptions, settings);
}
