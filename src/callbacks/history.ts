import { checkOptions } from '../core/errors.ts';
import type { Callback } from './callback.ts';

export interface History extends Callback {
  /** Numbers of the epochs, from 0. */
  readonly epoch: readonly number[];
  /** Values at each epoch's end by name: loss, accuracy, val_loss, … */
  readonly history: Readonly<Record<string, readonly number[]>>;
}

/**
 * Records the values of every epoch. fit makes one of its own and returns it.
 *
 *     const { history } = await model.fit(x, y, { epochs: 3 });
 *     console.log(history.loss, history.accuracy);
 */
export function history(options: object = {}): History {
  checkOptions('callbacks.history', options, []);
  const epochs: number[] = [];
  const values: Record<string, number[]> = {};
  return {
    epoch: epochs,
    history: values,
    onEpochEnd(epoch, logs) {
      epochs.push(epoch);
      for (const [name, value] of Object.entries(logs)) (values[name] ??= []).push(value);
    },
  };
}
