// Regularizers and constraints: their formulas, and how layers and networks use them.
import { beforeAll, describe, expect, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, chain, constraints, NetworkPass, defineLayer, layers, networkOf, regularizers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import { ones, scalar, tensor } from '../../src/ops/index.ts';

beforeAll(() => setDevice('cpu'));

const w = tensor([[3, -1], [4, 0]]); // prettier-ignore
const values = async (x: Tensor): Promise<number[]> => Array.from(await x.data());
const near = (list: readonly number[]): unknown[] => list.map((v) => expect.closeTo(v, 5) as unknown);

test.each([
  ['l1', regularizers.l1(), 0.08],
  ['l1 with a factor', regularizers.l1({ l1: 0.5 }), 4],
  ['l2', regularizers.l2(), 0.26],
  ['l2 with a factor', regularizers.l2({ l2: 2 }), 52],
  ['l1l2', regularizers.l1l2(), 0],
  ['l1l2 with factors', regularizers.l1l2({ l1: 0.5, l2: 2 }), 56],
  // Rows (3, -1) / √10 and (4, 0) / 4: 0.01 * 0.5 * 2 * 3 / √10 / 1.
  ['orthogonal', regularizers.orthogonal(), (0.01 * 3) / Math.sqrt(10)],
  // Columns (3, 4) / 5 and (-1, 0).
  ['orthogonal of columns', regularizers.orthogonal({ factor: 1, mode: 'columns' }), 0.6],
])('regularizers.%s', async (_, regularizer, expected) => {
  const penalty = regularizer(w);
  expect(penalty.shape).toEqual([]);
  expect(await values(penalty)).toEqual(near([expected]));
});

test('regularizers.orthogonal of one vector is 0', async () => {
  expect(await values(regularizers.orthogonal()(ones([1, 3])))).toEqual([0]);
});

test('regularizers.orthogonal takes matrices', () => {
  expect(() => regularizers.orthogonal()(ones([3]))).toThrow('regularizers.orthogonal: needs a matrix, got the shape [3]');
});

test.each([
  ['maxNorm', constraints.maxNorm(), [6 / 5, -1, 8 / 5, 0]],
  ['maxNorm along rows', constraints.maxNorm({ maxValue: 1, axis: 1 }), [3 / Math.sqrt(10), -1 / Math.sqrt(10), 1, 0]],
  ['minMaxNorm', constraints.minMaxNorm({ minValue: 2, maxValue: 3 }), [9 / 5, -2, 12 / 5, 0]],
  ['minMaxNorm at half the rate', constraints.minMaxNorm({ minValue: 2, maxValue: 3, rate: 0.5 }), [12 / 5, -1.5, 16 / 5, 0]],
  ['nonNeg', constraints.nonNeg(), [3, 0, 4, 0]],
  ['unitNorm', constraints.unitNorm(), [3 / 5, -1, 4 / 5, 0]],
  ['unitNorm over all', constraints.unitNorm({ axis: [0, 1] }), [3, -1, 4, 0].map((v) => v / Math.sqrt(26))],
])('constraints.%s', async (_, constraint, expected) => {
  expect(await values(constraint(w))).toEqual(near(expected));
});

test('constraints keep zeros', async () => {
  for (const make of [constraints.maxNorm, constraints.minMaxNorm, constraints.unitNorm]) {
    expect(await values(make()(tensor([[0], [0]])))).toEqual([0, 0]);
  }
});

/** Losses of a layer that was built for x. */
async function lossesOf(layer: Layer, x: Tensor): Promise<number[]> {
  layer.apply(x);
  const network = networkOf(layer);
  const { losses } = new NetworkPass(network, network.current()!).run(x, true);
  return (await Promise.all(losses.map(values))).flat();
}

describe('layers report penalties', () => {
  const options = { units: 1, kernelInitializer: 'ones', biasInitializer: 'ones' } as const;

  test('of the kernel, the bias and the outputs, which are divided by the batch size', async () => {
    const layer = layers.dense({
      ...options,
      kernelRegularizer: 'l2',
      biasRegularizer: regularizers.l1({ l1: 3 }),
      activityRegularizer: 'l1',
    });
    // Outputs are 3 for each of 4 samples.
    expect(await lossesOf(layer, ones([4, 2]))).toEqual(near([0.02, 3, 0.03]));
  });

  test('once if they are shared, and not while they are frozen', async () => {
    const layer = layers.dense({ ...options, kernelRegularizer: 'l2', activityRegularizer: 'l1' });
    expect(await lossesOf(chain([layer, layer]), ones([2, 1]))).toEqual(near([0.01, 0.02, 0.03]));
    layer.trainable = false;
    expect(await lossesOf(layer, ones([2, 1]))).toEqual(near([0.02]));
  });

  test('of conv2d, batchNormalization and embedding', async () => {
    const conv = layers.conv2d({ filters: 1, kernelSize: 2, kernelInitializer: 'ones', kernelRegularizer: 'l1' });
    expect(await lossesOf(conv, ones([1, 2, 2, 1]))).toEqual(near([0.04]));
    const norm = layers.batchNormalization({ gammaRegularizer: 'l1', betaRegularizer: 'l1', betaInitializer: 'ones' });
    expect(await lossesOf(norm, ones([1, 3]))).toEqual(near([0.03, 0.03]));
    const table = layers.embedding({ inputDim: 2, outputDim: 2, embeddingsInitializer: 'ones', embeddingsRegularizer: 'l2' });
    expect(await lossesOf(table, tensor([0], [1], 'i32'))).toEqual(near([0.04]));
  });

  test('of their own', async () => {
    const layer = defineLayer({ kind: 'own', options: {}, apply: (_, x) => ({ outputs: x, losses: [scalar(0.5), x.mean()] }) });
    expect(await lossesOf(chain([layer]), ones([2, 2]))).toEqual([0.5, 1]);
  });

  test('and refuse what is no scalar', () => {
    const layer = layers.dense({ units: 1, kernelRegularizer: (x: Tensor) => x });
    expect(() => layer.apply(ones([1, 2]))).toThrow('dense: the regularizer of kernel returned Tensor(f32[2,1]); it must return a scalar');
    expect(() => layers.dense({ units: 1, kernelRegularizer: 'l3' as never })).toThrow("did you mean 'l1'?");
    expect(() => layers.dense({ units: 1, kernelInitializer: 'heNormall' as never })).toThrow(
      /it must be one of zeros, ones, .*heUniform.*, or a function; did you mean 'heNormal'\?$/,
    );
    expect(() => layers.dense({ units: 1, kernelConstraint: 'max_norm' as never })).toThrow(
      /it must be one of maxNorm, minMaxNorm, nonNeg, unitNorm, or a function; did you mean 'maxNorm'\?$/,
    );
  });
});

describe('networks apply constraints', () => {
  test('to the parameters that have some', async () => {
    const first = layers.dense({ units: 2, kernelConstraint: 'nonNeg', kernelInitializer: () => w });
    const model = chain([first, layers.dense({ units: 1, name: 'free' })]);
    model.apply(ones([1, 2]));
    const network = networkOf(model);
    const { parameters } = network.current()!;
    const constrained = network.constrain(parameters);
    expect(await values(constrained.dense_1.kernel)).toEqual([3, 0, 4, 0]);
    expect(constrained.dense_1.bias).toBe(parameters.dense_1.bias);
    expect(constrained.free).toBe(parameters.free);
    expect(network.constrain({ free: parameters.free })).toEqual({ free: parameters.free });
  });

  test('and refuse another shape', () => {
    const layer = layers.dense({ units: 1, kernelConstraint: () => ones([3]) });
    layer.apply(ones([1, 2]));
    const network = networkOf(layer);
    expect(() => network.constrain(network.current()!.parameters)).toThrow(
      'dense: the constraint of kernel returned Tensor(f32[3]); it must return a tensor like the parameter, Tensor(f32[2,1])',
    );
  });
});
