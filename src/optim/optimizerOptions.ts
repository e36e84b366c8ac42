// Options that every optimizer takes.
import { number } from '../core/optionKinds.ts';
import { type Declaration, type OptionsOf, type SettingsOf, optional } from '../core/options.ts';
import { clippingOptions } from './clipping.ts';
import type { Schedule } from './schedules.ts';

/** Spread into the declaration of each optimizer, after its learningRate and its own options. */
export const optimizerOptions = {
  /** Decoupled weight decay: each update first subtracts learningRate * weightDecay * parameter. Loshchilov and Hutter, 2017. @default 0 */
  weightDecay: /* @__PURE__ */ optional(number('at least 0'), 0),
  /** Keeps an exponential moving average of the parameters in the slot `average`: average = emaDecay * average + (1 - emaDecay) * parameter. */
  emaDecay: /* @__PURE__ */ optional(number('0 to below 1')),
  ...clippingOptions,
};

type Common = Declaration<typeof optimizerOptions>;

export interface OptimizerSettings extends SettingsOf<Common> {
  readonly learningRate: number | Schedule;
}
export type OptimizerOptions = OptionsOf<Common> & { learningRate?: number | Schedule };
