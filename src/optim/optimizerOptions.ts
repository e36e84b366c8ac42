// Options that every optimizer takes.
import { ArgumentError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { type Kind, integer, kindOf, listOf, number } from '../core/optionKinds.ts';
import { type Declaration, type OptionsOf, type SettingsOf, optional } from '../core/options.ts';
import { checkClipping, clippingOptions } from './clipping.ts';
import type { Schedule } from './schedules/index.ts';

/** A text that a path is searched for, as a regular expression. */
export const pathPattern: Kind<string> = /* @__PURE__ */ kindOf({
  rule: 'a text that is a regular expression',
  accepts: (value): value is string => typeof value === 'string' && value !== '' && isPattern(value),
});

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

/** Options of optimizers that keep an average of the parameters themselves. */
export const optionsWithoutAverage = {
  /** Decoupled weight decay: each update first subtracts learningRate * weightDecay * parameter. Loshchilov and Hutter, 2017. @default 0 */
  weightDecay: /* @__PURE__ */ optional(number('at least 0'), 0),
  /**
   * Parameters without weight decay. Each text is searched in a parameter's path, such as `encoder/dense_1/bias`, as a regular expression:
   * `['bias', 'normalization']` leaves out biases and normalization layers.
   */
  excludeFromWeightDecay: /* @__PURE__ */ optional(listOf(pathPattern, 'regular expressions')),
  /** Number of calls whose gradients make one update: parameters change at the last of them, by the mean gradient. @default 1 */
  gradientAccumulationSteps: /* @__PURE__ */ optional(integer('above 0'), 1),
  ...clippingOptions,
};

/** Spread into the declaration of each optimizer, after its learningRate. */
export const optimizerOptions = {
  ...optionsWithoutAverage,
  /** Keeps an exponential moving average of the parameters in the slot `average`: average = emaDecay * average + (1 - emaDecay) * parameter. */
  emaDecay: /* @__PURE__ */ optional(number('0 to below 1')),
};

type Shared = Declaration<typeof optimizerOptions>;

/** Options that every optimizer takes. */
export type OptimizerOptions = OptionsOf<Shared> & {
  /** Step size: a number, or a schedule of the step. Each optimizer has its own default. */
  learningRate?: number | Schedule;
};

/** Checked options that every optimizer takes. */
export type OptimizerSettings = Partial<SettingsOf<Shared>> & { readonly learningRate: number | Schedule };

/** Throws if options exclude each other. */
export function checkOptimizerSettings(settings: SettingsOf<Declaration<typeof optionsWithoutAverage>>, where: string): void {
  checkClipping(settings, where);
  if (settings.excludeFromWeightDecay && !settings.weightDecay) {
    throw new ArgumentError(`${where}: excludeFromWeightDecay without a weightDecay; give a weightDecay above 0`);
  }
}

/** @throws ArgumentError for an exclusion that is found in no path of the parameters. */
export function checkExclusions(where: string, patterns: readonly string[] | undefined, paths: readonly string[]): void {
  const idle = (patterns ?? []).find((pattern) => !paths.some((path) => new RegExp(pattern).test(path)));
  if (idle === undefined) return;
  const parts = [...new Set(paths.flatMap((path) => [path, ...path.split('/')]))];
  const shownPaths = paths.length > 8 ? `${paths.slice(0, 8).join(', ')} and ${paths.length - 8} more` : paths.join(', ');
  throw new ArgumentError(
    `${where}: excludeFromWeightDecay has '${idle}', which is found in no path of a parameter; the paths are ${shownPaths}${didYouMean(idle, parts)}`,
  );
}

/** Whether a path is excluded from weight decay. */
export function excludes(patterns: readonly string[] | undefined): (path: string) => boolean {
  const expressions = (patterns ?? []).map((pattern) => new RegExp(pattern));
  return (path) => expressions.some((expression) => expression.test(path));
}
