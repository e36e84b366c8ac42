// Many small graphs on the device against the CPU in f64. They are one program, whose pipelines are built in parallel.
import { expect } from 'vitest';
import { RandomStream } from '../../src/core/random.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { readAll } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { alias } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteError } from '../support/findings.ts';

const stream = RandomStream.fromSeed(17);

/** Numbers in [-1, 1), with a spike now and then, so that a lost or doubled term shows. */
export const spiky = (shape: Shape): Float32Array =>
  Float32Array.from({ length: sizeOf(shape) }, () => (stream.uniform() < 0.02 ? 100 : 1) * (stream.uniform() * 2 - 1));
/** Numbers in [-1, 1). */
export const even = (shape: Shape): Float32Array => Float32Array.from({ length: sizeOf(shape) }, () => stream.uniform() * 2 - 1);
/** Whole numbers below `end`. */
export const places = (shape: Shape, end: number): Int32Array =>
  Int32Array.from({ length: sizeOf(shape) }, () => Math.floor(stream.uniform() * end));

export const leaf = (shape: Shape, data: Float32Array | Int32Array): Tensor =>
  alias(hostTensor({ shape, dtype: data instanceof Int32Array ? 'i32' : 'f32' }, data));

export interface Item {
  readonly what: string;
  readonly y: Tensor;
  /** Value of `y` with all numbers replaced by their magnitudes. If absent, the largest magnitude of `y` is used. */
  readonly terms?: Tensor;
  /** The error allowed, in 2^-23 of the terms. 0 means equal. */
  readonly units: number;
}

export async function compareItems(family: string, items: readonly Item[]): Promise<void> {
  const outputs = items.map(({ y }) => y);
  const expected = interpret(outputs, { mode: 'f64' });
  const terms = interpret(items.map(({ y, terms }) => terms ?? y), { mode: 'f64' }); // prettier-ignore
  const actual = await readAll(outputs);
  items.forEach(({ what, terms: own, units }, i) => {
    expect(actual[i].length, what).toBe(expected[i].length);
    const largest = own ? 0 : Array.from(terms[i]).reduce((most, x) => Math.max(most, Math.abs(x)), 1);
    actual[i].forEach((value, j) => {
      const allowed = units * 2 ** -23 * (own ? Math.abs(terms[i][j]) : largest);
      const error = Object.is(value, expected[i][j]) ? 0 : Math.abs(value - expected[i][j]);
      noteError(family, what, error, allowed);
      if (!(error <= allowed)) expect.fail(`${what}: element ${j} is ${value}, expected ${expected[i][j]}`);
    });
  });
}
