// Calls without an argument, or with one of another kind, in JavaScript: each is an error of the library that says how to write the call.
import { beforeAll, expect, test } from 'vitest';
import * as autodiff from '../../src/autodiff/index.ts';
import { OmbreError } from '../../src/core/errors.ts';
import { compile, setDevice } from '../../src/engine/index.ts';
import { defineLayer, initializers, layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { tensor } from '../../src/ops/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type Model, createModel, data, sequential } from '../../src/train/index.ts';

beforeAll(() => setDevice('cpu'));

type Loose = Record<string, (...args: unknown[]) => unknown>;
const model = (options: object = {}): Model => {
  const made = sequential([layers.dense({ units: 1, inputShape: [1] })]);
  made.compile({ loss: 'meanSquaredError', ...options });
  return made;
};
const loose = (target: unknown): Loose => target as Loose;
const stepOf = (use: (step: Loose) => void): Promise<unknown> => {
  const trainStep = (step: unknown): unknown => {
    use(step as Loose);
    return { loss: tensor(1) };
  };
  return model({ trainStep }).trainOnBatch([[1]], [[1]]);
};

test.each<[what: string, act: () => unknown, message: string]>([
  ['compile()', () => loose(sequential([layers.dense({ units: 1 })])).compile(), 'compile: loss is missing'],
  ['createModel()', () => loose({ createModel }).createModel(), 'createModel: inputs is undefined'],
  ['defineLayer()', () => loose({ defineLayer }).defineLayer(), 'defineLayer: kind is undefined; it must be a text'],
  [
    'defineLayer without apply',
    () => loose({ defineLayer }).defineLayer({ kind: 'a' }),
    'defineLayer: apply of a is undefined; it must be a function',
  ],
  [
    'defineLayer with an unknown name',
    () => loose({ defineLayer }).defineLayer({ kind: 'a', aply: 1, apply: () => 1 }),
    "defineLayer: unknown option 'aply'",
  ],
  [
    'setWeights()',
    () => loose(model()).setWeights(),
    'setWeights: takes a list of tensors, such as await model.getWeights(); got undefined',
  ],
  ['data.fromArrays()', () => loose(data).fromArrays(), 'data.fromArrays: x has no array'],
  ['step.update()', () => stepOf((step) => step.update()), 'step.update: takes the gradients that step.gradients() gives; got undefined'],
  ['step.gradients(tensor)', () => stepOf((step) => step.gradients(tensor(1))), 'step.gradients: takes a function, got object'],
  [
    'a metric without init',
    () => model({ metrics: [{ name: 'a', update: () => 0, result: () => 0 }] }),
    "compile: the metric 'a' has no init()",
  ],
  [
    'an optimizer without init',
    () => model({ optimizer: { name: 'a', update: () => 0 } }),
    "compile: the optimizer 'a' has update(), but no init()",
  ],
  [
    'a hook that is no function',
    () => model().fit([[1]], [[1]], { verbose: 0, callbacks: { onEpochEnd: 5 } as never }),
    'fit: onEpochEnd of callback 0 is number',
  ],
  [
    'optimizer.update without state',
    () => loose(optimizers.sgd()).update([tensor([1])], undefined, [tensor([1])]),
    'sgd: state is missing; pass update(gradients, state, parameters)',
  ],
  [
    'setLearningRate of a text',
    () => loose(model()).setLearningRate('0.5'),
    'setLearningRate: the learning rate is 0.5; it must be a positive number',
  ],
  [
    'compile of no function',
    () => loose({ compile }).compile(),
    'compile: takes a function, got undefined; write compile((x) => x.mul(2))',
  ],
  ...['grad', 'valueAndGrad', 'vmap', 'checkpoint', 'vjp', 'jvp', 'jacobian', 'hessian'].map((name): [string, () => unknown, string] => [
    `${name}()`,
    () => loose(autodiff)[name](),
    `${name}: takes a function, got undefined; write ${name}(`,
  ]),
])('%s', async (_, act, message) => {
  let caught: unknown;
  try {
    await act();
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(OmbreError);
  expect((caught as Error).message).toContain(message);
});

test('an initializer without a stream draws from the global one', () => {
  expect(loose({ make: initializers.glorotUniform() }).make([2, 3])).toMatchObject({ shape: [2, 3] });
});
