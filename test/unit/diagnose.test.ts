// Verdicts on real runs that were made to show each fault, and none on healthy ones.
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type FitOptions,
  type Model,
  type Tensor,
  callbacks,
  datasets,
  diagnose,
  layers,
  optimizers,
  regularizers,
  sequential,
  setDevice,
  setSeed,
} from '../../src/index.ts';

let x: Tensor;
let labels: Int32Array;
beforeAll(async () => {
  await setDevice('cpu');
  const { train } = await datasets.digits();
  x = train.x.slice([0], [400]);
  labels = Int32Array.from(await train.y.slice([0], [400]).data());
});
beforeEach(() => setSeed(1));

const mlp = (optimizer: Parameters<Model['compile']>[0]['optimizer'], more: object = {}): Model => {
  const hidden = layers.dense({ units: 32, activation: 'relu', ...more });
  const model = sequential([layers.flatten({ inputShape: [8, 8, 1] }), hidden, layers.dense({ units: 10, activation: 'softmax' })]);
  model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
};

/** Labels in an order that does not fit x. */
const shuffled = (): Int32Array => labels.map((_, i) => labels[(i * 131 + 57) % labels.length]);

/** Verdict that fit prints, and the one of the history without knowledge of the loss. */
async function verdicts(model: Model, y: Int32Array, options: FitOptions): Promise<{ printed: string[]; kind: string | undefined }> {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  try {
    const { history } = await model.fit(x, y, { batchSize: 32, validationSplit: 0.2, seed: 1, ...options });
    return { printed: warn.mock.calls.map(([line]) => String(line)), kind: diagnose(history)?.kind };
  } finally {
    warn.mockRestore();
    write.mockRestore();
  }
}

describe('fit prints one line', () => {
  test('overfitting', async () => {
    const noisy = labels.map((label, i) => (i % 3 === 0 ? Math.floor(Math.abs(Math.sin(i * 12.9898) * 43758.5453) % 10) : label));
    const { printed, kind } = await verdicts(mlp(optimizers.adam({ learningRate: 0.01 }), { units: 64 }), noisy, { epochs: 30 });
    expect(printed).toHaveLength(1);
    expect(printed[0]).toMatch(/^ombre: fit: overfitting since epoch \d+: val_loss rose from \S+ to \S+; stop there with callbacks\.earlyStopping/); // prettier-ignore
    expect(kind).toBe('overfitting');
  });

  test('labels that look shuffled', async () => {
    const { printed, kind } = await verdicts(mlp(optimizers.adam({ learningRate: 0.003 })), shuffled(), { epochs: 25 });
    expect(printed).toEqual([expect.stringMatching(/^ombre: fit: labels look shuffled: the training loss falls, and the validation loss/)]);
    expect(kind).toBe('shuffledLabels');
  });

  test('underfitting by a small learning rate', async () => {
    const { printed, kind } = await verdicts(mlp(optimizers.sgd({ learningRate: 3e-4 })), labels, { epochs: 8 });
    expect(printed).toEqual([
      expect.stringMatching(/^ombre: fit: underfitting: .* it still falls: raise the learning rate, or train longer$/),
    ]);
    expect(kind).toBe('underfitting');
  });

  test('underfitting by a model that is too small', async () => {
    // The two classes are the signs of a product.
    const points = Array.from({ length: 200 }, (_, i) => [Math.sin(i * 1.7), Math.cos(i * 2.3)]);
    const model = sequential([layers.dense({ units: 1, activation: 'sigmoid', inputShape: [2] })]);
    model.compile({ optimizer: optimizers.adam({ learningRate: 0.05 }), loss: 'binaryCrossentropy' });
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    await model.fit(points, points.map(([a, b]) => [a * b > 0 ? 1 : 0]), { epochs: 20 }); // prettier-ignore
    write.mockRestore();
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/underfitting: the loss 0\.6\d\d is close to 0\.693, .* use a larger model/)]]);
    warn.mockRestore();
  });

  test.each([
    ['adam', () => optimizers.adam({ learningRate: 1 })],
    ['sgd', () => optimizers.sgd({ learningRate: 3, momentum: 0.9 })],
  ])('a learning rate that is too high: %s', async (_, optimizer) => {
    const { printed } = await verdicts(mlp(optimizer()), labels, { epochs: 8 });
    expect(printed).toEqual([expect.stringMatching(/^ombre: fit: learning rate too high: the loss stays above 2\.30, that of a constant/)]);
  });

  test('a diverging loss', async () => {
    const model = sequential([layers.flatten({ inputShape: [8, 8, 1] }), layers.dense({ units: 1 })]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.3 }), loss: 'mse' });
    const { printed, kind } = await verdicts(model, labels, { epochs: 6 });
    expect(printed).toEqual([expect.stringMatching(/^ombre: fit: diverging since epoch \d+: the loss .*; lower the learning rate/)]);
    expect(kind).toBe('diverging');
  });
});

describe('no verdict', () => {
  test.each([
    ['adam', () => optimizers.adam({ learningRate: 0.003 }), 15],
    ['sgd', () => optimizers.sgd({ learningRate: 0.1 }), 15],
    ['a short run', () => optimizers.adam({ learningRate: 0.003 }), 5],
    ['a long run', () => optimizers.adam({ learningRate: 0.01 }), 50],
  ])('for a healthy run: %s', async (_, optimizer, epochs) => {
    expect(await verdicts(mlp(optimizer()), labels, { epochs })).toEqual({ printed: [], kind: undefined });
  });

  test('for a regression to its end', async () => {
    const points = Array.from({ length: 100 }, (_, i) => [Math.sin(i * 1.7), Math.cos(i * 2.3)]);
    const model = sequential([layers.dense({ units: 1, inputShape: [2] })]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: 'mse' });
    const { history } = await model.fit(points, points.map(([a, b]) => [a - b]), { epochs: 40, validationSplit: 0.2, verbose: 0 }); // prettier-ignore
    expect(diagnose(history)).toBeUndefined();
  });

  test('in silence, for few epochs, in the learning rate finder, with weights of classes or penalties', async () => {
    const bad = (): Model => mlp(optimizers.sgd({ learningRate: 3e-4 }));
    expect((await verdicts(bad(), labels, { epochs: 8, verbose: 0 })).printed).toEqual([]);
    expect((await verdicts(bad(), labels, { epochs: 4 })).printed).toEqual([]);
    const finder = callbacks.learningRateFinder({ steps: 80 });
    expect((await verdicts(mlp(optimizers.sgd()), labels, { epochs: 8, callbacks: finder })).printed).toEqual([]);
    // The limit of a constant prediction does not hold for these losses.
    const penalised = mlp(optimizers.sgd({ learningRate: 0.05 }), { kernelRegularizer: regularizers.l2({ l2: 0.1 }) });
    expect((await verdicts(penalised, labels, { epochs: 6 })).printed).toEqual([]);
    const weighted = { epochs: 6, classWeight: Object.fromEntries(Array.from({ length: 10 }, (_, i) => [i, 5])) };
    expect((await verdicts(mlp(optimizers.sgd({ learningRate: 0.05 })), labels, weighted)).printed).toEqual([]);
  });
});

test('since is an epoch, with validation after some epochs too', () => {
  const loss = [2, 1.5, 1.2, 1, 0.9, 0.7, 0.5, 0.4, 0.3, 0.2];
  const val_loss = [1.6, 1.2, 1.4, 1.6, 1.8];
  expect(diagnose({ loss, val_loss })).toMatchObject({ kind: 'overfitting', since: 4 });
  expect(diagnose({ loss, val_loss }, { validationEpochs: [1, 2, 5, 7, 9] })).toMatchObject({ kind: 'overfitting', since: 3 });
  expect(diagnose({ loss: [1, NaN] })).toEqual({
    kind: 'diverging',
    since: 1,
    message: 'diverging since epoch 2: the loss is NaN; lower the learning rate, scale the inputs, or clip gradients (clipNorm)',
  });
  expect(diagnose({ loss: [1, 0.5, 0.4, 2, 4, 8] })).toMatchObject({ kind: 'diverging', since: 3 });
  expect(diagnose({ loss: [3, 9, 2.5, 9, 3, 8, 2.6, 9] })).toMatchObject({ kind: 'learningRateTooHigh', since: 0 });
  expect(diagnose({ loss: [4, 3.9, 3.95, 3.9, 3.92] }, { chanceLoss: 4 })).toMatchObject({ kind: 'underfitting' });
  expect(diagnose({ loss: [4, 3.9, 3.95, 3.9, 3.92] })).toBeUndefined();
  expect(diagnose({ loss: [4, 3.9] }, { chanceLoss: 4, minEpochs: 2 })).toMatchObject({ kind: 'underfitting' });
  // Ratios of losses below 0, such as that of cosineSimilarity, show nothing.
  const cosine = { loss: [-0.5, -0.7, -0.85, -0.9, -0.95, -0.97, -0.98, -0.99], val_loss: [-0.6, -0.8, -0.9, -0.89, -0.885, -0.88, -0.88, -0.88] }; // prettier-ignore
  expect(diagnose(cosine)).toBeUndefined();
  expect(diagnose({ loss: [-10, -10.5, -4, -3, -2, NaN] })).toMatchObject({ kind: 'diverging', since: 5 });
  expect(() => diagnose({})).toThrow('diagnose: history is {}; it must have the list loss, as the history of fit has');
  expect(() => diagnose({ loss }, { chance: 1 } as never)).toThrow("diagnose: unknown option 'chance'");
});
