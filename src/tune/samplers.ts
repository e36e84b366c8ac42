// Samplers: random search, grid search and TPE.
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { number, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../core/options.ts';
import { erfInvOf } from '../ops/elementwise/hostMath.ts';
import { type Dimension, type NumberDimension, drawPrior, lastStep, steppedValue, valueAt } from './dimensions.ts';
import { choiceDensity, numberDensity } from './parzen.ts';
import { type CheckedSpace, type Point, type SpaceNode, drawPoint } from './readSpace.ts';
import type { ObjectiveDirection, Sampler, SamplerState, TrialRecord } from './records.ts';

export const randomOptions = declareOptions('samplers.random', {});
export type RandomSamplerOptions = OptionsOf<typeof randomOptions>;

/**
 * Random search: each trial draws from the declared distributions. Bergstra and Bengio, Random Search for Hyper-Parameter Optimization, 2012.
 *
 *     samplers.random()
 */
function random(options: RandomSamplerOptions = {}): Configured<Sampler> {
  const settings = randomOptions.read(options);
  const sampler = { next: ({ space, random: stream }: SamplerState) => drawPoint(space, (dimension) => drawPrior(dimension, stream)) };
  return withConfig(sampler, randomOptions, settings);
}

export const gridOptions = declareOptions('samplers.grid', {
  /** Largest number of values of each number. A stepped number with fewer values has all of them. @default 5 */
  points: optional(positiveInteger, 5),
});
export type GridSamplerOptions = OptionsOf<typeof gridOptions>;

/**
 * Grid search: every combination of values, each with the parameters of its branches. The last parameter changes fastest. Numbers have equal
 * distances on their scale; a normal distribution has quantiles.
 *
 *     samplers.grid({ points: 3 })
 */
function grid(options: GridSamplerOptions = {}): Configured<Sampler> {
  const settings = gridOptions.read(options);
  const size = ({ root }: CheckedSpace): number => sizeOf(root, settings.points);
  const sampler = {
    size,
    next({ space, trials }: SamplerState): Point {
      if (trials.length >= size(space)) {
        throw new ArgumentError(`samplers.grid: the grid has ${size(space)} points, and all have been tried; give more points`);
      }
      const point: Record<string, number> = {};
      fillPoint(space.root, settings.points, trials.length, point);
      return point;
    },
  };
  return withConfig(sampler, gridOptions, settings);
}

/** Values of a number in a grid. */
export function gridValues(dimension: NumberDimension, points: number): number[] {
  const { low, high, step, scaleLow, scaleHigh, priorMean, priorSigma } = dimension;
  if (step !== undefined && lastStep(low, high, step) < points) {
    return Array.from({ length: lastStep(low, high, step) + 1 }, (_, i) => steppedValue(low, step, i));
  }
  if (!Number.isFinite(scaleLow)) {
    return Array.from({ length: points }, (_, i) => priorMean + priorSigma * Math.SQRT2 * erfInvOf((2 * (i + 0.5)) / points - 1));
  }
  // The bounds of stepped values on the scale are half a step outside.
  const [from, to] = dimension.log ? [Math.log(low), Math.log(high)] : [low, high];
  const at = (i: number): number => (points === 1 ? (scaleLow + scaleHigh) / 2 : from + ((to - from) * i) / (points - 1));
  const values = Array.from({ length: points }, (_, i) => valueAt(dimension, at(i)));
  // The logarithm would round the ends: 0.01 would be 0.010000000000000005.
  if (points > 1) [values[0], values[points - 1]] = [low, high];
  return [...new Set(values)];
}

function sizeOf(node: SpaceNode, points: number): number {
  switch (node.kind) {
    case 'constant':
      return 1;
    case 'number':
      return gridValues(node.dimension, points).length;
    case 'choice':
      return node.branches.reduce((sum, branch) => sum + sizeOf(branch, points), 0);
    case 'group':
      return node.entries.reduce((product, [, part]) => product * sizeOf(part, points), 1);
  }
}

/** Writes the values of one point of the grid, by its index in this part. */
function fillPoint(node: SpaceNode, points: number, index: number, point: Record<string, number>): void {
  if (node.kind === 'number') point[node.dimension.path] = gridValues(node.dimension, points)[index];
  if (node.kind === 'choice') {
    let rest = index;
    let branch = 0;
    for (; rest >= sizeOf(node.branches[branch], points); branch++) rest -= sizeOf(node.branches[branch], points);
    point[node.dimension.path] = branch;
    fillPoint(node.branches[branch], points, rest, point);
  }
  if (node.kind === 'group') {
    let rest = index;
    const digits = [...node.entries].reverse().map(([, part]) => {
      const size = sizeOf(part, points);
      const digit = rest % size;
      rest = Math.floor(rest / size);
      return [part, digit] as const;
    });
    for (const [part, digit] of digits.reverse()) fillPoint(part, points, digit, point);
  }
}

export const tpeOptions = declareOptions('samplers.tpe', {
  /** Number of first trials that are drawn from the declared distributions. @default 10 */
  startupTrials: optional(positiveInteger, 10),
  /** Share of the trials that counts as good. @default 0.1 */
  gamma: optional(number('within 0 and 1'), 0.1),
  /** Largest number of trials that count as good. @default 25 */
  maxGood: optional(positiveInteger, 25),
  /** Number of candidates, of which the one with the largest ratio of the densities is taken. @default 24 */
  candidates: optional(positiveInteger, 24),
  /** Weight of the declared distribution among the observations. @default 1 */
  priorWeight: optional(number('above 0'), 1),
});
export type TpeSamplerOptions = OptionsOf<typeof tpeOptions>;

/**
 * Tree-structured Parzen estimator: densities l of the values of good trials and g of the others; of the candidates drawn from l, the one with the
 * largest l / g is taken. Each dimension has its own densities, from the trials that have it. Pruned trials come after complete ones, and those
 * that reached a later epoch first, as in Optuna. Bergstra et al., Algorithms for Hyper-Parameter Optimization, 2011.
 *
 *     samplers.tpe({ startupTrials: 5 })
 */
function tpe(options: TpeSamplerOptions = {}): Configured<Sampler> {
  const settings = tpeOptions.read(options);
  const { startupTrials, gamma, maxGood, candidates, priorWeight } = settings;
  const next = ({ space, trials, direction, random: stream }: SamplerState): Point => {
    const ranked = rankTrials(trials, direction);
    if (ranked.length < startupTrials) return drawPoint(space, (dimension) => drawPrior(dimension, stream));
    const count = Math.min(maxGood, Math.ceil(gamma * ranked.length));
    const inOrder = (list: readonly TrialRecord[]): TrialRecord[] => [...list].sort((a, b) => a.number - b.number);
    const [good, others] = [inOrder(ranked.slice(0, count)), inOrder(ranked.slice(count))];
    return drawPoint(space, (dimension) => {
      const [l, g] = [good, others].map((list) => {
        const observed = list.flatMap(({ point }) => (Object.hasOwn(point, dimension.path) ? [point[dimension.path]] : []));
        return densityOf(dimension, observed, priorWeight);
      });
      let best = 0;
      let bestRatio = -Infinity;
      for (let i = 0; i < candidates; i++) {
        const candidate = l.draw(stream);
        const ratio = l.logOf(candidate) - g.logOf(candidate);
        if (ratio > bestRatio) [best, bestRatio] = [candidate, ratio];
      }
      return best;
    });
  };
  return withConfig({ next }, tpeOptions, settings);
}

const densityOf = (dimension: Dimension, observed: readonly number[], priorWeight: number): ReturnType<typeof choiceDensity> =>
  dimension.kind === 'choice' ? choiceDensity(dimension, observed, priorWeight) : numberDensity(dimension, observed, priorWeight);

/** Trials that have a value, the best first: complete ones, then pruned ones by their last epoch and their value. */
export function rankTrials(trials: readonly TrialRecord[], direction: ObjectiveDirection): TrialRecord[] {
  const sign = direction === 'max' ? -1 : 1;
  const lastEpoch = ({ state, reports }: TrialRecord): number =>
    state === 'complete' ? Infinity : (reports[reports.length - 1]?.epoch ?? -1);
  const later = (a: TrialRecord, b: TrialRecord): number => (lastEpoch(a) === lastEpoch(b) ? 0 : lastEpoch(b) - lastEpoch(a));
  return trials.filter(({ value }) => value !== undefined).sort((a, b) => later(a, b) || sign * (a.value! - b.value!));
}

/** Samplers of `tune`: `sampler: samplers.tpe({ startupTrials: 5 })`, or by name: `sampler: 'tpe'`. */
export const samplers = { random, grid, tpe };
