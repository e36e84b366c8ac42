// Loss of a model on a plane through its weights. The model's own weights are never changed: each point has weights of its own.
import { ArgumentError } from '../core/errors.ts';
import { callable, checkedLater, kindOf, oneOf, positiveInteger, seed, sizes } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { mapTree } from '../core/tree.ts';
import type { ArrayTree } from '../data/index.ts';
import { compile, readAll } from '../engine/index.ts';
import { Tensor, hostTensor, refuseValues } from '../graph/tensor.ts';
import type { LayerTrees } from '../nn/index.ts';
import { add, alias, cast, mul, slice, tensor } from '../ops/index.ts';
import { exclusive, release } from '../train/core.ts';
import { testSource } from '../train/evaluate.ts';
import { type ModelInput, arraysIn } from '../train/inputs.ts';
import type { Model } from '../train/index.ts';
import type { Weights } from '../train/steps.ts';
import { withTrainingData } from '../train/withData.ts';
import {
  type Direction,
  type Parameter,
  normalized,
  parametersOf,
  pathDifferences,
  pathDirections,
  projected,
  randomDirections,
} from './weightDirections.ts';

type Range = readonly [from: number, to: number];

const isRange = (value: unknown): value is Range =>
  Array.isArray(value) && value.length === 2 && value.every((x) => Number.isFinite(x)) && value[0] < value[1];

const range = /* @__PURE__ */ kindOf<Range>({ rule: 'two numbers, the smaller one first', accepts: isRange });

export const lossLandscapeOptions = declareOptions('plots.lossLandscape', {
  /** Number of points along each direction, [first, second] or one number for both. @default 21 */
  resolution: optional(sizes(2), 21),
  /** Coordinates of the first and last point along both directions. With a path and without a range, the path decides. */
  range: optional(range),
  /** 'random': two directions of normal numbers. 'path': the two principal directions of `path`. @default 'random' */
  directions: optional(oneOf('random', 'path'), 'random'),
  /** Scales random directions so that each filter ('filter') or tensor ('layer') has the norm of the weights there. @default 'filter' */
  normalization: optional(oneOf('filter', 'layer', 'none'), 'filter'),
  /** Seed of random directions. @default 0 */
  seed: optional(seed, 0),
  /** Weights of a training, from the first to the last: lists of getWeights(), such as those of recordWeights(). */
  path: optional(checkedLater<readonly (readonly Tensor[])[]>('a list of lists of tensors, as getWeights() gives them')),
  /** Samples of a batch. @default 32 */
  batchSize: optional(positiveInteger),
  /** Number of batches at each point. The default is all. Needed for data without end. */
  steps: optional(positiveInteger),
  /** Called after each point with the number of points that are done, and of all. */
  onProgress: optional(callable<(done: number, points: number) => void>()),
});
export type LossLandscapeOptions = OptionsOf<typeof lossLandscapeOptions>;

/** A point of a path in the coordinates of the two directions. */
export interface PathPoint {
  readonly x: number;
  readonly y: number;
}

export interface LossLandscape {
  /** Coordinates along the first direction, in ascending order. */
  readonly x: readonly number[];
  /** Coordinates along the second direction. */
  readonly y: readonly number[];
  /** Loss by row of y, then by column of x. The weights of the model are at (0, 0). */
  readonly loss: readonly (readonly number[])[];
  /** The path, projected on the plane. Undefined without one. */
  readonly path: readonly PathPoint[] | undefined;
  /** Shares of the squared distances of the path that the directions explain. Undefined unless directions are 'path'. */
  readonly explained: readonly [number, number] | undefined;
}

/** Coordinates from one number to another. A step that rounding leaves near 0 is 0: there the weights are exactly those of the model. */
function coordinates([from, to]: Range, count: number): number[] {
  if (count === 1) return [0];
  const step = (to - from) / (count - 1);
  return Array.from({ length: count }, (_, i) => from + step * i).map((at) => (Math.abs(at) < step * 1e-9 ? 0 : at));
}

/** A range with all points and 0, and a margin. */
function around(values: readonly number[]): Range {
  const [least, most] = [Math.min(0, ...values), Math.max(0, ...values)];
  const margin = 0.15 * (most - least) || 1;
  return [least - margin, most + margin];
}

/** Copies of tensors on the device, which no training step takes over. */
const copied = (tree: Weights): Weights => mapTree(tree, (leaf) => (leaf instanceof Tensor ? alias(leaf) : leaf)) as Weights;

/** Values of parameters at the point w + x u + y v, with x and y in `at` [2]. */
function valuesAt(w: readonly Tensor[], u: readonly Tensor[], v: readonly Tensor[], at: Tensor): Tensor[] {
  const [x, y] = [slice(at, [0], [1]), slice(at, [1], [2])];
  return w.map((value, i) => cast(add(cast(value, 'f32'), add(mul(u[i], x), mul(v[i], y))), value.dtype));
}

/** Weights with other values of some parameters. */
function withValues({ parameters, state }: Weights, chosen: readonly Parameter[], values: readonly Tensor[]): Weights {
  const byPath = new Map(chosen.map(({ owner, leaf }, i) => [`${owner} ${leaf}`, values[i]]));
  const trees = Object.entries(parameters).map(([owner, tree]) => [
    owner,
    mapTree(tree, (leaf, path) => byPath.get(`${owner} ${path}`) ?? leaf),
  ]);
  return { parameters: Object.fromEntries(trees) as LayerTrees, state };
}

const asTensors = (direction: Direction, parameters: readonly Parameter[]): Tensor[] =>
  parameters.map(({ tensor: { shape } }, i) => hostTensor({ shape, dtype: 'f32' }, direction[i]));

/**
 * Loss of a compiled model on a plane through its weights: loss(w + x u + y v) on a grid of x and y. The loss at (0, 0) is that of
 * model.evaluate. The weights of the model stay as they are, also after an error. Random directions have the norms of the filters of the
 * weights; biases and other 1-dimensional parameters do not move with them. With `path`, the path of a training is projected on the plane.
 *
 *     const recorder = recordWeights();
 *     await model.fit(x, y, { epochs: 10, callbacks: [recorder] });
 *     const landscape = await lossLandscape(model, x, y, { directions: 'path', path: recorder.weights });
 *     const svg = plots.landscape(landscape);
 *
 * @throws ArgumentError for wrong options, the errors of evaluate for wrong data.
 *
 * (H. Li et al., Visualizing the Loss Landscape of Neural Nets, NeurIPS 2018.)
 */
export async function lossLandscape(
  model: Model,
  x: ModelInput,
  y?: ArrayTree,
  options: LossLandscapeOptions = {},
): Promise<LossLandscape> {
  const where = 'lossLandscape';
  const refused = refuseValues(`${where}()`, arraysIn(x, y));
  if (refused) return refused;
  const settings = lossLandscapeOptions.read(options);
  const { path, batchSize, steps: limit, resolution, onProgress } = settings;
  if (settings.directions === 'path' && !path) {
    throw new ArgumentError(
      `${where}: directions are 'path', but path is missing; give the weights of a training, such as recordWeights().weights`,
    );
  }
  const { core } = model;
  return withTrainingData(core, { where, x, y, ...(batchSize && { batchSize }) }, async ({ train: source }, steps) => {
    const { engine } = steps;
    const held: unknown[] = [];
    try {
      const copy = compile(copied, { engine, name: 'copyWeights' });
      const weights = await exclusive(core, () => copy(core.weights!));
      held.push(weights);
      const parameters = parametersOf(where, core, weights);
      const values = await readAll(parameters.map(({ tensor }) => tensor), { engine }); // prettier-ignore
      const differences = path && (await pathDifferences(where, path, parameters, values));
      const found =
        settings.directions === 'path'
          ? pathDirections(where, differences!, parameters)
          : { directions: await randomDirections(parameters, settings.seed), explained: undefined };
      const [first, second] = found.directions.map((direction) =>
        settings.directions === 'path' ? direction : normalized(direction, parameters, values, settings.normalization),
      );
      const points = differences?.map((difference) => projected(difference, [first, second]));
      const rangeOf = (axis: 0 | 1): Range => settings.range ?? (points ? around(points.map((point) => point[axis])) : [-1, 1]);
      const [columns, rows] = [coordinates(rangeOf(0), resolution[0]), coordinates(rangeOf(1), resolution[1])];
      const toDevice = compile((tensors: Tensor[]) => tensors.map((tensor) => alias(tensor)), { engine, name: 'copyDirection' });
      const [u, v] = [await toDevice(asTensors(first, parameters)), await toDevice(asTensors(second, parameters))];
      held.push(u, v);
      const move = compile(valuesAt, { engine, name: 'weightsAt' });
      const base = parameters.map(({ tensor }) => tensor);
      const loss: number[][] = [];
      for (const [row, atY] of rows.entries()) {
        loss.push([]);
        for (const [column, atX] of columns.entries()) {
          const moved = await move(base, u, v, tensor([atX, atY]));
          try {
            const { logs } = await testSource(core, steps, source, limit, withValues(weights, parameters, moved));
            loss[row].push(logs.loss);
          } finally {
            release(moved);
          }
          onProgress?.(row * columns.length + column + 1, rows.length * columns.length);
        }
      }
      return {
        x: columns,
        y: rows,
        loss,
        path: points?.map((point): PathPoint => ({ x: point[0], y: point[1] })),
        explained: found.explained,
      };
    } finally {
      release(held);
    }
  });
}
