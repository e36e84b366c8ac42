// Arrays that a user gives to functions of this folder, read to the host.
import { DataError, ShapeError } from '../core/errors.ts';
import { type Shape, formatShape, sameShape } from '../core/shape.ts';
import { type ArrayInput, samplesOf } from '../data/samples.ts';
import { type Tensor, hostTensor } from '../graph/tensor.ts';

/** A tensor, a typed array with its shape, nested arrays, or a promise of one, such as that of `model.predict`. */
export type NumbersInput = ArrayInput | PromiseLike<ArrayInput>;

/** Numbers on the host, in row-major order. */
export interface Numbers {
  readonly data: ArrayLike<number>;
  readonly shape: Shape;
}

/** @throws the errors of samplesOf for data that are no array of numbers. */
export async function readNumbers(where: string, argument: string, input: NumbersInput): Promise<Numbers> {
  const { data, count, shape } = await samplesOf(where, argument, await input);
  return { data, shape: [count, ...shape] };
}

/** The same numbers as an f32 tensor on the host. */
export const tensorOf = ({ data, shape }: Numbers): Tensor => hostTensor({ shape, dtype: 'f32' }, Float32Array.from(data));

/** Rows [n, d] of an array [n, ...]. */
export const rowsOf = ({ data, shape: [rows, ...rest] }: Numbers): { data: ArrayLike<number>; rows: number; columns: number } => ({
  data,
  rows,
  columns: rest.reduce((a, b) => a * b, 1),
});

/** Weight of each sample; ones if none are given. @throws ShapeError for another number of weights, DataError for a negative one. */
export async function readWeights(where: string, given: NumbersInput | undefined, count: number): Promise<ArrayLike<number>> {
  if (given === undefined) return new Float64Array(count).fill(1);
  const { data, shape } = await readNumbers(where, 'sampleWeight', given);
  if (!sameShape(shape, [count])) {
    throw new ShapeError(`${where}: sampleWeight is ${formatShape(shape)}, but there are ${count} samples; give one weight for each`);
  }
  for (let i = 0; i < count; i++) {
    if (!(data[i] >= 0 && data[i] < Infinity)) {
      throw new DataError(`${where}: sampleWeight[${i}] is ${data[i]}; weights are finite numbers of at least 0`);
    }
  }
  return data;
}
