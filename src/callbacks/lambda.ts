// A callback of plain functions.
import type { Configured } from '../core/config.ts';
import { callable } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../core/options.ts';
import type { Callback } from './callback.ts';

type Hook<Name extends keyof Callback> = NonNullable<Callback[Name]> & ((...args: never[]) => unknown);

export const lambdaOptions = declareOptions('callbacks.lambda', {
  /** Called before the first epoch. */
  onTrainBegin: optional(callable<Hook<'onTrainBegin'>>()),
  /** Called after the last epoch, with its logs. */
  onTrainEnd: optional(callable<Hook<'onTrainEnd'>>()),
  /** Called before each epoch. */
  onEpochBegin: optional(callable<Hook<'onEpochBegin'>>()),
  /** Called after each epoch, with the values over the epoch. */
  onEpochEnd: optional(callable<Hook<'onEpochEnd'>>()),
  /** Called before each batch. */
  onBatchBegin: optional(callable<Hook<'onBatchBegin'>>()),
  /** Called after each batch, with the latest values. */
  onBatchEnd: optional(callable<Hook<'onBatchEnd'>>()),
  /** Called before the validation of an epoch. */
  onValidationBegin: optional(callable<Hook<'onValidationBegin'>>()),
  /** Called after the validation of an epoch, with its values. */
  onValidationEnd: optional(callable<Hook<'onValidationEnd'>>()),
});
export type LambdaOptions = OptionsOf<typeof lambdaOptions>;

/**
 * A callback of plain functions.
 *
 *     callbacks.lambda({ onEpochEnd: (epoch, logs) => console.log(epoch, logs.loss) })
 *
 * @throws ArgumentError for a hook that does not exist or is not a function.
 */
export function lambda(options: LambdaOptions = {}): Configured<Callback> {
  const settings = lambdaOptions.read(options);
  return withConfig<Callback, typeof lambdaOptions.options>({ ...settings }, lambdaOptions, settings);
}
