// generate(): tokens against a loop of passes, filters against f64, stop tokens, and errors.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, Decoding, NetworkPass, canDecode, input, layers, networkOf } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import { random, tensor, zeros } from '../../src/ops/index.ts';
import { filterLogits, nextToken } from '../../src/train/sampling.ts';
import { type Model, createModel, generate, sequential } from '../../src/train/index.ts';
import { decoders, rowsOf } from '../support/decoders.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(7));

/** The largest logit at the end of each prefix, one pass for each token. */
async function byPasses(model: Model, prompt: readonly number[], count: number): Promise<number[]> {
  const ids = [...prompt];
  for (let i = 0; i < count; i++) {
    const logits = (await model.apply(tensor([ids], [1, ids.length], 'i32')).array()) as number[][][];
    const last = logits[0][ids.length - 1];
    ids.push(last.indexOf(Math.max(...last)));
  }
  return ids;
}

describe.each(Object.entries(decoders))('%s', (_, make) => {
  test('temperature 0 gives the tokens of a loop of passes, for prompts of several lengths', async () => {
    const model = make();
    const prompts = [[3, 1, 4, 1, 5], [9, 2], [6]];
    const options = { maxNewTokens: 6, temperature: 0, padToken: 10 };
    const found = await rowsOf(generate(model, prompts, options));
    expect(await rowsOf(generate(model, prompts, { ...options, useCache: false }))).toEqual(found);
    for (const [i, prompt] of prompts.entries()) {
      const expected = await byPasses(model, prompt, 6);
      expect(found[i]).toEqual([...expected, ...new Array<number>(11 - expected.length).fill(10)]);
    }
  });
});

test.each<keyof typeof decoders>(['learned positions', 'sines and grouped heads', 'rotary', 'tied'])(
  '%s: logits with a cache',
  async (name) => {
    const model = decoders[name]();
    const ids = [3, 1, 4, 1, 5, 9, 2];
    const expected = (await model.apply(tensor([ids], [1, 7], 'i32')).array()) as number[][][];
    const network = networkOf(model.asLayer);
    expect(canDecode(network.root)).toBe(true);
    const pass = new NetworkPass(network, network.current()!);
    let decoding = new Decoding(9);
    pass.run(tensor([ids.slice(0, 3)], [1, 3], 'i32'), false, decoding);
    for (let at = 3; at < 7; at++) {
      decoding = new Decoding(9, decoding.caches, tensor([at], [1], 'i32'));
      const logits = pass.run(tensor([[ids[at]]], [1, 1], 'i32'), false, decoding).outputs as Tensor;
      const [[found]] = (await logits.array()) as number[][][];
      found.forEach((value, k) => expect(value).toBeCloseTo(expected[0][at][k], 5));
    }
  },
);

test.each<[string, boolean, () => Layer]>([
  ['an attention that reads later steps', false, () => layers.multiHeadAttention({ numHeads: 1, keyDim: 2 })],
  ['a recurrent layer', false, () => layers.gru({ units: 8, returnSequences: true })],
  ['a sum over steps', false, () => layers.layerNormalization({ axis: 1 })],
  ['ops between layers', false, () => layers.lambda({ fn: (x) => x.mul(2) })],
  ['dense', true, () => layers.dense({ units: 8 })],
])('%s can be computed step by step: %s', (_, expected, make) => {
  expect(canDecode(sequential([layers.embedding({ inputDim: 11, outputDim: 8, inputShape: [9] }), make()]).asLayer)).toBe(expected);
});

test('graphs of layers keep a cache, graphs with ops do not', async () => {
  const ids = input({ shape: [12], dtype: 'i32' });
  const x = layers
    .positionEmbedding({ sequenceLength: 12, initializer: 'randomNormal' })
    .apply(layers.embedding({ inputDim: 11, outputDim: 8 }).apply(ids));
  const attended = layers.multiHeadAttention({ numHeads: 2, keyDim: 4, causal: true }).apply<Tensor>([x, x]);
  const head = layers.dense({ units: 11 });
  const model = createModel({ inputs: ids, outputs: head.apply(layers.add().apply<Tensor>([x, attended])) });
  const withOps = createModel({ inputs: ids, outputs: head.apply(x.add(attended)) });
  expect([canDecode(model.asLayer), canDecode(withOps.asLayer)]).toEqual([true, false]);
  const options = { maxNewTokens: 7, temperature: 0 };
  expect(await rowsOf(generate(model, [[1, 2], [4]], options))).toEqual(await rowsOf(generate(withOps, [[1, 2], [4]], options)));
});

const small = (options: { inputShape?: number[] } = {}): Model =>
  sequential([
    layers.embedding({ inputDim: 11, outputDim: 8, inputShape: [9], ...options }),
    layers.gru({ units: 8, returnSequences: true }),
    layers.dense({ units: 11, kernelInitializer: 'randomNormal' }),
  ]);

test('a longer sequence is seen by its last steps', async () => {
  const model = small({ inputShape: [4] });
  const [found] = await rowsOf(generate(model, [[1, 2, 3]], { maxNewTokens: 5, temperature: 0 }));
  for (let end = 4; end < found.length; end++) {
    const logits = (await model.predict(tensor([found.slice(end - 4, end)], [1, 4], 'i32')).array()) as number[][][];
    expect(found[end]).toBe(logits[0][3].indexOf(Math.max(...logits[0][3])));
  }
});

test('one seed gives the same tokens in each run, other seeds give others', async () => {
  const model = small();
  const run = async (seed: number): Promise<number[][]> =>
    await rowsOf(generate(model, [[1, 2], [3, 4]], { maxNewTokens: 16, seed, temperature: 1.5, topK: 9, topP: 0.95 })); // prettier-ignore
  const first = await run(1);
  expect(await run(1)).toEqual(first);
  expect(await run(2)).not.toEqual(first);
  // Each sequence and each step draws for itself.
  expect(new Set(first[0].slice(2)).size).toBeGreaterThan(1);
  setSeed(3);
  const free = await rowsOf(generate(model, [[1, 2]], { maxNewTokens: 8 }));
  setSeed(3);
  expect(await rowsOf(generate(model, [[1, 2]], { maxNewTokens: 8 }))).toEqual(free);
});

test('a sequence ends after the stop token, and one prompt gives one sequence', async () => {
  const model = small();
  const free = await rowsOf(generate(model, [[1, 2], [5]], { maxNewTokens: 40, temperature: 1, seed: 5 }));
  const stopToken = free[0][4];
  const found = await rowsOf(generate(model, [[1, 2], [5]], { maxNewTokens: 40, temperature: 1, seed: 5, stopToken, padToken: 10 }));
  free.forEach((row, i) => {
    const begin = [2, 1][i];
    const stop = row.indexOf(stopToken, begin);
    const end = stop < 0 ? begin + 40 : stop + 1;
    expect(found[i]).toEqual([...row.slice(0, end), ...new Array<number>(42 - end).fill(10)]);
  });
  expect((await generate(model, [1, 2], { maxNewTokens: 3 })).shape).toEqual([5]);
  expect((await generate(model, tensor([[1, 2]], [1, 2], 'i32'), { maxNewTokens: 3 })).shape).toEqual([1, 5]);
});

/** Probabilities after the filters, in f64. */
function filtered(logits: readonly number[], temperature: number, topK = Infinity, topP = 1): number[] {
  const weights = logits.map((x) => Math.exp((x - Math.max(...logits)) / temperature));
  const order = weights.map((_, i) => i).sort((a, b) => weights[b] - weights[a]);
  const kept = order.slice(0, topK);
  const sum = kept.reduce((total, i) => total + weights[i], 0);
  let before = 0;
  const nucleus = kept.filter((i) => {
    const isKept = before < topP;
    before += weights[i] / sum;
    return isKept;
  });
  const whole = nucleus.reduce((total, i) => total + weights[i], 0);
  return weights.map((weight, i) => (nucleus.includes(i) ? weight / whole : 0));
}

test.each([
  { temperature: 0.7 },
  { temperature: 1, topK: 1 },
  { temperature: 1.3, topK: 5 },
  { temperature: 1, topK: 100 },
  { temperature: 1, topP: 0.6 },
  { temperature: 1, topP: 1e-6 },
  { temperature: 2, topK: 7, topP: 0.8 },
  { temperature: 0.01, topK: 7, topP: 0.8 },
])('filters of %o agree with f64', async ({ temperature, topK, topP }: { temperature: number; topK?: number; topP?: number }) => {
  const logits = random.normal([4, 13], { seed: 3, stddev: 2 });
  const found = (await filterLogits(logits, { temperature, topK, topP }).softmax({ axis: -1 }).array()) as number[][];
  ((await logits.array()) as number[][]).forEach((row, i) => {
    filtered(row, temperature, topK, topP).forEach((expected, k) => expect(found[i][k]).toBeCloseTo(expected, 6));
  });
});

test('large logits do not overflow, and excluded classes are never drawn', async () => {
  const logits = tensor([[3e38, -3e38, -Infinity, 2.9e38]]);
  expect(await nextToken(logits, { temperature: 1e-3, topK: 3, topP: 0.9 }).array()).toEqual([0]);
  const level = zeros([512, 4]).add(tensor([0, 1, 0.5, -1]));
  const drawn = (await nextToken(level, { temperature: 1, topK: 2, topP: undefined }).array()) as number[];
  expect([...new Set(drawn)].sort()).toEqual([1, 2]);
});

const loose = generate as unknown as (model: unknown, prompt?: unknown, options?: object) => Promise<unknown>;

test.each<[string, (model: Model) => unknown, string]>([
  ['no model', () => loose({}, [[1]]), 'generate: model is {}; pass a model of sequential() or createModel()'],
  ['no prompt', (model) => loose(model), 'generate: prompt is undefined; it must be ids [time] or [batch, time]'],
  ['an empty sequence', (model) => generate(model, [[1], []]), 'with one token or more in each sequence'],
  ['an unknown id', (model) => generate(model, [[1], [2, 11]]), 'generate: token 1 of prompt 1 is 11; the model has ids from 0 to 10'],
  [
    'an unknown stop token',
    (model) => generate(model, [1], { stopToken: 11 }),
    'generate: stopToken is 11; the model has ids from 0 to 10',
  ],
  ['topP above 1', (model) => generate(model, [1], { topP: 1.5 }), 'generate: topP is 1.5; it must be above 0 and at most 1'],
  ['a negative temperature', (model) => generate(model, [1], { temperature: -1 }), 'temperature'],
  ['no tokens to add', (model) => generate(model, [1], { maxNewTokens: 0 }), 'maxNewTokens'],
])('refuses %s', async (_, run, message) => {
  await expect(run(small())).rejects.toThrow(message);
});

test('refuses a model that gives no logits of steps', async () => {
  const pooled: Layer[] = [layers.embedding({ inputDim: 5, outputDim: 3, inputShape: [4] }), layers.flatten()];
  await expect(generate(sequential(pooled), [1])).rejects.toThrow(
    'generate: the model gives [batch,12] for ids [batch,4]; it must give logits [batch,4,classes]',
  );
});
