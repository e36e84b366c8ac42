// Custom training steps: their tools, several optimizers, reports, errors.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { grad } from '../../src/autodiff/index.ts';
import { setSeed } from '../../src/core/random.ts';
import { leavesOf } from '../../src/core/tree.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, layers } from '../../src/nn/index.ts';
import { add, div, flip, mean, mul, norm, sqrt, square, sum, tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { type LossAndGradients, type Optimizer, optimizers } from '../../src/optim/index.ts';
import { type CompileOptions, type Model, type TrainStep, createModel, sequential } from '../../src/train/index.ts';
import { circle, makeGan } from '../support/adversarial.ts';
import { points, quiet, targets, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(7));

const network = (): Model => sequential([layers.dense({ units: 4, activation: 'tanh', inputShape: [2] }), layers.dropout({ rate: 0.25 }), layers.dense({ units: 1 })]); // prettier-ignore
const trained = async (options: CompileOptions): Promise<{ weights: number[][]; history: Readonly<Record<string, readonly number[]>> }> => {
  const model = network();
  model.compile({ optimizer: optimizers.adam({ learningRate: 0.05 }), loss: 'mse', metrics: ['meanAbsoluteError'], seed: 1, ...options });
  const { history } = await model.fit(points, targets, { epochs: 3, batchSize: 4, ...quiet });
  return { weights: await weightsOf(model), history };
};
const standard: TrainStep = (step) => {
  let outputs!: Tensor;
  const { loss, gradients } = step.gradients(() => {
    outputs = step.forward(step.x);
    return step.loss(outputs);
  });
  step.update(gradients);
  return { loss, outputs };
};

test('the standard step written by hand gives the same bits', async () => {
  expect(await trained({ trainStep: standard })).toEqual(await trained({}));
});

test('mixup: two losses of one forward pass', async () => {
  const mixup: TrainStep = (step) => {
    const { x, y } = step;
    const { loss, gradients } = step.gradients(() => {
      const outputs = step.forward(add(mul(x, 0.75), mul(flip(x, 0), 0.25)), { training: false });
      return add(mul(step.loss(outputs, y), 0.75), mul(step.loss(outputs, flip(y, 0)), 0.25));
    });
    step.update(gradients);
    return { loss };
  };
  const model = sequential([layers.dense({ units: 1, useBias: false, kernelInitializer: 'ones', inputShape: [1] })]);
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.5 }), loss: 'mse', trainStep: mixup });
  const { loss } = await model.trainOnBatch([[0], [4]], [[1], [3]]);
  // Inputs are 1 and 3; losses with y are 0, and with flipped y 4, so the loss is 1.
  expect(loss).toBe(1);
  // d/dw: 0.25 * mean(2 (w - 3) 1, 2 (3 w - 1) 3) at w = 1, and 0 for the other: 0.25 * 4 = 1.
  expect(await weightsOf(model)).toEqual([[0.5]]);
});

describe('a GAN with two optimizers and a gradient penalty', () => {
  test('updates each model by its own optimizer, and reports both losses', async () => {
    const { generator, critic, both } = makeGan();
    const before = [await weightsOf(generator), await weightsOf(critic)];
    const { history } = await both.fit(circle(64), undefined, { epochs: 3, batchSize: 16, ...quiet });
    expect(Object.keys(history)).toEqual(['loss', 'generatorLoss']);
    expect(history.loss.every(Number.isFinite) && history.generatorLoss.every(Number.isFinite)).toBe(true);
    const after = [await weightsOf(generator), await weightsOf(critic)];
    // The loss does not depend on the last bias of the critic.
    const changed = after.map((weights, m) => weights.map((values, i) => values.join() !== before[m][i].join()));
    expect(changed).toEqual([[true, true, true, true], [true, true, true, false]]); // prettier-ignore
    expect(both.variables().map(({ path }) => path)).toHaveLength(8);
    both.setLearningRate(0.5, { optimizer: 'critic' });
    expect(() => both.learningRate).toThrow('learningRate: the model has several optimizers; name one of generator, critic');
  });

  test('the penalty keeps the slope of the critic near 1', async () => {
    const { critic, both } = makeGan();
    await both.fit(circle(256), undefined, { epochs: 60, batchSize: 64, ...quiet });
    const slope = grad((x: Tensor) => sum(critic.apply(x)))(circle(64));
    const steepness = (await mean(sqrt(sum(square(slope), { axis: 1 }))).data())[0];
    expect(Math.abs(steepness - 1)).toBeLessThan(0.25);
  });
});

test('a step may update twice, and reads its own updates', async () => {
  const twice: TrainStep = (step) => {
    const once = (): Tensor => {
      const { loss, gradients } = step.gradients(() => step.loss(step.forward(step.x)));
      step.update(gradients);
      return loss;
    };
    const first = once();
    return { loss: first, logs: { second: once() } };
  };
  const model = sequential([layers.dense({ units: 1, useBias: false, kernelInitializer: 'zeros', inputShape: [1] })]);
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.25 }), loss: 'mse', trainStep: twice });
  expect(await model.trainOnBatch([[1]], [[1]])).toEqual({ loss: 1, second: 0.25 });
  expect(await weightsOf(model)).toEqual([[0.75]]);
});

test('an optimizer that needs the loss gets it', async () => {
  const sgd = optimizers.sgd({ learningRate: 0.25 });
  // The gradient is taken at p + g / |g| (sharpness-aware minimization).
  const ahead: Optimizer = {
    ...sgd,
    needsLoss: true,
    update(gradients, state, parameters, options) {
      const lossAndGradients: LossAndGradients = options!.lossAndGradients!;
      const { kernel } = (gradients as Record<string, Record<string, Tensor>>).dense_1;
      const at = { dense_1: { kernel: add((parameters as unknown as Record<string, Record<string, Tensor>>).dense_1.kernel, div(kernel, norm(kernel))) } }; // prettier-ignore
      return sgd.update(lossAndGradients(at).gradients, state, parameters);
    },
  };
  const model = sequential([layers.dense({ units: 1, useBias: false, kernelInitializer: () => tensor([[3]]), inputShape: [1] })]);
  model.compile({ optimizer: ahead, loss: 'mse' });
  await model.trainOnBatch([[1]], [[1]]);
  // At w = 4 the gradient is 2 (4 - 1) = 6.
  expect(await weightsOf(model)).toEqual([[1.5]]);
});

test('frozen layers are left out of gradients', async () => {
  let seen: string[] = [];
  const model = network();
  model.layers[0].trainable = false;
  model.compile({
    loss: 'mse',
    trainStep: (step) => {
      const { loss, gradients } = step.gradients(() => step.loss(step.forward(step.x)));
      seen = leavesOf(gradients).map(({ path }) => path);
      step.update(gradients);
      return { loss };
    },
  });
  const before = await weightsOf(model);
  await model.trainOnBatch(points, targets);
  expect(seen).toEqual(['.dense_2.kernel', '.dense_2.bias']);
  expect((await weightsOf(model)).slice(0, 2)).toEqual(before.slice(0, 2));
});

describe('errors', () => {
  const outside = layers.dense({ units: 1 });
  const wrong: [string, CompileOptions, string][] = [
    ['no loss', { trainStep: (() => ({})) as never }, 'trainStep: the step must return { loss }, with a scalar tensor as loss'],
    [
      'a loss per sample',
      { trainStep: (step) => ({ loss: step.forward(step.x) }) },
      'trainStep: loss is a tensor [10,1]; it must be a scalar tensor',
    ],
    [
      'a loss per sample in gradients',
      { trainStep: (step) => step.gradients(() => step.forward(step.x)) },
      'step.gradients: the loss is a tensor [10,1]; it must be a scalar tensor',
    ],
    [
      'a layer of another model',
      { trainStep: (step) => ({ loss: mean(step.apply(outside, step.x)) }) },
      "step.apply: the layer 'dense' is not part of the model that is trained; the model contains dense_1, dropout_1, dense_2",
    ],
    [
      'no layer',
      { trainStep: (step) => ({ loss: mean(step.apply('dense_1' as never, step.x)) }) },
      'step.apply: takes a layer or a model; got string',
    ],
    [
      'an optimizer that is not there',
      { trainStep: (step) => (step.update({}, { optimizer: 'adam' }), { loss: mean(step.forward(step.x)) }) },
      "step.update: the model has no optimizer 'adam'; name one of optimizer",
    ],
    [
      'no optimizer used',
      { trainStep: (step) => ({ loss: mean(step.forward(step.x)) }) },
      "trainStep: the step never uses optimizer 'optimizer'; call step.update(gradients, { optimizer: 'optimizer' })",
    ],
    [
      'a log that is called loss',
      { trainStep: (step) => ({ ...standard(step), logs: { loss: mean(step.forward(step.x)) } }) },
      "trainStep: two values would be called 'loss' in the logs",
    ],
    ['no compiled loss', { loss: undefined, trainStep: standard }, 'the model was compiled without a loss'],
    [
      'a loss without a path to the weights',
      { trainStep: (step) => step.gradients(() => mean(step.x)) },
      "loss 'meanSquaredError' has no path to the weights",
    ],
    [
      'a value that is read',
      { trainStep: (step) => (void step.x.data(), standard(step)) },
      'trainStep: data() of Tensor(f32[10,2]) was called inside',
    ],
  ];
  test.each(wrong)('%s', async (_, options, message) => {
    const model = network();
    model.compile({ loss: 'mse', ...options });
    await expect(model.fit(points, targets, quiet)).rejects.toThrow(message);
    model.compile({ loss: 'mse' });
    expect((await model.fit(points, targets, quiet)).history.loss).toHaveLength(1);
  });

  test.each<[CompileOptions, string]>([
    [{ optimizers: { a: 'adam' }, loss: 'mse' }, 'compile: optimizers need a trainStep that updates with each of them'],
    [{ optimizer: 'adam', optimizers: { a: 'adam' }, trainStep: standard }, 'compile: give optimizer or optimizers, not both'],
    [{ optimizers: {}, trainStep: standard }, 'compile: optimizers is {}; it must be a record by name'],
    [
      { trainStep: 'standard' as never, loss: 'mse' },
      "compile: trainStep is 'standard'; it must be a function such as (step) => ({ loss })",
    ],
    [{ optimizer: 'adam' }, 'compile: loss is missing'],
  ])('compile %#', (options, message) => expect(() => network().compile(options)).toThrow(message));

  test('evaluation without a loss is refused, and with one it works', async () => {
    const x = input({ shape: [2] });
    const model = createModel({ inputs: x, outputs: layers.dense({ units: 1 }).apply(x) });
    const step: TrainStep = (tools) => {
      const { loss, gradients } = tools.gradients(() => mean(square(tools.forward(tools.x))));
      tools.update(gradients);
      return { loss };
    };
    model.compile({ trainStep: step });
    await model.fit(points, undefined, quiet);
    await expect(model.evaluate(points, targets)).rejects.toThrow('the model was compiled without a loss');
    model.compile({ trainStep: step, loss: 'mse' });
    const { history } = await model.fit(points, targets, { validationData: [points, targets], ...quiet });
    expect(Object.keys(history)).toEqual(['loss', 'val_loss']);
  });
});
