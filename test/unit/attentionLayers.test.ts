// Attention layers in models: masks, dropout, positions, errors, and a transformer that trains.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { losses } from '../../src/losses/index.ts';
import { type Layer, input, layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import { random, tensor } from '../../src/ops/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import { createModel, sequential } from '../../src/train/index.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(4));

const valuesOf = async (x: Tensor): Promise<number[]> => Array.from(await x.data());
const close = (values: readonly number[]): unknown[] => values.map((value) => expect.closeTo(value, 5) as unknown);

/** All attention layers, for a query and a value of 4 features. */
const makers = {
  multiHeadAttention: () => layers.multiHeadAttention({ numHeads: 2, keyDim: 3 }),
  groupQueryAttention: () => layers.groupQueryAttention({ headDim: 3, numQueryHeads: 4, numKeyValueHeads: 2 }),
  attention: () => layers.attention(),
  'attention by concat': () => layers.attention({ scoreMode: 'concat' }),
  additiveAttention: () => layers.additiveAttention(),
} satisfies Record<string, () => Layer>;

describe.each(Object.entries(makers))('%s', (_, make) => {
  test('does not depend on the steps that a mask hides', async () => {
    const layer = make();
    const [query, value] = [random.normal([1, 2, 4], { seed: 1 }), random.normal([1, 3, 4], { seed: 2 })];
    const expected = await valuesOf(layer.apply<Tensor>([query, value]));
    const [q, v] = [input({ shape: [2, 4] }), input({ shape: [5, 4] })];
    const model = createModel({ inputs: [q, v], outputs: layer.apply<Tensor>([q, layers.masking({ maskValue: 99 }).apply(v)]) });
    const padded = [...(await valuesOf(value)), ...new Array<number>(8).fill(99)];
    const found = await model.predict([query, tensor(padded, [1, 5, 4])]);
    expect(await valuesOf(found)).toEqual(close(expected));
  });
});

describe('dropout of attention weights', () => {
  test.each([
    ['attention', () => layers.attention({ dropout: 0.5 })],
    ['additiveAttention', () => layers.additiveAttention({ dropout: 0.5 })],
    ['multiHeadAttention', () => layers.multiHeadAttention({ numHeads: 1, keyDim: 2, dropout: 0.5 })],
  ])('%s: the mean over many passes is the result without', async (_, make) => {
    const layer = make();
    const x = random.normal([1, 3, 2], { seed: 5 });
    const expected = await valuesOf(layer.apply<Tensor>([x, x]));
    const runs = 600;
    const sums = expected.map(() => 0);
    let changed = 0;
    for (let i = 0; i < runs; i++) {
      const values = await valuesOf(layer.apply<Tensor>([x, x], { training: true }));
      values.forEach((value, k) => (sums[k] += value));
      if (values.some((value, k) => Math.abs(value - expected[k]) > 1e-6)) changed++;
    }
    expect(changed).toBeGreaterThan(runs / 2);
    sums.forEach((sum, k) => expect(Math.abs(sum / runs - expected[k])).toBeLessThan(0.15));
  });
});

test('causal attention and a mask of padding together', async () => {
  const layer = layers.multiHeadAttention({ numHeads: 2, keyDim: 3, causal: true });
  const x = input({ shape: [4, 4] });
  const model = createModel({ inputs: x, outputs: layer.apply(layers.masking({ maskValue: 0 }).apply(x)) });
  const values = await valuesOf(random.normal([1, 4, 4], { seed: 6 }));
  // The first step is padding. The second one attends only to itself, like the first step of a sequence without padding.
  const shifted = tensor([...new Array<number>(4).fill(0), ...values.slice(0, 12)], [1, 4, 4]);
  const found = await valuesOf(await model.predict(shifted));
  const expected = await valuesOf(layer.apply<Tensor>(tensor(values.slice(0, 12), [1, 3, 4])));
  expect(found.slice(4)).toEqual(close(expected));
  // A query without visible keys: the result is the bias of the output, which is 0.
  expect(found.slice(0, 4)).toEqual([0, 0, 0, 0]);
});

test('products of rotated queries and keys depend on the distance of their steps only', async () => {
  const layer = layers.rotaryEmbedding();
  const rows = await valuesOf(random.normal([2, 8], { seed: 7 }));
  const same = (row: number): Tensor => tensor(Array.from({ length: 6 }, () => rows.slice(row * 8, row * 8 + 8)).flat(), [1, 6, 8]);
  const [q, k] = [layer.apply<Tensor>(same(0)), layer.apply<Tensor>(same(1))];
  const scores = await valuesOf(q.matmul(k, { transposeB: true }));
  const at = (i: number, j: number): number => scores[i * 6 + j];
  for (let i = 0; i + 3 < 6; i++) expect(at(i, i + 2)).toBeCloseTo(at(0, 2), 4);
});

test('a transformer learns to repeat the symbol before', async () => {
  const [count, steps] = [5, 6];
  const x = Array.from({ length: 32 }, (_, i) => Array.from({ length: steps }, (_, t) => (i * 7 + t * (1 + (i % 3))) % count));
  const y = x.map((row) => [0, ...row.slice(0, -1)]);
  const model = sequential([
    layers.embedding({ inputDim: count, outputDim: 16, inputShape: [steps] }),
    layers.positionEmbedding({ sequenceLength: steps }),
    layers.transformerEncoder({ intermediateDim: 32, numHeads: 2, causal: true, normalizeFirst: true }),
    layers.dense({ units: count }),
  ]);
  model.compile({ optimizer: optimizers.adam({ learningRate: 0.01 }), loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }) });
  const { history } = await model.fit(x, y, { epochs: 60, batchSize: 32, verbose: 0, seed: 1 });
  expect(history.loss[0]).toBeGreaterThan(1);
  expect(history.loss[59]).toBeLessThan(0.1);
});

describe('errors', () => {
  test.each([
    [() => layers.multiHeadAttention({ numHeads: 1, keyDim: 2 }).outputShape([3]), 'multiHeadAttention: takes one tensor [batch, time, features], [query, value] or [query, value, key], got [batch,3]'], // prettier-ignore
    [() => layers.multiHeadAttention({ numHeads: 1, keyDim: 2 }).outputShape([[2, 4], [3, 4], [2, 4]]), 'multiHeadAttention: the value has 3 steps and the key 2'], // prettier-ignore
    [() => layers.attention().outputShape([[2, 4], [3, 5]]), 'attention: query [batch,2,4] and key [batch,3,5] need equally many features'], // prettier-ignore
    [() => layers.groupQueryAttention({ headDim: 1, numQueryHeads: 3, numKeyValueHeads: 2 }), 'layers.groupQueryAttention: 2 heads of keys do not divide 3 heads of queries'], // prettier-ignore
    [() => layers.positionEmbedding({ sequenceLength: 2 }).outputShape([3, 4]), 'positionEmbedding: inputs [batch,3,4] have more steps than sequenceLength 2'], // prettier-ignore
    [() => layers.rotaryEmbedding().outputShape([3, 5]), 'rotaryEmbedding: inputs [batch,3,5] have an odd number of features'],
    [() => layers.transformerEncoder({ intermediateDim: 2, numHeads: 3 }).outputShape([3, 4]), 'transformerEncoder: 3 heads do not divide 4 features of inputs [batch,3,4]'], // prettier-ignore
    [
      () => layers.transformerDecoder({ intermediateDim: 2, numHeads: 2 }).outputShape([3, 4]),
      'transformerDecoder: takes a list [x, memory]',
    ],
    [() => layers.alibi().outputShape([3, 4]), 'alibi: takes inputs [batch, heads, queries, keys]'],
  ])('%#', (act, message) => expect(act).toThrow(message));
});
