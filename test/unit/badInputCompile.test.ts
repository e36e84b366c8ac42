// Losses, metrics and optimizers that compile or the first step refuses, and Keras's short names that they take.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ArgumentError } from '../../src/core/errors.ts';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type LossName, lossByName, losses } from '../../src/losses/index.ts';
import { argMax, cast, greater, mean, mul, round, square, stopGradient, sub, sum, tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type MetricName, metrics, resolveMetric } from '../../src/metrics/index.ts';
import { classifier, points, quiet, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(7));

const labels = new Int32Array(10);

describe('factories that were not called', () => {
  test.each(Object.keys(losses) as (keyof typeof losses)[])('losses.%s', (name) => {
    expect(() => classifier().compile({ loss: losses[name] as never })).toThrow(ArgumentError);
    expect(() => classifier().compile({ loss: losses[name] as never })).toThrow(
      `compile: losses.${name} makes a loss and was not called; write losses.${name}()`,
    );
  });

  test('metrics and optimizers', () => {
    expect(() => classifier().compile({ loss: 'mse', metrics: [metrics.f1Score as never] })).toThrow(
      'compile: metrics.f1Score makes a metric and was not called; write metrics.f1Score()',
    );
    expect(() => classifier().compile({ loss: 'mse', optimizer: optimizers.adam as never })).toThrow(
      'compile: optimizers.adam makes an optimizer and was not called; write optimizers.adam()',
    );
  });
});

describe('a loss of one’s own', () => {
  const weights = '(dense_1/kernel, dense_1/bias)';
  const cut = 'has no path to the weights';
  type OwnLoss = (targets: Tensor, predictions: Tensor) => Tensor;
  const oneHot = (t: Tensor): Tensor => cast(t, 'f32');
  test.each<[string, OwnLoss, string]>([
    ['of the targets only', (t) => mean(square(oneHot(t))), `${cut} ${weights}: its gradient is 0 for any weights; compute it from`],
    ['of a constant', () => tensor(1), cut],
    ['behind stopGradient', (_, p) => mean(stopGradient(p)), cut],
    ['of classes', (t, p) => mean(square(sub(oneHot(t), cast(argMax(p, { axis: 1 }), 'f32')))), cut],
    ['of a comparison', (_, p) => mean(cast(greater(p, 0.5), 'f32')), cut],
    ['rounded', (_, p) => mean(round(p)), cut],
    [
      'that returns a function',
      () => losses.huber as never,
      'returned a function; a loss takes (targets, predictions) and returns a tensor',
    ],
    ['that is asynchronous', (_, p) => Promise.resolve(mean(p)) as never, 'returned a promise; a loss takes'],
    ['that returns nothing', () => undefined as never, 'returned undefined; a loss takes'],
  ])('%s', async (_, own, message) => {
    const model = classifier();
    const before = await weightsOf(model);
    model.compile({ loss: own });
    const error: unknown = await model.fit(points, labels, quiet).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ArgumentError);
    expect((error as Error).message).toContain(message);
    // Nothing is half-updated, and the model trains with another loss.
    expect(await weightsOf(model)).toEqual(before);
    model.compile({ loss: (t, p) => mean(mul(sum(p, { axis: 1 }), oneHot(t))) });
    expect((await model.fit(points, labels, quiet)).epoch).toEqual([0]);
  });

  test('is called by its name', async () => {
    const model = classifier();
    model.compile({ loss: function margin(t) { return mean(oneHot(t)); } }); // prettier-ignore
    await expect(model.fit(points, labels, quiet)).rejects.toThrow("loss 'margin' has no path to the weights");
  });

  test('may be flat where the weights happen to be', async () => {
    const model = classifier();
    model.compile({ loss: (_, p) => mean(mul(p, 0)) });
    expect((await model.fit(points, labels, quiet)).history.loss).toEqual([0]);
  });
});

describe("Keras's short names", () => {
  const full = {
    ...{ mse: 'meanSquaredError', mae: 'meanAbsoluteError', mape: 'meanAbsolutePercentageError' },
    ...{ msle: 'meanSquaredLogarithmicError', bce: 'binaryCrossentropy', kld: 'klDivergence' },
  } as const;

  test.each(Object.entries(full))('%s is the loss %s', (short, name) => {
    expect(lossByName(short).name).toBe(name);
    expect(lossByName(short.toUpperCase()).name).toBe(name);
    expect(() => classifier().compile({ loss: short as LossName })).not.toThrow();
  });

  test('as metrics they keep their name in the logs', async () => {
    const model = classifier();
    const short: MetricName[] = ['acc', 'mse', 'MAE', 'mape', 'msle', 'bce'];
    expect(short.map((name) => resolveMetric(name).name)).toEqual(short);
    model.compile({ loss: 'sparseCategoricalCrossentropy', metrics: ['acc', 'accuracy'] });
    const { history } = await model.fit(points, labels, quiet);
    expect(Object.keys(history)).toEqual(['loss', 'acc', 'accuracy']);
    expect(history.acc).toEqual(history.accuracy);
  });

  test('what is no short name is unknown', () => {
    expect(() => lossByName('Mse')).toThrow("unknown loss 'Mse'");
    expect(() => lossByName('rmse')).toThrow("unknown loss 'rmse'");
    expect(() => resolveMetric('kld2')).toThrow("unknown metric 'kld2'");
    expect(() => resolveMetric('toString')).toThrow("unknown metric 'toString'");
  });
});
