// After a failed or an interrupted run: unchanged models, closed datasets, states of the right form. Then runs that continue at a later
// epoch.
import { beforeAll, describe, expect, test } from 'vitest';
import { leavesOf, variablePath } from '../../src/core/tree.ts';
import { setDevice } from '../../src/engine/index.ts';
import { defineLayer, input, layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { ones, tensor, zeros } from '../../src/ops/index.ts';
import { optimizers, schedules } from '../../src/optim/index.ts';
import { type Model, createModel, data, sequential } from '../../src/train/index.ts';

beforeAll(() => setDevice('cpu'));

const valuesOf = async (model: Model): Promise<number[][]> =>
  Promise.all((await model.getWeights()).map(async (one) => Array.from(await one.data())));
const quiet = { verbose: 0 } as const;

describe('a run that fails', () => {
  test('leaves an unbuilt model as it was', async () => {
    const model = sequential([layers.dense({ units: 2 })]);
    model.compile({ loss: 'meanSquaredError' });
    await expect(model.fit([[1, 2]], [[1, 2, 3]], quiet)).rejects.toThrow();
    await expect(model.fit([[1, 2]], [[1, 2]], { ...quiet, validationData: [[[1, 2]], [[1]]] })).rejects.toThrow();
    // Data of another shape build it now.
    await model.fit([[1, 2, 3]], [[1, 2]], quiet);
    expect((await model.getWeights())[0].shape).toEqual([3, 2]);
  });

  test('closes the dataset of a prediction whose device cannot be prepared', async () => {
    let [opened, closed] = [0, 0];
    const dataset = data.fromGenerator(async function* () {
      opened++;
      try {
        yield { x: [[1, 2]] };
        yield { x: [[1, 2]] };
      } finally {
        closed++;
      }
    });
    const model = sequential([layers.dense({ units: 1, inputShape: [2] })]);
    await model.predict([[1, 2]]);
    for (const { tensor: weight } of model.variables()) weight.dispose();
    await expect(model.predict(dataset)).rejects.toThrow("the model's weights were lost with their device");
    expect([opened, closed]).toEqual([1, 1]);
  });

  test('closes the datasets that it has opened', async () => {
    let [opened, closed] = [0, 0];
    const dataset = (x: number[][], y: (number | string)[][]) =>
      data.fromGenerator(async function* () {
        opened++;
        try {
          yield { x, y: y as number[][] };
          yield { x, y: y as number[][] };
        } finally {
          closed++;
        }
      });
    const model = sequential([layers.dense({ units: 1, inputShape: [2] })]);
    model.compile({ loss: 'meanSquaredError' });
    const good = () => dataset([[1, 2]], [[1]]);
    await expect(model.fit(dataset([[1, 2, 3]], [[1]]), undefined, quiet)).rejects.toThrow();
    await expect(model.fit(good(), undefined, { ...quiet, validationData: dataset([[1]], [[1]]) })).rejects.toThrow();
    await expect(model.evaluate(dataset([[1, 2]], [['a']]), undefined, quiet)).rejects.toThrow();
    await expect(model.predict(dataset([[1]], [[1]]))).rejects.toThrow();
    const callback = { onTrainBegin: () => Promise.reject(new Error('stop')) };
    await expect(model.fit(good(), undefined, { ...quiet, callbacks: callback })).rejects.toThrow('stop');
    expect(opened).toBe(6);
    expect(closed).toBe(opened);
  });
});

test('compile() during a step leaves the new optimizer without state', async () => {
  const outcomes = new Set<string>();
  // At some of these points the step has not begun, at some it is under way, at some it has ended.
  for (const turns of [0, 10, 20, 30, 40, 60, 80, 120]) {
    const model = sequential([layers.dense({ units: 1, inputShape: [1] })]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.02, momentum: 0.9 }), loss: 'meanSquaredError' });
    await model.trainOnBatch([[1]], [[3]]);
    const pending = model.trainOnBatch([[1]], [[3]]).then(
      () => 'done',
      (error: Error) => error.message,
    );
    for (let i = 0; i < turns; i++) await Promise.resolve();
    model.compile({ optimizer: optimizers.adam({ learningRate: 0.5 }), loss: 'meanAbsoluteError' });
    outcomes.add(await pending);
    const before = await valuesOf(model);
    await model.trainOnBatch([[1]], [[3]]);
    const after = await valuesOf(model);
    // The first step of Adam always has the size of its rate.

    expect(Math.abs(after[1][0] - before[1][0])).toBeCloseTo(0.5, 5);
  }
  expect([...outcomes].sort()).toEqual([
    'done',
    'trainOnBatch: compile() was called before trainOnBatch had begun; call trainOnBatch again',
  ]);
});

describe('layers of the user', () => {
  const counter = (state: unknown) =>
    defineLayer({
      kind: 'counter',
      options: { inputShape: [1] },
      build: () => ({ parameters: { scale: ones([1]) }, state: { count: zeros([1]) } }),
      apply: ({ parameters: { scale } }, x) => ({ outputs: x.mul(scale), state: state as never }),
    });

  test.each([
    [{ count: zeros([2]) }, 'counter_1: apply returned a state whose count is Tensor'],
    [{ count: zeros([1], 'i32') }, 'counter_1: apply returned a state whose count is Tensor'],
    [{}, 'counter_1: apply returned a state whose count is missing; it must be'],
    [{ count: zeros([1]), more: zeros([1]) }, 'counter_1: apply returned a state with more, which build() did not give'],
  ])('must return the state that they built: %#', async (state, message) => {
    const model = sequential([counter(state)]);
    model.compile({ loss: 'meanSquaredError' });
    await expect(model.fit([[1]], [[1]], quiet)).rejects.toThrow(message);
  });

  test('a composite layer freezes the layers inside it', async () => {
    const inner = layers.dense({ units: 1 });
    const block = defineLayer({
      kind: 'block',
      options: { inputShape: [1], trainable: false },
      layers: { inner },
      apply: ({ layers: { inner } }, x) => inner(x),
    });
    expect(inner.trainable).toBe(false);
    const model = sequential([block, layers.dense({ units: 1 })]);
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    await model.fit([[1]], [[3]], quiet);
    const before = await valuesOf(model);
    await model.fit([[1]], [[3]], quiet);
    expect((await valuesOf(model)).slice(0, 2)).toEqual(before.slice(0, 2));
    block.trainable = true;
    expect(inner.trainable).toBe(true);
    await model.fit([[1]], [[3]], quiet);
    expect((await valuesOf(model))[0]).not.toEqual(before[0]);
  });

  test('names with dots and brackets keep their weights apart', async () => {
    const odd = (name: string) =>
      defineLayer({
        kind: 'odd',
        options: { name },
        build: () => ({ parameters: { 'a.b': ones([1]), a: { b: zeros([1]) } as never }, state: { 'a.b': zeros([1]) } }),
        apply: ({ parameters }, x) => x.mul(parameters['a.b']),
      });
    const model = sequential([odd('x.y'), odd('x[0]')]);
    model.compile({ loss: 'meanSquaredError' });
    await model.predict([[1]]);
    const count = (await model.getWeights()).length;
    expect(count).toBe(6);
    await model.setWeights(Array.from({ length: count }, (_, i) => tensor([i])));
    expect((await valuesOf(model)).flat()).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

test('paths of trees are different for different leaves, and their names are those of the branches', () => {
  const tree = { a: { b: 1 }, 'a.b': 2, 'a[0]': 3, list: [4, { 'x"]': 5 }], '': 6 };
  const paths = leavesOf(tree).map(({ path }) => path);
  expect(new Set(paths).size).toBe(6);
  expect(paths.map(variablePath)).toEqual(['a/b', 'a.b', 'a[0]', 'list/0', 'list/1/x"]', '']);
});

test('mixedFloat16 keeps whole numbers beyond 2048 for an embedding', async () => {
  const ids = input({ shape: [1] });
  const table = layers.embedding({ inputDim: 5000, outputDim: 1, embeddingsInitializer: 'zeros' });
  const model = createModel({ inputs: ids, outputs: layers.flatten().apply(table.apply(ids)) });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError', dtypePolicy: 'mixedFloat16' });
  // The first steps overflow, until the loss scale fits.
  await model.fit([[4097]], [[1]], { ...quiet, epochs: 5 });
  const [values] = await valuesOf(model);
  expect(values.flatMap((value, i) => (value === 0 ? [] : [i]))).toEqual([4097]);
});

describe('a fit that begins at a later epoch', () => {
  const [x, y] = [Array.from({ length: 10 }, (_, i) => [i / 10, 1]), Array.from({ length: 10 }, (_, i) => [i])];
  const build = (): Model => {
    const model = sequential([layers.dense({ units: 8, inputShape: [2] }), layers.dropout({ rate: 0.5 }), layers.dense({ units: 1 })]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.01 }), loss: 'meanSquaredError', seed: 3 });
    return model;
  };

  test.each([{}, { stepsPerEpoch: 3 }, { stepsPerEpoch: 5 }])('continues like the whole one, with %o', async (more) => {
    const settings = { ...quiet, ...more, batchSize: 4, seed: 5 };
    const [whole, parts] = [build(), build()];
    await whole.fit(x, y, { ...settings, epochs: 3 });
    await parts.fit(x, y, { ...settings, epochs: 1 });
    await parts.fit(x, y, { ...settings, epochs: 3, initialEpoch: 1 });
    expect(await valuesOf(parts)).toEqual(await valuesOf(whole));
  });
});

test('the learning rate of a schedule counts all updates of a step', async () => {
  const model = sequential([layers.dense({ units: 1, inputShape: [1] })]);
  model.compile({
    optimizer: optimizers.sgd({ learningRate: schedules.step({ initialLearningRate: 1, stepSize: 2, gamma: 0.5 }) }),
    loss: 'meanSquaredError',
    trainStep: (step) => {
      for (let i = 0; i < 2; i++) step.update(step.gradients(() => step.loss(step.forward(step.x))).gradients);
      return { loss: step.loss(step.forward(step.x)) };
    },
  });
  await model.trainOnBatch([[0]], [[0]]);
  expect(model.learningRate).toBe(0.5);
});
