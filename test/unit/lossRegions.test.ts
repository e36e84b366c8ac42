// Losses of regions: axes, and weights and masks of samples inside their sums. Losses of boxes: errors.
import { beforeAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { losses } from '../../src/losses/index.ts';
import { layers } from '../../src/nn/index.ts';
import { alias, tensor } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { sequential } from '../../src/train/index.ts';
import '../../src/train/names.ts';

const compute = (...outputs: Tensor[]): number[][] => interpret(outputs, { mode: 'f64' }).map((data) => Array.from(data));
const [first, second, third] = [[[0.5, 0.25], [0.75, 0.5]], [[0.25, 0.125], [0.5, 1]], [[NaN, 0.5], [0.25, 0.75]]]; // prettier-ignore
const [one, two, three] = [[[1, 0], [1, 0]], [[0, 0], [1, 1]], [[1, 1], [0, 1]]]; // prettier-ignore

describe.each(['dice', 'tversky', 'focalTversky'] as const)('%s', (name) => {
  const loss = losses[name]();

  test('a sample of weight 2 counts twice, and one of weight 0 is left out', () => {
    const p = alias(tensor([first, second, third]));
    const twice = alias(tensor([first, second, second]));
    const weighted = loss(tensor([one, two, three]), p, tensor([1, 2, 0]));
    const repeated = loss(tensor([one, two, two]), twice);
    const [[value], gradient, [want], wanted] = compute(weighted, gradients(weighted, [p])[0], repeated, gradients(repeated, [twice])[0]);
    expect(value).toBeCloseTo(want, 12);
    const both = wanted.slice(0, 4).concat(
      wanted.slice(4, 8).map((g, i) => g + wanted[8 + i]),
      [0, 0, 0, 0],
    );
    gradient.forEach((g, i) => expect(g).toBeCloseTo(both[i], 12));
  });

  test('masked elements are left out, and nothing is left of all', () => {
    const mask = tensor([[true, true], [true, true], [false, false]]); // prettier-ignore
    const [[masked], [want]] = compute(
      loss.masked(mask, tensor([one, two, three]), tensor([first, second, third])),
      loss(tensor([one, two]), tensor([first, second])),
    );
    expect(masked).toBeCloseTo(want, 12);
    expect(loss.countSamples(tensor([one]), tensor([first]), tensor([[true, false]]))).toBeUndefined();
    const p = alias(tensor([third]));
    const none = loss(tensor([three]), p, tensor([0]));
    expect(compute(none, gradients(none, [p])[0])).toEqual([[1], [0, 0, 0, 0]]);
  });

  test('weights of separate regions multiply their values', () => {
    const [targets, predictions] = [tensor([one, two]), tensor([first, second])];
    const each = losses[name]({ axis: [1, 2], reduction: 'none' })(targets, predictions);
    const mean = losses[name]({ axis: [1, 2] })(targets, predictions, tensor([3, 0.5]));
    const [[a, b], [value]] = compute(each, mean);
    expect(value).toBeCloseTo((3 * a + 0.5 * b) / 2, 12);
    expect(losses[name]({ axis: [1], reduction: 'none' })(targets, predictions).shape).toEqual([2, 2]);
  });

  test('errors', () => {
    expect(() => losses[name]({ axis: [3] })(tensor([one]), tensor([first]))).toThrow(
      `${name}: axis 3 is outside a tensor of rank 3; use -3 to 2`,
    );
    expect(() => losses[name]({ axis: 1 as never })).toThrow(`losses.${name}: axis is 1; it must be a list of one or more axes`);
    expect(() => loss(tensor([one]), tensor([first]), tensor([1, 2]))).toThrow(
      `${name}: sampleWeight [2] does not fit losses of shape [1,2]`,
    );
  });
});

test('a class without targets does not make the generalized dice infinite', () => {
  const [[value], [none]] = compute(
    losses.dice({ generalized: true })(tensor([[1, 0], [1, 0]]), tensor([[1, 0], [1, 0]])), // prettier-ignore
    losses.dice({ generalized: true })(tensor([[0, 0]]), tensor([[0.5, 0.5]])),
  );
  expect(value).toBeCloseTo(0, 6);
  expect(none).toBe(1);
  expect(() => losses.dice({ generalized: true })(tensor([[1]]), tensor([[1]]))).toThrow(
    'dice: predictions [1,1] have no axis of two or more classes',
  );
});

test('a focal Tversky loss of exactly 0 has finite gradients, in f32', () => {
  const hit = alias(tensor(new Array<number[]>(64).fill([1])));
  const loss = losses.focalTversky()(hit, hit);
  const [[value], gradient] = interpret([loss, gradients(loss, [hit])[0]]).map((data) => Array.from(data));
  expect(value).toBe(0);
  expect(gradient.every((g) => g === 0)).toBe(true);
});

describe('in a model', () => {
  beforeAll(() => setDevice('cpu'));

  test('dice trains a model to mark what is above 0', async () => {
    const x = [[1], [-1], [2], [-2], [0.5], [-0.5]];
    const y = [[1], [0], [1], [0], [1], [0]];
    const model = sequential([layers.dense({ units: 1, activation: 'sigmoid', inputShape: [1] })]);
    model.compile({ optimizer: 'adam', loss: 'dice' });
    const { history } = await model.fit(x, y, { epochs: 30, batchSize: 6, verbose: 0, seed: 1, sampleWeight: [1, 1, 1, 1, 1, 0] });
    expect(history.loss[29]).toBeLessThan(history.loss[0]);
  });
});

test.each(['giou', 'ciou'] as const)('%s of rows that are no boxes', (name) => {
  expect(() => losses[name]()(tensor([[1, 2]]), tensor([[1, 2]]))).toThrow(
    `${name}: predictions [1,2] are no boxes; the last axis must hold the 4 numbers of a box: give the last layer 4 units, or reshape its outputs to [n, boxes, 4]`,
  );
  expect(() => losses[name]({ boxFormat: 'xxyy' as 'xyxy' })).toThrow(
    `losses.${name}: boxFormat is 'xxyy'; it must be 'xyxy', 'yxyx', 'xywh' or 'centerXywh'`,
  );
});
