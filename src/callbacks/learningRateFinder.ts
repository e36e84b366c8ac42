// The learning rate range test: losses of steps whose rates grow.
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { integer, number, oneOf } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../core/options.ts';
import { shown } from '../core/shown.ts';
import type { Callback, FitInfo } from './callback.ts';

/** The part of the sweep that suggestion() looks at. */
export interface SuggestionOptions {
  /** Number of first steps that are left out. @default 10 */
  readonly skipBegin?: number;
  /** Number of last steps that are left out. @default 1 */
  readonly skipEnd?: number;
}

export interface LearningRateFinder extends Callback {
  /** Learning rate of each step. */
  readonly rates: readonly number[];
  /** Loss of each step. */
  readonly losses: readonly number[];
  /** Running average of the losses, corrected for its start at 0. */
  readonly smoothedLosses: readonly number[];
  /** The rate of the steepest descent of the smoothed losses; undefined if fewer than three steps are left. */
  suggestion(options?: SuggestionOptions): number | undefined;
}

export const learningRateFinderOptions = declareOptions(
  'callbacks.learningRateFinder',
  {
    /** Learning rate of the first step. @default 1e-7 */
    minLearningRate: optional(number('above 0'), 1e-7),
    /** Learning rate of the last step. @default 10 */
    maxLearningRate: optional(number('above 0'), 10),
    /** Number of steps. @default 100 */
    steps: optional(integer('above 0'), 100),
    /** Whether the rates grow by a factor ('exponential') or by a difference ('linear'). @default 'exponential' */
    mode: optional(oneOf('exponential', 'linear'), 'exponential'),
    /** Share of the old average in the smoothed loss. @default 0.98 */
    smoothing: optional(number('0 to below 1'), 0.98),
    /** The sweep ends when the smoothed loss is above so many times the smallest one. @default 4 */
    divergence: optional(number('at least 1'), 4),
  },
  ({ minLearningRate, maxLearningRate }, where) => {
    if (maxLearningRate > minLearningRate) return;
    throw new ArgumentError(
      `${where}: maxLearningRate is ${maxLearningRate} and minLearningRate ${minLearningRate}; the rates grow, so give a larger maxLearningRate`,
    );
  },
);
export type LearningRateFinderOptions = OptionsOf<typeof learningRateFinderOptions>;

/**
 * Learning rate range test: fit takes steps at growing rates and ends when the loss diverges. Weights, optimizer state and learning rate are
 * then as they were before. The defaults are those of fastai, the suggestion is Lightning's. Smith, Cyclical Learning Rates for Training Neural
 * Networks, 2015.
 *
 *     const finder = callbacks.learningRateFinder();
 *     await model.fit(x, y, { epochs: 5, callbacks: finder, verbose: 0 });
 *     model.setLearningRate(finder.suggestion() ?? 1e-3);
 *
 * @throws ArgumentError at the start of fit if it has fewer batches than steps, or the optimizer follows a schedule.
 */
export function learningRateFinder(options: LearningRateFinderOptions = {}): Configured<LearningRateFinder> {
  const settings = learningRateFinderOptions.read(options);
  const { minLearningRate: first, maxLearningRate: last, steps, mode, smoothing, divergence } = settings;
  const rates: number[] = [];
  const losses: number[] = [];
  const smoothedLosses: number[] = [];
  let { model, restore }: Partial<Sweep> = {};
  let before = { size: 0, sum: 0 };
  let average = 0;
  let best = Infinity;

  const rateOf = (step: number): number => {
    const share = steps === 1 ? 0 : step / (steps - 1);
    return mode === 'linear' ? first + (last - first) * share : first * (last / first) ** share;
  };
  const end = async (): Promise<void> => {
    const back = restore;
    restore = undefined;
    await back?.();
  };
  const callback: LearningRateFinder = {
    rates,
    losses,
    smoothedLosses,
    readsEveryBatch: true,
    hidesVerdict: true,
    async onTrainBegin(info) {
      checkBatches(info, steps);
      ({ model } = info);
      rates.length = losses.length = smoothedLosses.length = 0;
      average = 0;
      best = Infinity;
      restore = await model.snapshot();
    },
    onEpochBegin() {
      before = { size: 0, sum: 0 };
    },
    onBatchBegin() {
      if (restore) model!.setLearningRate(rateOf(rates.length));
    },
    async onBatchEnd(_, { size, loss }) {
      if (!restore) return;
      // The logs have the mean over the epoch.
      const sum = loss * (before.size + size);
      const ofStep = (sum - before.sum) / size;
      before = { size: before.size + size, sum };
      rates.push(rateOf(rates.length));
      losses.push(ofStep);
      average = smoothing * average + (1 - smoothing) * ofStep;
      const smoothed = average / (1 - smoothing ** losses.length);
      smoothedLosses.push(smoothed);
      const hasDiverged = losses.length > 1 && !(smoothed <= divergence * best);
      best = Math.min(best, smoothed);
      if (!hasDiverged && losses.length < steps) return;
      await end();
      model!.stopTraining = true;
    },
    onTrainEnd: end,
    suggestion({ skipBegin = 10, skipEnd = 1 }: SuggestionOptions = {}) {
      for (const [name, value] of Object.entries({ skipBegin, skipEnd })) {
        if (Number.isInteger(value) && value >= 0) continue;
        throw new ArgumentError(`suggestion: ${name} is ${shown(value)}; it must be a whole number of at least 0`);
      }
      const at = smoothedLosses.map((_, i) => i).filter((i) => i >= skipBegin && i < losses.length - skipEnd && Number.isFinite(smoothedLosses[i])); // prettier-ignore
      if (at.length < 3) return undefined;
      // Central differences; one-sided ones at the ends.
      const slopes = at.map((_, k) => {
        const [from, to] = [Math.max(0, k - 1), Math.min(at.length - 1, k + 1)];
        return (smoothedLosses[at[to]] - smoothedLosses[at[from]]) / (to - from);
      });
      return rates[at[slopes.indexOf(Math.min(...slopes))]];
    },
  };
  return withConfig(callback, learningRateFinderOptions, settings);
}

interface Sweep {
  readonly model: FitInfo['model'];
  /** Brings weights and optimizer state back; undefined after the sweep. */
  readonly restore: () => Promise<void>;
}

function checkBatches({ batches, epochs, initialEpoch }: FitInfo, steps: number): void {
  if (batches === undefined || batches * (epochs - initialEpoch) >= steps) return;
  throw new ArgumentError(
    `callbacks.learningRateFinder: ${steps} steps need as many batches, but fit has ${epochs - initialEpoch} epochs of ${batches}; ` +
      `pass epochs: ${Math.ceil(steps / batches) + initialEpoch}, smaller batches, or fewer steps`,
  );
}
