// Dropout at its limits, on any stack. Dropped elements are 0 and have gradient 0, for any value.
import { expect } from 'vitest';
import { valueAndGrad } from '../../src/autodiff/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { layers } from '../../src/nn/index.ts';
import { dropout, mul, sum, tensor } from '../../src/ops/index.ts';
import { type Model, sequential } from '../../src/train/index.ts';
import '../../src/train/names.ts';
import { quiet, weightsOf } from './models.ts';

const fourTimes = (values: number[]): number[] => [...values, ...values, ...values, ...values];
const x = fourTimes([1, -2, Infinity, -Infinity, 3e38, 0, NaN, 5, 6, 7]);
const cotangents = fourTimes([1, 2, 3, 4, 5, 6, 7, Infinity, -1, 0]);

/** Value, and gradient of the sum of y times the cotangents. */
export async function checkDropout(rate: number): Promise<void> {
  const y = dropout(tensor(x), { rate, seed: 5 });
  const values = Array.from(await y.data());
  const [, slope] = valueAndGrad((t: Tensor) => sum(mul(dropout(t, { rate, seed: 5 }), tensor(cotangents))))(tensor(x));
  const slopes = Array.from(await slope.data());
  const scale = 1 / (1 - rate);
  // A finite element that is not 0 shows whether its position is kept. The same seed keeps the same positions in both inputs.
  const marks = Array.from(await dropout(tensor(x.map(() => 1)), { rate, seed: 5 }).data());
  expect(marks.every((mark) => mark === 0 || mark === scale)).toBe(true);
  if (rate === 0) expect(marks).toEqual(x.map(() => 1));
  if (rate === 1) expect(marks).toEqual(x.map(() => 0));
  // Each kind of element is dropped at least once and kept at least once.
  if (rate === 0.5) for (let i = 0; i < 10; i++) expect(new Set(marks.filter((_, j) => j % 10 === i)).size).toBe(2);
  expect(values).toEqual(x.map((v, i) => (marks[i] === 0 ? 0 : Math.fround(v * scale))));
  expect(slopes).toEqual(x.map((_, i) => (marks[i] === 0 ? 0 : Math.fround(cotangents[i] * scale))));
}

/** A hidden layer that is dropped as a whole. Layers before it keep their weights, and the bias after it learns. */
export async function checkDropoutLayer(): Promise<void> {
  const build = (rate: number): Model => {
    const dense = layers.dense({ units: 3, inputShape: [2], kernelInitializer: 'ones' });
    const model = sequential([dense, layers.dropout({ rate }), layers.dense({ units: 1, kernelInitializer: 'ones' })]);
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    return model;
  };
  const data = [[[1, 2], [3, 4]], [[1], [1]]] as const; // prettier-ignore
  const model = build(1);
  const { history } = await model.fit(...data, quiet);
  expect(history.loss).toEqual([1]);
  expect(await weightsOf(model)).toEqual([[1, 1, 1, 1, 1, 1], [0, 0, 0], [1, 1, 1], [expect.closeTo(0.02, 6)]]);
  expect(await model.predict([[1, 2]]).array()).toEqual([[expect.closeTo(9.02, 5)]]);
  const plain = build(0);
  await plain.fit(...data, quiet);
  expect((await weightsOf(plain))[0]).not.toEqual([1, 1, 1, 1, 1, 1]);
}

/** With dropout of the outputs a model trains on zeros, and no weight changes. */
export async function checkDropoutLast(): Promise<void> {
  const model = sequential([layers.dense({ units: 1, inputShape: [1], kernelInitializer: 'ones' }), layers.dropout({ rate: 1 })]);
  model.compile({ optimizer: 'sgd', loss: 'mse' });
  const { history } = await model.fit([[1]], [[2]], quiet);
  expect(history.loss).toEqual([4]);
  expect(await weightsOf(model)).toEqual([[1], [0]]);
}
