// The training loop at its edges: one sample, no epoch, weights of 0, labels in every form, losses that are not finite.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import { tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { type ArrayInput, type CompileOptions, type FitOptions, type Model, callbacks, data, sequential } from '../../src/train/index.ts';
import { quiet, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(7));

const x = [[1], [2], [3]];
const line = (options: Partial<CompileOptions> = {}): Model => {
  const model = sequential([layers.dense({ units: 1, inputShape: [1], kernelInitializer: 'ones' })]);
  model.compile({ optimizer: 'sgd', loss: 'mse', ...options });
  return model;
};
/** Softmax of [x, 2 x, 3 x]. */
const classes = (options: Partial<CompileOptions> = {}): Model => {
  const kernel = tensor([[1, 2, 3]]);
  const model = sequential([layers.dense({ units: 3, inputShape: [1], kernelInitializer: () => kernel, activation: 'softmax' })]);
  model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'], ...options });
  return model;
};

describe('sizes', () => {
  test('one sample, shuffled', async () => {
    expect((await line().fit([[1]], [[3]], { shuffle: true, ...quiet })).history.loss).toEqual([4]);
    const one = data
      .fromArrays([[1]], [[3]])
      .shuffle(1)
      .batch(1);
    expect((await line().fit(one, undefined, quiet)).history.loss).toEqual([4]);
  });

  test.each<[string, FitOptions, number[]]>([
    ['no epoch', { epochs: 0 }, []],
    ['initialEpoch', { epochs: 3, initialEpoch: 1 }, [1, 2]],
    ['initialEpoch at the end', { epochs: 3, initialEpoch: 3 }, []],
    ['initialEpoch beyond the end', { epochs: 3, initialEpoch: 5 }, []],
  ])('%s', async (_, options, epochs) => {
    const model = line();
    const { epoch, history } = await model.fit(x, x, { ...options, ...quiet });
    expect(epoch).toEqual(epochs);
    expect(history.loss ?? []).toHaveLength(epochs.length);
  });

  test('validation by another batch size gives the same values', async () => {
    const values: number[] = [];
    for (const validationBatchSize of [1, 2, 3, 100, undefined]) {
      const { history } = await line().fit(x, [[0], [0], [7]], { validationData: [x, [[0], [5], [1]]], validationBatchSize, ...quiet });
      values.push(history.val_loss[0]);
    }
    for (const value of values) expect(value).toBeCloseTo(values[0], 5);
  });

  test.each([
    ['batchSize Infinity', { batchSize: Infinity }, 'fit: batchSize is Infinity; it must be a positive integer'],
    ['batchSize NaN', { batchSize: NaN }, 'fit: batchSize is NaN; it must be a positive integer'],
    ['validationSplit NaN', { validationSplit: NaN }, 'fit: validationSplit is NaN; it must be a number of at least 0 and less than 1'],
    ['seed NaN', { seed: NaN }, 'fit: seed is NaN; it must be an integer'],
    [
      'empty validation data',
      { validationData: [[], []] as never },
      'fit (validationData): x is empty (shape [0]); it needs one sample or more',
    ],
  ])('error: %s', async (_, options, message) => {
    await expect(line().fit(x, x, { ...options, ...quiet })).rejects.toThrow(message);
  });

  test('a learning rate beyond f32 is refused', () => {
    expect(() => line().setLearningRate(1e39)).toThrow(
      'setLearningRate: the learning rate is 1e+39; it must be a positive number within f32',
    );
  });
});

describe('weights', () => {
  test('weights of 0 give loss 0 and leave the model as it is', async () => {
    for (const loss of ['mse', 'mae', 'binaryCrossentropy', 'huber'] as const) {
      const model = line({ loss });
      const { history } = await model.fit([[0.5]], [[1]], { sampleWeight: [0], ...quiet });
      expect([history.loss, await weightsOf(model)]).toEqual([[0], [[1], [0]]]);
    }
  });

  test('classes that classWeight does not name weigh 1', async () => {
    const loss = async (sampleWeight?: number[], classWeight?: Record<number, number>): Promise<number> =>
      (await classes().trainOnBatch(x, [0, 1, 2], { sampleWeight, classWeight })).loss;
    expect(await loss(undefined, { 1: 5 })).toBe(await loss([1, 5, 1]));
    expect(await loss(undefined, { 7: 5 }).catch((e: Error) => e.message)).toContain('classWeight names class 7');
  });
});

describe('labels in every form', () => {
  const own = (loss: CompileOptions['loss']): Partial<CompileOptions> => ({ loss, metrics: ['accuracy'] });
  const indices: [string, ArrayInput][] = [
    ['whole floats', Float32Array.of(0, 1, 2)],
    ['Float64Array', Float64Array.of(0, 1, 2)],
    ['-0', [-0, 1, 2]],
    ['a column', [[0], [1], [2]]],
    ['unsigned bytes', Uint8Array.of(0, 1, 2)],
    ['a u32 tensor', tensor(Uint32Array.of(0, 1, 2))],
    ['big integers', BigInt64Array.of(0n, 1n, 2n)],
  ];
  test.each(indices)('class indices as %s', async (_, labels) => {
    expect(await classes().evaluate(x, labels)).toEqual(await classes().evaluate(x, [0, 1, 2]));
  });

  const hot = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]; // prettier-ignore
  const rows: [string, ArrayInput][] = [
    ['booleans', hot.map((row) => row.map((v) => v === 1))],
    ['a bool tensor', tensor(hot.map((row) => row.map((v) => v === 1)))],
    ['bytes', { data: Uint8Array.from(hot.flat()), shape: [3, 3] }],
    ['a Float64Array', { data: Float64Array.from(hot.flat()), shape: [3, 3] }],
  ];
  test.each(rows)('one-hot rows as %s', async (_, labels) => {
    const options = own('categoricalCrossentropy');
    expect(await classes(options).evaluate(x, labels)).toEqual(await classes(options).evaluate(x, hot));
  });

  test.each<[string, ArrayInput]>([
    ['booleans', [true, false, true]],
    ['a bool tensor', tensor([true, false, true])],
    ['floats', Float64Array.of(1, -0, 1)],
  ])('flags as %s', async (_, labels) => {
    const options = own('binaryCrossentropy');
    expect(await line(options).evaluate(x, labels)).toEqual(await line(options).evaluate(x, [1, 0, 1]));
  });

  test('flags of a generator', async () => {
    const set = data.fromGenerator(function* () {
      for (const [i, y] of [true, false, true].entries()) yield { x: x[i], y };
    });
    const options = own('binaryCrossentropy');
    expect(await line(options).evaluate(set.batch(3))).toEqual(await line(options).evaluate(x, [1, 0, 1]));
  });

  test('a label that is not a whole number is refused', async () => {
    await expect(classes().evaluate(x, [0, 1, 1.0000001])).rejects.toThrow('evaluate: y holds the label 1.0000001 at [2]');
  });
});

describe('losses that are not finite', () => {
  test.each<[string, number[], number | undefined, number]>([
    // The loss of each epoch, the epoch of the stop at patience 2, the best epoch.
    ['Infinity, then better', [Infinity, 5, 4, 3], undefined, 3],
    ['Infinity for good', [Infinity, Infinity, Infinity], 1, 0],
    ['Infinity amid', [5, Infinity, 4, Infinity, NaN], 4, 2],
    ['NaN first', [NaN, 5, 4, 3], undefined, 3],
    ['-Infinity is the best there is', [5, -Infinity, 4, 3], 3, 1],
  ])('earlyStopping: %s', async (_, losses, stoppedEpoch, bestEpoch) => {
    const stop = callbacks.earlyStopping({ monitor: 'loss', patience: 2 });
    const model = { stopTraining: false, getWeights: async () => [], setWeights: async () => undefined, setLearningRate: () => undefined, learningRate: 1, swapAverages: async () => undefined, snapshot: async () => async () => undefined, save: async () => undefined, saveWeights: async () => undefined, variables: () => [] }; // prettier-ignore
    const fixed = {
      epochs: 9,
      initialEpoch: 0,
      samples: 1,
      batches: 1,
      metrics: ['loss'],
      directions: { loss: 'min' as const },
      activeSeconds: () => 0,
      dataWait: () => 0,
      signal: undefined,
      network: { root: layers.dense({ units: 1 }), inputs: undefined },
      saveBackup: async () => undefined,
    };
    await stop.onTrainBegin!({ model, ...fixed });
    for (const [epoch, loss] of losses.entries()) {
      if (!model.stopTraining) await stop.onEpochEnd!(epoch, { loss });
    }
    expect([stop.stoppedEpoch, stop.bestEpoch]).toEqual([stoppedEpoch, bestEpoch]);
  });

  test('a model that starts as NaN trains to NaN and says so', async () => {
    const model = sequential([layers.dense({ units: 1, inputShape: [1], kernelInitializer: () => tensor([[NaN]]) })]);
    model.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['mae'] });
    const { history } = await model.fit(x, x, { epochs: 2, validationData: [x, x], ...quiet });
    expect(history).toEqual({ loss: [NaN, NaN], mae: [NaN, NaN], val_loss: [NaN, NaN], val_mae: [NaN, NaN] });
  });

  test('a loss of one’s own in integers is summed as floats', async () => {
    const model = line({ loss: (targets) => targets.sum().mul(1e9).cast('i32') });
    expect((await model.evaluate([[1], [2]], [[1], [1]], { batchSize: 2 })).loss).toBe(2e9);
  });
});
