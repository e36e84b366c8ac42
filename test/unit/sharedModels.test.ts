// One layer in two models: shared weights, turns between the models' steps, and the state of optimizers when layers are frozen.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OmbreError } from '../../src/core/errors.ts';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import { type Layer, layers } from '../../src/nn/index.ts';
import { tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers, schedules } from '../../src/optim/index.ts';
import { type Model, sequential } from '../../src/train/index.ts';
import { quiet, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(7));

const scale = (value: number, name?: string): Layer =>
  layers.dense({ units: 1, useBias: false, kernelInitializer: () => tensor([[value]]), inputShape: [1], ...(name && { name }) });

/** y = w x for shared layers. */
function modelOf(learningRate: number, ...list: Layer[]): Model {
  const model = sequential(list);
  model.compile({ optimizer: optimizers.sgd({ learningRate }), loss: 'mse' });
  return model;
}

describe('a layer in two models', () => {
  test('shares its weights: training one model changes the other', async () => {
    const shared = scale(2);
    const [alone, both] = [modelOf(0.25, shared), modelOf(0.25, shared, scale(3))];
    expect(await both.predict([[1]]).array()).toEqual([[6]]);
    // d (w - 4)^2 / dw = 2 (w - 4) = -4.
    await alone.fit([[1]], [[4]], quiet);
    expect(await alone.predict([[1]]).array()).toEqual([[3]]);
    expect(await both.predict([[1]]).array()).toEqual([[9]]);
    await both.setWeights([tensor([[5]]), tensor([[1]])]);
    expect(await weightsOf(alone)).toEqual([[5]]);
  });

  test('has a name in each model', async () => {
    const shared = scale(2);
    const first = modelOf(0.1, layers.dense({ units: 1, inputShape: [1] }), shared);
    const second = modelOf(0.1, shared);
    expect(Object.keys(first.parameters())).toEqual(['dense_1', 'dense_2']);
    expect(Object.keys(second.parameters())).toEqual(['dense_1']);
    expect(first.parameters().dense_2.kernel).toBe(second.parameters().dense_1.kernel);
  });

  test('is built once, by the model that comes first', async () => {
    const shared = layers.dense({ units: 2 });
    const first = sequential([shared]);
    await first.predict([[1, 2, 3]]);
    const second = sequential([shared, layers.dense({ units: 1 })]);
    await second.predict([[1, 2, 3]]);
    expect(second.parameters().dense_1.kernel).toBe(first.parameters().dense_1.kernel);
    await expect(sequential([shared]).predict([[1, 2]])).rejects.toThrow('dense_1 is used twice, on inputs [batch,3] and [batch,2]');
  });

  test('takes turns: steps of both models that run at once are all applied', async () => {
    const shared = scale(0);
    const [a, b] = [modelOf(0.125, shared), modelOf(0.125, shared)];
    const steps = Array.from({ length: 10 }, (_, i) => (i % 2 ? a : b).trainOnBatch([[1]], [[1]]));
    const reads = [a.predict([[1]]).array(), b.getWeights()];
    await Promise.all([...steps, ...reads]);
    // w - 1 shrinks by 3/4 with each of ten steps.
    expect((await weightsOf(a))[0][0]).toBeCloseTo(1 - 0.75 ** 10, 6);
  });

  test('is trained by one fit at a time', async () => {
    const shared = scale(2);
    const [a, b] = [modelOf(0.1, shared), modelOf(0.1, scale(3), shared)];
    const running = a.fit([[1]], [[4]], { epochs: 3, ...quiet });
    const refused = b.fit([[1]], [[4]], quiet);
    await expect(refused).rejects.toThrow(OmbreError);
    await expect(refused).rejects.toThrow(
      "fit: the layer 'dense_2' is shared with another model, whose fit is training it now; await that fit first",
    );
    await running;
    expect((await b.fit([[1]], [[4]], quiet)).history.loss.length).toBe(1);
    expect((await a.fit([[1]], [[4]], quiet)).history.loss.length).toBe(1);
  });
});

describe('freezing a layer', () => {
  test('keeps the slots of the others, and its own for later', async () => {
    const [first, second] = [scale(1), scale(1)];
    const model = sequential([first, second]);
    const optimizer = optimizers.sgd({ learningRate: 0.5, momentum: 0.5 });
    model.compile({ optimizer, loss: (_, predictions) => predictions });
    const step = async (): Promise<number[]> => {
      await model.trainOnBatch([[1]], [[0]]);
      return (await weightsOf(model)).flat();
    };
    // The loss is a b. Velocities are 1, 1 after the first step.
    expect(await step()).toEqual([0.5, 0.5]);
    first.trainable = false;
    // b has velocity 0.5 * 1 + 0.5 = 1. A fresh slot would give 0.5.
    expect(await step()).toEqual([0.5, 0]);
    first.trainable = true;
    // a has velocity 0.5 * 1 + 0, from before it was frozen; b has 0.5 * 1 + 0.5.
    expect(await step()).toEqual([0.25, -0.5]);
  });
});

describe('model.learningRate', () => {
  test('reads and writes the rate of the next step', async () => {
    const model = modelOf(0.25, scale(0));
    expect(model.learningRate).toBe(0.25);
    model.learningRate = 0.5;
    expect(model.learningRate).toBe(0.5);
    await model.trainOnBatch([[1]], [[1]]);
    expect(await weightsOf(model)).toEqual([[1]]);
    expect(() => (model.learningRate = 0)).toThrow('setLearningRate: the learning rate is 0; it must be a positive number within f32');
    expect(model.learningRate).toBe(0.5);
  });

  test('follows a schedule, and refuses another rate then', async () => {
    const model = sequential([scale(0)]);
    expect(() => model.learningRate).toThrow('learningRate: the model is not compiled');
    const learningRate = schedules.exponentialDecay({ initialLearningRate: 0.5, decaySteps: 1, decayRate: 0.5 });
    model.compile({ optimizer: optimizers.sgd({ learningRate, gradientAccumulationSteps: 2 }), loss: 'mse' });
    const rates: number[] = [];
    for (let i = 0; i < 4; i++) {
      rates.push(model.learningRate);
      await model.trainOnBatch([[1]], [[1]]);
    }
    expect([...rates, model.learningRate]).toEqual([0.5, 0.5, 0.25, 0.25, 0.125]);
    expect(() => (model.learningRate = 1)).toThrow('setLearningRate: the optimizer follows a schedule');
  });
});

describe('model.variables', () => {
  const model = (): Model =>
    sequential([layers.dense({ units: 2, inputShape: [3], name: 'hidden' }), layers.dense({ units: 1, useBias: false })]);

  test('variables have paths, tensors and layers', async () => {
    const built = model();
    built.getLayer('hidden').trainable = false;
    const listed = built.variables();
    expect(listed.map(({ path, trainable }) => [path, trainable])).toEqual([
      ['hidden/kernel', false],
      ['hidden/bias', false],
      ['dense_1/kernel', true],
    ]);
    expect(listed[2].layer).toBe(built.getLayer('dense_1'));
    expect(listed[2].tensor).toBe(built.parameters().dense_1.kernel);
    expect((await built.getWeights()).map(({ shape }) => shape)).toEqual(listed.map(({ tensor: { shape } }) => shape));
  });
});

describe('swapAverages', () => {
  test('exchanges parameters and averages, and back', async () => {
    const model = sequential([scale(4)]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.5, emaDecay: 0.75 }), loss: (_, predictions) => predictions });
    await expect(model.swapAverages()).rejects.toThrow('swapAverages: there are no averages; compile with an optimizer that has emaDecay');
    await model.trainOnBatch([[1]], [[0]]);
    await model.trainOnBatch([[1]], [[0]]);
    // 3.5, then 3: the average is 0.75 * 3.5 + 0.25 * 3.
    await model.swapAverages();
    expect(await weightsOf(model)).toEqual([[3.375]]);
    await model.swapAverages();
    await model.trainOnBatch([[1]], [[0]]);
    expect(await weightsOf(model)).toEqual([[2.5]]);
  });
});
