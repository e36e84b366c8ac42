// Stacks elements of a dataset into batches, leaf by leaf.
import { DataError, ShapeError } from '../core/errors.ts';
import { type HostArray, allocate } from '../core/dtype.ts';
import { type Shape, formatShape, sameShape, sizeOf } from '../core/shape.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';

/** Elements of a tensor that is stored on the host, or a copy from its device. */
export const hostData = (tensor: Tensor): HostArray | Promise<HostArray> =>
  tensor.value?.kind === 'host' ? tensor.value.data : tensor.data();

const described = (tensor: unknown): string => (tensor instanceof Tensor ? tensor.dtype + formatShape(tensor.shape) : typeof tensor);

/** Tensors at one place of the elements' trees. */
interface Column {
  readonly path: string;
  readonly tensors: readonly Tensor[];
}

/** The columns of elements whose tensors are alike by `fits`. */
function columnsOf(
  where: string,
  elements: readonly unknown[],
  fits: (tensor: Tensor, first: Tensor) => boolean,
  fix: string,
): readonly Column[] {
  const leaves = elements.map((element) => leavesOf(element));
  return leaves[0].map(({ path }, i) => {
    const tensors = leaves.map((list) => list[i]?.value);
    const [first] = tensors;
    if (!(first instanceof Tensor)) throw new DataError(`${where}: elements${path} are not tensors; map them to tensors first`);
    const odd = tensors.findIndex((tensor) => !(tensor instanceof Tensor) || tensor.dtype !== first.dtype || !fits(tensor, first));
    if (odd < 0) return { path, tensors: tensors as Tensor[] };
    throw new ShapeError(
      `${where}: element 0${path} is ${described(first)}, element ${odd} is ${described(tensors[odd])}; elements of a batch must be alike${fix}`,
    );
  });
}

function joined<T>(elements: readonly T[], stacked: readonly Tensor[]): T {
  let next = 0;
  return mapTree(elements[0], () => stacked[next++]) as T;
}

/**
 * Stacks trees of equal structure into one tree.
 * @throws ShapeError if tensors at one place have different shapes or dtypes, DataError if they are no tensors.
 */
export async function stackElements<T>(elements: readonly T[]): Promise<T> {
  const fix = ': pad them by paddedBatch()';
  const columns = columnsOf('dataset.batch', elements, ({ shape }, first) => sameShape(shape, first.shape), fix);
  const stacked: Tensor[] = [];
  for (const { tensors } of columns) {
    const [{ shape, dtype, size }] = tensors;
    const data = allocate(dtype, size * tensors.length);
    for (const [position, tensor] of tensors.entries()) data.set(await hostData(tensor), position * size);
    stacked.push(hostTensor({ shape: [tensors.length, ...shape], dtype }, data));
  }
  return joined(elements, stacked);
}

/** How arrays of different sizes are filled. */
export interface Padding {
  readonly value: number | Readonly<Record<string, number>>;
  /** Length of the first axis. */
  readonly length?: number;
  readonly multipleOf?: number;
}

/**
 * Stacks trees whose tensors have equal ranks. Shorter axes are filled at their ends.
 * @throws ShapeError for other ranks or dtypes, and for arrays that are longer than `length`.
 */
export async function padAndStack<T>(where: string, elements: readonly T[], padding: Padding): Promise<T> {
  const columns = columnsOf(where, elements, ({ rank }, first) => rank === first.rank, ' in rank and dtype');
  const stacked: Tensor[] = [];
  for (const { path, tensors } of columns) {
    const shape = paddedShape(where, path, tensors, padding);
    const { dtype } = tensors[0];
    const size = sizeOf(shape);
    const data = allocate(dtype, size * tensors.length);
    const value = valueAt(padding.value, path);
    if (value !== 0) data.fill(value);
    for (const [position, tensor] of tensors.entries()) {
      copyInto(data.subarray(position * size, (position + 1) * size), shape, await hostData(tensor), tensor.shape);
    }
    stacked.push(hostTensor({ shape: [tensors.length, ...shape], dtype }, data));
  }
  return joined(elements, stacked);
}

function valueAt(value: Padding['value'], path: string): number {
  if (typeof value === 'number') return value;
  const field = /^\.([^.[]+)/.exec(path)?.[1];
  return (field !== undefined && value[field]) || 0;
}

function paddedShape(where: string, path: string, tensors: readonly Tensor[], { length, multipleOf = 1 }: Padding): Shape {
  return tensors[0].shape.map((_, axis) => {
    const sizes = tensors.map(({ shape }) => shape[axis]);
    const longest = Math.max(...sizes);
    if (axis > 0) return longest;
    const wanted = length ?? Math.ceil(longest / multipleOf) * multipleOf;
    if (longest > wanted) {
      throw new ShapeError(
        `${where}: element ${sizes.indexOf(longest)}${path} has the length ${longest}, more than length ${wanted}; shorten it or give a larger length`,
      );
    }
    return wanted;
  });
}

/** Copies an array to the beginning of each axis of a larger one. */
function copyInto(out: HostArray, outShape: Shape, data: HostArray, shape: Shape): void {
  if (shape.length === 0 || sameShape(shape.slice(1), outShape.slice(1))) {
    out.set(data);
    return;
  }
  const [count, ...rest] = shape;
  const [, ...outRest] = outShape;
  const [from, to] = [sizeOf(rest), sizeOf(outRest)];
  for (let i = 0; i < count; i++) {
    copyInto(out.subarray(i * to, (i + 1) * to), outRest, data.subarray(i * from, (i + 1) * from), rest);
  }
}
