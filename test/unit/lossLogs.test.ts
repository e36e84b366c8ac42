// Values of the loss in the logs, on the CPU: exact over an epoch for any batches, aligned and weighted for custom losses, infinite if the
// loss is infinite.
import { beforeAll, describe, expect, test } from 'vitest';
import { formatShape } from '../../src/core/shape.ts';
import { evaluate, setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import { mean, tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { type ProgressInfo, callbacks, sequential } from '../../src/train/index.ts';
import { addToTotal, countAll, countValue, noCount, noTotal, totalValue } from '../../src/metrics/accumulate.ts';
import {
  accumulatorRows,
  epochLosses,
  epochRows,
  identity,
  nonFiniteLogs,
  nonFiniteRows,
  ownRows,
  ownValues,
} from '../support/lossCases.ts';
import { quiet } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));

describe('an epoch is one mean', () => {
  test.each(epochRows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    for (const batchSize of [1, 2, 3, 4, 5]) {
      for (const loss of await epochLosses(row, batchSize)) expect(loss, `batch size ${batchSize}`).toBeCloseTo(row.want, 5);
    }
  });

  test('a scalar loss of one’s own cannot be weighted from outside', async () => {
    const model = identity([1], (targets, predictions) => mean(predictions.sub(targets)));
    await expect(model.fit([[1], [2]], [[1], [2]], { sampleWeight: [1, 2], ...quiet })).rejects.toThrow(
      'the loss returned a scalar without use of the weights; return one value per sample, or apply the third argument, sampleWeight',
    );
  });
});

describe('losses and metrics of one’s own', () => {
  test.each(ownRows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    for (const value of await ownValues(row)) expect(Math.abs(value - row.want)).toBeLessThan(1e-6 * row.want);
  });

  test('targets and predictions as the function gets them', async () => {
    const seen: string[] = [];
    const model = identity([2], (targets, predictions) => {
      seen.push([targets, predictions].map(({ dtype, shape }) => dtype + formatShape(shape)).join(' '));
      return mean(predictions);
    });
    await model.evaluate([[1, 2]], [1]);
    await model.evaluate([[1, 2]], [[1]]);
    await model.evaluate([[1, 2]], [[1, 0]]);
    expect([...new Set(seen)]).toEqual(['i32[1] f32[1,2]', 'i32[1,1] f32[1,2]', 'f32[1,2] f32[1,2]']);
  });
});

describe('not finite', () => {
  test.each(nonFiniteRows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    for (const logs of await nonFiniteLogs(row)) expect(logs).toEqual({ loss: row.want, own: row.want });
  });

  test.each(accumulatorRows)('a running sum: %s', async (_, summands, want) => {
    let total = noTotal();
    let count = noCount();
    for (const summand of summands) {
      [total, count] = await evaluate([addToTotal(total, tensor(summand)), countAll(count, 1, tensor(summand))]);
    }
    expect(await totalValue(total).item()).toBe(want);
    expect(await countValue(count).item()).toBe(want);
  });

  test('progress lines say Infinity and NaN', async () => {
    const lines: string[] = [];
    const shown: ProgressInfo[] = [];
    const model = sequential([layers.dense({ units: 1, useBias: false, kernelInitializer: () => tensor([[1e30]]), inputShape: [1] })]);
    model.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
    const stream = { write: (text: string) => lines.push(text) };
    await model.fit([[1]], [[0]], { callbacks: callbacks.progress({ stream }) });
    model.compile({ loss: (_, predictions) => predictions.square().sub(predictions.square()), optimizer: 'sgd' });
    await model.fit([[1]], [[0]], { callbacks: callbacks.progress({ onUpdate: (info) => shown.push(info) }) });
    expect(lines.join('')).toMatch(/loss Infinity/);
    expect(shown.at(-1)!.logs.loss).toBeNaN();
  });
});
