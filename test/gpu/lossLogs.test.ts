// Values of the loss in the logs, on a GPU stack: the rows of the CPU's test. The compiler may not simplify an infinity away.
import { beforeAll, describe, expect, test } from 'vitest';
import { evaluate, setDevice } from '../../src/engine/index.ts';
import { tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import { addToTotal, countAll, countValue, noCount, noTotal, totalValue } from '../../src/metrics/accumulate.ts';
import { accumulatorRows, epochLosses, epochRows, nonFiniteLogs, nonFiniteRows, ownRows, ownValues } from '../support/lossCases.ts';

beforeAll(async () => {
  await setDevice('webgpu');
});

test.each(epochRows.map((row) => [row.name, row] as const))('an epoch is one mean: %s', async (_, row) => {
  for (const batchSize of [1, 3, 8]) {
    for (const loss of await epochLosses(row, batchSize)) expect(loss, `batch size ${batchSize}`).toBeCloseTo(row.want, 5);
  }
});

test.each(ownRows.map((row) => [row.name, row] as const))('a loss and metric of one’s own: %s', async (_, row) => {
  for (const value of await ownValues(row)) expect(Math.abs(value - row.want)).toBeLessThan(1e-5 * row.want);
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
});

test('counts are exact beyond 2^30', async () => {
  let count = noCount();
  const batch = 2 ** 29 + 1;
  for (let i = 0; i < 9; i++) [count] = await evaluate([countAll(count, batch)]);
  const [high, whole] = [await count.high.item(), await count.whole.item()];
  expect(high * 2 ** 30 + whole).toBe(9 * batch);
  expect(await countValue(count).item()).toBe(Math.fround(9 * batch));
});
