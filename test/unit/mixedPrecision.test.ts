// Mixed precision: forward and backward in f16, parameters and updates in f32, and a loss scale that follows overflows.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Dtype } from '../../src/core/dtype.ts';
import { defineLayer, input, layers } from '../../src/nn/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { mean, mul, scalar, sub, tensor, where } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type CompileOptions, type Model, createModel, sequential } from '../../src/train/index.ts';
import { chooseTree } from '../../src/train/lossScale.ts';
import { points, quiet, targets, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(7));

const mixed: Pick<CompileOptions, 'dtypePolicy'> = { dtypePolicy: 'mixedFloat16' };

describe('mixedFloat16', () => {
  test('computes in f16 inside of layers, and gives f32 outputs', async () => {
    const seen: Dtype[] = [];
    const watch = (precision: 'policy' | 'f32') =>
      defineLayer({
        kind: 'watch',
        options: {},
        precision,
        outputShape: (shape) => shape,
        apply(_, x) {
          seen.push(x.dtype);
          return x;
        },
      });
    const model = sequential([layers.dense({ units: 2, inputShape: [2] }), watch('policy'), watch('f32'), layers.dense({ units: 1 })]);
    let given: Dtype | undefined;
    const loss = (y: ReturnType<typeof tensor>, p: ReturnType<typeof tensor>): ReturnType<typeof tensor> => {
      given = p.dtype;
      return mean(mul(p.sub(y), p.sub(y)));
    };
    model.compile({ loss, optimizer: 'sgd', ...mixed });
    seen.length = 0;
    await model.trainOnBatch(points, targets);
    expect(seen.slice(-2)).toEqual(['f16', 'f32']);
    expect(given).toBe('f32');
    expect(model.variables().map(({ tensor: { dtype } }) => dtype)).toEqual(['f32', 'f32', 'f32', 'f32']);
  });

  test.each<[string, (h: Tensor) => Tensor]>([
    ['a product with a number', (h) => mul(h, 3)],
    ['a number minus it', (h) => sub(1, h)],
    ['the larger of it and a number', (h) => h.maximum(0)],
    ['a choice', (h) => where(h.greater(0.5), h, h.minimum(2))],
    ['a vector', (h) => h.add(tensor([1, 2, 3]))],
    ['a power', (h) => h.pow(3)],
  ])('ops between the layers of a graph: %s', async (_, fn) => {
    const x = input({ shape: [2] });
    const model = createModel({ inputs: x, outputs: layers.dense({ units: 1 }).apply(fn(layers.dense({ units: 3 }).apply(x))) });
    model.compile({ loss: 'mse', optimizer: 'sgd', ...mixed });
    const { loss } = await model.trainOnBatch(points, targets);
    expect(loss).toBeGreaterThan(0);
  });

  test('trains as f32 does, up to the rounding of f16', async () => {
    const train = async (options: object): Promise<{ model: Model; loss: readonly number[] }> => {
      setSeed(7);
      const model = sequential([layers.dense({ units: 8, activation: 'tanh', inputShape: [2] }), layers.batchNormalization(), layers.dense({ units: 1 })]); // prettier-ignore
      model.compile({ optimizer: optimizers.adam({ learningRate: 0.05 }), loss: 'mse', seed: 1, ...options });
      const { history } = await model.fit(points, targets, { epochs: 40, batchSize: 10, ...quiet });
      return { model, loss: history.loss };
    };
    const [full, half] = [await train({}), await train(mixed)];
    const { scale, overflows } = (await half.model.lossScale())!;
    // The first steps only find the scale.
    expect([scale, overflows]).toEqual([2 ** (15 - overflows), 3]);
    const found = half.loss.slice(overflows);
    expect(found).not.toEqual(full.loss.slice(0, found.length));
    found.forEach((loss, i) => expect(Math.abs(loss - full.loss[i])).toBeLessThan(0.01 * full.loss[0]));
    expect(found.at(-1)).toBeLessThan(0.01 * half.loss[0]);
    expect(await full.model.lossScale()).toBeUndefined();
  });

  test('keeps gradients that are too small for f16', async () => {
    // f16 holds nothing below 2^-24.
    const model = sequential([layers.dense({ units: 1, useBias: false, kernelInitializer: 'zeros', inputShape: [1] })]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 1 }), loss: (_, p) => mul(mean(p), 2 ** -26), ...mixed });
    await model.trainOnBatch([[1]], [[0]]);
    expect((await weightsOf(model))[0][0]).toBe(-(2 ** -26));
  });

  test('a step that overflows changes nothing but the scale', async () => {
    const model = sequential([layers.dense({ units: 1, useBias: false, kernelInitializer: () => tensor([[1]]), inputShape: [1] })]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 2 ** -20, momentum: 0.5 }), loss: (_, p) => mean(p), ...mixed });
    // The gradient is 4, and 4 * 2^15 is beyond f16's 65504; at 2^14 it is 65536, and at 2^13 it is 32768.
    const steps: [number, unknown][] = [];
    for (let i = 0; i < 3; i++) {
      await model.trainOnBatch([[4]], [[0]]);
      steps.push([(await weightsOf(model))[0][0], await model.lossScale()]);
    }
    expect(steps).toEqual([
      [1, { scale: 2 ** 14, overflows: 1 }],
      [1, { scale: 2 ** 13, overflows: 2 }],
      [1 - 2 ** -18, { scale: 2 ** 13, overflows: 2 }],
    ]);
    expect(model.learningRate).toBe(2 ** -20);
  });

  test('keeps each tensor of a state whose keys are in another order', async () => {
    const before = { first: tensor([1, 2]), nested: { second: tensor([3, 4]) } };
    const after = { nested: { second: tensor([30, 40]) }, first: tensor([10, 20]), added: tensor([5]) };
    for (const finite of [true, false]) {
      const { first, nested, added } = chooseTree(scalar(finite), after, before as unknown as typeof after);
      expect(await Promise.all([first, nested.second, added].map((one) => one.array()))).toEqual(
        finite ? [[10, 20], [30, 40], [5]] : [[1, 2], [3, 4], [5]], // prettier-ignore
      );
    }
  });

  test('is refused under another name', () => {
    const model = sequential([layers.dense({ units: 1, inputShape: [1] })]);
    expect(() => model.compile({ loss: 'mse', dtypePolicy: 'float16' as never })).toThrow(
      "compile: dtypePolicy is 'float16'; it must be 'float32' or 'mixedFloat16'",
    );
  });
});
