// Callbacks that look at a training: the learning rate finder, samples.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers, schedules } from '../../src/optim/index.ts';
import { type Model, callbacks, sequential } from '../../src/train/index.ts';
import { quiet, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(2));

const x = Array.from({ length: 40 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
const y = x.map(([a, b]) => [a - 2 * b]);
const network = (optimizer = optimizers.adam({ learningRate: 0.01 })): Model => {
  const model = sequential([
    layers.dense({ units: 8, activation: 'tanh', inputShape: [2] }),
    layers.batchNormalization(),
    layers.dense({ units: 1 }),
  ]);
  model.compile({ optimizer, loss: 'mse' });
  return model;
};

describe('learningRateFinder', () => {
  test('rates grow by a factor, the losses are those of the steps, and the sweep ends after them', async () => {
    const model = sequential([layers.dense({ units: 1, useBias: false, kernelInitializer: 'zeros', inputShape: [1] })]);
    model.compile({ optimizer: optimizers.sgd(), loss: 'mse' });
    const finder = callbacks.learningRateFinder({
      minLearningRate: 0.001,
      maxLearningRate: 0.1,
      steps: 5,
      smoothing: 0.5,
      divergence: 100,
    });
    // Batches of 2, 2 and 1 samples.
    const { history } = await model.fit([[1], [1], [2], [2], [3]], [[1], [1], [2], [2], [3]], { epochs: 9, batchSize: 2, shuffle: false, ...quiet, callbacks: finder }); // prettier-ignore
    finder.rates.forEach((rate, i) => expect(rate).toBeCloseTo(0.001 * 100 ** (i / 4), 10));
    let w = 0;
    const sizes = [1, 2, 3, 1, 2];
    const losses = sizes.map((size, i) => {
      const loss = (size * (w - 1)) ** 2;
      w -= 0.001 * 100 ** (i / 4) * 2 * size * size * (w - 1);
      return loss;
    });
    finder.losses.forEach((loss, i) => expect(loss).toBeCloseTo(losses[i], 4));
    let average = 0;
    losses.forEach((loss, i) => {
      average = 0.5 * average + 0.5 * loss;
      expect(finder.smoothedLosses[i]).toBeCloseTo(average / (1 - 0.5 ** (i + 1)), 4);
    });
    expect([finder.losses.length, history.loss.length]).toEqual([5, 2]);
    expect(await weightsOf(model)).toEqual([[0]]);
  });

  test('ends when the loss diverges; weights, state, optimizer and rate are then as before', async () => {
    const train = async (model: Model): Promise<number[][]> => {
      await model.fit(x, y, { epochs: 2, batchSize: 8, ...quiet, seed: 3 });
      return weightsOf(model);
    };
    const [model, twin] = [network(), network()];
    for (const one of [model, twin]) await one.fit(x, y, { epochs: 0, ...quiet });
    await twin.setWeights(await model.getWeights());
    const before = await train(model);
    await train(twin);
    const finder = callbacks.learningRateFinder({ steps: 40, maxLearningRate: 1e3, smoothing: 0.5 });
    await model.fit(x, y, { epochs: 8, batchSize: 8, ...quiet, callbacks: finder, validationData: [x, y] });
    expect(finder.losses.length).toBeLessThan(40);
    expect(finder.smoothedLosses[finder.losses.length - 1]).toBeGreaterThan(4 * Math.min(...finder.smoothedLosses));
    expect(await weightsOf(model)).toEqual(before);
    expect(model.learningRate).toBe(0.01);
    // Moments and step count are restored too.
    expect(await train(model)).toEqual(await train(twin));
  });

  test('the suggestion is the rate of the steepest descent', async () => {
    const finder = callbacks.learningRateFinder({ smoothing: 0, steps: 8, minLearningRate: 1, maxLearningRate: 128, divergence: 100 });
    const model = { stopTraining: false, learningRate: 1, setLearningRate: () => undefined, getWeights: async () => [], setWeights: async () => undefined, swapAverages: async () => undefined, snapshot: async () => async () => undefined, save: async () => undefined, saveWeights: async () => undefined, variables: () => [] }; // prettier-ignore
    await finder.onTrainBegin!({
      model,
      epochs: 1,
      initialEpoch: 0,
      samples: 8,
      batches: 8,
      metrics: [],
      directions: {},
      activeSeconds: () => 0,
      dataWait: () => 0,
      signal: undefined,
      network: { root: layers.dense({ units: 1 }), inputs: undefined },
      saveBackup: async () => undefined,
    });
    await finder.onEpochBegin!(0);
    let sum = 0;
    for (const [i, loss] of [9, 1, 8, 7, 4, 3, 3, 50].entries()) {
      await finder.onBatchBegin!(i);
      sum += loss;
      await finder.onBatchEnd!(i, { size: 1, loss: sum / (i + 1) });
    }
    expect(model.stopTraining).toBe(true);
    // From the third on: 8 7 4 3 3 with the slopes -1, -2, -2, -0.5, 0.
    expect(finder.suggestion({ skipBegin: 2 })).toBeCloseTo(8, 6);
    expect(finder.suggestion({ skipBegin: 0 })).toBeCloseTo(1, 6);
    expect(finder.suggestion()).toBeUndefined();
    expect(() => finder.suggestion({ skipEnd: -1 })).toThrow('suggestion: skipEnd is -1; it must be a whole number of at least 0');
  });

  test('errors', async () => {
    const finder = callbacks.learningRateFinder({ steps: 100 });
    await expect(network().fit(x, y, { epochs: 2, batchSize: 8, ...quiet, callbacks: finder })).rejects.toThrow(
      'callbacks.learningRateFinder: 100 steps need as many batches, but fit has 2 epochs of 5; pass epochs: 20, smaller batches, or fewer steps',
    );
    const scheduled = network(optimizers.sgd({ learningRate: schedules.exponentialDecay({ initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.9 }) })); // prettier-ignore
    await expect(scheduled.fit(x, y, { epochs: 20, batchSize: 8, ...quiet, callbacks: finder })).rejects.toThrow('follows a schedule');
    expect(() => callbacks.learningRateFinder({ minLearningRate: 1, maxLearningRate: 0.1 })).toThrow(
      'callbacks.learningRateFinder: maxLearningRate is 0.1 and minLearningRate 1; the rates grow, so give a larger maxLearningRate',
    );
  });
});

test('snapshot brings weights, optimizer and rate back, more than once', async () => {
  const model = network();
  const fit = (): Promise<unknown> => model.fit(x, y, { epochs: 1, batchSize: 8, ...quiet, seed: 1 });
  await fit();
  const restore = await model.snapshot();
  const before = await weightsOf(model);
  await fit();
  const after = await weightsOf(model);
  for (let i = 0; i < 2; i++) {
    model.setLearningRate(5);
    await restore();
    expect(await weightsOf(model)).toEqual(before);
    expect(model.learningRate).toBe(0.01);
    await fit();
    expect(await weightsOf(model)).toEqual(after);
  }
});

test('sample calls a function every n epochs and keeps its results', async () => {
  const model = network();
  const sampler = callbacks.sample<number>({ fn: async (seen, epoch) => { expect(seen).toBe(model); return (await model.predict(x.slice(0, 1))).data().then(([value]) => value + 100 * epoch); }, every: 2 }); // prettier-ignore
  const last = callbacks.sample({ fn: (_, epoch) => epoch, keep: 2 });
  await model.fit(x, y, { epochs: 5, ...quiet, callbacks: [sampler, last] });
  expect(sampler.samples.map(({ epoch }) => epoch)).toEqual([1, 3]);
  expect(sampler.samples.map(({ value }) => Math.round(value / 100))).toEqual([1, 3]);
  expect(last.samples).toEqual([{ epoch: 3, value: 3 }, { epoch: 4, value: 4 }]); // prettier-ignore
});
