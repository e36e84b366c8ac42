// One layer object used more than once in a model: one set of weights, one name, one gradient that sums over the uses.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/core/errors.ts';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import { defineLayer, layers } from '../../src/nn/index.ts';
import { add, scalar, tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type Model, sequential } from '../../src/train/index.ts';
import { quiet, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(7));

const table = (model: Model): string => model.summary({ print: () => undefined });
/** y = w (w x). */
const twice = (trainable = true): Model => {
  const shared = layers.dense({ units: 1, useBias: false, kernelInitializer: () => tensor([[2]]), inputShape: [1], trainable });
  return sequential([shared, shared]);
};

describe('a layer used twice', () => {
  test('is counted and listed once', async () => {
    const shared = layers.dense({ units: 3, inputShape: [3] });
    const model = sequential([shared, layers.activation({ activation: 'relu' }), shared, layers.dense({ units: 1 })]);
    expect((await model.getWeights()).map(({ shape }) => shape)).toEqual([[3, 3], [3], [3, 1], [1]]);
    expect(Object.keys(model.parameters())).toEqual(['dense_1', 'activation_1', 'dense_2']);
    expect(model.layers.map(({ kind }) => kind)).toEqual(['dense', 'activation', 'dense']);
    expect(table(model)).toMatchInlineSnapshot(`
      "──────────────────────────────────────────────────
      Layer (type)                Output Shape   Param #
      ══════════════════════════════════════════════════
      dense_1 (dense)             [batch,3]           12
      activation_1 (activation)   [batch,3]            0
      dense_1 (dense)             [batch,3]       shared
      dense_2 (dense)             [batch,1]            4
      ══════════════════════════════════════════════════
      Total params: 16 (64 B)
      Trainable params: 16 (64 B)
      Non-trainable params: 0 (0 B)
      ──────────────────────────────────────────────────"
    `);
  });

  test('computes with the same weights, before and after setWeights', async () => {
    const model = twice();
    expect(await model.predict([[5]]).array()).toEqual([[20]]);
    await model.setWeights([tensor([[3]])]);
    expect(await model.predict([[5]]).array()).toEqual([[45]]);
  });

  test('has the gradient of both uses: d (w² x - y)² / dw = 4 w x (w² x - y)', async () => {
    const model = twice();
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.01 }), loss: 'mse' });
    const { loss } = await model.trainOnBatch([[1]], [[3]]);
    expect(loss).toBe(1);
    expect(await weightsOf(model)).toEqual([[expect.closeTo(2 - 0.01 * 8, 6)]]);
  });

  test('has one slot of the optimizer: the step of adam is the learning rate', async () => {
    const model = twice();
    model.compile({ optimizer: optimizers.adam({ learningRate: 0.125 }), loss: 'mse' });
    await model.fit([[1]], [[3]], quiet);
    expect((await weightsOf(model))[0][0]).toBeCloseTo(2 - 0.125, 5);
    await model.fit([[1]], [[3]], { epochs: 200, ...quiet });
    expect((await model.evaluate([[1]], [[3]])).loss).toBeLessThan(1e-3);
  });

  test('is frozen in both places', async () => {
    const model = twice(false);
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    await model.fit([[1]], [[3]], quiet);
    expect(await weightsOf(model)).toEqual([[2]]);
    expect(table(model)).toContain('Non-trainable params: 1 (4 B)');
  });

  test('may have another name and another first position', async () => {
    const shared = layers.dense({ units: 2, name: 'shared' });
    const model = sequential([layers.dense({ units: 2, inputShape: [4] }), shared, shared]);
    expect((await model.getWeights()).length).toBe(4);
    const other = sequential([shared, layers.dense({ units: 1, name: 'shared' })]);
    other.compile({ loss: 'mse' });
    await other.fit([[1, 2]], [1], quiet);
    expect(Object.keys(other.parameters())).toEqual(['shared', 'shared_1']);
  });

  test('hands its state from use to use', async () => {
    // Adds the number of its calls so far.
    const counter = defineLayer({
      kind: 'counter',
      options: { inputShape: [1] },
      outputShape: (shape) => shape,
      build: () => ({ state: { calls: tensor(0) } }),
      apply: ({ state: { calls } }, x) => ({ outputs: add(x, calls), state: { calls: add(calls, scalar(1)) } }),
    });
    const model = sequential([counter, counter, layers.dense({ units: 1, kernelInitializer: 'ones' }), counter]);
    expect(await model.predict([[10]]).array()).toEqual([[10 + 0 + 1 + 2]]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 1e-30 }), loss: 'mse' });
    await model.fit([[10]], [[13]], quiet);
    expect((await weightsOf(model))[0]).toEqual([3]);
  });

  test('draws no other numbers for the layers after it', async () => {
    const build = async (again: boolean): Promise<number[][]> => {
      setSeed(3);
      const shared = layers.dense({ units: 2, inputShape: [2] });
      const uses = again ? [shared, layers.reshape({ targetShape: [1, 2] }), shared, layers.flatten()] : [shared];
      return weightsOf(sequential([...uses, layers.dense({ units: 2 })]));
    };
    expect(await build(true)).toEqual(await build(false));
  });
});

describe('other input shapes', () => {
  test('a layer without weights takes any', async () => {
    const relu = layers.activation({ activation: 'relu', inputShape: [2] });
    const model = sequential([
      relu,
      layers.dense({ units: 3 }),
      relu,
      layers.reshape({ targetShape: [3, 1] }),
      relu,
      layers.flatten(),
      relu,
    ]);
    expect((await model.predict([[1, 2]])).shape).toEqual([1, 3]);
  });

  test('a layer whose weights fit both', async () => {
    const shared = layers.dense({ units: 2, inputShape: [2] });
    const model = sequential([shared, layers.reshape({ targetShape: [1, 1, 2] }), shared]);
    expect((await model.predict([[1, 2]])).shape).toEqual([1, 1, 1, 2]);
    expect((await model.getWeights()).length).toBe(2);
  });

  const message =
    'dense_1 is used twice, on inputs [batch,3] and [batch,4]; its weights are shared, but kernel [3,4], bias [4] would have to be ' +
    'kernel [4,4], bias [4]: bring both inputs to one shape, or use another layer';

  test('a layer whose weights do not fit is refused when the model is made', () => {
    const shared = layers.dense({ units: 4, inputShape: [3] });
    expect(() => sequential([shared, shared])).toThrow(ShapeError);
    expect(() => sequential([shared, shared])).toThrow(message);
  });

  test('or at its first data', async () => {
    const shared = layers.dense({ units: 4 });
    await expect(sequential([shared, shared]).predict([[1, 2, 3]])).rejects.toThrow(message);
  });
});
