import { ArgumentError, checkOptions } from '../core/errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Callback, TrainedModel } from './callback.ts';

export interface EarlyStoppingOptions {
  /** Name of the watched value. */
  monitor?: string;
  /** Smaller changes are no improvement. */
  minDelta?: number;
  /** Epochs without improvement that are put up with. */
  patience?: number;
  /** Whether smaller or larger is better; 'auto' knows by the name. */
  mode?: 'auto' | 'min' | 'max';
  /** The value must also beat this one before the patience starts anew. */
  baseline?: number;
  /** Ends with the weights of the best epoch instead of the last. */
  restoreBestWeights?: boolean;
  /** Epochs before this one are not watched. */
  startFromEpoch?: number;
}

export interface EarlyStopping extends Callback {
  /** The epoch after which the training was stopped; undefined where it ran to its end. */
  readonly stoppedEpoch: number | undefined;
  readonly bestEpoch: number | undefined;
}

const optionNames = ['monitor', 'minDelta', 'patience', 'mode', 'baseline', 'restoreBestWeights', 'startFromEpoch'];
const largerIsBetter =
  /(^|_)(acc|auc|precision|recall|fBeta|f1Score|r2Score|.*iou|matthews|cohenKappa|pearson|concordance|cosineSimilarity|.*accuracy)$/i;

/**
 * Stops the training when the watched value no longer gets better, as Keras's EarlyStopping does.
 *
 *     callbacks.earlyStopping({ monitor: 'val_loss', patience: 3, restoreBestWeights: true })
 *
 * @throws ArgumentError when fit begins and no value of that name will be there.
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): EarlyStopping {
  const where = 'callbacks.earlyStopping';
  checkOptions(where, options, optionNames);
  const { monitor = 'val_loss', patience = 0, mode = 'auto', baseline, restoreBestWeights = false, startFromEpoch = 0 } = options;
  const minDelta = Math.abs(options.minDelta ?? 0);
  if (!['auto', 'min', 'max'].includes(mode)) throw new ArgumentError(`${where}: mode is '${mode}'; it must be auto, min or max`);
  if (!Number.isInteger(patience) || patience < 0)
    throw new ArgumentError(`${where}: patience is ${patience}; it must be a whole number of epochs`);
  const sign = mode === 'max' || (mode === 'auto' && largerIsBetter.test(monitor)) ? 1 : -1;
  const improves = (value: number, reference: number): boolean => sign * (value - reference) > minDelta;

  let model: TrainedModel;
  let best = 0;
  let bestWeights: Tensor[] | undefined;
  let wait = 0;
  let bestEpoch: number | undefined;
  let stoppedEpoch: number | undefined;
  return {
    get stoppedEpoch() {
      return stoppedEpoch;
    },
    get bestEpoch() {
      return bestEpoch;
    },
    onTrainBegin(info) {
      if (!info.metrics.includes(monitor)) {
        const fix = monitor.startsWith('val_') ? '; pass validationData or validationSplit to fit, or choose another' : '';
        throw new ArgumentError(`${where}: monitor '${monitor}' is none of the values ${info.metrics.join(', ')}${fix}`);
      }
      model = info.model;
      best = -sign * Infinity;
      bestWeights = bestEpoch = stoppedEpoch = undefined;
      wait = 0;
    },
    async onEpochEnd(epoch, logs) {
      if (epoch < startFromEpoch) return;
      const value = logs[monitor];
      wait++;
      const better = improves(value, best);
      // The first watched epoch leaves its weights even where its value is NaN: there must be some to go back to. It is no improvement.
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
}
