// Base models: outputs against PyTorch, parameter counts of the public models, files in both directions, and transfer.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import { type StoredTensor, readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { losses } from '../../src/losses/index.ts';
import { canDecode, layers } from '../../src/nn/index.ts';
import { bert, gpt2, mobileNetV2, resnet18 } from '../../src/models/index.ts';
import { type Model, createModel, generate, loadModel } from '../../src/train/index.ts';
import { baseModels, ids, parameterCounts } from '../support/baseModels.ts';
import { expectGolden, goldenModels, pattern, worst } from '../support/goldenModels.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(3));

const fileOf = (url: URL): ReadonlyMap<string, StoredTensor> => readSafetensors(new Uint8Array(readFileSync(fileURLToPath(url)))).tensors;

describe.each(Object.entries(baseModels))('%s', (name, { url, map, make, run }) => {
  test('has the outputs of PyTorch', async () => {
    const model = make();
    await model.loadWeights(url, { map });
    await expectGolden(await run(model), name as keyof typeof baseModels);
  });

  test('comes back as a whole from a file of save()', async () => {
    const model = make();
    await model.loadWeights(url, { map });
    for (const layer of model.layers) layer.trainable = false;
    let bytes = new Uint8Array();
    await model.save((written) => void (bytes = written));
    const again = await loadModel(bytes);
    expect(again.variables().map(({ path, trainable }) => [path, trainable])).toEqual(model.variables().map(({ path }) => [path, false]));
    expect(await (await run(again))[0].data()).toEqual(await (await run(model))[0].data());
  });

  test('a saved file is the file that was read', async () => {
    const model = make();
    await model.loadWeights(url, { map });
    let bytes = new Uint8Array();
    await model.saveWeights((written) => void (bytes = written), { map });
    const { tensors, metadata } = readSafetensors(bytes);
    expect(metadata).toEqual({ format: 'pt' });
    const original = [...fileOf(url)]
      .filter(([key]) => !/num_batches_tracked|position_ids|\.attn\.bias$/.test(key))
      .map(([key, { shape, data }]) => [key.replace(/^(transformer|bert)\./, ''), shape, Array.from(data as Float32Array)] as const);
    const saved = [...tensors].map(([key, { shape, data }]) => [key, shape, Array.from(data as Float32Array)] as const);
    const byName = (a: readonly [string, ...unknown[]], b: readonly [string, ...unknown[]]): number => (a[0] < b[0] ? -1 : 1);
    expect(saved.sort(byName)).toEqual(original.sort(byName));
    const again = make();
    await again.loadWeights(bytes, { map });
    expect(await (await run(again))[0].data()).toEqual(await (await run(model))[0].data());
  });
});

describe("Keras's convention of mobileNetV2", () => {
  const make = (): Model => mobileNetV2({ width: 0.1, classes: 5, inputShape: [32, 32, 3], convention: 'keras' });

  test('pads and normalizes as Keras does, by PyTorch', async () => {
    const model = make();
    await model.loadWeights(baseModels.mobileNetV2.url, { map: mobileNetV2.map });
    const [found] = await baseModels.mobileNetV2.run(model);
    expect(worst(await found.data(), goldenModels.mobileNetV2Keras[0].data)).toBeLessThan(1e-5);
  });

  test("a file has Keras's names and layouts", async () => {
    const model = make();
    let bytes = new Uint8Array();
    await model.saveWeights((written) => void (bytes = written), { map: mobileNetV2.kerasMap });
    const { tensors } = readSafetensors(bytes);
    expect(tensors.size).toBe(262);
    expect(tensors.get('Conv1/kernel')!.shape).toEqual([3, 3, 3, 8]);
    expect(tensors.get('expanded_conv_depthwise/depthwise_kernel')!.shape).toEqual([3, 3, 8, 1]);
    expect(tensors.get('block_16_project_BN/moving_variance')!.shape).toEqual([32]);
    expect(tensors.get('predictions/kernel')!.shape).toEqual([1280, 5]);
    const other = mobileNetV2({ width: 0.1, classes: 5, inputShape: [32, 32, 3], convention: 'keras' });
    await other.loadWeights(bytes, { map: mobileNetV2.kerasMap });
    const [expected, found] = await Promise.all([model, other].map((one) => one.getWeights()));
    for (const [i, weight] of expected.entries()) expect(await found[i].data()).toEqual(await weight.data());
  });
});

/** Numbers of weights that are trained. */
const trainable = (model: Model): number =>
  model.variables().reduce((sum, { tensor, trainable: isTrained }) => sum + (isTrained ? tensor.size : 0), 0);

test.each([
  ['mobileNetV2', parameterCounts.mobileNetV2, () => mobileNetV2()],
  ['mobileNetV2 of width 0.5', 1_968_680, () => mobileNetV2({ width: 0.5 })],
  ['gpt2', parameterCounts.gpt2, () => gpt2({ kernelInitializer: 'zeros' })],
  ['bert', parameterCounts.bert, () => bert({ kernelInitializer: 'zeros', inputLength: 8 })],
])('%s has %i parameters', (_, count, make) => expect(trainable(make())).toBe(count));

test('the summary has the names of the checkpoint', () => {
  const model = resnet18();
  const table = model.summary({ print: () => undefined });
  expect(table).toMatch(/layer4\.1\.conv2 \(conv2d\) +\[batch,7,7,512\] +2,359,296 +layer4\.1\.relu1/);
  expect(table).toContain('Trainable params: 11,689,512 (');
  expect(trainable(model)).toBe(parameterCounts.resnet18);
  expect(() => model.getLayer('layer5.0.conv1')).toThrow("there is no layer 'layer5.0.conv1'");
});

test('bert without types takes all tokens as type 0, and leaves out padding', async () => {
  const options = { layers: 1, heads: 2, width: 8, vocabulary: 13, window: 12, inputLength: 9, pooler: false } as const;
  const [plain, typed] = [bert(options), bert({ ...options, segments: true })];
  await typed.setWeights(await plain.getWeights());
  const tokens = ids.map((row) => row.map((id, t) => (t < 6 ? id : 0)));
  const types = ids.map((row) => row.map(() => 0));
  const found = await plain.predict(tokens).data();
  expect(await typed.predict({ ids: tokens, types }).data()).toEqual(found);
  // Padding changes nothing before it.
  const short = bert({ ...options, inputLength: 6 });
  await short.setWeights(await plain.getWeights());
  const expected = await short.predict(ids.map((row) => row.slice(0, 6))).data();
  expect(worst(found.slice(0, 48), Array.from(expected.slice(0, 48)))).toBeLessThan(1e-6);
});

test('generate() uses the cache with gpt2, and gives the tokens of passes', async () => {
  const model = gpt2({ layers: 2, heads: 2, width: 8, vocabulary: 13, window: 12 });
  await model.loadWeights(baseModels.gpt2.url, { map: gpt2.map });
  expect(canDecode(model.asLayer)).toBe(true);
  const options = { maxNewTokens: 7, temperature: 0 };
  const found = await generate(model, [[3, 1, 4, 1, 5], [8]], options);
  expect(found.shape).toEqual([2, 12]);
  expect(await found.data()).toEqual(await (await generate(model, [[3, 1, 4, 1, 5], [8]], { ...options, useCache: false })).data());
  // The first new token is the one that PyTorch's logits choose.
  const logits = goldenModels.gpt2[0].data.slice(4 * 13, 5 * 13);
  expect(((await found.array()) as number[][])[0][5]).toBe(logits.indexOf(Math.max(...logits)));
});

describe('transfer', () => {
  test('a new head trains, and the frozen body keeps its bits', async () => {
    const body = resnet18({ width: 4, inputShape: [32, 32, 3], includeTop: false });
    await body.loadWeights(baseModels.resnet18.url, { map: resnet18.map });
    body.asLayer.trainable = false;
    const head = layers.dense({ units: 3, activation: 'softmax', name: 'head' });
    const model = createModel({ inputs: body.input, outputs: head.apply(body.output as Tensor) });
    model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', seed: 1 });
    model.learningRate = 0.02;
    const x = pattern(12, 32, 32, 3);
    const y = Array.from({ length: 12 }, (_, i) => i % 3);
    const before = await body.getWeights();
    const { history } = await model.fit(x, y, { epochs: 8, batchSize: 6, verbose: 0 });
    expect(history.loss.at(-1)).toBeLessThan(0.8 * history.loss[0]);
    const after = await body.getWeights();
    for (const [i, weight] of before.entries()) expect(await after[i].data()).toEqual(await weight.data());
  });

  test('gpt2 learns a sequence, with its tied table', async () => {
    const model = gpt2({ layers: 1, heads: 2, width: 16, vocabulary: 13, window: 9, dropout: 0 });
    model.compile({ optimizer: 'adam', loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }) });
    model.learningRate = 0.01;
    const next = ids.map((row) => [...row.slice(1), row[0]]);
    const { history } = await model.fit(ids, next, { epochs: 40, verbose: 0 });
    expect(history.loss.at(-1)).toBeLessThan(0.3 * history.loss[0]);
  });
});

describe('files that do not fit', () => {
  const model = (): Model => resnet18({ width: 4, inputShape: [32, 32, 3], classes: 7 });
  const message = async (file: Uint8Array | URL, of = model()): Promise<string> => {
    const before = await of.getWeights();
    const error = await of.loadWeights(file, { map: resnet18.map }).then(() => undefined, (caught: unknown) => caught as Error); // prettier-ignore
    for (const [i, weight] of (await of.getWeights()).entries()) expect(await weight.data()).toEqual(await before[i].data());
    return error?.message ?? '';
  };

  test('lists what differs, what is missing and what is extra, and changes nothing', async () => {
    const { url } = baseModels.resnet18;
    expect(await message(url)).toContain(
      "of another type or shape: fc/kernel f32[32,7] needs [7,32], and 'fc.weight' is F16[5,32], fc/bias f32[7] needs [7], and 'fc.bias' is F16[5]; pass",
    );
    const tensors = [...fileOf(url)].filter(([name]) => name !== 'layer1.0.bn1.running_mean');
    tensors.push(['layer9.weight', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }]);
    const text = await message(writeSafetensors(tensors), resnet18({ width: 4, inputShape: [32, 32, 3], classes: 5 }));
    expect(text).toContain("missing: layer1.0.bn1/movingMean f32[4] (the file has no 'layer1.0.bn1.running_mean'); not in the model: layer9.weight F32[1]");
  }); // prettier-ignore

  test('skipMismatch keeps a new head', async () => {
    const own = model();
    own.variables();
    const head = await own.getLayer('fc').variables.value!.parameters.kernel.data();
    await own.loadWeights(baseModels.resnet18.url, { map: resnet18.map, skipMismatch: true });
    const { kernel } = own.getLayer('fc').variables.value!.parameters;
    expect(await kernel.data()).toEqual(head);
    expect(own.variables()[0].path).toBe('conv1/kernel');
    expect((await own.variables()[0].tensor.data())[0]).toBe(
      (fileOf(baseModels.resnet18.url).get('conv1.weight')!.data as Float32Array)[0],
    );
  });

  test.each([
    [() => gpt2({ heads: 5 }), 'models.gpt2: 5 heads do not divide the width 768; choose a divisor'],
    [() => gpt2({ window: 8, inputLength: 9 }), 'models.gpt2: inputLength is 9, and there are 8 positions; choose a larger window'],
    [() => bert({ heads: 5 }), 'models.bert: 5 heads do not divide the width 768'],
    [() => bert({ window: 8, inputLength: 9 }), 'models.bert: inputLength is 9, and there are 8 positions'],
    [() => bert({ classes: 2, pooler: false }), 'models.bert: classes needs the pooled features; leave out pooler: false'],
    [() => mobileNetV2({ width: 0 }), 'models.mobileNetV2: width is 0; it must be a number above 0'],
    [() => resnet18({ clases: 2 } as never), "models.resnet18: unknown option 'clases'"],
  ])('a wrong option: %#', (make, text) => expect(make).toThrow(text));
});
