// generate(): tokens against a loop of passes, filters against f64, stop tokens, and errors.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { mapTree } from '../../src/core/tree.ts';
import { evaluate, setDevice } from '../../src/engine/index.ts';
import { topological } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { nameOfInput } from '../../src/nn/symbolic.ts';
import { type Layer, StepDecoding, NetworkPass, type Tensors, canDecode, input, layers, networkOf } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import { cumSum, matmul, ones, random, softmax, tensor, zeros } from '../../src/ops/index.ts';
import { builtWeights } from '../../src/train/core.ts';
import { filterLogits, nextToken } from '../../src/train/sampling.ts';
import { type Model, createModel, generate, sequential } from '../../src/train/index.ts';
import { type WithMemory, decoders, rowsOf, withMemory } from '../support/decoders.ts';

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

test.each<keyof typeof decoders>(['learned positions', 'sines and grouped heads', 'rotary', 'alibi', 'tied'])(
  '%s: logits with a cache',
  async (name) => {
    const model = decoders[name]();
    const ids = [3, 1, 4, 1, 5, 9, 2];
    const expected = (await model.apply(tensor([ids], [1, 7], 'i32')).array()) as number[][][];
    const network = networkOf(model.asLayer);
    expect(canDecode(network.root)).toBe(true);
    const pass = new NetworkPass(network, network.current()!);
    let decoding = new StepDecoding(9);
    pass.run(tensor([ids.slice(0, 3)], [1, 3], 'i32'), false, decoding);
    for (let at = 3; at < 7; at++) {
      decoding = new StepDecoding(9, [], { caches: decoding.caches, kept: [], position: tensor([at], [1], 'i32') });
      const logits = pass.run(tensor([[ids[at]]], [1, 1], 'i32'), false, decoding).outputs as Tensor;
      const [[found]] = (await logits.array()) as number[][][];
      found.forEach((value, k) => expect(value).toBeCloseTo(expected[0][at][k], 5));
    }
  },
);

/** Tokens of a loop of passes of the whole model over padded ids, for one prompt after another. */
async function byPaddedPasses(
  model: Model,
  inputs: WithMemory['inputs'],
  prompts: readonly (readonly number[])[],
  count: number,
): Promise<number[][]> {
  const rows: number[][] = [];
  const isRecord = !Array.isArray(model.input);
  for (const [i, prompt] of prompts.entries()) {
    const row = [...prompt];
    const others = Object.fromEntries(Object.entries(inputs).map(([name, samples]) => [name, [samples[i]]]));
    for (let step = 0; step < count; step++) {
      const target = [[...row, ...new Array<number>(16 - row.length).fill(0)]];
      const names = (model.asLayer as unknown as { inputNames: string[] }).inputNames;
      const all: Record<string, unknown> = { ...others, target };
      const x = isRecord ? all : names.map((name) => all[name]);
      const found = (await model.predict(x as never).array()) as number[][][];
      const last = found[0][row.length - 1];
      row.push(last.indexOf(Math.max(...last)));
    }
    rows.push(row);
  }
  return rows;
}

describe.each(Object.entries<WithMemory>(withMemory))('a memory: %s', (_, { make, inputs }) => {
  const prompts = [[3, 0, 4, 0, 5], [9, 2], [6]];

  test('the same tokens with a cache, without, and by a loop of passes', async () => {
    const model = make();
    const options = { maxNewTokens: 8, temperature: 0, padToken: 10, inputs };
    const found = await rowsOf(generate(model, prompts, options));
    expect(await rowsOf(generate(model, prompts, { ...options, useCache: false }))).toEqual(found);
    const expected = await byPaddedPasses(model, inputs, prompts, 8);
    expect(found).toEqual(expected.map((row) => [...row, ...new Array<number>(13 - row.length).fill(10)]));
  });

  test('logits with a cache; the steps after the prompt do not read the other inputs', async () => {
    const model = make();
    builtWeights(model.core, 'test');
    const network = networkOf(model.asLayer);
    const isTarget = mapTree(model.input, (leaf) => nameOfInput((leaf as Tensor).node!) === 'target');
    expect(canDecode(network.root, isTarget as boolean)).toBe(true);
    const [samples] = Object.values(inputs);
    const other = tensor(samples, undefined, samples === inputs.image ? 'f32' : 'i32');
    const run = (ids: readonly (readonly number[])[], decoding?: StepDecoding): Tensor => {
      const given = tensor(ids, undefined, 'i32');
      const x = mapTree(isTarget, (flag) => (flag ? given : other)) as Tensors;
      return new NetworkPass(network, network.current()!).run(x, false, decoding).outputs as Tensor;
    };
    // The mask of the first model hides token 0.
    const ids = [[3, 0, 4, 1, 5, 0, 2], [9, 0, 0, 6, 7, 1, 4], [6, 2, 8, 3, 0, 3, 9]]; // prettier-ignore
    const whole = (await run(ids.map((row) => [...row, ...new Array<number>(9).fill(1)])).array()) as number[][][];
    let decoding = new StepDecoding(16, [other]);
    run(ids.map((row) => row.slice(0, 3)), decoding); // prettier-ignore
    for (let at = 3; at < 7; at++) {
      await evaluate([decoding.kept, decoding.caches]);
      const { caches, kept } = decoding;
      expect(kept.length).toBeGreaterThan(0);
      decoding = new StepDecoding(16, [other], { caches, kept, position: tensor([at, at, at], undefined, 'i32') });
      const logits = run(ids.map((row) => [row[at]]), decoding); // prettier-ignore
      expect(topological([logits]).flatMap((node) => node.inputs)).not.toContain(other);
      const found = (await logits.array()) as number[][][];
      found.forEach(([row], i) => row.forEach((value, k) => expect(value).toBeCloseTo(whole[i][at][k], 5)));
    }
  });
});

test.each<[string, boolean, () => Layer]>([
  ['an attention that reads later steps', false, () => layers.multiHeadAttention({ numHeads: 1, keyDim: 2 })],
  ['a recurrent layer', false, () => layers.gru({ units: 8, returnSequences: true })],
  ['a sum over steps', false, () => layers.layerNormalization({ axis: 1 })],
  ['ops between layers', false, () => layers.lambda({ fn: (x) => x.mul(2) })],
  ['dense', true, () => layers.dense({ units: 8 })],
])('%s can be computed step by step: %s', (_, expected, make) => {
  expect(canDecode(sequential([layers.embedding({ inputDim: 11, outputDim: 8, inputShape: [9] }), make()]).asLayer)).toBe(expected);
});

test('graphs of layers and of ops keep a cache', async () => {
  const ids = input({ shape: [12], dtype: 'i32' });
  const x = layers
    .positionEmbedding({ sequenceLength: 12, initializer: 'randomNormal' })
    .apply(layers.embedding({ inputDim: 11, outputDim: 8 }).apply(ids));
  const attended = layers.multiHeadAttention({ numHeads: 2, keyDim: 4, causal: true }).apply<Tensor>([x, x]);
  const head = layers.dense({ units: 11 });
  const model = createModel({ inputs: ids, outputs: head.apply(layers.add().apply<Tensor>([x, attended])) });
  const withOps = createModel({ inputs: ids, outputs: head.apply(x.add(attended)) });
  expect([canDecode(model.asLayer), canDecode(withOps.asLayer)]).toEqual([true, true]);
  const options = { maxNewTokens: 7, temperature: 0 };
  expect(await rowsOf(generate(model, [[1, 2], [4]], options))).toEqual(await rowsOf(generate(withOps, [[1, 2], [4]], options)));
});

test.each<[string, boolean, (x: Tensor) => Tensor]>([
  ['a product with a number', true, (x) => x.mul(3)],
  ['a softmax of features', true, (x) => softmax(x)],
  ['a product with a matrix', true, (x) => matmul(x, ones([8, 8]))],
  ['a vector for each step', true, (x) => x.add(ones([9, 1]))],
  ['features in groups', true, (x) => x.reshape([x.shape[0], 9, 2, 4]).mean({ axis: 2 }).repeat(2, 2)],
  ['a sum over steps', false, (x) => x.sub(x.mean({ axis: 1, keepDims: true }))],
  ['a sum of all steps before', false, (x) => cumSum(x, { axis: 1 })],
  ['a softmax of steps', false, (x) => softmax(x, { axis: 1 })],
  ['a product of steps', false, (x) => matmul(matmul(x, x, { transposeB: true }), x)],
  ['steps in reverse', false, (x) => x.flip(1)],
  ['earlier steps', false, (x) => x.slice([0, 0], [x.shape[0], 8]).pad([[0, 0], [1, 0], [0, 0]])], // prettier-ignore
  ['steps and features exchanged', false, (x) => x.transpose([0, 2, 1]).reshape([x.shape[0], 9, 8])],
])('%s between layers can be computed step by step: %s', async (_, expected, fn) => {
  setSeed(5);
  const ids = input({ shape: [9], dtype: 'i32' });
  const x = layers.embedding({ inputDim: 11, outputDim: 8, embeddingsInitializer: 'randomNormal' }).apply(ids);
  const model = createModel({ inputs: ids, outputs: layers.dense({ units: 11, kernelInitializer: 'randomNormal' }).apply(fn(x)) });
  expect(canDecode(model.asLayer)).toBe(expected);
  const options = { maxNewTokens: 6, temperature: 0 };
  const found = await rowsOf(generate(model, [[1, 2], [4]], options));
  expect(await rowsOf(generate(model, [[1, 2], [4]], { ...options, useCache: false }))).toEqual(found);
});

test('layers that read a memory can be computed step by step, others cannot', () => {
  const [ids, memory] = [input({ shape: [9], dtype: 'i32' }), input({ shape: [9, 8] })];
  const x = layers.embedding({ inputDim: 11, outputDim: 8 }).apply(ids);
  const decodes = (outputs: Tensor): boolean => canDecode(createModel({ inputs: [ids, memory], outputs }).asLayer, [true, false]);
  const heads = { numHeads: 2, keyDim: 4 };
  expect(decodes(layers.multiHeadAttention(heads).apply<Tensor>([x, memory]))).toBe(true);
  expect(decodes(layers.multiHeadAttention({ ...heads, causal: true }).apply<Tensor>([x, memory]))).toBe(false);
  expect(decodes(layers.multiHeadAttention({ ...heads, alibi: true }).apply<Tensor>([x, memory]))).toBe(false);
  expect(decodes(layers.multiHeadAttention(heads).apply<Tensor>([memory, x]))).toBe(false);
  expect(decodes(layers.multiHeadAttention({ ...heads, causal: true }).apply<Tensor>([x, memory, x]))).toBe(false);
  expect(decodes(layers.transformerDecoder({ intermediateDim: 8, numHeads: 2 }).apply<Tensor>([memory, x]))).toBe(false);
  expect(
    decodes(layers.transformerDecoder({ intermediateDim: 8, numHeads: 2 }).apply<Tensor>([x, layers.add().apply<Tensor>([x, memory])])),
  ).toBe(false);
  expect(decodes(layers.add().apply<Tensor>([x, memory]))).toBe(true);
  expect(decodes(layers.dot({ axes: 2 }).apply<Tensor>([x, memory]))).toBe(false);
  // An output without the tokens has no logits of steps.
  expect(decodes(layers.add().apply<Tensor>([memory, layers.repeatVector({ n: 9 }).apply(layers.globalAveragePooling1d().apply(x))]))).toBe(
    false,
  );
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

const { source } = withMemory['encoder and decoder blocks, masks'].inputs;

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

test.each<[string, object | undefined, string]>([
  [
    'no inputs',
    undefined,
    'generate: the model has the inputs source, target, and inputs gives none; give each input but the one that takes the prompt',
  ],
  ['all inputs', { source, target: source }, 'and inputs gives source, target'],
  [
    'an unknown input',
    { sourc: source },
    "generate: inputs has 'sourc', but the model's inputs are source, target; did you mean 'source'?",
  ],
  ['a list of inputs', [source], 'it must be a record of arrays by the name of the input'],
  [
    'a wrong number of samples',
    { source: [source[0]] },
    'generate: inputs.source holds 1 samples for 3 prompts; give one sample for each prompt',
  ],
  [
    'samples of another shape',
    { source: [[1], [2], [3]] },
    'generate: inputs.source has samples of shape [1], but the model takes [batch,8]',
  ],
  ['numbers that are not finite', { target: [[NaN], [1], [2]] }, 'generate: inputs.target'],
])('refuses %s for a model with a memory', async (_, inputs, message) => {
  const model = withMemory['encoder and decoder blocks, masks'].make();
  await expect(loose(model, [[1], [2], [3]], { inputs })).rejects.toThrow(message);
});

test('refuses inputs for a model that has one, and a prompt for an input of features', async () => {
  await expect(generate(small(), [1], { inputs: { source } })).rejects.toThrow(
    "generate: inputs has 'source', but the model has one input, which takes the prompt; leave it out",
  );
  const model = withMemory['an image, and ops on features and steps'].make();
  await expect(generate(model, [1], { inputs: { target: [new Array<number>(16).fill(0)] } })).rejects.toThrow(
    "generate: the model's input 'image' is [batch,4,3]; the prompt's input must be ids [batch, time]",
  );
});

test('refuses a model that gives no logits of steps', async () => {
  const pooled: Layer[] = [layers.embedding({ inputDim: 5, outputDim: 3, inputShape: [4] }), layers.flatten()];
  await expect(generate(sequential(pooled), [1])).rejects.toThrow(
    'generate: the model gives [batch,12] for ids [batch,4]; it must give logits [batch,4,classes]',
  );
});
