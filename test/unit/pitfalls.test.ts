// compile() warns of a last layer and a loss that do not belong together, and says how to mend it.
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { losses } from '../../src/losses/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, layers } from '../../src/nn/index.ts';
import { mul } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { type CompileOptions, createModel, sequential } from '../../src/train/index.ts';

beforeAll(() => setDevice('cpu'));

function warningOf(activation: 'linear' | 'softmax' | 'sigmoid' | 'relu', loss: CompileOptions['loss'], units = 3): string | undefined {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  sequential([layers.dense({ units, activation, inputShape: [2] })]).compile({ loss });
  const [call] = warn.mock.calls;
  warn.mockRestore();
  return call?.[0] as string | undefined;
}

const sparse = (fromLogits: boolean) => losses.sparseCategoricalCrossentropy({ fromLogits });
const binary = (fromLogits: boolean) => losses.binaryCrossentropy({ fromLogits });

describe('a pitfall', () => {
  test.each([
    ['softmax twice', warningOf('softmax', sparse(true)), 'sparseCategoricalCrossentropy with fromLogits applies softmax itself'],
    ['sigmoid twice', warningOf('sigmoid', binary(true)), 'binaryCrossentropy with fromLogits applies sigmoid itself'],
    [
      'logits as probabilities',
      warningOf('linear', 'sparseCategoricalCrossentropy'),
      "pass fromLogits: true to the loss, or activation: 'softmax'",
    ],
    [
      'logits as probabilities of labels',
      warningOf('linear', 'binaryCrossentropy'),
      "pass fromLogits: true to the loss, or activation: 'sigmoid'",
    ],
    ['sigmoid for one of several classes', warningOf('sigmoid', losses.categoricalCrossentropy()), 'use softmax, or binaryCrossentropy'],
    ['softmax of one unit', warningOf('softmax', 'meanSquaredError', 1), 'softmax of one unit is 1 for every sample'],
  ])('%s', (_, warning, message) => {
    expect(warning).toContain('ombre: compile: ');
    expect(warning).toContain(message);
  });

  test('in a model inside a model', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    sequential([sequential([layers.dense({ units: 3, inputShape: [2] }), layers.softmax()])]).compile({ loss: sparse(true) });
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });
});

test.each([
  [
    'uncertaintyWeighting',
    layers.uncertaintyWeighting(),
    'with step.gradients(() => step.apply(weigh, step.losses(step.forward(step.x))))',
  ],
  ['gradNormWeights', layers.gradNormWeights(), 'with gradNorm(step, balance, step.taskGradients('],
] as const)('%s without a trainStep', (kind, layer, fix) => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const x = input({ shape: [1] });
  const inner = createModel({ inputs: x, outputs: layer.apply<Record<string, Tensor>>({ a: x, b: mul(x, 3) }) });
  const model = createModel({ inputs: x, outputs: inner.apply<Record<string, Tensor>>(x) });
  model.compile({ loss: { a: 'mse', b: 'mse' } });
  expect(warn.mock.calls).toEqual([[expect.stringContaining(`ombre: compile: ${kind} weighs the losses only in a trainStep: `)]]);
  expect(warn.mock.calls[0][0]).toContain(fix);
  warn.mockClear();
  model.compile({ loss: { a: 'mse', b: 'mse' }, trainStep: (step) => ({ loss: step.losses(step.forward(step.x)).a }) });
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

test.each([
  warningOf('softmax', sparse(false)),
  warningOf('linear', sparse(true)),
  warningOf('sigmoid', binary(false)),
  warningOf('linear', binary(true)),
  warningOf('relu', sparse(false)),
  warningOf('linear', 'meanSquaredError'),
  warningOf('linear', (_, predictions) => predictions.mean()),
])('no warning %#', (warning) => expect(warning).toBeUndefined());
