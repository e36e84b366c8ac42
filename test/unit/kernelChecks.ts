// Common parts of the tests of kernel families: operands, and gradients against central differences in f64.
import { expect } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { RandomStream } from '../../src/core/random.ts';
import { type Shape, sizeOf, stridesOf } from '../../src/core/shape.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { add, mul, sin, sum } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteGradients } from '../support/findings.ts';

const stream = RandomStream.fromSeed(7);
export const random = (shape: Shape): Tensor =>
  hostTensor(
    { shape, dtype: 'f32' },
    Float64Array.from({ length: sizeOf(shape) }, () => stream.uniform() * 2 - 1),
  );
export const f32 = (shape: Shape, values: readonly number[]): Tensor => hostTensor({ shape, dtype: 'f32' }, Float32Array.from(values));
export const i32 = (shape: Shape, values: readonly number[]): Tensor => hostTensor({ shape, dtype: 'i32' }, Int32Array.from(values));
export const valuesOf = (x: Tensor): number[] => Array.from(interpret([x], { mode: 'f64' })[0]);
export const dataOf = (x: Tensor): Float64Array => {
  if (x.value?.kind !== 'host' || !(x.value.data instanceof Float64Array)) throw new Error('not an f64 leaf');
  return x.value.data;
};

export function expectClose(actual: readonly number[], expected: readonly number[], tolerance = 1e-9): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) =>
    expect(Math.abs(value - expected[i]), `element ${i}: ${value} for ${expected[i]}`).toBeLessThanOrEqual(
      tolerance * (1 + Math.abs(expected[i])),
    ),
  );
}

/** Weighs each element differently, so that a gradient in the wrong place shows; the sine makes second derivatives non-zero. */
export const lossOf = (y: Tensor, weights: Tensor): Tensor => sum(mul(sin(y), weights));

/** d loss / d x against (loss(x + h) - loss(x - h)) / 2h, for every element of every input; with order 2 again for the gradient itself. */
export function checkGradients(fn: (...inputs: Tensor[]) => Tensor, shapes: readonly Shape[], order: 1 | 2 = 2): void {
  // Placeholders, as grad() uses them: a reshape of a tensor that has values would be a new leaf.
  const inputs = shapes.map((shape, position) => placeholder(shape, 'f32', { position }));
  const feeds = new Map<Tensor, Float64Array>(inputs.map((x) => [x, dataOf(random(x.shape))]));
  const run = (outputs: Tensor[]): HostArray[] => interpret(outputs, { mode: 'f64', feeds });
  const y = fn(...inputs);
  const losses = [lossOf(y, random(y.shape))];
  if (order === 2) {
    const projected = gradients(losses[0], inputs).map((g) => lossOf(g, random(g.shape)));
    losses.push(projected.reduce((a, b) => add(a, b)));
  }
  for (const loss of losses) {
    const exact = run(gradients(loss, inputs));
    noteGradients(inputs.length);
    inputs.forEach((x, n) => {
      const data = feeds.get(x)!;
      const numeric = Array.from(data, (before, i) => {
        const h = 1e-5;
        data[i] = before + h;
        const [up] = run([loss])[0];
        data[i] = before - h;
        const [down] = run([loss])[0];
        data[i] = before;
        return (up - down) / (2 * h);
      });
      expectClose(Array.from(exact[n]), numeric, 1e-7);
    });
  }
}

/** Every index tuple of a shape. */
export function* indices(shape: Shape): Generator<number[]> {
  for (let flat = 0; flat < sizeOf(shape); flat++) yield stridesOf(shape).map((stride, axis) => Math.floor(flat / stride) % shape[axis]);
}
