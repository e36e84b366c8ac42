// Dimensions of a space: numbers and choices. Samplers draw numbers on a scale on which the prior is uniform or normal.
import type { RandomStream } from '../core/random.ts';

/** A number. Samplers work on its scale: the number itself, or its logarithm. */
export interface NumberDimension {
  readonly kind: 'number';
  readonly path: string;
  /** Smallest and largest value. Infinite for a normal distribution. */
  readonly low: number;
  readonly high: number;
  /** Distance of two values; undefined for a continuous number. */
  readonly step: number | undefined;
  readonly log: boolean;
  /** Bounds on the scale. Those of stepped values are half a step further out. */
  readonly scaleLow: number;
  readonly scaleHigh: number;
  /** Mean and standard deviation of the prior of TPE, on the scale. */
  readonly priorMean: number;
  readonly priorSigma: number;
}

/** One of several branches. Its number is the position of the branch. */
export interface ChoiceDimension {
  readonly kind: 'choice';
  readonly path: string;
  readonly labels: readonly string[];
}

export type Dimension = NumberDimension | ChoiceDimension;

/** A position on the scale as a value of the dimension. */
export function valueAt({ low, high, step, log }: NumberDimension, position: number): number {
  const value = log ? Math.exp(position) : position;
  if (step === undefined) return Math.min(high, Math.max(low, value));
  const steps = Math.min(lastStep(low, high, step), Math.max(0, Math.round((value - low) / step)));
  return steppedValue(low, step, steps);
}

/** Number of the last step that does not exceed `high`. */
export const lastStep = (low: number, high: number, step: number): number => Math.floor((high - low) / step + 1e-9);

/** low + n step, without the digits that rounding adds: 0.1 + 2 * 0.1 is 0.3. */
export const steppedValue = (low: number, step: number, n: number): number => Number((low + n * step).toPrecision(12));

export const positionOf = ({ log }: NumberDimension, value: number): number => (log ? Math.log(value) : value);

/** Positions between which the scale is rounded to this value; undefined for a continuous number. */
export function cellOf({ step, log, scaleLow, scaleHigh }: NumberDimension, value: number): readonly [number, number] | undefined {
  if (step === undefined) return undefined;
  const [from, to] = [value - step / 2, value + step / 2];
  const [first, last] = log ? [from > 0 ? Math.log(from) : scaleLow, Math.log(to)] : [from, to];
  return [Math.max(scaleLow, first), Math.min(scaleHigh, last)];
}

/** A draw from the prior: a value of a number, or the position of a branch. */
export function drawPrior(dimension: Dimension, random: RandomStream): number {
  if (dimension.kind === 'choice') return Math.floor(random.uniform() * dimension.labels.length);
  const { scaleLow, scaleHigh, priorMean, priorSigma } = dimension;
  const position = Number.isFinite(scaleLow)
    ? scaleLow + random.uniform() * (scaleHigh - scaleLow)
    : priorMean + priorSigma * random.normal();
  return valueAt(dimension, position);
}
