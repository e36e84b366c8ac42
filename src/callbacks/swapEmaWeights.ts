// Validation with the averages of the weights.
import type { Configured } from '../core/config.ts';
import { boolean } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../core/options.ts';
import type { Callback, TrainedModel } from './callback.ts';

export const swapEmaWeightsOptions = declareOptions('callbacks.swapEmaWeights', {
  /** Keeps the averages in the model until the next epoch, for callbacks that save weights at the end of an epoch. @default false */
  swapOnEpoch: optional(boolean, false),
});
export type SwapEmaWeightsOptions = OptionsOf<typeof swapEmaWeightsOptions>;

/**
 * Validates with the averages of an optimizer that has emaDecay, or with those of swa, asgd or scheduleFreeAdamW. After fit the model has the
 * averages if swapOnEpoch is true.
 *
 *     callbacks.swapEmaWeights()
 */
export function swapEmaWeights(options: SwapEmaWeightsOptions = {}): Configured<Callback> {
  const settings = swapEmaWeightsOptions.read(options);
  const { swapOnEpoch } = settings;
  let model: TrainedModel;
  let swapped = false;
  const swap = async (to: boolean): Promise<void> => {
    if (swapped === to) return;
    await model.swapAverages();
    swapped = to;
  };
  const callback: Callback = {
    onTrainBegin(info) {
      ({ model } = info);
      swapped = false;
    },
    onEpochBegin: () => swap(false),
    onValidationBegin: () => swap(true),
    onValidationEnd: () => swap(swapOnEpoch),
    onEpochEnd: () => swap(swapOnEpoch),
  };
  return withConfig(callback, swapEmaWeightsOptions, settings);
}
