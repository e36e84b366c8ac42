// Directions in the space of a model's parameters, for loss landscapes.
import { isFloat } from '../core/dtype.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import { formatShape, sameShape, sizeOf } from '../core/shape.ts';
import { leavesOf } from '../core/tree.ts';
import { Tensor } from '../graph/tensor.ts';
import type { Layer } from '../nn/index.ts';
import { random } from '../ops/index.ts';
import type { ModelCore } from '../train/core.ts';
import type { Weights } from '../train/steps.ts';
import { axesByRows, productsOfRows } from './eigenvectors.ts';

/** One trainable parameter of floats. */
export interface Parameter {
  readonly owner: string;
  /** Path in the tree of the owner's parameters. */
  readonly leaf: string;
  readonly tensor: Tensor;
  readonly layer: Layer;
  /** Position in getWeights(). */
  readonly position: number;
}

/** One number for each element of each parameter. */
export type Direction = readonly Float32Array[];

/** Trainable parameters of floats, in the order of getWeights(). @throws ArgumentError if there are none. */
export function parametersOf(where: string, { network }: ModelCore, { parameters, state }: Weights): Parameter[] {
  let position = 0;
  const found = network.owners.flatMap(({ name, layer }) => {
    const listed = leavesOf(parameters[name]).map(({ path, value }): Parameter => {
      return { owner: name, leaf: path, tensor: value as Tensor, layer, position: position++ };
    });
    position += leavesOf(state[name]).filter(({ value }) => value instanceof Tensor).length;
    return layer.trainable ? listed.filter(({ tensor }) => isFloat(tensor.dtype)) : [];
  });
  if (found.length === 0) throw new ArgumentError(`${where}: the model has no trainable parameters; set trainable of a layer to true`);
  return found;
}

/** Names of 1-dimensional parameters have no filters. Their direction is 0 with filter normalization, as in the paper's code. */
const hasFilters = ({ shape }: Tensor): boolean => shape.length > 1;

/** Filter of each element of a parameter: the position along the axes that layers do not sum over. */
function filterOf({ tensor: { shape }, layer, leaf }: Parameter): (element: number) => number {
  const name = leaf.replace(/^\.?/, '');
  const summed = layer.scaleAxes?.[name]?.map((axis) => (axis < 0 ? axis + shape.length : axis)) ?? shape.slice(0, -1).map((_, i) => i);
  const kept = shape.map((_, i) => i).filter((axis) => !summed.includes(axis));
  return (element) => kept.reduce((at, axis) => at * shape[axis] + (Math.floor(element / sizeOf(shape.slice(axis + 1))) % shape[axis]), 0);
}

/** Scales groups of elements of a direction to the norms that the weights have there: d ← d ‖w‖ / ‖d‖. */
function scaleTo(direction: Float32Array, weights: ArrayLike<number>, groupOf: (element: number) => number): Float32Array {
  const squares = new Map<number, { direction: number; weights: number }>();
  direction.forEach((value, i) => {
    const group = groupOf(i);
    const sums = squares.get(group) ?? { direction: 0, weights: 0 };
    squares.set(group, { direction: sums.direction + value * value, weights: sums.weights + weights[i] * weights[i] });
  });
  return direction.map((value, i) => {
    const sums = squares.get(groupOf(i))!;
    return sums.direction > 0 ? value * Math.sqrt(sums.weights / sums.direction) : 0;
  });
}

export type Normalization = 'filter' | 'layer' | 'none';

/** A direction whose filters, or tensors, have the norms of the weights. */
export function normalized(
  direction: Direction,
  parameters: readonly Parameter[],
  weights: readonly ArrayLike<number>[],
  normalization: Normalization,
): Direction {
  if (normalization === 'none') return direction;
  return direction.map((values, i) => {
    if (!hasFilters(parameters[i].tensor)) return new Float32Array(values.length);
    return scaleTo(values, weights[i], normalization === 'filter' ? filterOf(parameters[i]) : () => 0);
  });
}

/** Directions of normal numbers. */
export async function randomDirections(parameters: readonly Parameter[], seed: number): Promise<[Direction, Direction]> {
  const stream = RandomStream.fromSeed(seed);
  const draw = async (): Promise<Direction> => {
    const direction: Float32Array[] = [];
    for (const { tensor } of parameters) {
      const [high, low] = stream.nextKey();
      // A seed of 53 bits holds most of the key.
      const values = random.normal(tensor.shape, { seed: (high % 2 ** 20) * 2 ** 32 + low });
      direction.push(Float32Array.from(await values.data()));
      values.dispose();
    }
    return direction;
  };
  return [await draw(), await draw()];
}

const flat = (parts: readonly ArrayLike<number>[]): Float64Array => {
  const joined = new Float64Array(parts.reduce((size, { length }) => size + length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
};

/** Splits one list of numbers into the parts of the parameters. */
function parts(joined: Float64Array, parameters: readonly Parameter[]): Direction {
  let offset = 0;
  return parameters.map(({ tensor: { size } }) => Float32Array.from(joined.subarray(offset, (offset += size))));
}

/** Parameters at each point of a path, minus the weights. @throws ShapeError for weights of another model. */
export async function pathDifferences(
  where: string,
  path: readonly (readonly Tensor[])[],
  parameters: readonly Parameter[],
  weights: readonly ArrayLike<number>[],
): Promise<Float64Array[]> {
  const differences: Float64Array[] = [];
  for (const [number, point] of path.entries()) {
    const values: ArrayLike<number>[] = [];
    for (const { tensor, position, owner, leaf } of parameters) {
      const given = point[position] as Tensor | undefined;
      if (!(given instanceof Tensor) || !sameShape(given.shape, tensor.shape)) {
        const got = given instanceof Tensor ? formatShape(given.shape) : 'no tensor';
        throw new ShapeError(
          `${where}: path[${number}] has ${got} for ${owner}${leaf.replace('.', '/')} ${formatShape(tensor.shape)}; give lists of model.getWeights()`,
        );
      }
      values.push(await given.data());
    }
    const joined = flat(values);
    flat(weights).forEach((value, i) => (joined[i] -= value));
    differences.push(joined);
  }
  return differences;
}

/** The two principal directions of a path, each with the share of the squared distances that it explains. */
export function pathDirections(
  where: string,
  differences: readonly Float64Array[],
  parameters: readonly Parameter[],
): { directions: [Direction, Direction]; explained: [number, number] } {
  const moved = differences.filter((difference) => difference.some((value) => value !== 0));
  if (moved.length < 2) {
    throw new ArgumentError(
      `${where}: path has ${moved.length} points that differ from the weights; directions 'path' need two or more: record more epochs`,
    );
  }
  const { axes, squares, total } = axesByRows(moved, productsOfRows(moved), 2);
  const [first, second] = axes.map((axis) => parts(axis, parameters));
  return { directions: [first, second], explained: [squares[0] / total, squares[1] / total] };
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

/** Coordinates of the nearest point of the plane: least squares, because two random directions are not orthogonal. */
export function projected(difference: Float64Array, [first, second]: readonly [Direction, Direction]): readonly [number, number] {
  const [u, v] = [flat(first), flat(second)];
  const [uu, uv, vv] = [dot(u, u), dot(u, v), dot(v, v)];
  const [du, dv] = [dot(difference, u), dot(difference, v)];
  const determinant = uu * vv - uv * uv;
  if (determinant <= 1e-12 * uu * vv) return [uu > 0 ? du / uu : 0, 0];
  return [(du * vv - dv * uv) / determinant, (dv * uu - du * uv) / determinant];
}
