// Records the values of every epoch.
import type { Configured } from '../core/config.ts';
import { type OptionsOf, declareOptions, withConfig } from '../core/options.ts';
import type { Callback, FitInfo } from './callback.ts';

export interface History extends Callback {
  /** Numbers of the epochs, from 0. */
  readonly epoch: readonly number[];
  /** Values at each epoch's end by name: loss, accuracy, val_loss, … */
  readonly history: Readonly<Record<string, readonly number[]>>;
  /** For each epoch, the share of its time, 0 to 1, in which the device waited for the next batch of a dataset. See FitInfo.dataWait. */
  readonly dataWait: readonly number[];
}

export const historyOptions = declareOptions('callbacks.history', {});
export type HistoryOptions = OptionsOf<typeof historyOptions>;

/**
 * Records the values of every epoch. Fit makes one and returns it.
 *
 *     const { history } = await model.fit(x, y, { epochs: 3 });
 *     console.log(history.loss, history.accuracy);
 */
export function history(options: HistoryOptions = {}): Configured<History> {
  const settings = historyOptions.read(options);
  const epochs: number[] = [];
  const values: Record<string, number[]> = {};
  const dataWait: number[] = [];
  let fit: FitInfo | undefined;
  const callback: History = {
    epoch: epochs,
    history: values,
    dataWait,
    onTrainBegin(info) {
      fit = info;
    },
    onEpochEnd(epoch, logs) {
      epochs.push(epoch);
      dataWait.push(fit?.dataWait() ?? 0);
      for (const [name, value] of Object.entries(logs)) (values[name] ??= []).push(value);
    },
  };
  return withConfig(callback, historyOptions, settings);
}
