// Layers made of layers: a sublayer is called in the pass of the layer that contains it.
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, chain, defineLayer, input, layers, networkOf } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { add, ones, tensor } from '../../src/ops/index.ts';
import { createModel, sequential } from '../../src/train/index.ts';
import { quiet, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(4));

const values = async (x: unknown): Promise<number[]> => Array.from(await (x as Tensor).data());

/** y = gate (first(x) + second(x)), with a gate parameter and two chains that end in one shared dense layer. */
function gated(shared: Layer): Layer {
  return defineLayer({
    kind: 'gated',
    options: {},
    layers: {
      first: chain([layers.dense({ units: 3, activation: 'tanh' }), shared]),
      second: chain([layers.dropout({ rate: 0.5 }), layers.dense({ units: 3 }), shared]),
    },
    build: (shape) => ({ parameters: { gate: ones([shape[shape.length - 1]]) } }),
    apply: ({ parameters: { gate }, layers: { first, second } }, x) => add(first(x.mul(gate)), second(x)),
  });
}

test('a layer with parameters and two sublayers that share one', async () => {
  const shared = layers.dense({ units: 2 });
  const layer = gated(shared);
  expect(layer.outputShape([4])).toEqual([2]);
  const model = sequential([layer, layers.dense({ units: 1 })]);
  expect(networkOf(model.asLayer).owners.map(({ name }) => name)).toEqual([
    ...['gated_1', 'gated_1/first/dense_1', 'gated_1/first/dense_2', 'gated_1/second/dropout_1', 'gated_1/second/dense_1', 'dense_1'],
  ]);
  const x = tensor(
    Float32Array.from({ length: 20 }, (_, i) => Math.sin(i)),
    [5, 4],
  );
  const y = x.sum({ axis: 1, keepDims: true });
  model.compile({ optimizer: 'adam', loss: 'mse', seed: 1 });
  const { history } = await model.fit(x, y, { epochs: 20, ...quiet });
  expect(history.loss[19]).toBeLessThan(history.loss[0]);
  expect((await weightsOf(model)).map(({ length }) => length)).toEqual([4, 12, 3, 6, 2, 12, 3, 2, 1]);
  expect((await weightsOf(model))[0]).not.toEqual([1, 1, 1, 1]);
  const { kernel, bias } = shared.variables.value!.parameters;
  const half = (name: string, of: Tensor): Tensor => layer.sublayers[name].sublayers.dense_1.apply(of).matmul(kernel).add(bias);
  const { gate } = layer.variables.value!.parameters;
  expect(await values(layer.apply(x))).toEqual(await values(half('first', x.mul(gate)).add(half('second', x))));
});

test('errors inside name the path', () => {
  const wrong = defineLayer({
    kind: 'wrong',
    options: {},
    layers: { images: layers.conv2d({ filters: 1, kernelSize: 3 }) },
    apply: ({ layers: { images } }, x) => images(x),
  });
  expect(() => sequential([layers.dense({ units: 4, inputShape: [4] }), wrong])).toThrow(
    'wrong_1/images: takes inputs [batch, height, width, channels], got inputs of shape [batch,4]',
  );
  const flat = defineLayer({ kind: 'flat', options: { inputShape: [3] }, apply: (_, x) => x.sum() });
  expect(() => sequential([flat])).toThrow('flat_1: apply returned []; outputs must be tensors whose first axis is the batch');
  expect(() => defineLayer({ kind: 'no', options: {}, layers: { inner: 3 as never }, apply: (_, x) => x })).toThrow(
    'no: layers.inner is not a layer',
  );
});

test('timeDistributed applies one layer to each step', async () => {
  const inner = layers.dense({ units: 2 });
  const layer = layers.timeDistributed({ layer: inner });
  const x = tensor(
    Float32Array.from({ length: 12 }, (_, i) => i),
    [2, 3, 2],
  );
  const y = layer.apply(x);
  expect(y.shape).toEqual([2, 3, 2]);
  expect(await values(y)).toEqual(await values(inner.apply(x.reshape([6, 2]))));
  const symbol = input({ shape: [3, 28, 28, 1] });
  const images = layers.timeDistributed({ layer: sequential([layers.conv2d({ filters: 2, kernelSize: 3 }), layers.flatten()]) });
  expect(images.apply(symbol).toString()).toBe('Tensor(f32[batch,3,1352])');
  expect(() => layers.timeDistributed({ layer: 3 as never })).toThrow('layers.timeDistributed: layer is 3; it must be a layer or a model');
  expect(() => layer.apply(ones([2]))).toThrow('timeDistributed: takes inputs [batch, time, …]');
});

test('timeDistributed gives the mask to its layer', async () => {
  const x = tensor([1, 2, 5, 4, -7, -7, 3, 1, -7, -7, -7, -7], [2, 3, 2]);
  const movingOf = async (inner: Layer, inputs: Tensor): Promise<number[]> => {
    const model = sequential([layers.masking({ maskValue: -7, inputShape: inputs.shape.slice(1) }), layers.timeDistributed({ layer: inner })]); // prettier-ignore
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    await model.trainOnBatch(inputs, model.apply(inputs));
    return values(model.variables().find(({ path }) => path.endsWith('movingMean'))!.tensor);
  };
  // The means of the steps that count: (1 + 5 + 3) / 3 and (2 + 4 + 1) / 3.
  const [a, b] = await movingOf(layers.batchNormalization({ momentum: 0 }), x);
  expect([a, b]).toEqual([expect.closeTo(3, 5), expect.closeTo(7 / 3, 5)]);
  // Steps that are sequences are masked as a whole.
  const wide = x.reshape([2, 3, 2, 1]).broadcastTo([2, 3, 2, 2]);
  const [c] = await movingOf(layers.batchNormalization({ momentum: 0 }), wide);
  expect(c).toBeCloseTo((3 + 7 / 3) / 2, 5);
  const recurrent = sequential([layers.masking({ maskValue: -7, inputShape: [3, 2, 2] }), layers.timeDistributed({ layer: layers.lstm({ units: 2 }) })]); // prettier-ignore
  const lstm = await values(recurrent.apply(wide));
  expect(lstm.slice(4, 6)).toEqual([0, 0]);
  expect(lstm[0]).not.toBe(0);
});

test('lambda runs a function of the real batch', async () => {
  const x = input({ shape: [2] });
  const half = layers.lambda({
    fn: (t) =>
      t
        .slice([0], [Math.floor(t.shape[0] / 2)])
        .sum({ axis: 0 })
        .add(t.mul(0)),
  });
  const model = createModel({ inputs: x, outputs: half.apply(x) });
  expect(await values(model.apply(ones([5, 2])))).toEqual(new Array(10).fill(2));
  expect(await values(model.apply(ones([2, 2])))).toEqual([1, 1, 1, 1]);
});
