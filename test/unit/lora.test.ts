// LoRA: values and gradients against PyTorch in f64, life in models, optimizers and files.
import golden from '../golden/lora.json';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import { fromConfig } from '../../src/train/fromConfig.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  type Layer,
  type Model,
  type SaveWeightsOptions,
  layers,
  optimizers,
  random,
  sequential,
  setDevice,
  setSeed,
  tensor,
} from '../../src/index.ts';
import { mul, sum } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { made } from '../support/wrapperCases.ts';
import { vectorComparison } from '../support/closeVectors.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(3));

interface LoraCase {
  readonly name: keyof typeof layers;
  readonly options: object;
  readonly shape: readonly number[];
  readonly whole: boolean;
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly adapted: readonly string[];
  readonly output: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  readonly frozen: readonly (readonly number[])[];
}
const cases = golden as unknown as readonly LoraCase[];
const hostData = ({ value }: Tensor): HostArray => (value as { data: HostArray }).data;

const { expectClose, worst } = vectorComparison();

test.each(cases.map((one) => [one.name, one] as const))('%s against PyTorch, in f64', (name, one) => {
  const layer = (layers[name] as (options: object) => Layer)({ ...one.options, loraRank: 2, loraAlpha: 3 });
  const shape = one.shape.slice(1);
  const built = layer.build(shape);
  expect(Object.keys(built.state)).toEqual(one.adapted);
  const x = one.whole ? made(0, one.shape, 0, 6, Float64Array, true) : made(0, one.shape, -1, 1, Float64Array);
  // Numbers of make(): a kernel, its A and B, the next parameter.
  let k = 1;
  const values: Record<string, Tensor> = {};
  for (const [key, own] of Object.entries(one.parameters)) {
    values[key] = made(k++, own, -1, 1, Float64Array);
    if (!one.adapted.includes(key)) continue;
    for (const part of ['A', 'B']) values[`${key}Lora${part}`] = made(k++, built.parameters[`${key}Lora${part}`].shape, -1, 1, Float64Array);
  }
  const given = { input: x, ...values };
  const held = Object.fromEntries(Object.entries(given).map(([key, value], position) => [key, placeholder(value.shape, value.dtype, { position })]));
  const feeds = new Map(Object.entries(held).map(([key, stand]) => [stand, hostData(given[key as keyof typeof given])]));
  const pick = (names: readonly string[]): Record<string, Tensor> => Object.fromEntries(names.map((key) => [key, held[key]]));
  const variables = { parameters: pick(Object.keys(built.parameters)), state: pick(one.adapted) };
  const y = layer.call(variables, held.input, { training: true }).outputs as Tensor;
  const names = Object.keys(one.gradients);
  const slopes = gradients(sum(mul(y, made(9, y.shape, -1, 1, Float64Array))), names.map((key) => held[key]));
  const merged = layer.valuesOf(variables);
  const [output, ...rest] = interpret([y, ...slopes, ...one.adapted.map((key) => merged[key])], { mode: 'f64', feeds });
  expectClose(output, one.output, 'output');
  names.forEach((key, i) => expectClose(rest[i], one.gradients[key], `gradient of ${key}`));
  one.frozen.forEach((values_, i) => expectClose(rest[names.length + i], values_, `merged ${one.adapted[i]}`));
  console.log(`worst error so far: ${worst().toExponential(1)}`);
}); // prettier-ignore

const makers: Readonly<Record<string, () => Layer>> = {
  dense: () => layers.dense({ units: 4, inputShape: [5, 4] }),
  einsumDense: () => layers.einsumDense({ equation: 'abc,cd->abd', outputShape: [null, 4], inputShape: [5, 4] }),
  conv1d: () => layers.conv1d({ filters: 4, kernelSize: 2, inputShape: [5, 4] }),
  conv1dTranspose: () => layers.conv1dTranspose({ filters: 4, kernelSize: 2, inputShape: [5, 4] }),
  depthwiseConv1d: () => layers.depthwiseConv1d({ kernelSize: 2, inputShape: [5, 4] }),
  separableConv1d: () => layers.separableConv1d({ filters: 4, kernelSize: 2, inputShape: [5, 4] }),
  multiHeadAttention: () => layers.multiHeadAttention({ numHeads: 2, keyDim: 3, inputShape: [5, 4] }),
  groupQueryAttention: () => layers.groupQueryAttention({ numQueryHeads: 4, numKeyValueHeads: 2, headDim: 3, inputShape: [5, 4] }),
  transformerEncoder: () => layers.transformerEncoder({ intermediateDim: 6, numHeads: 2, inputShape: [5, 4] }),
  'a wrapped dense': () => layers.timeDistributed({ layer: layers.dense({ units: 4 }), inputShape: [5, 4] }),
  'a normalized dense': () => layers.weightNormalization({ layer: layers.dense({ units: 4 }), inputShape: [5, 4] }),
};

const x = random.normal([6, 5, 4], { seed: 1 });
const valuesOf = async (model: Model): Promise<Record<string, number[]>> =>
  Object.fromEntries(await Promise.all(model.variables().map(async ({ path, tensor: t }) => [path, Array.from(await t.data())] as const)));
const outputsOf = async (model: Model): Promise<number[]> => Array.from(await model.predict(x).data());
const close = (values: readonly number[], digits = 5): unknown[] => values.map((value) => expect.closeTo(value, digits) as unknown);

describe.each(Object.entries(makers))('%s', (_, make) => {
  test('begins as it was, trains A, B and the others only, and merges to the same outputs', async () => {
    const layer = make();
    const model = sequential([layer]);
    const before = await outputsOf(model);
    const paths = model.variables().map(({ path }) => path);
    layer.enableLora({ rank: 2, alpha: 4 });
    expect(await outputsOf(model)).toEqual(close(before));
    const start = await valuesOf(model);
    model.compile({ optimizer: optimizers.adam({ learningRate: 0.02 }), loss: 'meanSquaredError' });
    const target = random.normal([6, ...(await model.predict(x)).shape.slice(1)], { seed: 2 });
    const { history } = await model.fit(x, target, { epochs: 4, verbose: 0 });
    expect(history.loss.at(-1)).toBeLessThan(history.loss[0]);
    const end = await valuesOf(model);
    for (const { path, trainable } of model.variables()) {
      if (trainable && !/key(Bias)|keyBias/i.test(path)) expect(end[path], path).not.toEqual(start[path]);
      if (!trainable) expect(end[path], path).toEqual(start[path]);
    }
    expect(model.variables().some(({ path }) => path.endsWith('LoraA'))).toBe(true);
    const trained = await outputsOf(model);
    layer.mergeLora();
    expect(model.variables().map(({ path }) => path)).toEqual(paths);
    expect(await outputsOf(model)).toEqual(close(trained));
    // The merged kernel is trained again.
    await model.fit(x, target, { epochs: 1, verbose: 0 });
    expect(model.variables().every(({ trainable }) => trainable)).toBe(true);
  });
});

describe('the layer', () => {
  test('config keeps rank and alpha, and makes the layer again', () => {
    const layer = layers.dense({ units: 2 });
    expect(layer.config.options).not.toHaveProperty('loraRank');
    layer.enableLora({ rank: 3, alpha: 6, trainOthers: false });
    expect(layer.config.options).toMatchObject({ loraRank: 3, loraAlpha: 6, loraTrainOthers: false });
    expect(fromConfig<Layer>(layer.config).lora).toEqual({ rank: 3, alpha: 6, trainOthers: false });
    layer.mergeLora();
    expect(layer.config.options).not.toHaveProperty('loraRank');
  });

  test('trainOthers: false trains A and B only, and merges in the old order', async () => {
    const model = sequential([layers.dense({ units: 4, name: 'd', inputShape: [5, 4] })]);
    const before = model.variables().map(({ path }) => path);
    model.getLayer('d').enableLora({ rank: 1, trainOthers: false });
    expect(model.variables().flatMap(({ path, trainable }) => (trainable ? [path] : []))).toEqual(['d/kernelLoraA', 'd/kernelLoraB']);
    model.getLayer('d').mergeLora();
    expect(model.variables().map(({ path }) => path)).toEqual(before);
    expect(await outputsOf(model)).toHaveLength(120);
  });

  test('a container reaches the layers inside; errors change nothing', () => {
    const model = sequential([layers.dense({ units: 4, name: 'a', inputShape: [4] }), layers.relu(), layers.dense({ units: 2, name: 'b' })]);
    expect(() => model.getLayer('relu_1').enableLora({ rank: 1 })).toThrow('relu.enableLora: no kernel here takes LoRA; dense,');
    expect(() => model.asLayer.mergeLora()).toThrow('sequential.mergeLora: no layer here has LoRA; call enableLora({ rank }) first');
    model.getLayer('b').enableLora({ rank: 1 });
    expect(() => model.asLayer.enableLora({ rank: 1 })).toThrow("sequential.enableLora: 'b' has LoRA of rank 1; call mergeLora() first");
    expect(model.getLayer('a').lora).toBeUndefined();
    expect(() => model.getLayer('a').enableLora({ rank: 0 })).toThrow('enableLora: rank is 0; it must be a positive integer');
    expect(() => layers.dense({ units: 1, loraAlpha: 2 })).toThrow('layers.dense: loraAlpha is given without loraRank; give loraRank, such as 4, too');
  }); // prettier-ignore

  test('is refused during fit', async () => {
    const model = sequential([layers.dense({ units: 4, inputShape: [5, 4] })]);
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    const fit = model.fit(x, x, { epochs: 1, verbose: 0 });
    expect(() => model.asLayer.enableLora({ rank: 1 })).toThrow("sequential.enableLora: the layer 'dense_1' is in use by a model; await its fit or step first"); // prettier-ignore
    await fit;
    model.asLayer.enableLora({ rank: 1 });
  });
});

describe('optimizer state', () => {
  const make = (): Model => sequential([layers.dense({ units: 4, name: 'a', activation: 'tanh', inputShape: [5, 4] }), layers.dense({ units: 4, name: 'b' })]); // prettier-ignore
  const slots = (model: Model): Record<string, Record<string, Tensor>> =>
    model.core.optimizers.optimizer.state!.firstMoment as Record<string, Record<string, Tensor>>;
  const fit = (model: Model, epochs = 2): Promise<unknown> => model.fit(x, x, { epochs, verbose: 0, shuffle: false });

  test('keeps the slots of others, and makes new ones for A, B and a merged kernel', async () => {
    const model = make();
    model.compile({ optimizer: optimizers.adam({ emaDecay: 0.9 }), loss: 'mse' });
    await fit(model);
    const kept = await slots(model).a.bias.data();
    model.getLayer('a').enableLora({ rank: 2 });
    await model.trainOnBatch(x, x);
    expect(Object.keys(slots(model).a)).toEqual(['kernelLoraA', 'kernelLoraB', 'bias']);
    expect(Object.keys(slots(model).b)).toEqual(['kernel', 'bias']);
    expect(await slots(model).a.bias.data()).not.toEqual(new Float32Array(4));
    expect(kept).toHaveLength(4);
    await model.swapAverages();
    await model.swapAverages();
    model.getLayer('a').mergeLora();
    model.getLayer('a').enableLora({ rank: 2 });
    const zero = model.variables().find(({ path }) => path === 'a/kernelLoraB')!.tensor;
    expect(Math.max(...(await zero.data()))).toBe(0);
    // Averages of the matrices that are gone stay out of the new ones.
    await model.swapAverages();
    expect(
      Math.max(
        ...(await model
          .variables()
          .find(({ path }) => path === 'a/kernelLoraB')!
          .tensor.data()),
      ),
    ).toBe(0);
    await model.swapAverages();
    await fit(model, 1);
  });

  test('equals that of a model whose kernel was always frozen', async () => {
    const [plain, late] = [make(), make()];
    await late.setWeights(await plain.getWeights());
    // Both have the same A and B; in `late` they were enabled after a compile and a fit of another optimizer.
    late.compile({ optimizer: 'adam', loss: 'mse' });
    plain.asLayer.enableLora({ rank: 2 });
    late.asLayer.enableLora({ rank: 2 });
    await late.setWeights(await plain.getWeights());
    plain.compile({ optimizer: 'adam', loss: 'mse' });
    await fit(plain);
    await fit(late);
    expect(await valuesOf(late)).toEqual(await valuesOf(plain));
  });

  test('new matrices of the old names begin without momentum', async () => {
    const model = make();
    model.compile({ optimizer: optimizers.sgd({ momentum: 0.9 }), loss: 'mse' });
    model.asLayer.enableLora({ rank: 2 });
    await fit(model, 5);
    model.asLayer.mergeLora();
    model.asLayer.enableLora({ rank: 2 });
    const fresh = make();
    fresh.compile({ optimizer: optimizers.sgd({ momentum: 0.9 }), loss: 'mse' });
    fresh.asLayer.enableLora({ rank: 2 });
    await fresh.setWeights(await model.getWeights());
    await model.trainOnBatch(x, x);
    await fresh.trainOnBatch(x, x);
    const [found, expected] = [await valuesOf(model), await valuesOf(fresh)];
    // Biases have kept their momentum in `model`.
    for (const name of ['a/kernelLoraA', 'a/kernelLoraB', 'b/kernelLoraB']) expect(found[name]).toEqual(expected[name]);
    expect(found['b/bias']).not.toEqual(expected['b/bias']);
  });

  test('another alpha is used at once, though all shapes are the same', async () => {
    const model = make();
    model.asLayer.enableLora({ rank: 1, alpha: 1 });
    await outputsOf(model);
    model.asLayer.mergeLora();
    model.asLayer.enableLora({ rank: 1, alpha: 50 });
    await model.setWeights((await model.getWeights()).map((one) => random.normal(one.shape, { seed: one.size })));
    expect(await outputsOf(model)).toEqual(close(Array.from(await model.apply(x).data())));
  });

  test('a snapshot of another form is refused', async () => {
    const model = make();
    const restore = await model.snapshot();
    model.asLayer.enableLora({ rank: 1 });
    await expect(restore()).rejects.toThrow('snapshot: the form of the weights was changed by enableLora, mergeLora or quantize');
  });

  test('embeddings train with LoRA, tied ones in both directions', async () => {
    const tokens = layers.reversibleEmbedding({ inputDim: 7, outputDim: 4 });
    const model = sequential([tokens, layers.dense({ units: 4 }), tokens.reverse]);
    const ids = tensor([1, 2, 3, 4, 5, 6, 0, 0], [2, 4], 'i32');
    await model.predict(ids);
    tokens.enableLora({ rank: 2 });
    model.compile({ optimizer: optimizers.adam({ learningRate: 0.05 }), loss: 'mse' });
    const target = random.normal([2, 4, 7], { seed: 3 });
    const { history } = await model.fit(ids, target, { epochs: 20, verbose: 0 });
    expect(history.loss.at(-1)).toBeLessThan(history.loss[0]);
    const before = Array.from(await model.predict(ids).data());
    tokens.mergeLora();
    expect(Array.from(await model.predict(ids).data())).toEqual(close(before));
  });
});

describe('files of adapters', () => {
  const make = (): Model => sequential([layers.dense({ units: 4, name: 'a', inputShape: [5, 4] }), layers.transformerEncoder({ intermediateDim: 6, numHeads: 2, name: 'b' })]); // prettier-ignore
  const saved = async (model: Model, options?: SaveWeightsOptions): Promise<Uint8Array<ArrayBuffer>> => {
    let bytes: Uint8Array<ArrayBuffer> | undefined;
    await model.saveWeights((written) => void (bytes = written), options);
    return bytes!;
  };

  test('hold A and B only, and give a base model the outputs of the trained one', async () => {
    const [base, tuned] = [make(), make()];
    await tuned.setWeights(await base.getWeights());
    tuned.enableLora({ rank: 2, alpha: 3, trainOthers: false });
    tuned.compile({ optimizer: optimizers.adam({ learningRate: 0.05 }), loss: 'mse' });
    await tuned.fit(x, x, { epochs: 3, verbose: 0 });
    const bytes = await saved(tuned, { only: 'lora' });
    const { tensors, metadata } = readSafetensors(bytes);
    expect([...tensors.keys()].sort()).toEqual(tuned.variables().flatMap(({ path, trainable }) => (trainable ? [path] : [])).sort()); // prettier-ignore
    expect(Object.keys(metadata)).toEqual(['ombreLora']);
    await expect(base.loadWeights(bytes)).rejects.toThrow(
      'no LoRA is enabled for a, b; call enableLora({ rank, alpha }) on these layers first',
    );
    base.enableLora({ rank: 2, alpha: 3 });
    await base.loadWeights(bytes);
    expect(await outputsOf(base)).toEqual(await outputsOf(tuned));
    base.mergeLora();
    expect(base.variables().some(({ path }) => path.includes('Lora'))).toBe(false);
    expect(await outputsOf(base)).toEqual(close(await outputsOf(tuned)));
    // A file of all weights has A and B, too.
    const other = make();
    other.enableLora({ rank: 2, alpha: 3 });
    await other.setWeights(await other.getWeights());
    const kernel = await other
      .variables()
      .find(({ path }) => path === 'a/kernel')!
      .tensor.array();
    await other.loadWeights(await saved(tuned), { only: 'lora' });
    expect(
      await other
        .variables()
        .find(({ path }) => path === 'a/kernel')!
        .tensor.array(),
    ).toEqual(kernel);
    const [found, expected] = [await valuesOf(other), await valuesOf(tuned)];
    expect(found['b/hiddenKernelLoraB']).toEqual(expected['b/hiddenKernelLoraB']);
  });

  test('that do not fit are refused, with a list', async () => {
    const [model, tuned] = [make(), make()];
    tuned.getLayer('a').enableLora({ rank: 2 });
    const bytes = await saved(tuned, { only: 'lora' });
    await expect(saved(model, { only: 'lora' })).rejects.toThrow("saveWeights: only is 'lora', and no layer has LoRA; call model.enableLora({ rank }) first");
    await expect(saved(model, { only: 'bias' as never })).rejects.toThrow("saveWeights: only is 'bias'; it must be 'lora'");
    await expect(model.loadWeights(await saved(tuned), { only: 'lora' })).rejects.toThrow('is read for LoRA, and no layer of the model has it');
    model.enableLora({ rank: 2 });
    const before = await valuesOf(model);
    await expect(model.loadWeights(bytes)).rejects.toThrow(/missing: b\/attentionQueryKernelLoraA f32\[4,2\], .*skipMismatch: true/);
    await model.loadWeights(bytes, { skipMismatch: true });
    expect(await valuesOf(model)).not.toEqual(before);
    const another = make();
    another.enableLora({ rank: 2, alpha: 8 });
    await expect(another.loadWeights(bytes)).rejects.toThrow("'a' has rank 2 and alpha 2 in the file, and rank 2 and alpha 8 here; enable LoRA with those of the file");
  }); // prettier-ignore

  test('training with LoRA resumes from a file with the same bits', async () => {
    const start = async (): Promise<Model> => {
      const model = make();
      model.compile({ optimizer: 'adam', loss: 'mse', seed: 4 });
      await model.fit(x, x, { epochs: 1, verbose: 0, seed: 5 });
      return model;
    };
    const weights = await (await start()).getWeights();
    const resume = async (model: Model, from: number, to: number): Promise<unknown> => model.fit(x, x, { initialEpoch: from, epochs: to, verbose: 0, seed: 5, batchSize: 4 });
    const whole = await start();
    await whole.setWeights(weights);
    whole.enableLora({ rank: 2 });
    // Saved between a change of form and the next step: new slots are stored.
    const early = await saved(whole);
    const second = make();
    second.enableLora({ rank: 2 });
    second.compile({ optimizer: 'adam', loss: 'mse' });
    await second.loadWeights(early);
    await resume(whole, 0, 2);
    await resume(second, 0, 1);
    const bytes = await saved(second);
    const third = make();
    third.enableLora({ rank: 2 });
    third.compile({ optimizer: 'adam', loss: 'mse' });
    await third.loadWeights(bytes);
    await resume(third, 1, 2);
    expect(await valuesOf(third)).toEqual(await valuesOf(whole));
  }); // prettier-ignore
});
