// Layers around the kernel of another layer, and embeddings that also give logits: against PyTorch in f64, and in models.
import { beforeAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { RandomStream } from '../../src/core/random.ts';
import { leavesOf, mapTree } from '../../src/core/tree.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import {
  type Model,
  createModel,
  defineLayer,
  input,
  layers,
  losses,
  optimizers,
  random,
  scalar,
  sequential,
  setDevice,
  tensor,
} from '../../src/index.ts';
import { NetworkPass, networkOf } from '../../src/nn/index.ts';
import { TensorSpec } from '../../src/nn/spec.ts';
import { add, matmul, mul, sum } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { vectorComparison } from '../support/closeVectors.ts';
import { embeddingCases, made, startWrapper, wrapperCases, wrapperInference, wrapperStep } from '../support/wrapperCases.ts';

beforeAll(() => setDevice('cpu'));

const hostData = ({ value }: Tensor): HostArray => (value as { data: HostArray }).data;

/** Values of tensors that fn computes from others, in f64. Placeholders keep the path back to the inputs. */
function inF64<T>(given: T, fn: (held: T) => unknown): unknown {
  const feeds = new Map<Tensor, HostArray>();
  const held = mapTree(given, (leaf) => {
    const { shape, dtype } = leaf as Tensor;
    const stand = placeholder(shape, dtype, { position: feeds.size });
    feeds.set(stand, hostData(leaf as Tensor));
    return stand;
  }) as T;
  const results = fn(held);
  const tensors = leavesOf(results).map(({ value }) => value as Tensor);
  const values = interpret(tensors, { mode: 'f64', feeds });
  let i = 0;
  return mapTree(results, (leaf) => hostTensor(leaf as Tensor, Float64Array.from(values[i++])));
}

const { expectClose, worst } = vectorComparison();

describe('normalized kernels against PyTorch, in f64', () => {
  test.each(wrapperCases.map((one) => [`${one.wrapper} of ${one.layer}, ${one.iterations} iterations`, one] as const))('%s', (_, one) => {
    const running = startWrapper(one, Float64Array);
    let { variables } = running;
    one.steps.forEach(({ output, gradients: expected }, k) => {
      const found = inF64({ x: running.x, variables }, ({ x, variables: held }) => wrapperStep(running, x, held, Float64Array)) as ReturnType<typeof wrapperStep>;
      expectClose(hostData(found.output), output, `output of step ${k}`);
      const slopes: Readonly<Record<string, Tensor>> = found.gradients;
      expect(Object.keys(slopes).sort()).toEqual(Object.keys(expected).sort());
      for (const [name, values] of Object.entries(expected)) expectClose(hostData(slopes[name]), values, `gradient of ${name} in step ${k}`);
      variables = found.variables;
    });
    const state = Object.assign({}, ...Object.values(variables.state)) as Record<string, Tensor>;
    expect(Object.keys(state)).toEqual(Object.keys(one.state));
    for (const [name, values] of Object.entries(one.state)) expectClose(hostData(state[name]), values, name);
    const inference = inF64({ x: running.x, variables }, ({ x, variables: held }) => [wrapperInference(running, x, held)]) as Tensor[];
    expectClose(hostData(inference[0]), one.inference, 'inference');
    console.log(`worst error so far: ${worst().toExponential(1)}`);
  }); // prettier-ignore
});

describe('reversible embeddings against PyTorch, in f64', () => {
  test.each(embeddingCases.map((one) => [`tied ${one.tieWeights}, cap ${one.cap}`, one] as const))('%s', (_, { tieWeights, cap, output, gradients: expected }) => {
    const embedding = layers.reversibleEmbedding({ inputDim: 6, outputDim: 3, tieWeights, ...(cap !== null && { logitSoftCap: cap }) });
    const ids = input({ shape: [4], dtype: 'i32' });
    const model = createModel({ inputs: ids, outputs: embedding.reverse.apply(embedding.apply(ids).sin()) });
    const network = networkOf(model.asLayer);
    expect(network.owners.map(({ name }) => name)).toEqual(['reversibleEmbedding_1', 'reverseEmbedding_1']);
    const tables = { embeddings: made(1, [6, 3], -1, 1, Float64Array), ...(!tieWeights && { reverseEmbeddings: made(2, [3, 6], -1, 1, Float64Array) }) };
    const given = { x: made(0, [2, 4], 0, 6, Float64Array, true), tables };
    const found = inF64(given, ({ x, tables: held }) => {
      const variables = { parameters: { reversibleEmbedding_1: held as Record<string, Tensor>, reverseEmbedding_1: {} }, state: { reversibleEmbedding_1: {}, reverseEmbedding_1: {} } };
      const y = new NetworkPass(network, variables).run(x, true).outputs as Tensor;
      const names = Object.keys(held);
      const slopes = gradients(sum(mul(y, made(9, y.shape, -1, 1, Float64Array))), Object.values(held));
      return { y, slopes: Object.fromEntries(names.map((name, i) => [name, slopes[i]])) };
    }) as { y: Tensor; slopes: Record<string, Tensor> };
    expectClose(hostData(found.y), output, 'output');
    expect(Object.keys(found.slopes)).toEqual(Object.keys(expected));
    for (const [name, values] of Object.entries(expected)) expectClose(hostData(found.slopes[name]), values, name);
  }); // prettier-ignore

  test('a model with one trains, lists the table once and counts its penalty once', async () => {
    const tokens = layers.reversibleEmbedding({ inputDim: 7, outputDim: 4, maskZero: true, embeddingsRegularizer: 'l2' });
    const model = sequential([tokens, layers.dense({ units: 4 }), tokens.reverse]);
    model.compile({
      optimizer: optimizers.adam({ learningRate: 0.05 }),
      loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }),
      seed: 3,
    });
    const x = tensor([1, 2, 3, 4, 5, 6, 0, 0], [2, 4], 'i32');
    const { history } = await model.fit(x, x, { epochs: 40, verbose: 0 });
    expect(history.loss.at(-1)).toBeLessThan(history.loss[0] - 0.1);
    expect(model.variables().map(({ path }) => path)).toEqual(['reversibleEmbedding_1/embeddings', 'dense_1/kernel', 'dense_1/bias']);
    const network = networkOf(model.asLayer);
    const { losses: penalties } = new NetworkPass(network, network.current()!).run(x, false);
    const table = Array.from(await model.parameters().reversibleEmbedding_1.embeddings.data());
    expect(penalties).toHaveLength(1);
    expect(await penalties[0].item()).toBeCloseTo(
      table.reduce((total, v) => total + 0.01 * v * v, 0),
      5,
    );
  });

  test('`reverse` works first, and refuses vectors of another size', async () => {
    const tokens = layers.reversibleEmbedding({ inputDim: 5, outputDim: 3 });
    const h = random.normal([2, 3], { seed: 1 });
    const logits = tokens.reverse.apply(h);
    const vectors = tokens.apply(tensor([[0, 1, 2, 3, 4]], [1, 5], 'i32'));
    expect(await logits.array()).toEqual(await h.matmul(vectors.reshape([5, 3]), { transposeB: true }).array());
    expect(() => tokens.reverse.apply(random.normal([2, 4]))).toThrow('reverseEmbedding: takes inputs [batch, …, 3], got [batch,4]; outputDim is the size of the last axis');
  }); // prettier-ignore
});

const data = { x: random.normal([8, 3], { seed: 1 }), y: random.normal([8, 2], { seed: 2 }) };

async function trained(model: Model): Promise<number> {
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  const { history } = await model.fit(data.x, data.y, { epochs: 30, verbose: 0 });
  return history.loss[0] - history.loss.at(-1)!;
}

describe('wrappers in models', () => {
  test('weightNormalization begins as the layer itself, and trains', async () => {
    const inner = layers.dense({ units: 2, name: 'inner' });
    const expected = Array.from(await sequential([inner]).predict(data.x).data());
    const model = sequential([layers.weightNormalization({ layer: inner, inputShape: [3] })]);
    const found = await model.predict(data.x).data();
    expected.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 6));
    expect(model.variables().map(({ path }) => path)).toEqual([
      'weightNormalization_1/scale',
      'weightNormalization_1/layer/kernel',
      'weightNormalization_1/layer/bias',
    ]);
    expect(await trained(model)).toBeGreaterThan(0.02);
  });

  test('a kernel of zeros stays a kernel of zeros, with finite gradients', async () => {
    const inner = layers.dense({ units: 2, kernelInitializer: 'zeros' });
    const model = sequential([layers.weightNormalization({ layer: inner, inputShape: [3] })]);
    expect(await trained(model)).toBeGreaterThanOrEqual(0);
    for (const { tensor: found } of model.variables()) for (const value of await found.data()) expect(Number.isFinite(value)).toBe(true);
  });

  test('spectralNormalization: the largest singular value is 1; state moves in training only', async () => {
    const inner = layers.dense({ units: 2, useBias: false, kernelInitializer: 'orthogonal' });
    const model = sequential([layers.spectralNormalization({ layer: inner, inputShape: [3] })]);
    const plain = Array.from(await sequential([inner]).predict(data.x).data());
    const found = await model.predict(data.x).data();
    // An orthogonal kernel has only singular values of 1.
    plain.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
    const vectors = async (): Promise<number[][]> =>
      Promise.all(model.variables().filter(({ path }) => path.includes('vector')).map(async ({ tensor: t }) => Array.from(await t.data()))); // prettier-ignore
    const before = await vectors();
    await model.predict(data.x);
    expect(await vectors()).toEqual(before);
    expect(await trained(model)).toBeGreaterThan(0.01);
    expect(await vectors()).not.toEqual(before);
  });

  test('masks pass through the wrapper', async () => {
    const wrapped = layers.weightNormalization({ layer: layers.embedding({ inputDim: 4, outputDim: 2, maskZero: true }) });
    const inner = layers.weightNormalization({ layer: layers.dense({ units: 2 }) });
    const lstm = layers.lstm({ units: 2 });
    const [short, long] = [tensor([[1, 2]], [1, 2], 'i32'), tensor([[1, 2, 0, 0]], [1, 4], 'i32')];
    const model = (): Model => sequential([wrapped, inner, lstm]);
    expect(await model().predict(long).array()).toEqual(await model().predict(short).array());
  });

  test.each(['spectralNormalization', 'weightNormalization'] as const)('%s refuses a layer without a kernel', (name) => {
    expect(() => sequential([layers[name]({ layer: layers.layerNormalization(), inputShape: [3] })])).toThrow(
      `${name}: layer 'layerNormalization' has the parameters gamma, beta; it needs one called kernel or embeddings`,
    );
  });

  test('state of the layer is kept, and its parameters are not replaced', async () => {
    const inner = defineLayer<Tensor, Tensor, { kernel: Tensor }, { calls: Tensor }>({
      kind: 'counted',
      options: {},
      build: () => ({ parameters: { kernel: tensor([3, 0, 0, 3], [2, 2]) }, state: { calls: scalar(0) } }),
      apply: ({ parameters: { kernel }, state: { calls } }, x) => ({ outputs: matmul(x, kernel), state: { calls: add(calls, 1) } }),
    });
    const network = networkOf(layers.spectralNormalization({ layer: inner }));
    const pass = new NetworkPass(network, network.draft(new TensorSpec([2]), RandomStream.fromSeed(1)));
    const { outputs } = pass.run(tensor([1, 2], [1, 2]), true);
    const { parameters, state } = pass.variables();
    const found = Array.from(await (outputs as Tensor).data());
    [1, 2].forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
    expect(await parameters['spectralNormalization/layer'].kernel.array()).toEqual([[3, 0], [0, 3]]); // prettier-ignore
    expect(await state['spectralNormalization/layer'].calls.item()).toBe(1);
  });
});
