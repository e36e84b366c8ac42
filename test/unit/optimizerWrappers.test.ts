// Optimizers around other optimizers, and averages of parameters, in models: frozen layers, accumulated gradients, errors.
import { beforeAll, describe, expect, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import { type Optimizer, optimizers } from '../../src/optim/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { tensor } from '../../src/ops/index.ts';
import { fromConfig } from '../../src/train/fromConfig.ts';
import { type Model, sequential } from '../../src/train/index.ts';

beforeAll(() => setDevice('cpu'));

const x = [[1, 2], [3, -1], [0, 1]]; // prettier-ignore
const y = [[1], [0], [2]];
const small = (optimizer: Optimizer): Model => {
  const dense = (name: string, units: number) => layers.dense({ units, name, kernelInitializer: 'ones', ...(name === 'a' && { inputShape: [2] }) }); // prettier-ignore
  const model = sequential([dense('a', 2), dense('b', 1)]);
  model.compile({ optimizer, loss: 'meanSquaredError' });
  return model;
};
const weights = async (model: Model): Promise<number[][]> =>
  Promise.all((await model.getWeights()).map(async (one) => Array.from(await one.data())));
const train = async (model: Model, updates: number): Promise<void> => {
  for (let i = 0; i < updates; i++) await model.trainOnBatch(x, y);
};
const { sgd, adam, lookahead, multiOptimizer, sam, swa } = optimizers;

describe('averages begin with the parameters', () => {
  test.each([
    ['emaDecay', () => sgd({ learningRate: 0.01, emaDecay: 0.99 })],
    ['asgd', () => optimizers.asgd({ learningRate: 0.01, t0: 0 })],
    ['swa', () => swa({ optimizer: sgd({ learningRate: 0.01 }) })],
    ['scheduleFreeAdamW', () => optimizers.scheduleFreeAdamW({ learningRate: 0.01 })],
  ])('%s of a layer that is trained later', async (_, make) => {
    const model = small(make());
    model.layers[0].trainable = false;
    await train(model, 20);
    const [frozen] = await weights(model);
    model.layers[0].trainable = true;
    await train(model, 1);
    await model.swapAverages();
    const [average] = await weights(model);
    // One update at a rate of 0.01: the average is near the weights, and not a share of them.
    average.forEach((value, i) => expect(Math.abs(value - frozen[i])).toBeLessThan(0.1));
  });

  test.each([
    ['emaDecay', () => sgd({ learningRate: 0.01, emaDecay: 0.9, gradientAccumulationSteps: 4 })],
    ['swa', () => swa({ optimizer: sgd({ learningRate: 0.01, gradientAccumulationSteps: 4 }) })],
  ])('%s before the first update by accumulated gradients', async (_, make) => {
    const model = small(make());
    await train(model, 2);
    const before = await weights(model);
    await model.swapAverages();
    expect(await weights(model)).toEqual(before);
    await model.swapAverages();
    await train(model, 2);
    expect(await weights(model)).not.toEqual(before);
  });
});

test('swapAverages exchanges the weights of layers that are frozen now, too', async () => {
  const model = small(sgd({ learningRate: 0.01, emaDecay: 0.9 }));
  await train(model, 5);
  const reference = small(sgd({ learningRate: 0.01, emaDecay: 0.9 }));
  await train(reference, 5);
  await reference.swapAverages();
  model.layers[0].trainable = false;
  await train(model, 1);
  const before = await weights(model);
  await model.swapAverages();
  expect((await weights(model))[0]).toEqual((await weights(reference))[0]);
  await model.swapAverages();
  expect(await weights(model)).toEqual(before);
});

test('metrics beside sam are those of the weights before the update', async () => {
  const model = small(sgd());
  model.compile({ optimizer: sam({ optimizer: sgd({ learningRate: 0.01 }), rho: 1 }), loss: 'mse', metrics: ['meanAbsoluteError'] });
  const before = await model.testOnBatch(x, y);
  expect(await model.trainOnBatch(x, y)).toEqual(before);
});

describe('wrappers', () => {
  test('swa averages the weights after each of its updates, and no accumulating call counts', async () => {
    const weightsAfter = async (calls: number): Promise<number[]> => {
      const plain = small(sgd({ learningRate: 0.01, gradientAccumulationSteps: 2 }));
      await train(plain, calls);
      return (await weights(plain))[0];
    };
    const model = small(swa({ optimizer: sgd({ learningRate: 0.01, gradientAccumulationSteps: 2 }), start: 1, every: 2 }));
    await train(model, 11);
    await model.swapAverages();
    const [after3, after5] = [await weightsAfter(6), await weightsAfter(10)];
    (await weights(model))[0].forEach((value, i) => expect(value).toBeCloseTo((after3[i] + after5[i]) / 2, 6));
  });

  test('lookahead returns half of the way, and keeps slow weights of frozen layers', async () => {
    const plain = small(sgd({ learningRate: 0.01 }));
    const model = small(lookahead({ optimizer: sgd({ learningRate: 0.01 }), syncPeriod: 2 }));
    const start = (await weights(small(sgd())))[0];
    await train(plain, 2);
    await train(model, 2);
    const fast = (await weights(plain))[0];
    (await weights(model))[0].forEach((value, i) => expect(value).toBeCloseTo((start[i] + fast[i]) / 2, 6));
    model.layers[0].trainable = false;
    const kept = (await weights(model))[0];
    await train(model, 3);
    expect((await weights(model))[0]).toEqual(kept);
  });

  test('multiOptimizer gives each parameter its optimizer, also after a change of the trained layers', async () => {
    const make = (): Model =>
      small(multiOptimizer({ optimizers: { '^a/': sgd({ learningRate: 0.05 }), 'bias$': adam() }, otherwise: adam({ learningRate: 0.2 }) })); // prettier-ignore
    const [model, first, second] = [make(), small(sgd({ learningRate: 0.05 })), small(adam({ learningRate: 0.2 }))];
    await train(model, 1);
    await train(first, 1);
    await train(second, 1);
    const [all, a, b] = [await weights(model), await weights(first), await weights(second)];
    expect(all.slice(0, 2)).toEqual(a.slice(0, 2));
    expect(all[2]).toEqual(b[2]);
    expect(model.learningRate).toBeCloseTo(0.2);
    model.layers[0].trainable = false;
    await train(model, 1);
    model.layers[0].trainable = true;
    await train(model, 1);
    expect((await weights(model))[0]).not.toEqual(all[0]);
  });

  test.each([
    ['sam', () => sam({ optimizer: sgd({ learningRate: 0.01 }) })],
    ['sam, adaptive, in lookahead', () => lookahead({ optimizer: sam({ optimizer: adam({ learningRate: 0.01 }), adaptive: true }) })],
    ['lbfgs with a line search', () => optimizers.lbfgs({ lineSearchSteps: 8 })],
    ['muon', () => optimizers.muon({ learningRate: 0.01 })],
    ['prodigy', () => optimizers.prodigy()],
  ])('%s trains a model', async (_, make) => {
    const model = small(make());
    const { history } = await model.fit(x, y, { epochs: 30, batchSize: 3, verbose: 0 });
    expect(history.loss[29]).toBeLessThan(history.loss[0] * 0.9);
  });

  test('lbfgs with a line search never raises the loss', async () => {
    const model = small(optimizers.lbfgs({ learningRate: 4, lineSearchSteps: 12 }));
    const { history } = await model.fit(x, y, { epochs: 20, batchSize: 3, verbose: 0 });
    history.loss.slice(1).forEach((loss, i) => expect(loss).toBeLessThanOrEqual(history.loss[i] + 1e-6));
  });

  test('configs hold the inner optimizers', () => {
    const made = multiOptimizer({ optimizers: { bias: lookahead({ optimizer: sgd({ learningRate: 0.5 }) }) }, otherwise: adam() });
    const data = JSON.stringify(made.config);
    expect(JSON.stringify(fromConfig<typeof made>(JSON.parse(data) as never).config)).toBe(data);
  });

  test('clear errors', () => {
    expect(() => lookahead({} as never)).toThrow('optimizers.lookahead: optimizer is missing');
    expect(() => lookahead({ optimizer: 'adam' as never })).toThrow(
      "optimizer is 'adam'; it must be an optimizer such as optimizers.adam()",
    );
    expect(() => swa({ optimizer: sgd({ emaDecay: 0.9 }) }).init([tensor([1])])).toThrow(
      "optimizers.swa: the optimizer sgd has a slot 'average' of its own; wrap another optimizer",
    );
    expect(() => sam({ optimizer: sgd() }).update([tensor([1])], sgd().init([tensor([1])]), [tensor([1])])).toThrow(
      'sam: update() needs the loss; pass { lossAndGradients: (parameters) => ({ loss, gradients }) } as the fourth argument',
    );
    expect(() => multiOptimizer({ optimizers: { '(': sgd() }, otherwise: sgd() })).toThrow('it must be a record of optimizers by regular');
    expect(() => small('lookahead' as never)).toThrow('optimizers.lookahead: optimizer is missing');
  });
});

test('adaptiveGradientClipping excludes the other kinds of clipping', () => {
  expect(() => sgd({ adaptiveGradientClipping: 0.01, clipNorm: 1 })).toThrow(
    'optimizers.sgd: clipNorm and adaptiveGradientClipping exclude each other; give one of them',
  );
});
