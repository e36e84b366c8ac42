// How samples are cut into batches and shares: batches larger than the data, splits that rounding must not move,
// sources that run dry.
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import '../../src/ops/methods.ts';
import { type Dataset, type FitInfo, type Model, data } from '../../src/train/index.ts';
import { splitBorder } from '../../src/data/portions.ts';
import { linear, points, quiet, targets, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));

describe('a batch larger than the data is one batch', () => {
  test('fit trains as with a batch of all samples', async () => {
    const start = await linear().getWeights();
    const train = async (batchSize: number | undefined): Promise<unknown[]> => {
      const model = linear();
      await model.setWeights(start);
      let begun: FitInfo | undefined;
      const note = { onTrainBegin: (info: FitInfo) => void (begun = info) };
      const { history } = await model.fit(points, targets, { batchSize, epochs: 2, shuffle: false, callbacks: note, ...quiet });
      return [history, await weightsOf(model), begun!.samples, begun!.batches];
    };
    const whole = await train(10);
    expect(whole.slice(2)).toEqual([10, 1]);
    for (const batchSize of [11, 64, 2 ** 40, undefined]) expect(await train(batchSize)).toEqual(whole);
  });

  test('evaluate, predict, datasets, validation and memoryPlan', async () => {
    const model = linear();
    const evaluated = await model.evaluate(points, targets, { batchSize: 10 });
    expect(await model.evaluate(points, targets, { batchSize: 1000 })).toEqual(evaluated);
    expect(await model.evaluate(data.fromArrays(points, targets).batch(1000))).toEqual(evaluated);
    expect(await model.predict(points, { batchSize: 1000 }).array()).toEqual(await model.predict(points).array());
    const options = { validationSplit: 0.5, batchSize: 8, validationBatchSize: 1000, ...quiet };
    expect(Object.keys((await model.fit(points, targets, options)).history)).toContain('val_loss');
  });
});

test.each([
  // count, fraction, samples to train on
  [10, 0.1, 9],
  [10, 0.3, 7],
  [10, 0.7, 3],
  [10, 0.8, 2],
  [10, 0.9, 1],
  [10, 0.25, 7],
  [10, 0.05, 9],
  [100, 0.07, 93],
  [100, 0.29, 71],
  [1000, 0.999, 1],
  [9, 1 / 3, 6],
  [9, 2 / 3, 3],
  [3, 1 - 2 / 3, 2],
  [60000, 0.1, 54000],
  [60000, 1 / 60000, 59999],
  [2 ** 30, 0.3, 751619276],
])('validationSplit: %d samples, %d leaves %d', (count, fraction, left) => {
  expect(splitBorder(count, fraction)).toBe(left);
});

test('every split in hundredths of every count up to 300 counts as decimals do', () => {
  for (let count = 1; count <= 300; count++) {
    for (let percent = 1; percent < 100; percent++) {
      expect(splitBorder(count, percent / 100)).toBe(Math.floor((count * (100 - percent)) / 100));
    }
  }
});

describe('sources that run dry', () => {
  let said: string[];
  beforeEach(() => {
    said = [];
    vi.spyOn(console, 'warn').mockImplementation((...words: unknown[]) => void said.push(words.join(' ')));
  });
  afterEach(() => vi.restoreAllMocks());

  function* samples(): Generator<{ x: number[]; y: number }> {
    for (let i = 0; i < 10; i++) yield { x: points[i], y: targets[i] };
  }
  const remedy = "a generator or iterator object is used up after one pass: let data.fromGenerator's function make a new one at each call";
  const once = (): (() => ReturnType<typeof samples>) => {
    const iterator = samples();
    return () => iterator;
  };
  const sources: [string, (make: () => Iterable<{ x: number[]; y: number }>) => Dataset][] = [
    ['batched', (make) => data.fromGenerator(make).batch(4)],
    ['shuffled', (make) => data.fromGenerator(make).shuffle(20).batch(10)],
    ['taken', (make) => data.fromGenerator(make).take(4).batch(2)],
    ['prefetched', (make) => data.fromGenerator(make).batch(3).prefetch(2)],
  ];

  test.each(sources)('a generator object, %s: one epoch, one warning', async (_, source) => {
    const ended: number[] = [];
    const { history, epoch } = await linear().fit(source(once()), undefined, {
      epochs: 3,
      callbacks: { onTrainEnd: (logs) => void ended.push(logs.loss) },
      ...quiet,
    });
    expect([history.loss.length, epoch]).toEqual([1, [0]]);
    expect(ended).toEqual(history.loss);
    expect(said).toEqual([`ombre: fit: the dataset gave no batch in epoch 2 of 3, so the training ends; ${remedy}`]);
  });

  test.each(sources)('a generator function, %s: three epochs, no warning', async (_, source) => {
    expect((await linear().fit(source(samples), undefined, { epochs: 3, ...quiet })).history.loss.length).toBe(3);
    expect(said).toEqual([]);
  });

  test('an iterator of an array', async () => {
    const iterator = [...samples()].values();
    const { history } = await linear().fit(data.fromGenerator(() => iterator).batch(4), undefined, { epochs: 2, ...quiet });
    expect([history.loss.length, said.length]).toEqual([1, 1]);
  });

  test('validation data: every epoch is trained, values are NaN from the second on', async () => {
    const validationData = data.fromGenerator(once()).batch(4);
    const { history } = await linear().fit(points, targets, { epochs: 3, validationData, ...quiet });
    expect(history.loss.length).toBe(3);
    expect(history.val_loss.map(Number.isFinite)).toEqual([true, false, false]);
    expect(history.val_loss.slice(1)).toEqual([NaN, NaN]);
    expect(said).toEqual([`ombre: fit: the validation data gave no batch in epoch 2 of 3, so their values are NaN; ${remedy}`]);
  });

  test('a training stopped before its first batch is none of that', async () => {
    const model: Model = linear();
    const stop = { onBatchBegin: () => void (model.stopTraining = true) };
    await model.fit(data.fromGenerator(samples).batch(4), undefined, { epochs: 2, callbacks: stop, ...quiet });
    expect(said).toEqual([]);
  });

  test('a used-up source is refused with the remedy', async () => {
    const used = data.fromGenerator(once()).batch(4);
    const model = linear();
    await model.evaluate(used);
    for (const act of [() => model.evaluate(used), () => model.fit(used), () => model.predict(used)]) {
      await expect(act()).rejects.toThrow(
        /: the dataset is empty; it needs one batch or more. A generator object that another pass has used up/,
      );
    }
  });
});
