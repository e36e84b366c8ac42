// Parzen estimators of TPE: densities of the observed values of one dimension, each mixed with the prior.
import type { RandomStream } from '../core/random.ts';
import { erfcOf } from '../ops/elementwise/hostMath.ts';
import { type ChoiceDimension, type NumberDimension, cellOf, positionOf, valueAt } from './dimensions.ts';

/** A density that can be drawn from. */
export interface Density {
  draw(random: RandomStream): number;
  /** Logarithm of the density of a value, or of the probability of a stepped value or a branch. */
  logOf(value: number): number;
}

/** Number of the last observations whose weights are full (hyperopt's linear forgetting). */
const fullWeights = 25;

/** Weights of n observations in their order: older ones count less once there are more than 25. */
export const weightsOf = (n: number): number[] =>
  Array.from({ length: n }, (_, i) => {
    const ramp = n - fullWeights;
    return i >= ramp ? 1 : ramp === 1 ? 1 / n : 1 / n + (1 - 1 / n) * (i / (ramp - 1));
  });

/** Position in a list of weights, drawn in proportion to them. */
function drawIndex(weights: readonly number[], random: RandomStream): number {
  let rest = random.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < weights.length; i++) {
    rest -= weights[i];
    if (rest < 0) return i;
  }
  return weights.length - 1;
}

/** Counts of the branches, with a prior of `priorWeight` over all of them. */
export function choiceDensity({ labels }: ChoiceDimension, observed: readonly number[], priorWeight: number): Density {
  const counts = labels.map(() => priorWeight / labels.length);
  weightsOf(observed.length).forEach((weight, i) => (counts[observed[i]] += weight));
  const total = counts.reduce((sum, count) => sum + count, 0);
  return {
    draw: (random) => drawIndex(counts, random),
    logOf: (branch) => Math.log(counts[branch] / total),
  };
}

const below = (z: number): number => 0.5 * erfcOf(-z * Math.SQRT1_2);

/**
 * A mixture of normal distributions within the bounds, one around each observation and the prior. The width of each is the larger distance to its
 * neighbours, as in hyperopt. Bergstra et al., Algorithms for Hyper-Parameter Optimization, 2011.
 */
export function numberDensity(dimension: NumberDimension, observed: readonly number[], priorWeight: number): Density {
  const { scaleLow, scaleHigh, priorMean, priorSigma } = dimension;
  const weights = weightsOf(observed.length);
  const kernels = observed.map((value, i) => ({ mean: positionOf(dimension, value), weight: weights[i], isPrior: false }));
  kernels.push({ mean: priorMean, weight: priorWeight, isPrior: true });
  kernels.sort((a, b) => a.mean - b.mean);
  const narrowest = priorSigma / Math.min(100, 1 + kernels.length);
  const total = kernels.reduce((sum, { weight }) => sum + weight, 0);
  const parts = kernels.map(({ mean, weight, isPrior }, i) => {
    const left = i > 0 ? mean - kernels[i - 1].mean : 0;
    const right = i < kernels.length - 1 ? kernels[i + 1].mean - mean : 0;
    const sigma = isPrior ? priorSigma : Math.min(priorSigma, Math.max(narrowest, left, right));
    const mass = below((scaleHigh - mean) / sigma) - below((scaleLow - mean) / sigma);
    return { mean, sigma, share: weight / total / mass };
  });
  const drawWeights = kernels.map(({ weight }) => weight);
  return {
    draw(random) {
      const { mean, sigma } = parts[drawIndex(drawWeights, random)];
      for (;;) {
        const position = mean + sigma * random.normal();
        if (position >= scaleLow && position <= scaleHigh) return valueAt(dimension, position);
      }
    },
    logOf(value) {
      const cell = cellOf(dimension, value);
      const position = positionOf(dimension, value);
      const sum = parts.reduce((acc, { mean, sigma, share }) => {
        if (cell) return acc + share * (below((cell[1] - mean) / sigma) - below((cell[0] - mean) / sigma));
        const z = (position - mean) / sigma;
        return acc + (share * Math.exp(-0.5 * z * z)) / (sigma * Math.sqrt(2 * Math.PI));
      }, 0);
      return Math.log(sum + 1e-300);
    },
  };
}
