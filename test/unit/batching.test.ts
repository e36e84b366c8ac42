// How samples are cut into batches and shares: batches larger than the data, splits that rounding must not move.
import { beforeAll, describe, expect, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import '../../src/ops/methods.ts';
import { type FitInfo, data } from '../../src/train/index.ts';
import { splitBorder } from '../../src/train/inputs.ts';
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
