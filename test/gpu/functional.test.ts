// Models of symbolic tensors on a GPU stack: outputs, masks, state, losses and gradients are those of the CPU.
import { afterAll, describe, expect, test } from 'vitest';
import { valueAndGrad } from '../../src/autodiff/index.ts';
import { RandomStream, setSeed } from '../../src/core/random.ts';
import { leavesOf } from '../../src/core/tree.ts';
import { compile, setDevice } from '../../src/engine/index.ts';
import { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, type LayerTrees, NetworkPass, type Tensors, chain, graph, input, layers, networkOf } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { add, concat, mean, tensor } from '../../src/ops/index.ts';
import { createModel } from '../../src/train/index.ts';
import { points, quiet, targets, weightsOf } from '../support/models.ts';

afterAll(() => setDevice('cpu'));

const wave = (shape: readonly number[], speed = 1): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(speed * i)),
    [...shape],
  );
const tokens = tensor([[1, 2, 0], [3, 0, 0], [4, 4, 1], [2, 0, 0], [1, 1, 1]], [5, 3], 'i32'); // prettier-ignore

/** One step in training: everything that a layer gives, and the gradients of the mean of its outputs. */
async function stepOn(device: 'webgpu' | 'cpu', root: Layer, x: Tensors): Promise<number[][]> {
  await setDevice(device);
  const network = networkOf(root);
  const { parameters, state } = network.draft(network.inputs!, RandomStream.fromSeed(11));
  const step = compile((trees: LayerTrees, states: LayerTrees, batch: Tensors) =>
    valueAndGrad(
      (given: LayerTrees) => {
        const { outputs, state: next, mask, losses } = new NetworkPass(network, { parameters: given, state: states }).run(batch, true);
        const terms = [...leavesOf(outputs).map(({ value }) => mean((value as Tensor).square())), ...losses];
        return [
          terms.reduce((a, b) => add(a, b)),
          { outputs, next, losses, mask: mask ?? [], constrained: network.constrain(given) },
        ] as const;
      },
      { hasAux: true },
    )(trees),
  );
  const results = leavesOf(await step(parameters, state, x)).flatMap(({ value }) => (value instanceof Tensor ? [value] : []));
  return Promise.all(results.map(async (result) => Array.from(await result.data())));
}

const image = (): Tensor => input({ shape: [6], name: 'image' });
const count = (): Tensor => input({ shape: [2], name: 'count' });

/** Each makes a new root, so that no device keeps the weights of another. */
const models: Readonly<Record<string, readonly [make: () => Layer, x: Tensors]>> = {
  'a shared layer, two inputs and two outputs': [
    () => {
      const [a, b] = [image(), count()];
      const shared = layers.dense({ units: 4, activation: 'tanh', kernelRegularizer: 'l2', kernelConstraint: 'unitNorm' });
      const joined = concat([shared.apply(a), shared.apply(a.mul(2)), b], 1);
      return graph({
        inputs: { a, b },
        outputs: { y: layers.dense({ units: 3 }).apply(joined), total: joined.sub(mean(joined, { axis: 0 })) },
      });
    },
    { a: wave([5, 6]), b: wave([5, 2], 2) },
  ],
  'a nested model': [
    () => {
      const x = image();
      const inner = graph({ inputs: x, outputs: layers.dense({ units: 4, activation: 'relu', activityRegularizer: 'l1' }).apply(x) });
      const outer = chain([inner, layers.dense({ units: 6 })]);
      return graph({ inputs: x, outputs: inner.apply(outer.apply(x).add(x)) });
    },
    wave([5, 6]),
  ],
  'batch normalization': [
    () =>
      chain([
        layers.conv2d({ filters: 3, kernelSize: 2, inputShape: [4, 4, 1] }),
        layers.batchNormalization({ momentum: 0.5 }),
        layers.flatten(),
        layers.batchNormalization({ axis: 1, scale: false }),
      ]),
    wave([5, 4, 4, 1], 3),
  ],
  'an embedding with a mask': [
    () => {
      const x = input({ shape: [3], dtype: 'i32' });
      const steps = layers.embedding({ inputDim: 5, outputDim: 4, maskZero: true }).apply(x);
      const normal = layers.batchNormalization().apply(steps);
      const dense = layers.timeDistributed({ layer: layers.dense({ units: 2 }) }).apply(normal);
      return graph({ inputs: x, outputs: layers.concatenate().apply([dense, layers.dense({ units: 3 }).apply(normal)]) });
    },
    tokens,
  ],
};

describe('a step of a functional model is that of the CPU', () => {
  test.each(Object.entries(models))('%s', async (_, [make, x]) => {
    const gpu = await stepOn('webgpu', make(), x);
    const cpu = await stepOn('cpu', make(), x);
    expect(gpu.map(({ length }) => length)).toEqual(cpu.map(({ length }) => length));
    expect(cpu.length).toBeGreaterThan(4);
    for (const [i, values] of cpu.entries()) values.forEach((v, j) => expect(gpu[i][j]).toBeCloseTo(v, 4));
  });
});

test('a functional model with random ops and moving statistics trains as on the CPU', async () => {
  const train = async (device: 'webgpu' | 'cpu'): Promise<{ loss: number[]; weights: number[][] }> => {
    setSeed(7);
    const x = input({ shape: [2] });
    const shared = layers.dense({ units: 4, activation: 'tanh' });
    const a = layers.dropout({ rate: 0.25 }).apply(shared.apply(x));
    const b = layers.batchNormalization().apply(shared.apply(x.neg()));
    const model = createModel({ inputs: x, outputs: layers.dense({ units: 1 }).apply(a.add(b)) });
    model.compile({ optimizer: 'adam', loss: 'mse', device, seed: 3 });
    const { history } = await model.fit(points, targets, { epochs: 5, batchSize: 4, ...quiet });
    return { loss: [...history.loss], weights: await weightsOf(model) };
  };
  const [gpu, cpu] = [await train('webgpu'), await train('cpu')];
  for (const [i, loss] of cpu.loss.entries()) expect(gpu.loss[i]).toBeCloseTo(loss, 4);
  for (const [i, weight] of cpu.weights.entries()) weight.forEach((v, j) => expect(gpu.weights[i][j]).toBeCloseTo(v, 4));
});
