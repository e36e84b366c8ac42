// Several inputs and outputs: trees of data, losses, metrics and weights of each output, and the names of their values.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { jointLoss, losses } from '../../src/losses/index.ts';
import { metrics } from '../../src/metrics/index.ts';
import { add, mean, square, sub, sum, tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type CompileOptions, type Model, data } from '../../src/train/index.ts';
import { quiet, weightsOf } from '../support/models.ts';
import { listHeads, listInputs, twoHeads, twoInputs } from '../support/severalOutputs.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(7));

const x = Array.from({ length: 8 }, (_, i) => [Math.sin(i + 1), Math.cos(2 * i)]);
const digit = [0, 1, 2, 0, 1, 2, 1, 0];
const parity = x.map(([a, b]) => a - 2 * b);
const heads: CompileOptions = {
  optimizer: optimizers.sgd({ learningRate: 0.1 }),
  loss: { digit: 'sparseCategoricalCrossentropy', parity: 'mse' },
};
const compiled = (options: Partial<CompileOptions> = {}, model = twoHeads()): Model => {
  model.compile({ ...heads, ...options });
  return model;
};

/** Outputs of the first weights: softmax(x W) and x v. */
const predicted = (() => {
  const w = [[0.5, -0.25, 0], [0.125, 0.25, -0.5]]; // prettier-ignore
  const logits = x.map(([a, b]) => w[0].map((_, j) => a * w[0][j] + b * w[1][j]));
  const probabilities = logits.map((row) => row.map((v) => Math.exp(v) / row.reduce((s, u) => s + Math.exp(u), 0)));
  return { digit: probabilities, parity: x.map(([a, b]) => 0.5 * a - 0.5 * b) };
})();
const crossentropies = predicted.digit.map((row, i) => -Math.log(row[digit[i]]));
const squares = predicted.parity.map((p, i) => (p - parity[i]) ** 2);
const hits = predicted.digit.map((row, i) => (row.indexOf(Math.max(...row)) === digit[i] ? 1 : 0));
const average = (values: readonly number[], weights = values.map(() => 1)): number =>
  values.reduce<number>((s, v, i) => s + v * weights[i], 0) / values.length;

describe('values in logs', () => {
  test('loss, losses of the outputs, then metrics of the outputs', async () => {
    const model = compiled({
      metrics: { parity: ['mae'], digit: ['accuracy', metrics.sparseTopKCategoricalAccuracy({ k: 2, name: 'top2' })] },
    });
    const { history } = await model.fit(x, { digit, parity }, { validationSplit: 0.25, ...quiet });
    const names = ['loss', 'digit_loss', 'parity_loss', 'digit_accuracy', 'digit_top2', 'parity_mae'];
    expect(Object.keys(history)).toEqual([...names, ...names.map((name) => `val_${name}`)]);
  });

  test('are those of each output; the loss is their weighted sum', async () => {
    const logs = await compiled({ lossWeights: { parity: 0.5, digit: 2 }, metrics: { digit: 'accuracy' } }).evaluate(
      x,
      { digit, parity },
      { batchSize: 3 },
    );
    expect(logs.digit_loss).toBeCloseTo(average(crossentropies), 6);
    expect(logs.parity_loss).toBeCloseTo(average(squares), 6);
    expect(logs.digit_accuracy).toBeCloseTo(average(hits), 6);
    expect(logs.loss).toBeCloseTo(2 * average(crossentropies) + 0.5 * average(squares), 6);
  });

  test('one loss applies to each output', async () => {
    const model = compiled({ loss: 'mse' });
    const logs = await model.evaluate(x, { digit: predicted.digit, parity });
    expect(logs.digit_loss).toBeCloseTo(0, 6);
    expect(logs.parity_loss).toBeCloseTo(average(squares), 6);
  });

  test('outputs of a list are numbered, and losses are given in their order', async () => {
    const model = compiled({ loss: ['sparseCategoricalCrossentropy', 'mse'], metrics: [['accuracy'], null] }, listHeads());
    const logs = await model.evaluate(x, [digit, parity]);
    expect(Object.keys(logs)).toEqual(['loss', 'output_1_loss', 'output_2_loss', 'output_1_accuracy']);
    expect(logs.output_2_loss).toBeCloseTo(average(squares), 6);
    expect(await model.evaluate(x, [digit, tensor(parity)])).toEqual(logs);
  });

  test('an output without a loss is only predicted, and needs no targets', async () => {
    for (const loss of [{ parity: 'mse' }, { parity: 'mse', digit: null }] as const) {
      const model = compiled({ loss });
      const before = await weightsOf(model);
      const { history } = await model.fit(x, { parity }, quiet);
      expect(Object.keys(history)).toEqual(['loss', 'parity_loss']);
      const after = await weightsOf(model);
      expect(after[0]).toEqual(before[0]);
      expect(after[1]).not.toEqual(before[1]);
      expect((await model.predict<Record<string, Tensor>>(x)).digit.shape).toEqual([8, 3]);
    }
  });

  test('an output without a loss may have metrics', async () => {
    const model = compiled({ loss: { parity: 'mse' }, metrics: { digit: ['accuracy'] } });
    expect((await model.evaluate(x, { digit, parity })).digit_accuracy).toBeCloseTo(average(hits), 6);
    await expect(model.evaluate(x, { parity })).rejects.toThrow('evaluate: y.digit is missing; y needs digit and parity');
  });

  test('a single output has no name in logs', async () => {
    const model = compiled({ loss: 'mse', metrics: ['mae'] }, twoInputs());
    expect(Object.keys(await model.evaluate({ a: x, b: digit.map((d) => [d]) }, parity))).toEqual(['loss', 'mae']);
  });
});

describe('weights', () => {
  const weights = [1, 2, 0, 0.5, 1, 3, 1, 1];
  const parts = { digit: average(crossentropies, weights), parity: average(squares, weights) };

  test('one array weighs the samples of every output', async () => {
    const logs = await compiled().evaluate(x, { digit, parity }, { sampleWeight: weights });
    expect(logs.digit_loss).toBeCloseTo(parts.digit, 6);
    expect(logs.parity_loss).toBeCloseTo(parts.parity, 6);
  });

  test('a record weighs the outputs that it names, a list those in their places', async () => {
    const logs = await compiled().evaluate(x, { digit, parity }, { sampleWeight: { parity: weights } });
    expect(logs.digit_loss).toBeCloseTo(average(crossentropies), 6);
    expect(logs.parity_loss).toBeCloseTo(parts.parity, 6);
    const model = compiled({ loss: ['sparseCategoricalCrossentropy', 'mse'] }, listHeads());
    const listed = await model.evaluate(x, [digit, parity], { sampleWeight: [digit.map(() => 1), weights] });
    expect([listed.output_1_loss, listed.output_2_loss]).toEqual([expect.closeTo(logs.digit_loss, 6), expect.closeTo(logs.parity_loss, 6)]);
  });

  test('of classes belong to an output', async () => {
    const options = { classWeight: { digit: { 1: 3 } }, batchSize: 8, shuffle: false, ...quiet };
    const { history } = await compiled().fit(x, { digit, parity }, options);
    expect(history.digit_loss[0]).toBeCloseTo(average(crossentropies, digit.map((d) => (d === 1 ? 3 : 1))), 6); // prettier-ignore
    expect(history.parity_loss[0]).toBeCloseTo(average(squares), 6);
  });

  test('weighted metrics take them into account, metrics do not', async () => {
    const model = compiled({ metrics: { digit: ['accuracy'] }, weightedMetrics: { digit: ['accuracy'], parity: 'mse' } });
    const logs = await model.evaluate(x, { digit, parity }, { sampleWeight: weights });
    const total = weights.reduce((a, b) => a + b);
    expect(Object.keys(logs).slice(3)).toEqual(['digit_accuracy', 'digit_weighted_accuracy', 'parity_mse']);
    expect(logs.digit_accuracy).toBeCloseTo(average(hits), 6);
    expect(logs.digit_weighted_accuracy).toBeCloseTo((8 * average(hits, weights)) / total, 6);
    expect(logs.parity_mse).toBeCloseTo((8 * average(squares, weights)) / total, 6);
  });

  test('an epoch counts the samples of each output apart', async () => {
    const ignoring = [0, -1, -1, 0, 1, -1, 1, 0];
    const model = compiled({ loss: { digit: losses.sparseCategoricalCrossentropy({ ignoreClass: -1 }), parity: 'mse' } });
    const kept = crossentropies.filter((_, i) => ignoring[i] >= 0);
    for (const batchSize of [1, 3, 8]) {
      const logs = await model.evaluate(x, { digit: ignoring, parity }, { batchSize });
      expect(logs.digit_loss).toBeCloseTo(average(kept), 5);
      expect(logs.parity_loss).toBeCloseTo(average(squares), 5);
      expect(logs.loss).toBeCloseTo(average(kept) + average(squares), 5);
    }
  });
});

describe('training', () => {
  test('moves the weights of every output by its weighted gradient', async () => {
    const model = compiled({ lossWeights: { parity: 0.5 }, loss: { digit: 'sparseCategoricalCrossentropy', parity: 'mse' } });
    await model.trainOnBatch(x, { digit, parity });
    const gradient = [0, 1].map((k) => average(x.map((row, i) => 0.5 * 2 * (predicted.parity[i] - parity[i]) * row[k])));
    expect((await weightsOf(model))[1]).toEqual(
      [0.5 - 0.1 * gradient[0], -0.5 - 0.1 * gradient[1]].map((v) => expect.closeTo(v, 6) as unknown),
    );
    expect((await model.fit(x, { digit, parity }, { epochs: 60, ...quiet })).history.parity_loss.at(-1)).toBeLessThan(0.1);
  });

  test('from arrays and from a dataset is the same', async () => {
    const [arrays, dataset] = [compiled(), compiled()];
    const options = { epochs: 2, shuffle: false, ...quiet };
    const { history } = await arrays.fit(
      tensor(x),
      { digit: Int32Array.from(digit), parity: { data: Float32Array.from(parity), shape: [8, 1] } },
      { batchSize: 3, ...options },
    );
    expect((await dataset.fit(data.fromArrays(x, { digit, parity }).batch(3), undefined, options)).history).toEqual(history);
    const generated = compiled();
    const samples = function* (): Generator<{ x: number[]; y: { digit: number; parity: number } }> {
      for (let i = 0; i < 8; i++) yield { x: x[i], y: { digit: digit[i], parity: parity[i] } };
    };
    const { history: third } = await generated.fit(data.fromGenerator(samples).batch(3), undefined, options);
    expect(third.loss[1]).toBeCloseTo(history.loss[1], 6);
  });

  test('inputs are a record or a list, as in the model', async () => {
    const b = digit.map((d) => [d]);
    const sums = x.map(([p, q], i) => [expect.closeTo(p + q + digit[i], 5) as unknown]);
    expect(await twoInputs().predict({ a: x, b }).array()).toEqual(sums);
    expect(await listInputs().predict([x, b]).array()).toEqual(sums);
    const record = compiled({ loss: 'mse' }, twoInputs());
    const list = compiled({ loss: 'mse' }, listInputs());
    const { history } = await record.fit({ b, a: x }, parity, { epochs: 3, seed: 1, ...quiet });
    expect((await list.fit([x, b], parity, { epochs: 3, seed: 1, ...quiet })).history).toEqual(history);
    expect(history.loss[2]).toBeLessThan(history.loss[0]);
  });

  test('predict and predictOnBatch give the form of the outputs', async () => {
    const model = twoHeads();
    const whole = await model.predict<Record<string, Tensor>>(x, { batchSize: 3 });
    expect(Object.keys(whole)).toEqual(['digit', 'parity']);
    expect(await model.predictOnBatch<Record<string, Tensor>>(x).array()).toEqual(await model.predict<Record<string, Tensor>>(x).array());
    expect((await whole.parity.data())[7]).toBeCloseTo(predicted.parity[7], 6);
    const listed = await listHeads().predict<readonly Tensor[]>(x, { steps: 2, batchSize: 3 });
    expect(listed.map(({ shape }) => shape)).toEqual([[6, 3], [6, 1]]); // prettier-ignore
  });

  test('testOnBatch gives the values of evaluate and changes nothing', async () => {
    const model = compiled({ metrics: { digit: ['accuracy'] } });
    const before = await weightsOf(model);
    expect(await model.testOnBatch(x, { digit, parity })).toEqual(await model.evaluate(x, { digit, parity }));
    expect(await weightsOf(model)).toEqual(before);
  });
});

describe('a loss over all outputs', () => {
  const both = jointLoss((y: Record<string, Tensor>, p: Record<string, Tensor>) =>
    add(mean(square(sub(p.parity.flatten(), y.parity))), mean(p.digit)),
  );

  test('gets the whole trees', async () => {
    const logs = await compiled({ loss: both }).evaluate(x, { digit, parity });
    expect(Object.keys(logs)).toEqual(['loss']);
    expect(logs.loss).toBeCloseTo(average(squares) + 1 / 3, 6);
  });

  test('may do without targets, and is averaged over values per sample', async () => {
    const model = compiled({ loss: jointLoss((_, p: Record<string, Tensor>) => sum(square(p.parity), { axis: -1 })) });
    const expected = average(predicted.parity.map((p) => p * p));
    expect((await model.evaluate(x)).loss).toBeCloseTo(expected, 6);
    const { history } = await model.fit(x, undefined, { epochs: 30, ...quiet });
    expect(history.loss.at(-1)).toBeLessThan(expected / 10);
  });

  test('has weights as its third argument, and can have metrics', async () => {
    const weighted = jointLoss((y: Record<string, Tensor>, p: Record<string, Tensor>, w?: unknown) => {
      const values = square(sub(p.parity.flatten(), y.parity));
      return w ? values.mul((w as Record<string, Tensor>).parity) : values;
    });
    const model = compiled({ loss: weighted, metrics: { digit: 'accuracy' } });
    const weights = [1, 2, 0, 0.5, 1, 3, 1, 1];
    const logs = await model.evaluate(x, { digit, parity }, { sampleWeight: { parity: weights } });
    expect(Object.keys(logs)).toEqual(['loss', 'digit_accuracy']);
    expect(logs.loss).toBeCloseTo(average(squares, weights), 6);
    await expect(compiled({ loss: both }).evaluate(x, { digit, parity }, { sampleWeight: weights })).rejects.toThrow(
      'the loss does not use the weights of the outputs; apply its third argument, sampleWeight, which has the form of the outputs',
    );
  });
});
