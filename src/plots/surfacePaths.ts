// Paths of optimizers on surfaces over two variables, computed by the library's own optimizers.
import { gradients } from '../autodiff/index.ts';
import { ArgumentError } from '../core/errors.ts';
import { checkedLater, either, kindOf, oneOf, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../core/options.ts';
import { compile, readAll } from '../engine/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, alias, concat, cos, mul, pow, reshape, slice, square, sub, sum, tensor } from '../ops/index.ts';
import type { Optimizer, OptimizerState } from '../optim/index.ts';
import { optimizers as optimizersByName } from '../optim/index.ts';
import { release } from '../train/core.ts';

type Point = readonly [x: number, y: number];

/** A function of two variables with a region that is shown. */
export interface Surface {
  /** Value at x and y: elementwise, for tensors of any shape. */
  readonly value: (x: Tensor, y: Tensor) => Tensor;
  readonly x: Point;
  readonly y: Point;
  /** Point from which optimizers start. */
  readonly start: Point;
  /** Minima, if they are known. */
  readonly minima: readonly Point[];
}

const squareOf = (x: Tensor | number): Tensor => square(x);

/** Test functions of optimization. */
const surfaces = {
  /** (1 - x)² + 100 (y - x²)²: a curved valley (H. Rosenbrock, 1960). */
  rosenbrock: {
    value: (x, y) => add(squareOf(sub(1, x)), mul(100, squareOf(sub(y, squareOf(x))))),
    x: [-2, 2],
    y: [-1, 3],
    start: [-1.5, 2],
    minima: [[1, 1]],
  },
  /** (1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)²: flat far from the minimum (E. Beale, 1958). */
  beale: {
    value: (x, y) => {
      const term = (constant: number, power: number): Tensor => squareOf(add(sub(constant, x), mul(x, pow(y, power))));
      return add(term(1.5, 1), add(term(2.25, 2), term(2.625, 3)));
    },
    x: [-4.5, 4.5],
    y: [-4.5, 4.5],
    start: [1, 1.5],
    minima: [[3, 0.5]],
  },
  /** (x² + y - 11)² + (x + y² - 7)²: four minima (D. Himmelblau, 1972). */
  himmelblau: {
    value: (x, y) => add(squareOf(sub(add(squareOf(x), y), 11)), squareOf(sub(add(x, squareOf(y)), 7))),
    x: [-5, 5],
    y: [-5, 5],
    start: [-0.5, -0.5],
    minima: [
      [3, 2],
      [-2.805118, 3.131312],
      [-3.77931, -3.283186],
      [3.584428, -1.848126],
    ],
  },
  /** 20 + x² - 10 cos(2πx) + y² - 10 cos(2πy): many local minima (L. Rastrigin, 1974). */
  rastrigin: {
    value: (x, y) => {
      const term = (z: Tensor): Tensor => sub(squareOf(z), mul(10, cos(mul(2 * Math.PI, z))));
      return add(20, add(term(x), term(y)));
    },
    x: [-5.12, 5.12],
    y: [-5.12, 5.12],
    start: [3.3, 2.7],
    minima: [[0, 0]],
  },
  /** x² - y²: a saddle at 0, with no minimum. */
  saddle: {
    value: (x, y) => sub(squareOf(x), squareOf(y)),
    x: [-2, 2],
    y: [-2, 2],
    start: [1.5, 0.01],
    minima: [],
  },
} as const satisfies Record<string, Surface>;

export type SurfaceName = keyof typeof surfaces;

const isPoint = (value: unknown): value is Point =>
  Array.isArray(value) && value.length === 2 && value.every((part) => Number.isFinite(part));

const point = /* @__PURE__ */ kindOf<Point>({ rule: 'two numbers: [x, y]', accepts: isPoint });

const isSurface = (value: unknown): value is Surface => {
  const given = value as Partial<Surface> | null;
  return (
    typeof given === 'object' &&
    given !== null &&
    typeof given.value === 'function' &&
    [given.x, given.y, given.start].every(isPoint) &&
    Array.isArray(given.minima) &&
    given.minima.every(isPoint)
  );
};

const ownSurface = /* @__PURE__ */ kindOf<Surface>({
  rule: 'an object with value (a function of two tensors), x, y and start (two numbers each) and minima (a list of points)',
  accepts: isSurface,
});

export const surfacePathsOptions = declareOptions('plots.surfacePaths', {
  /** Name of a surface, or a function of one's own with its region. */
  surface: required(either(oneOf('rosenbrock', 'beale', 'himmelblau', 'rastrigin', 'saddle'), ownSurface), 'rosenbrock'),
  /** Optimizers by the names of the legend. The default is sgd with momentum, rmsprop and adam, with the learning rates 0.001, 0.05 and 0.1. */
  optimizers: optional(checkedLater<Readonly<Record<string, Optimizer>>>('a record of optimizers')),
  /** Number of updates. @default 200 */
  steps: optional(positiveInteger, 200),
  /** Point from which all optimizers start. The default is that of the surface. */
  start: optional(point),
  /** Number of points of the grid along each axis. @default 81 */
  resolution: optional(positiveInteger, 81),
});
export type SurfacePathsOptions = OptionsOf<typeof surfacePathsOptions>;

/** Path of one optimizer: the start, and the point after each update. */
export interface SurfacePath {
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Values of the function at the points. */
  readonly value: readonly number[];
}

export interface SurfacePaths {
  /** Coordinates of the grid, in ascending order. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Values by row of y, then by column of x. */
  readonly value: readonly (readonly number[])[];
  readonly minima: readonly Point[];
  /** Paths by the names of the optimizers. */
  readonly paths: Readonly<Record<string, SurfacePath>>;
}

const defaults = (): Record<string, Optimizer> => ({
  'sgd, momentum 0.9': optimizersByName.sgd({ learningRate: 0.001, momentum: 0.9 }),
  rmsprop: optimizersByName.rmsprop({ learningRate: 0.05 }),
  adam: optimizersByName.adam({ learningRate: 0.1 }),
});

const isOptimizer = (value: unknown): value is Optimizer => typeof (value as Partial<Optimizer> | undefined)?.update === 'function';

/** Points of an optimizer [steps + 1, 3]: x, y and value. */
async function follow(optimizer: Optimizer, { value }: Surface, start: Point, steps: number): Promise<SurfacePath> {
  const lossOf = (at: Tensor): Tensor => sum(value(slice(at, [0], [1]), slice(at, [1], [2])));
  const lossAndGradients = (parameters: unknown): { loss: Tensor; gradients: unknown } => {
    const at = alias((parameters as { point: Tensor }).point);
    const loss = lossOf(at);
    return { loss, gradients: { point: gradients(loss, [at])[0] } };
  };
  const step = compile(
    (parameters: { point: Tensor }, state: OptimizerState): [{ point: Tensor }, OptimizerState, Tensor] => {
      const { loss, gradients } = lossAndGradients(parameters);
      const next = optimizer.update(gradients, state, parameters, { lossAndGradients });
      return [next.parameters, next.state, concat([parameters.point, reshape(loss, [1])], 0)];
    },
    { donate: [0, 1], name: 'surfaceStep' },
  );
  let parameters = { point: tensor([...start]) };
  let state = optimizer.init(parameters);
  const visited: Tensor[] = [];
  try {
    // The last update gives the value of the last point.
    for (let i = 0; i <= steps; i++) {
      const [next, nextState, at] = await step(parameters, state);
      [parameters, state] = [next, nextState];
      visited.push(at);
    }
    const rows = await readAll(visited);
    return { x: rows.map((row) => row[0]), y: rows.map((row) => row[1]), value: rows.map((row) => row[2]) };
  } finally {
    release([visited, parameters, state]);
  }
}

/**
 * Paths of optimizers on a surface over two variables, with a grid of the surface.
 *
 *     const data = await surfacePaths({ surface: 'beale', optimizers: { adam: optimizers.adam({ learningRate: 0.1 }) } });
 *     const svg = plots.optimizerPaths(data);
 *
 * @throws ArgumentError for wrong options, and for an optimizer that needs gradients of samples.
 */
export async function surfacePaths(options: SurfacePathsOptions): Promise<SurfacePaths> {
  const where = 'surfacePaths';
  const settings = surfacePathsOptions.read(options);
  const { surface: chosen, steps, resolution, optimizers = defaults() } = settings;
  const surface: Surface = typeof chosen === 'string' ? surfaces[chosen] : chosen;
  const list = Object.entries(optimizers);
  for (const [name, optimizer] of list) {
    if (!isOptimizer(optimizer))
      throw new ArgumentError(`${where}: optimizers.${name} is no optimizer; give one such as optimizers.adam()`);
    if (optimizer.needsSampleGradients) {
      throw new ArgumentError(`${where}: optimizers.${name} needs the gradients of samples, and a surface has none; leave it out`);
    }
  }
  const along = ([from, to]: Point): number[] =>
    Array.from({ length: resolution }, (_, i) => (resolution === 1 ? (from + to) / 2 : from + ((to - from) * i) / (resolution - 1)));
  const [x, y] = [along(surface.x), along(surface.y)];
  const columns = tensor(y.flatMap(() => x), [y.length, x.length]); // prettier-ignore
  const rows = tensor(y.flatMap((at) => x.map(() => at)), [y.length, x.length]); // prettier-ignore
  const value = (await surface.value(columns, rows).array()) as number[][];
  const paths: [string, SurfacePath][] = [];
  for (const [name, optimizer] of list) paths.push([name, await follow(optimizer, surface, settings.start ?? surface.start, steps)]);
  return { x, y, value, minima: surface.minima, paths: Object.fromEntries(paths) };
}
