// Layers with random numbers or penalties, masks of pooling, products of two inputs, and errors of layers with windows and borders.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, input, layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { full, ones, tensor } from '../../src/ops/index.ts';
import { createModel, sequential } from '../../src/train/index.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(11));

const valuesOf = async (x: Tensor): Promise<number[]> => Array.from(await x.data());
const trained = async (layer: Layer, x: Tensor): Promise<number[]> => valuesOf(layer.apply(x, { training: true }));
const moments = (values: readonly number[]): { mean: number; variance: number } => {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return { mean, variance: values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length };
};

describe('noise while training', () => {
  test('gaussianNoise adds normal noise', async () => {
    const { mean, variance } = moments(await trained(layers.gaussianNoise({ stddev: 0.5 }), full([100, 100], 3)));
    expect(mean).toBeCloseTo(3, 1);
    expect(variance).toBeCloseTo(0.25, 1);
  });

  test('gaussianDropout multiplies by noise of the variance of dropout', async () => {
    const { mean, variance } = moments(await trained(layers.gaussianDropout({ rate: 0.2 }), full([100, 100], 2)));
    expect(mean).toBeCloseTo(2, 1);
    expect(variance).toBeCloseTo(4 * 0.25, 1);
  });

  test('alphaDropout keeps mean 0 and variance 1, and has one value for dropped elements', async () => {
    const x = Array.from({ length: 20000 }, (_, i) => (i % 2 ? 1 : -1));
    const values = await trained(layers.alphaDropout({ rate: 0.3 }), tensor(x, [200, 100]));
    const { mean, variance } = moments(values);
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
    const lowest = Math.min(...values);
    expect(values.filter((value) => value === lowest).length / values.length).toBeCloseTo(0.3, 1);
  });

  test.each([
    ['spatialDropout1d', [40, 5, 30]],
    ['spatialDropout2d', [40, 2, 3, 30]],
    ['spatialDropout3d', [40, 2, 1, 2, 30]],
  ] as const)('%s drops whole channels', async (name, shape) => {
    const values = await trained(layers[name]({ rate: 0.25 }), ones([...shape]));
    const [batch, channels] = [shape[0], shape[shape.length - 1]];
    const positions = values.length / batch / channels;
    let dropped = 0;
    for (let b = 0; b < batch; b++) {
      for (let c = 0; c < channels; c++) {
        const own = Array.from({ length: positions }, (_, p) => values[(b * positions + p) * channels + c]);
        expect(new Set(own).size).toBe(1);
        if (own[0] === 0) dropped++;
        else expect(own[0]).toBeCloseTo(1 / 0.75, 6);
      }
    }
    expect(dropped / (batch * channels)).toBeCloseTo(0.25, 1);
  });

  test.each([
    layers.gaussianNoise({ stddev: 1 }),
    layers.gaussianDropout({ rate: 0.5 }),
    layers.alphaDropout({ rate: 0.5 }),
    layers.spatialDropout1d({ rate: 0.5 }),
  ])('$kind passes its input on outside of training', async (layer) => {
    expect(await valuesOf(layer.apply(ones([2, 3, 4])))).toEqual(new Array(24).fill(1));
  });

  test('spatialDropout of rate 1 gives zeros, without NaN', async () => {
    expect(await trained(layers.spatialDropout1d({ rate: 1 }), ones([2, 3, 4]))).toEqual(new Array(24).fill(0));
  });
});

test('activityRegularization adds its penalty to the loss', async () => {
  const model = sequential([layers.activityRegularization({ l1: 0.5, l2: 0.25, inputShape: [2] })]);
  model.compile({ loss: 'meanSquaredError' });
  const x = [[1, -2], [3, 0]]; // prettier-ignore
  const logs = await model.evaluate(x, x);
  expect(logs.loss).toBeCloseTo((0.5 * 6 + 0.25 * 14) / 2, 5);
});

test('globalAveragePooling1d and globalMaxPooling1d do not depend on masked steps', async () => {
  const x = input({ shape: [3, 1] });
  const masked = layers.masking({ maskValue: 9 }).apply(x);
  const outputs = [layers.globalAveragePooling1d().apply(masked), layers.globalMaxPooling1d().apply(masked)];
  const model = createModel({ inputs: x, outputs });
  const [mean, max] = (await model.predict([
    [[1], [2], [9]],
    [[-4], [9], [-6]],
  ])) as unknown as Tensor[];
  expect(await valuesOf(mean)).toEqual([1.5, -5]);
  expect(await valuesOf(max)).toEqual([2, -4]);
});

describe('dot', () => {
  const product = async (
    options: Parameters<typeof layers.dot>[0],
    a: Tensor,
    b: Tensor,
  ): Promise<{ shape: readonly number[]; values: number[] }> => {
    const y = layers.dot(options).apply<Tensor>([a, b]);
    return { shape: y.shape, values: await valuesOf(y) };
  };
  const [u, v] = [tensor([[3, 4], [1, 0]]), tensor([[1, 2], [0, 5]])]; // prettier-ignore

  test('of vectors', async () => {
    expect(await product({ axes: -1 }, u, v)).toEqual({ shape: [2, 1], values: [11, 0] });
    const { values } = await product({ axes: 1, normalize: true }, u, v);
    expect(values[0]).toBeCloseTo(11 / 5 / Math.sqrt(5), 6);
  });

  test('of matrices, along an axis of each', async () => {
    const a = tensor(Array.from({ length: 6 }, (_, i) => i + 1), [1, 2, 3]); // prettier-ignore
    const b = tensor(
      Array.from({ length: 6 }, (_, i) => i),
      [1, 3, 2],
    );
    expect(await product({ axes: [2, 1] }, a, b)).toEqual({ shape: [1, 2, 2], values: [16, 22, 34, 49] });
    expect(await product({ axes: [1, 2] }, a, b)).toEqual({ shape: [1, 3, 3], values: [4, 14, 24, 5, 19, 33, 6, 24, 42] });
  });

  test('refuses other inputs', () => {
    expect(() => layers.dot({ axes: 1 }).outputShape([[2], [3]])).toThrow(
      'dot: axes 1 and 1 of inputs [batch,2] and [batch,3] have different sizes',
    );
    expect(() => layers.dot({ axes: 0 }).outputShape([[2], [2]])).toThrow('dot: axes 0 include the batch axis');
    expect(() => layers.dot({ axes: 1 }).outputShape([[2], [2], [2]])).toThrow('dot: takes two tensors');
  });
});

describe('errors name the layer, the shapes and the fix', () => {
  test.each([
    [() => layers.conv1d({ filters: 1, kernelSize: 5 }).outputShape([3, 2]), 'conv1d: a window of 5 does not fit into a sequence of 3'],
    [
      () => layers.conv3d({ filters: 1, kernelSize: 1 }).outputShape([3, 2]),
      'conv3d: takes inputs [batch, depth, height, width, channels]',
    ],
    [() => layers.conv1d({ filters: 3, kernelSize: 1, groups: 2 }), 'layers.conv1d: 3 filters do not divide into 2 groups'],
    [() => layers.conv2dTranspose({ filters: 1, kernelSize: 3, strides: 2, outputPadding: 2 }), 'layers.conv2dTranspose: outputPadding 2x2 must be less than the strides 2x2'], // prettier-ignore
    [
      () => layers.conv2dTranspose({ filters: 1, kernelSize: 3 }).build([3, 2]),
      'conv2dTranspose: takes inputs [batch, height, width, channels]',
    ],
    [
      () => layers.depthwiseConv1d({ kernelSize: 2 }).outputShape([1, 3]),
      'depthwiseConv1d: a window of 2 does not fit into a sequence of 1',
    ],
    [() => layers.averagePooling2d().outputShape([4, 4]), 'averagePooling2d: takes inputs [batch, height, width, channels]'],
    [() => layers.globalMaxPooling1d().outputShape([4]), 'globalMaxPooling1d: takes inputs [batch, steps, channels]'],
    [() => layers.adaptiveMaxPooling({ outputSize: [2, 2] }).outputShape([5, 1]), 'adaptiveMaxPooling: takes inputs with 2 axes between batch and channels'], // prettier-ignore
    [() => layers.zeroPadding1d({ padding: 3, mode: 'reflect' }).outputShape([3, 1]), "zeroPadding1d: mode 'reflect' gives a border of at most 2 from 3 elements"], // prettier-ignore
    [() => layers.zeroPadding1d({ padding: 4, mode: 'circular' }).outputShape([3, 1]), "zeroPadding1d: mode 'circular' gives a border of at most 3 from 3 elements"], // prettier-ignore
    [
      () => layers.cropping1d({ cropping: [2, 1] }).outputShape([3, 1]),
      'cropping1d: nothing is left of inputs [batch,3,1] without [[2,1]]; crop less',
    ],
    [
      () => layers.centerCrop({ height: 4, width: 1 }).outputShape([3, 3, 1]),
      'centerCrop: cannot crop 4x1 pixels out of inputs [batch,3,3,1]',
    ],
    [
      () => layers.pixelShuffle({ factor: 2 }).outputShape([3, 3, 6]),
      'pixelShuffle: 6 channels of inputs [batch,3,3,6] are no multiple of 2^2',
    ],
    [
      () => layers.einsumDense({ equation: 'ab->ac', outputShape: 2 }),
      "layers.einsumDense: equation is 'ab->ac'; it must be like 'abc,cd->abd'",
    ],
    [
      () => layers.einsumDense({ equation: 'abc,cd->abd', outputShape: 2 }),
      "layers.einsumDense: outputShape has 1 sizes, but 'abc,cd->abd' needs 2",
    ],
    [() => layers.einsumDense({ equation: 'ab,bc->ac', outputShape: 2, biasAxes: 'b' }), "layers.einsumDense: biasAxes has 'b', which the output of 'ab,bc->ac' does not have"], // prettier-ignore
    [() => layers.einsumDense({ equation: 'ab,bc->ac', outputShape: 2 }).outputShape([3, 4]), "einsumDense: inputs [batch,3,4] do not fit the equation 'ab,bc->ac': it takes 1 axes"], // prettier-ignore
    [
      () => layers.einsumDense({ equation: 'abc,cd->abd', outputShape: [5, 2] }).outputShape([3, 4]),
      "'b' is 3 in the input and 5 in outputShape",
    ],
    [() => layers.permute({ dims: [2, 1] }).outputShape([3]), 'permute: dims 2, 1 do not fit inputs of shape [batch,3]'],
    [() => layers.repeatVector({ n: 2 }).outputShape([3, 2]), 'repeatVector: takes inputs [batch, features]'],
    [() => layers.layerNormalization({ axis: 0 }).outputShape([3]), 'layerNormalization: axis 0 of inputs [batch,3] is the batch axis'],
    [
      () => layers.groupNormalization({ groups: 3 }).outputShape([2, 4]),
      'groupNormalization: 3 groups do not divide 4 channels of inputs [batch,2,4]',
    ],
    [() => layers.instanceNormalization().outputShape([4]), 'instanceNormalization: takes inputs [batch, …positions, channels]'],
    [() => layers.softmax({ axis: 0 }).outputShape([4]), 'softmax: axis 0 of inputs [batch,4] is the batch axis'],
    [() => layers.prelu({ sharedAxes: [2] }).outputShape([4]), 'prelu: sharedAxes has 2, but inputs [batch,4] have the axes 1 to 1'],
  ])('%#', (act, message) => expect(act).toThrow(message));
});
