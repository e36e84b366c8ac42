// The entry `ombre/lean`: the functions of `ombre` without names and methods, so that a bundler drops what a program does not use.
import { expect, test } from 'vitest';
import { bundleApp, smallestApp } from '../../scripts/bundleApp.ts';
import * as lean from '../../src/lean.ts';
import type { CompileOptions } from '../../src/lean.ts';

const { ArgumentError, Tensor, layers, losses, optimizers, sequential, setDevice, tensor } = lean;

const model = () => sequential([layers.dense({ units: 1, inputShape: [2] })]);

test('a model trains', async () => {
  await setDevice('cpu');
  const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]]); // prettier-ignore
  const y = tensor([[1], [3], [0], [2]]);
  const trained = model();
  trained.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: losses.meanSquaredError(), seed: 1 });
  const { history } = await trained.fit(x, y, { epochs: 100, verbose: 0 });
  expect(history.loss.at(-1)).toBeLessThan(0.02);
  expect(history.loss.at(-1)).toBeLessThan(0.1 * history.loss[0]);
  expect((await trained.predict(x)).shape).toEqual([4, 1]);
});

const sgd = optimizers.sgd();
const loss = losses.meanSquaredError();

test.each<[string, CompileOptions, string]>([
  [
    'a loss',
    { optimizer: sgd, loss: 'huber' },
    `loss 'huber' is a name, and 'ombre/lean' has no names; write losses.huber(), or import 'ombre'`,
  ],
  ['a short name', { optimizer: sgd, loss: 'mse' }, `loss 'meanSquaredError' is a name, and 'ombre/lean' has no names`],
  ['a metric', { optimizer: sgd, loss, metrics: ['mae'] }, `write metrics.meanAbsoluteError()`],
  ['an optimizer', { optimizer: 'adam', loss }, `write optimizers.adam()`],
  ['the optimizer that is left out', { loss }, `write optimizers.rmsprop()`],
])('a name is an error: %s', (_, options, message) => {
  const compile = () => model().compile(options);
  expect(compile).toThrow(ArgumentError);
  expect(compile).toThrow(message);
});

test('the name of an activation is an error, except the default', () => {
  expect(() => layers.dense({ units: 1, activation: 'relu' })).toThrow(
    `layers.dense: activation is 'relu'; it must be one of linear, or a function; 'ombre/lean' has no other names: write activations.NAME`,
  );
  expect(layers.dense({ units: 1, activation: 'linear' }).config.options.activation).toBe('linear');
  expect(layers.dense({ units: 1, activation: lean.activations.relu }).config.options.activation).toBe('relu');
  expect(layers.lstm({ units: 1 }).config.options).toMatchObject({ activation: 'tanh', recurrentActivation: 'sigmoid' });
});

test('tensors have no methods', () => expect('add' in Tensor.prototype).toBe(false));

/** Families of ops that a dense layer, its gradient and the data of fit need. Not convolution, pooling, attention and the others. */
const opFamilies = ['batching', 'create', 'elementwise', 'matmul', 'operands', 'reduce', 'shape'];

/** Modules of losses, metrics, optimizers and layers. */
const factoryModules = [
  'src/losses/align.ts',
  'src/losses/index.ts',
  'src/losses/joint.ts',
  'src/losses/loss.ts',
  'src/losses/regression.ts',
  'src/metrics/accumulate.ts',
  'src/metrics/index.ts',
  'src/nn/layers/core/dense.ts',
  'src/optim/rules/sgd.ts',
  'src/optim/schedules/schedule.ts',
];

test('the smallest app contains only the ops that it uses', async () => {
  const { modules } = await bundleApp(smallestApp('lean'));
  const paths = [...modules.keys()];
  const families = new Set(paths.flatMap((path) => /^src\/ops\/(\w+)\//.exec(path)?.[1] ?? []));
  expect([...families].sort()).toEqual(opFamilies);
  const factories = paths.filter((path) => /^src\/(losses|metrics|optim\/(rules|schedules|wrappers)|nn\/layers)\//.test(path));
  expect(factories.sort()).toEqual(factoryModules);
});

// Last: the entry `ombre` makes the names known.
test('`ombre` has the same names, and takes their names', async () => {
  const main = await import('../../src/index.ts');
  expect(Object.keys(main)).toEqual(Object.keys(lean));
  expect(() => model().compile({ optimizer: 'adam', loss: 'mse', metrics: ['mae'] })).not.toThrow();
  expect('add' in Tensor.prototype).toBe(true);
});
