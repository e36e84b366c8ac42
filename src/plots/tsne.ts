// t-SNE: points in two or three dimensions whose neighbours are those of the data. Exact: every pair counts.
import { ArgumentError, DataError } from '../core/errors.ts';
import { either, integer, kindOf, number, oneOf, positiveInteger, seed } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { compile, readAll } from '../engine/index.ts';
import { type Tensor, hostTensor } from '../graph/tensor.ts';
import {
  add,
  clip,
  div,
  equal,
  expandDims,
  eye,
  full,
  greater,
  log,
  matmul,
  maximum,
  mean,
  mul,
  random,
  square,
  sub,
  sum,
  where as select,
  zeros,
} from '../ops/index.ts';
import { release } from '../train/core.ts';
import { jointProbabilities, squaredDistances } from './neighbourProbabilities.ts';
import { type NumbersInput, readNumbers, rowsOf } from './numbers.ts';
import { principalComponents } from './pca.ts';

const automatic = /* @__PURE__ */ kindOf<'auto'>({ rule: "'auto'", accepts: (value): value is 'auto' => value === 'auto' });

export const tsneOptions = declareOptions('plots.tsne', {
  /** Number of coordinates of a point: 2 or 3. @default 2 */
  dimensions: optional(oneOf(2, 3), 2),
  /** Effective number of neighbours of a point. It is less than the number of samples. @default 30 */
  perplexity: optional(number('at least 1'), 30),
  /** Number of updates. @default 1000 */
  steps: optional(positiveInteger, 1000),
  /** Factor of the attraction in the first updates, which makes clusters tight and far apart. @default 12 */
  earlyExaggeration: optional(number('at least 1'), 12),
  /** Number of updates with early exaggeration and the momentum 0.5. Later ones have the momentum 0.8. @default 250 */
  explorationSteps: optional(integer('at least 0'), 250),
  /** Step size. 'auto' is max(n / earlyExaggeration / 4, 50), as in scikit-learn. @default 'auto' */
  learningRate: optional(either(number('above 0'), automatic), 'auto'),
  /** First points: the principal components ('pca'), or normal numbers ('random'). Both are scaled to 1e-4. @default 'pca' */
  start: optional(oneOf('pca', 'random'), 'pca'),
  /** Seed of the normal numbers. @default 0 */
  seed: optional(seed, 0),
});
export type TsneOptions = OptionsOf<typeof tsneOptions>;

export interface TsneResult {
  /** Coordinates of the samples: [n][dimensions]. */
  readonly points: readonly (readonly number[])[];
  /** Kullback-Leibler divergence Σ pᵢⱼ log(pᵢⱼ / qᵢⱼ), in nats. Smaller is better. */
  readonly divergence: number;
}

/** Points, the last step, and a gain for each coordinate: all [n, dimensions]. */
interface Flow {
  readonly points: Tensor;
  readonly step: Tensor;
  readonly gains: Tensor;
}

/** 1 / (1 + ‖yᵢ - yⱼ‖²) for each pair, and 0 for a point with itself. */
function closeness(points: Tensor): Tensor {
  const [n] = points.shape;
  const distances = sum(square(sub(expandDims(points, 1), expandDims(points, 0))), { axis: 2 });
  return mul(div(1, add(distances, 1)), sub(1, eye(n)));
}

/** Smallest probability: it keeps logarithms and quotients finite. */
const least = 1e-12;

/** ∂KL/∂yᵢ = 4 Σⱼ (pᵢⱼ - qᵢⱼ) (yᵢ - yⱼ) / (1 + ‖yᵢ - yⱼ‖²). */
function gradientOf(points: Tensor, probabilities: Tensor): Tensor {
  const near = closeness(points);
  const forces = mul(sub(probabilities, maximum(div(near, sum(near)), least)), near);
  return mul(4, sub(mul(sum(forces, { axis: 1, keepDims: true }), points), matmul(forces, points)));
}

/** One update with momentum and gains: a gain grows if the gradient keeps its direction, as in the authors' code. */
function update({ points, step, gains }: Flow, probabilities: Tensor, momentum: Tensor, rate: Tensor): Flow {
  const gradient = gradientOf(points, probabilities);
  const turns = greater(mul(step, gradient), 0);
  const grown = clip(select(turns, mul(gains, 0.8), add(gains, 0.2)), 0.01, Infinity);
  const next = sub(mul(step, momentum), mul(mul(grown, gradient), rate));
  const moved = add(points, next);
  return { points: sub(moved, mean(moved, { axis: 0, keepDims: true })), step: next, gains: grown };
}

function divergenceOf(points: Tensor, probabilities: Tensor): Tensor {
  const near = closeness(points);
  const q = maximum(div(near, sum(near)), least);
  return sum(select(equal(probabilities, 0), 0, mul(probabilities, log(div(maximum(probabilities, least), q)))));
}

/**
 * t-SNE, exact: the probabilities of neighbours on the host, the updates on the device, with n² values. Use it for up to a few thousand
 * samples; reduce features by `pca` first. With start 'pca' the result is the same for every seed.
 *
 * x [n, ...] is read as n rows.
 * @throws ArgumentError for a perplexity that is not below n, DataError for numbers that are not finite.
 *
 *     const { points, divergence } = await tsne(features, { perplexity: 30, seed: 1 });
 *     const svg = plots.embedding(points, { labels });
 *
 * (L. van der Maaten, G. Hinton, Visualizing Data using t-SNE, JMLR 2008.)
 */
export async function tsne(x: NumbersInput, options: TsneOptions = {}): Promise<TsneResult> {
  const where = 'tsne';
  const settings = tsneOptions.read(options);
  const { dimensions, perplexity, steps, earlyExaggeration, explorationSteps, start } = settings;
  const given = await readNumbers(where, 'x', x);
  const { data, rows, columns } = rowsOf(given);
  if (perplexity >= rows) {
    throw new ArgumentError(`${where}: perplexity is ${perplexity}, but x has ${rows} samples; give a smaller one`);
  }
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i]))
      throw new DataError(`${where}: x holds ${data[i]} in sample ${Math.floor(i / columns)}; give finite numbers`);
  }
  const rate = settings.learningRate === 'auto' ? Math.max(rows / earlyExaggeration / 4, 50) : settings.learningRate;
  const joint = Float32Array.from(jointProbabilities(squaredDistances(data, rows, columns), rows, perplexity));
  const shape = [rows, dimensions];
  const first =
    start === 'random'
      ? await random.normal(shape, { seed: settings.seed, stddev: 1e-4 }).data()
      : scaledStart(principalComponents(where, given, Math.min(dimensions, columns)), dimensions);
  const onDevice = compile((values: Tensor, factor: Tensor) => mul(values, factor), { name: 'tsneProbabilities' });
  const move = compile(update, { donate: [0], name: 'tsneStep' });
  const probabilities = hostTensor({ shape: [rows, rows], dtype: 'f32' }, joint);
  const [exaggerated, exact] = [await onDevice(probabilities, full([], earlyExaggeration)), await onDevice(probabilities, full([], 1))];
  const held: unknown[] = [exaggerated, exact];
  try {
    let flow: Flow = { points: hostTensor({ shape, dtype: 'f32' }, Float32Array.from(first)), step: zeros(shape), gains: full(shape, 1) };
    for (let i = 0; i < steps; i++) {
      const isEarly = i < explorationSteps;
      // The second phase starts with no step and gains of 1, as in scikit-learn.
      if (i === explorationSteps && i > 0) {
        release([flow.step, flow.gains]);
        flow = { points: flow.points, step: zeros(shape), gains: full(shape, 1) };
      }
      flow = await move(flow, isEarly ? exaggerated : exact, full([], isEarly ? 0.5 : 0.8), full([], rate));
    }
    held.push(flow);
    const [points, [divergence]] = await readAll([flow.points, divergenceOf(flow.points, exact)]);
    return {
      points: Array.from({ length: rows }, (_, i) => [...points.subarray(i * dimensions, (i + 1) * dimensions)]),
      divergence,
    };
  } finally {
    release(held);
  }
}

/** Principal components with the standard deviation 1e-4 of the first one. Missing dimensions are 0. */
function scaledStart({ points, variances }: ReturnType<typeof principalComponents>, dimensions: number): number[] {
  const n = points.length;
  const scale = variances[0] > 0 ? 1e-4 / Math.sqrt((variances[0] * (n - 1)) / n) : 0;
  return points.flatMap((point) => Array.from({ length: dimensions }, (_, k) => (point[k] ?? 0) * scale));
}
