// The CTC loss: values and gradients against PyTorch, weights, masks, training, errors.
import { expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { setDevice } from '../../src/engine/index.ts';
import { losses } from '../../src/losses/index.ts';
import { layers } from '../../src/nn/index.ts';
import { alias, tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { sequential } from '../../src/train/index.ts';
import { noteVectors } from '../support/findings.ts';
import { complaintsAboutCtc, ctcCases } from '../tables/lossCtc.ts';

test.each(ctcCases.map((row) => [row.name, row] as const))('%s', (_, row) => {
  expect(complaintsAboutCtc(row, interpret(row.build('f64'), { mode: 'f64' }), 1e-10)).toEqual([]);
  expect(complaintsAboutCtc(row, interpret(row.build('f32')), 1e-5)).toEqual([]);
  noteVectors(4);
});

const logits = [[[1, 2, 0], [0.5, 1, -1]], [[NaN, Infinity, 1], [NaN, 0, 1]]]; // prettier-ignore

test('a sample of weight 0 adds exactly 0', () => {
  const x = alias(tensor(logits));
  const loss = losses.ctc({ reduction: 'sum' });
  const value = loss(tensor([[1], [2]], undefined, 'i32'), x, tensor([2, 0]));
  const [[got], slope, [want]] = interpret([
    value,
    gradients(value, [x])[0],
    loss(tensor([[1]], undefined, 'i32'), tensor(logits.slice(0, 1)), tensor([2])),
  ]).map((data) => Array.from(data));
  expect(got).toBe(want);
  expect(slope.slice(6)).toEqual([0, 0, 0, 0, 0, 0]);
});

test('impossible logits give no NaN', () => {
  const x = alias(tensor([[[-Infinity, 1, 0], [0, -Infinity, 1], [0.5, 0, 1]]])); // prettier-ignore
  const loss = losses.ctc()(tensor([[1, 2]], undefined, 'i32'), x);
  const [[value], slope] = interpret([loss, gradients(loss, [x])[0]]).map((data) => Array.from(data));
  expect(Number.isFinite(value)).toBe(true);
  expect(slope.every(Number.isFinite)).toBe(true);
  expect([slope[0], slope[4]]).toEqual([0, 0]);
});

test('a step in which only another class is possible makes the loss infinite, and the gradient 0', () => {
  const none = -Infinity;
  const x = alias(tensor([[[none, none, none, 0], [0, 1, 2, 3], [0, 1, 0, 1], [0, 1, 2, 0]]])); // prettier-ignore
  const loss = losses.ctc()(tensor([[1, 2]], undefined, 'i32'), x);
  const [value, slope] = interpret([loss, gradients(loss, [x])[0]]).map((data) => Array.from(data));
  expect(value).toEqual([Infinity]);
  expect(slope.every((g) => g === 0)).toBe(true);
});

test('a model learns labels without their places, also with masked steps', async () => {
  await setDevice('cpu');
  const model = sequential([layers.masking({ inputShape: [6, 3] }), layers.timeDistributed({ layer: layers.dense({ units: 3 }) })]);
  model.compile({ optimizer: 'adam', loss: 'ctc' });
  const steps = [[0, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]; // prettier-ignore
  const x = [[...steps, [0, 0, 0], [0, 0, 0]], [...steps, ...steps.slice(2)]]; // prettier-ignore
  const { history } = await model.fit(x, [[1, 2, -1], [1, 2, 2]], { epochs: 30, verbose: 0, seed: 2 }); // prettier-ignore
  expect(history.loss[29]).toBeLessThan(history.loss[0]);
  await expect(model.fit(x, [[1, 7], [1, 2]], { verbose: 0 })).rejects.toThrow('label 7'); // prettier-ignore
});

test.each([
  [() => losses.ctc()(tensor([[1]]), tensor([[1, 2]])), 'ctc: targets [1,1] do not fit predictions [1,2] with blank 0; targets are labels [n, labels], predictions logits [n, time, classes], and the blank is one of two or more classes'], // prettier-ignore
  [() => losses.ctc({ blank: 3 })(tensor([[1]]), tensor([[[1, 2]]])), 'ctc: targets [1,1] do not fit predictions [1,1,2] with blank 3'],
  [() => losses.ctc()(tensor([[1], [2]]), tensor([[[1, 2]]])), 'ctc: targets [2,1] do not fit predictions [1,1,2] with blank 0'], // prettier-ignore
  [() => losses.ctc({ blank: -1 }), 'losses.ctc: blank is -1; it must be an integer of at least 0'],
  [() => losses.ctc().masked(tensor([[true]]), tensor([[1]]), tensor([[[1, 2], [1, 2]]])), 'ctc: the mask [1,1] does not fit the steps [1,2]'], // prettier-ignore
] as const)('errors: %#', (fn, message) => {
  expect(fn).toThrow(message);
});
