// Random numbers of augmentations. They come from the key of the step that is traced, as those of dropout do.
import { foldKey, keyFromSeed } from '../../../core/random.ts';
import type { Shape } from '../../../core/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { currentTrace, withTrace } from '../../../graph/trace.ts';
import {
  add,
  argSort,
  div,
  greater,
  less,
  lessEqual,
  log,
  logicalAnd,
  mul,
  random,
  sigmoid,
  sqrt,
  square,
  sub,
  where,
} from '../../../ops/index.ts';
import { sliceAxis } from '../../../ops/shape/slice.ts';

/** Smallest and largest number of a uniform draw. */
export type Range = readonly [low: number, high: number];

/** The draws of one application of a layer. */
export interface Draws {
  /** Uniform numbers in [low, high). Equal bounds give this number. */
  uniform(shape: Shape, range?: Range): Tensor;
  normal(shape: Shape): Tensor;
}

/**
 * With a seed, numbers depend on the seed and on the key of the step: layers of one seed draw the same numbers. Outside of a step they depend on
 * only the seed.
 */
export function drawsOf(seed: number | undefined): Draws {
  let count = 0;
  const draw = (make: (seed?: number) => Tensor): Tensor => {
    if (seed === undefined) return make();
    const [word] = foldKey(keyFromSeed(seed), count++);
    const trace = currentTrace();
    if (!trace) return make(word);
    // Sites of other random ops count from 0 on. The upper half is left for seeds.
    return withTrace({ name: trace.name, late: trace.late, key: () => trace.key(), nextSite: () => (word | (2 ** 31)) >>> 0 }, make);
  };
  return {
    uniform: (shape, [min, max] = [0, 1]) => draw((seed) => random.uniform(shape, { min, max, seed })),
    normal: (shape) => draw((seed) => random.normal(shape, { seed })),
  };
}

/** A random order of the samples of a batch, i32 [batch]. */
export const drawOrder = (draws: Draws, batch: number): Tensor => argSort(draws.uniform([batch]));

/** Flags that are true for half of the numbers. */
export const drawHalf = (draws: Draws, shape: Shape): Tensor => lessEqual(draws.uniform(shape), 0.5);

/** Flags [batch, 1, 1, 1] that are true with a probability, which is drawn from a range for each sample. */
export function drawFlags(draws: Draws, batch: number, probability: Range): Tensor {
  const shape = [batch, 1, 1, 1];
  return less(draws.uniform(shape), draws.uniform(shape, probability));
}

/** Trials of each gamma number. Each is accepted with a probability above 0.95, so all fail once in 10^10. */
const trials = 8;

/**
 * Logarithms of gamma numbers of shape alpha, [batch]. Marsaglia and Tsang's method for alpha + 1, then G(alpha) = G(alpha + 1) U^(1 / alpha). G.
 * Marsaglia and W. W. Tsang, A Simple Method for Generating Gamma Variables, 2000.
 */
function drawLogGamma(draws: Draws, batch: number, alpha: Tensor | number): Tensor {
  const d = add(alpha, 2 / 3);
  const x = draws.normal([trials, batch]);
  const u = sub(1, draws.uniform([trials, batch]));
  const root = add(1, div(x, sqrt(mul(d, 9))));
  const isPositive = greater(root, 0);
  const v = where(isPositive, mul(root, square(root)), 1);
  const bound = add(mul(square(x), 0.5), mul(d, add(sub(1, v), log(v))));
  const isAccepted = logicalAnd(isPositive, less(log(u), bound));
  const trial = (t: Tensor, i: number): Tensor => sliceAxis(t, 0, i, 1);
  let chosen: Tensor | number = 1;
  for (let i = trials - 1; i >= 0; i--) chosen = where(trial(isAccepted, i), trial(v, i), chosen);
  const power = div(log(sub(1, draws.uniform([1, batch]))), alpha);
  return add(log(mul(chosen, d)), power);
}

/** Numbers of the distribution Beta(alpha, alpha), [1, batch]. alpha is a number above 0, or [1, batch]. */
export const drawBeta = (draws: Draws, batch: number, alpha: Tensor | number): Tensor =>
  sigmoid(sub(drawLogGamma(draws, batch, alpha), drawLogGamma(draws, batch, alpha)));
