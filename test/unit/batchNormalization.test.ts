// Batch normalization against its formulas in f64, in training and outside of it.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, NetworkPass, chain, layers, networkOf } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { tensor } from '../../src/ops/index.ts';
import { sequential } from '../../src/train/index.ts';
import { quiet, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(6));

const rows = [
  [1, 10],
  [2, 30],
  [6, 20],
  [3, -20],
];
const values = async (x: Tensor): Promise<number[]> => Array.from(await x.data());
const stateOf = async ({ variables }: Layer): Promise<number[][]> => {
  const { movingMean, movingVariance } = variables.value!.state;
  return [await values(movingMean), await values(movingVariance)];
};
const close = (expected: readonly number[]): unknown[] => expected.map((v) => expect.closeTo(v, 4) as unknown);

/** Mean, biased variance and (x - mean) / √(variance + epsilon) of each column. */
function formula(x: readonly (readonly number[])[], epsilon = 1e-3): { mean: number[]; variance: number[]; y: number[] } {
  const columns = x[0].map((_, j) => x.map((row) => row[j]));
  const mean = columns.map((column) => column.reduce((a, b) => a + b) / column.length);
  const variance = columns.map((column, j) => column.reduce((a, b) => a + (b - mean[j]) ** 2, 0) / column.length);
  return { mean, variance, y: x.flatMap((row) => row.map((v, j) => (v - mean[j]) / Math.sqrt(variance[j] + epsilon))) };
}

describe('batchNormalization', () => {
  test('in training takes the statistics of the batch, and moves its own', async () => {
    const layer = layers.batchNormalization({ momentum: 0.9 });
    const { mean, variance, y } = formula(rows);
    expect(await values(layer.apply(tensor(rows), { training: true }))).toEqual(close(y));
    const expected = [mean.map((m) => 0.1 * m), variance.map((v) => 0.9 + 0.1 * v)];
    expect(await stateOf(layer)).toEqual(expected.map(close));
  });

  test('otherwise takes its moving statistics, and leaves them as they are', async () => {
    const layer = layers.batchNormalization();
    const x = tensor(rows);
    expect(await values(layer.apply(x))).toEqual(close(rows.flat().map((v) => v / Math.sqrt(1.001))));
    expect(await stateOf(layer)).toEqual([
      [0, 0],
      [1, 1],
    ]);
    layer.apply(x, { training: true });
    const [mean, variance] = await stateOf(layer);
    expect(await values(layer.apply(x))).toEqual(
      close(rows.flatMap((row) => row.map((v, j) => (v - mean[j]) / Math.sqrt(variance[j] + 1e-3)))),
    );
    layer.trainable = false;
    layer.apply(x, { training: true });
    expect(await stateOf(layer)).toEqual([mean, variance]);
  });

  test('has gamma and beta on request', async () => {
    const shapes = async (options: object): Promise<string[]> => {
      const layer = layers.batchNormalization(options);
      layer.apply(tensor(rows));
      return Object.keys(layer.variables.value!.parameters);
    };
    expect(await shapes({})).toEqual(['gamma', 'beta']);
    expect(await shapes({ center: false })).toEqual(['gamma']);
    expect(await shapes({ scale: false, center: false })).toEqual([]);
    const layer = layers.batchNormalization({ gammaInitializer: () => tensor([2, 3]), betaInitializer: () => tensor([1, -1]) });
    const { y } = formula(rows);
    expect(await values(layer.apply(tensor(rows), { training: true }))).toEqual(close(y.map((v, i) => (i % 2 ? 3 * v - 1 : 2 * v + 1))));
  });

  test('normalizes along any axis but the batch', async () => {
    const layer = layers.batchNormalization({ axis: 1 });
    // [batch, features, time] = [2, 2, 2], whose columns are those of the rows.
    const x = tensor([1, 2, 10, 30, 6, 3, 20, -20], [2, 2, 2]);
    const { y } = formula(rows);
    const expected = [y[0], y[2], y[1], y[3], y[4], y[6], y[5], y[7]];
    expect(await values(layer.apply(x, { training: true }))).toEqual(close(expected));
    expect(() => layers.batchNormalization({ axis: 0 }).outputShape([2])).toThrow(
      'axis 0 of inputs [batch,2] is the batch axis; choose the axis of the features',
    );
    expect(() => layers.batchNormalization({ axis: 3 }).outputShape([2])).toThrow('axis 3 is outside a tensor of rank 2');
  });

  test('leaves masked steps out of its statistics', async () => {
    const layer = layers.batchNormalization({ momentum: 0 });
    const network = networkOf(chain([layers.masking({ maskValue: -7 }), layer]));
    const steps = [...rows, [-7, -7], [-7, -7]];
    const x = tensor(steps.flat(), [2, 3, 2]);
    layer.apply(x);
    const variables = { parameters: { masking_1: {}, batchNormalization_1: layer.variables.value!.parameters }, state: { masking_1: {}, batchNormalization_1: layer.variables.value!.state } }; // prettier-ignore
    const { state, mask, outputs } = new NetworkPass(network, variables).run(x, true);
    const { mean, variance, y } = formula(rows);
    expect(await values(state.batchNormalization_1.movingMean)).toEqual(close(mean));
    expect(await values(state.batchNormalization_1.movingVariance)).toEqual(close(variance));
    expect((await values(outputs as Tensor)).slice(0, 8)).toEqual(close(y));
    expect(await values(mask as Tensor)).toEqual([1, 1, 1, 1, 0, 0]);
  });

  test('trains: its state moves in fit, and stays in evaluate and predict', async () => {
    const layer = layers.batchNormalization({ momentum: 0.5 });
    const model = sequential([layers.dense({ units: 2, inputShape: [2] }), layer, layers.dense({ units: 1 })]);
    model.compile({ optimizer: 'adam', loss: 'mse' });
    const y = rows.map(([a, b]) => a - b / 10);
    const { history } = await model.fit(rows, y, { epochs: 30, batchSize: 4, ...quiet });
    expect(history.loss[29]).toBeLessThan(history.loss[0]);
    const before = await weightsOf(model);
    expect(before[4]).not.toEqual([0, 0]);
    await model.evaluate(rows, y);
    await model.predict(rows);
    expect(await weightsOf(model)).toEqual(before);
    expect(model.summary({ print: () => undefined })).toContain('Non-trainable params: 4');
  });
});
