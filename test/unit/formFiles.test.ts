// Configs and files of models with packed kernels, and of models with LoRA that is not merged.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../src/core/config.ts';
import { FormatError } from '../../src/core/errors.ts';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  type Layer,
  type Model,
  createModel,
  defineLayer,
  fromConfig,
  initializers,
  input,
  layers,
  loadModel,
  random,
  register,
  sequential,
  setDevice,
  setSeed,
  tensor,
} from '../../src/index.ts';
import { concat, matmul } from '../../src/ops/index.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(3));

type Bytes = Uint8Array<ArrayBuffer>;

const written = async (write: (target: (bytes: Bytes) => void) => Promise<void>): Promise<Bytes> => {
  let bytes: Bytes | undefined;
  await write((given) => void (bytes = given));
  return bytes!;
};
const saved = (model: Model): Promise<Bytes> => written((target) => model.save(target));
const weightsOf = (model: Model): Promise<Bytes> => written((target) => model.saveWeights(target));

/** Weights and outputs of a model, and the form of its layers. */
const stateOf = async (model: Model, x: Tensor): Promise<unknown> => ({
  outputs: Array.from(await (await model.predict(x)).data()),
  paths: model.variables().map(({ path, trainable }) => [path, trainable]),
  weights: await Promise.all((await model.getWeights()).map(async (tensor) => Array.from(await tensor.data()))),
  forms: model.core.network.owners.map(({ name, layer }) => [name, layer.isQuantized, layer.lora]),
});

/** A layer of the user that does not know LoRA and quantization. */
const scores = register('scores', ({ units }: { units: number }) =>
  defineLayer({
    kind: 'scores',
    options: {},
    lora: { kernel: -1 },
    quantize: { kernel: [0] },
    outputShape: ([steps]) => [steps, units],
    build: ([, features], stream) => ({ parameters: { kernel: initializers.heUniform()([features, units], stream) } }),
    apply: ({ parameters: { kernel } }, x) => matmul(x, kernel),
  }),
);

const steps = random.normal([4, 6, 10], { seed: 1 });
const ids = tensor([0, 1, 2, 3, 4, 5, 6, 7], [2, 4], 'i32');

/** Models with layers inside layers, shared ones and tied ones. */
const models: Readonly<Record<string, () => { readonly model: Model; readonly x: Tensor }>> = {
  'a chain': () => ({ model: sequential([layers.dense({ units: 7, inputShape: [6, 10] }), layers.dense({ units: 3 })]), x: steps }),
  'einsumDense and attention': () => ({
    model: sequential([
      layers.einsumDense({ equation: 'abc,cd->abd', outputShape: [null, 10], biasAxes: 'd', inputShape: [6, 10] }),
      layers.multiHeadAttention({ numHeads: 3, keyDim: 3 }),
      layers.transformerEncoder({ intermediateDim: 9, numHeads: 2 }),
    ]),
    x: steps,
  }),
  'a chain in a chain': () => ({
    model: sequential([
      layers.dense({ units: 5, inputShape: [6, 10] }),
      sequential([layers.dense({ units: 6 }), layers.batchNormalization()]),
    ]),
    x: steps,
  }),
  'layers inside layers, shared with the outside': () => {
    const inner = layers.dense({ units: 10 });
    const x = input({ shape: [6, 10] });
    const inside = layers.timeDistributed({ layer: inner }).apply(x);
    return { model: createModel({ inputs: x, outputs: concat([inside, inner.apply(inside), inner.apply(x)], -1) }), x: steps };
  },
  'a normalized dense': () => ({
    model: sequential([layers.weightNormalization({ layer: layers.dense({ units: 5 }), inputShape: [6, 10] })]),
    x: steps,
  }),
  'tied tables': () => {
    const tokens = layers.reversibleEmbedding({ inputDim: 9, outputDim: 6, inputShape: [4] });
    return { model: sequential([tokens, layers.dense({ units: 6 }), tokens.reverse]), x: ids };
  },
  'an embedding': () => ({ model: sequential([layers.embedding({ inputDim: 9, outputDim: 6, inputShape: [4] })]), x: ids }),
  'a registered layer': () => ({ model: sequential([layers.dense({ units: 6, inputShape: [6, 10] }), scores({ units: 5 })]), x: steps }),
};

describe.each(Object.entries(models))('%s', (_, make) => {
  test('packed: a file gives the same bits, and a config the same form', async () => {
    const { model, x } = make();
    await model.predict(x);
    await model.quantize('int8');
    const before = await stateOf(model, x);
    const bytes = await saved(model);
    const names = [...readSafetensors(bytes).tensors.keys()];
    expect(names.sort()).toEqual(
      model
        .variables()
        .map(({ path }) => path)
        .sort(),
    );
    expect(names.some((name) => name.endsWith('Int8'))).toBe(true);
    const loaded = await loadModel(bytes);
    expect(await stateOf(loaded, x)).toEqual(before);
    expect(loaded.config).toEqual(model.config);
    // A file of a loaded model is the same file.
    expect(await saved(loaded)).toEqual(bytes);
    const copy = fromConfig<Model>(JSON.parse(JSON.stringify(model.config)) as Config);
    await copy.predict(x);
    await copy.loadWeights(await weightsOf(model));
    expect(await stateOf(copy, x)).toEqual(before);
  });

  test('with LoRA: a file keeps A and B, and the loaded model merges to the same bits', async () => {
    const { model, x } = make();
    await model.predict(x);
    model.enableLora({ rank: 2, alpha: 3, trainOthers: false });
    model.compile({ optimizer: 'adam', loss: 'mse', seed: 2 });
    const targets = (await model.predict(x)).mul(2);
    await model.fit(x, targets, { epochs: 2, verbose: 0, seed: 1 });
    const before = await stateOf(model, x);
    const loaded = await loadModel(await saved(model));
    expect(await stateOf(loaded, x)).toEqual(before);
    for (const one of [model, loaded]) await one.fit(x, targets, { epochs: 3, initialEpoch: 2, verbose: 0, seed: 1 });
    expect(await stateOf(loaded, x)).toEqual(await stateOf(model, x));
    for (const one of [model, loaded]) one.mergeLora();
    const merged = await stateOf(model, x);
    expect(await stateOf(loaded, x)).toEqual(merged);
    expect(await stateOf(await loadModel(await saved(model)), x)).toEqual(merged);
  });
});

test('only some layers packed, after training: the file keeps the optimizer', async () => {
  const { model, x } = models['a chain']();
  model.compile({ optimizer: 'adam', loss: 'mse', metrics: ['mae'], seed: 2 });
  const y = random.normal([4, 6, 3], { seed: 5 });
  await model.fit(x, y, { epochs: 2, verbose: 0 });
  model.getLayer('dense_2').quantize('int8');
  const loaded = await loadModel(await saved(model));
  expect(loaded.core.network.owners.map(({ layer }) => layer.isQuantized)).toEqual([false, true]);
  expect(await stateOf(loaded, x)).toEqual(await stateOf(model, x));
  expect(await loaded.evaluate(x, y, { verbose: 0 })).toEqual(await model.evaluate(x, y, { verbose: 0 }));
  expect(loaded.progress).toEqual(model.progress);
  await expect(loaded.fit(x, y, { verbose: 0 })).rejects.toThrow('fit: the kernels of dense_2 are quantized, and cannot be trained');
});

test('the option quantization makes a layer as quantize() does', async () => {
  const make = (quantization?: 'int8'): Model => sequential([layers.dense({ units: 5, inputShape: [6, 10], quantization, kernelInitializer: initializers.heNormal({ seed: 1 }) })]); // prettier-ignore
  const [plain, packed] = [make(), make('int8')];
  expect(packed.layers[0].isQuantized).toBe(true);
  await plain.quantize('int8');
  expect(await stateOf(packed, steps)).toEqual(await stateOf(plain, steps));
  expect(plain.config).toEqual(packed.config);
  expect((plain.layers[0] as Layer & { readonly config: Config }).config.options).toMatchObject({ quantization: 'int8' });
  // The kernel of the outputs has as many columns as the input; checks for other inputs leave the layer as it is.
  const attention = layers.multiHeadAttention({ numHeads: 2, keyDim: 3, quantization: 'int8' });
  const before = Array.from(await attention.apply(steps).data());
  expect(() => attention.apply(random.normal([4, 6, 9], { seed: 1 }))).toThrow('its weights are shared');
  expect(Array.from(await attention.apply(steps).data())).toEqual(before);
  expect(() => layers.dense({ units: 1, quantization: 'int4' as never })).toThrow(
    "layers.dense: quantization is 'int4'; it must be 'int8'",
  );
  expect(() => layers.dense({ units: 1, quantization: 'int8', loraRank: 2 })).toThrow(
    'layers.dense: quantization and loraRank exclude each other; leave out one of them',
  );
});

describe('refused', () => {
  test('weights of the other form, with the fix; nothing changes', async () => {
    const [plain, packed] = [models['a chain']().model, models['a chain']().model];
    await packed.quantize('int8');
    const before = await stateOf(packed, steps);
    await expect(packed.loadWeights(await weightsOf(plain))).rejects.toThrow(/missing: dense_1\/kernelInt8 u32\[10,2\].*the file has kernels as floats: load it before quantize\('int8'\)/); // prettier-ignore
    await expect(plain.loadWeights(await weightsOf(packed))).rejects.toThrow("the file has kernels packed as int8: call model.quantize('int8') first");
    expect(await stateOf(packed, steps)).toEqual(before);
  }); // prettier-ignore

  test.each<[string, string, string, RegExp]>([
    ['another mode', '"quantization":"int8"', '"quantization":"int4"', /quantization is 'int4'/],
    ['packed kernels with LoRA', '"quantization":"int8"', '"quantization":"int8","loraRank":2', /exclude each other/],
    [
      'a form of a layer without kernels',
      '"kind":"scores","options":{"units":5}',
      '"kind":"layers.relu","options":{}',
      /relu has no kernel/,
    ],
    ['a rank that is none', '"quantization":"int8"', '"loraRank":-1', /rank is -1; it must be a positive integer/],
    ['floats in the place of packed kernels', ',"quantization":"int8"', '', /missing: scores_1\/kernel /],
  ])('a damaged description: %s', async (_, text, edited, message) => {
    const { model, x } = models['a registered layer']();
    await model.predict(x);
    model.getLayer('scores_1').quantize('int8');
    const { tensors, metadata } = readSafetensors(await saved(model));
    const data = metadata['ombre.model'];
    expect(data).toContain(text);
    const bytes = writeSafetensors([...tensors], { ...metadata, 'ombre.model': data.replace(text, edited) });
    await expect(loadModel(bytes)).rejects.toThrow(message);
    await expect(loadModel(bytes)).rejects.toBeInstanceOf(FormatError);
  });
});
