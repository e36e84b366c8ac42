// Texts of the model, by epoch.
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { callable, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../core/options.ts';
import { shown } from '../core/shown.ts';
import type { TrainedModel } from './callback.ts';
import { type SampleCallback, type SampleFunction, sample } from './sample.ts';

export const sampleTextOptions = declareOptions('callbacks.sampleText', {
  /** Called with the model and the epoch; returns a text, such as `async () => decode(await (await generate(model, prompt)).data())`. */
  fn: required(callable<SampleFunction<string>>(), (_model: TrainedModel, epoch: number) => `epoch ${epoch}`),
  /** Number of epochs from one text to the next. @default 1 */
  every: optional(positiveInteger, 1),
  /** Largest number of texts that are kept; the oldest go first. All are kept without it. */
  keep: optional(positiveInteger),
  /** Takes each line. `() => undefined` prints nothing. The console prints it without this option. */
  print: optional(callable<(line: string) => void>()),
});
export type SampleTextOptions = OptionsOf<typeof sampleTextOptions>;

/**
 * Prints a text of the model at the end of every n-th epoch, and keeps it: a continuation of a prompt, a translation.
 *
 *     const prompt = encode('The whale ');
 *     const read = async () => decode(await (await generate(model, prompt, { maxNewTokens: 40, seed: 1 })).data());
 *     await model.fit(x, y, { epochs: 9, callbacks: callbacks.sampleText({ fn: read, every: 3 }) });
 *
 * @throws ArgumentError in fit if the function returns no text.
 */
export function sampleText(options: SampleTextOptions): Configured<SampleCallback<string>> {
  const settings = sampleTextOptions.read(options);
  const { fn, every, keep, print = (line: string) => console.log(line) } = settings;
  const callback = sample<string>({
    every,
    ...(keep !== undefined && { keep }),
    async fn(model, epoch) {
      const text = await fn(model, epoch);
      if (typeof text !== 'string') throw new ArgumentError(`callbacks.sampleText: fn returned ${shown(text)}; it must return a text`);
      print(`epoch ${epoch + 1}: ${text}`);
      return text;
    },
  });
  return withConfig(callback, sampleTextOptions, settings);
}
