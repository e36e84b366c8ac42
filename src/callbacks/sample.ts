// Results of a function of the model, by epoch.
import type { Configured } from '../core/config.ts';
import { callable, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../core/options.ts';
import type { Callback, TrainedModel } from './callback.ts';

/** A function of the model and the number of the epoch, from 0. */
export type SampleFunction<T = unknown> = (model: TrainedModel, epoch: number) => T | Promise<T>;

/** A result and its epoch. */
export interface EpochSample<T = unknown> {
  /** From 0. */
  readonly epoch: number;
  readonly value: T;
}

export interface SampleCallback<T = unknown> extends Callback {
  /** Results in the order of the epochs. */
  readonly samples: readonly EpochSample<T>[];
}

export const sampleOptions = declareOptions('callbacks.sample', {
  /** Called with the model and the epoch, such as `(model) => model.predict(x)`. */
  fn: required(callable<SampleFunction>(), (_model: TrainedModel, epoch: number) => epoch),
  /** Number of epochs from one call to the next. @default 1 */
  every: optional(positiveInteger, 1),
  /** Largest number of results that are kept; the oldest go first. All are kept without it. */
  keep: optional(positiveInteger),
});
export type SampleOptions = OptionsOf<typeof sampleOptions>;

/**
 * Calls a function with the model at the end of every n-th epoch, and keeps its results: images of a generator, sentences, predictions.
 *
 *     const sampler = callbacks.sample({ fn: async () => (await generator.predict(noise)).array(), every: 5 });
 *     await model.fit(x, y, { epochs: 20, callbacks: sampler });
 *     console.log(sampler.samples.map(({ epoch, value }) => [epoch, value]));
 */
export function sample<T = unknown>(options: SampleOptions & { fn: SampleFunction<T> }): Configured<SampleCallback<T>> {
  const settings = sampleOptions.read(options);
  const { fn, every, keep } = settings;
  let model: TrainedModel;
  const samples: EpochSample<T>[] = [];
  const callback: SampleCallback<T> = {
    samples,
    onTrainBegin(info) {
      ({ model } = info);
    },
    async onEpochEnd(epoch) {
      if ((epoch + 1) % every !== 0) return;
      samples.push({ epoch, value: (await fn(model, epoch)) as T });
      if (keep !== undefined && samples.length > keep) samples.shift();
    },
  };
  return withConfig(callback, sampleOptions, settings);
}
