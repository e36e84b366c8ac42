// Data and options that model.fit and its siblings refuse, before anything runs; the model trains afterwards.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ArgumentError, DataError, DtypeError, type OmbreError, ShapeError } from '../../src/core/errors.ts';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import { losses } from '../../src/losses/index.ts';
import { layers } from '../../src/nn/index.ts';
import { tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { type Model, callbacks, data, sequential } from '../../src/train/index.ts';
import { classifier, points, quiet, targets, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(7));

describe('bad input is refused before anything runs', () => {
  const nan = { data: Float32Array.from({ length: 20 }, (_, i) => (i === 13 ? NaN : i)), shape: [10, 2] };
  const ten = new Int32Array(10);
  type Case = [what: string, fit: (model: Model) => Promise<unknown>, type: typeof OmbreError, message: string];
  test.each<Case>([
    [
      'rows of another shape',
      (m) => m.fit({ data: new Float32Array(30), shape: [10, 3] }, ten, quiet),
      ShapeError,
      'fit: x has samples of shape [3], but dense_1 takes [2] ([batch,2] with the batch axis); reshape x or change inputShape',
    ],
    [
      'targets of another shape',
      (m) => m.fit(points, { data: new Int32Array(40), shape: [10, 4] }, quiet),
      ShapeError,
      'sparseCategoricalCrossentropy: targets [10,4] do not fit predictions [10,3]',
    ],
    ['fewer targets', (m) => m.fit(points, [0, 1], quiet), DataError, 'fit: x holds 10 samples and y 2; they must be the same'],
    ['text', (m) => m.fit([['a', 'b']] as never, [0], quiet), DtypeError, 'fit: x[0][0] is the text "a"; data are numbers'],
    [
      'a view that is no array of numbers',
      (m) => m.fit(new DataView(new ArrayBuffer(2)) as never, [0], quiet),
      DtypeError,
      'fit: x is an object (DataView); pass a tensor, a typed array, { data, shape }, nested arrays or a dataset',
    ],
    ['nothing', (m) => m.fit(undefined as never, [0], quiet), DtypeError, 'fit: x is undefined; pass a tensor, a typed array,'],
    ['no targets', (m) => m.fit(points, undefined, quiet), DataError, 'fit: y is missing; training needs a target for each sample of x'],
    ['ragged arrays', (m) => m.fit([[1, 2], [3]], [0, 1], quiet), ShapeError, 'fit: x[1] has 1 elements, x is [2,2] by its first elements'], // prettier-ignore
    [
      'a shape that does not hold the data',
      (m) => m.fit({ data: new Float32Array(5), shape: [2, 2] }, [0, 1], quiet),
      ShapeError,
      'fit: x has 5 elements, which its shape [2,2] does not hold',
    ],
    ['a scalar', (m) => m.fit(tensor(1), [0], quiet), ShapeError, 'fit: x is a scalar; it needs a first axis that counts the samples'],
    ['empty data', (m) => m.fit([], [], quiet), DataError, 'fit: x is empty (shape [0]); it needs one sample or more'],
    [
      'NaN',
      (m) => m.fit(nan, ten, quiet),
      DataError,
      'fit: x holds NaN at [6,1]; data must be finite numbers: replace it or leave the sample out',
    ],
    ['infinity in the weights', (m) => m.fit(points, ten, { sampleWeight: Float32Array.from(ten).fill(Infinity, 4), ...quiet }), DataError, 'fit: sampleWeight holds Infinity at [4]'], // prettier-ignore
    [
      'a label too large',
      (m) => m.fit(points, ten.with(7, 3), quiet),
      DataError,
      'fit: y holds the label 3 at [7]; sparseCategoricalCrossentropy takes class indices 0 to 2, because the model has 3 outputs',
    ],
    ['a negative label', (m) => m.fit(points, ten.with(2, -1), quiet), DataError, 'fit: y holds the label -1 at [2]'],
    [
      'a label between classes',
      (m) => m.fit(points, Float32Array.from(ten).fill(0.5, 9), quiet),
      DataError,
      'fit: y holds the label 0.5 at [9]',
    ],
    [
      'an unknown option',
      (m) => m.fit(points, ten, { epoch: 3 } as never),
      ArgumentError,
      "fit: unknown option 'epoch'; it takes epochs, batchSize, validationData,",
    ],
    [
      'a batch of nothing',
      (m) => m.fit(points, ten, { batchSize: 0 }),
      ArgumentError,
      'fit: batchSize is 0; it must be a positive integer',
    ],
    ['epochs', (m) => m.fit(points, ten, { epochs: 1.5 }), ArgumentError, 'fit: epochs is 1.5; it must be an integer of at least 0'],
    ['verbose', (m) => m.fit(points, ten, { verbose: 3 as never }), ArgumentError, 'fit: verbose is 3; it must be 0, 1 or 2'],
    ['seed', (m) => m.fit(points, ten, { seed: '1' as never }), ArgumentError, "fit: seed is '1'; it must be an integer"],
    [
      'a split',
      (m) => m.fit(points, ten, { validationSplit: 1, ...quiet }),
      ArgumentError,
      'fit: validationSplit is 1; it must be a number of at least 0 and less than 1',
    ],
    [
      'a split that is no number',
      (m) => m.fit(points, ten, { validationSplit: '0.5' as never, ...quiet }),
      ArgumentError,
      "fit: validationSplit is '0.5'; it must be a number of at least 0 and less than 1",
    ],
    [
      'an order by name',
      (m) => m.fit(points, ten, { shuffle: 'batch' as never, ...quiet }),
      ArgumentError,
      "fit: shuffle is 'batch'; it must be true or false",
    ],
    [
      'a hook that is none',
      (m) => m.fit(points, ten, { callbacks: { onEpochFinish: () => undefined } as never, ...quiet }),
      ArgumentError,
      'fit: callback 0 has onEpochFinish; the hooks are onTrainBegin, onTrainEnd, onEpochBegin, onEpochEnd, onBatchBegin, onBatchEnd',
    ],
    [
      'a class weight for all',
      (m) => m.fit(points, ten, { classWeight: 5 as never, ...quiet }),
      ArgumentError,
      "fit: classWeight is 5; it maps class indices to numbers of at least 0, such as { 0: 1, 1: 5 }, or is 'balanced'",
    ],
    [
      'a class weight for no class',
      (m) => m.fit(points, ten, { classWeight: { 0: 1, 3: 2 }, ...quiet }),
      ArgumentError,
      'fit: classWeight names class 3, but the model has 3 outputs; its classes are 0 to 2',
    ],
    [
      'a split that leaves nothing',
      (m) => m.fit(points.slice(0, 1), [0], { validationSplit: 0.5, ...quiet }),
      DataError,
      'fit: validationSplit 0.5 of 1 samples leaves none to train on; change it or pass validationData',
    ],
    [
      'two ways to validate',
      (m) => m.fit(points, ten, { validationSplit: 0.5, validationData: [points, ten] }),
      ArgumentError,
      'fit: give validationData or validationSplit, not both',
    ],
    [
      'validation data of another form',
      (m) => m.fit(points, ten, { validationData: points as never, ...quiet }),
      ArgumentError,
      'fit: validationData must be [x, y], [x, y, sampleWeight], { x, y } or a dataset',
    ],
    [
      'bad validation data',
      (m) => m.fit(points, ten, { validationData: [points, ten.with(0, 9)], ...quiet }),
      DataError,
      'fit (validationData): y holds the label 9 at [0]',
    ],
    [
      'weights that do not fit',
      (m) => m.fit(points, ten, { sampleWeight: { data: new Float32Array(20), shape: [10, 2] }, ...quiet }),
      ShapeError,
      'sparseCategoricalCrossentropy: sampleWeight [10,2] does not fit losses of shape [10]',
    ],
    [
      'class weights',
      (m) => m.fit(points, ten, { classWeight: { zero: 1 } as never, ...quiet }),
      ArgumentError,
      "fit: classWeight has zero: 1; it maps class indices to numbers of at least 0, such as { 0: 1, 1: 5 }, or is 'balanced'",
    ],
    [
      'a callback that is none',
      (m) => m.fit(points, ten, { callbacks: [(() => undefined) as never], ...quiet }),
      ArgumentError,
      'fit: callback 0 is function; use callbacks.NAME(options) or an object such as { onEpochEnd() {} }',
    ],
    [
      'a value to watch that is not there',
      (m) => m.fit(points, ten, { callbacks: callbacks.earlyStopping(), ...quiet }),
      ArgumentError,
      "callbacks.earlyStopping: monitor 'val_loss' is none of the values loss, accuracy; pass validationData or validationSplit to fit",
    ],
    ['evaluate', (m) => m.evaluate(points, ten.with(1, 5)), DataError, 'evaluate: y holds the label 5 at [1]'],
    ['predict', (m) => m.predict([[1, 2, 3]]), ShapeError, 'predict: x has samples of shape [3], but dense_1 takes [2]'],
    ['predict NaN', (m) => m.predict(nan), DataError, 'predict: x holds NaN at [6,1]'],
    ['trainOnBatch', (m) => m.trainOnBatch(points, ten.with(1, 5)), DataError, 'trainOnBatch: y holds the label 5 at [1]'],
    [
      'a dataset and separate targets',
      (m) => m.fit(data.fromArrays(points, ten).batch(2), ten, quiet),
      ArgumentError,
      'fit: y does not go with a dataset; let its elements be { x, y }',
    ],
    [
      'a dataset with options in the place of its targets',
      (m) => m.fit(data.fromArrays(points, ten).batch(2), quiet as unknown as number[]),
      ArgumentError,
      'fit: y does not go with a dataset; options come third: fit(dataset, undefined, { … })',
    ],
    [
      'a dataset and a batch size',
      (m) => m.fit(data.fromArrays(points, ten).batch(2), undefined, { batchSize: 2, ...quiet }),
      ArgumentError,
      'fit: batchSize does not go with a dataset; group its samples with .batch(n)',
    ],
    [
      'a dataset without batches',
      (m) => m.fit(data.fromArrays(points, ten), undefined, quiet),
      ShapeError,
      'fit: an element of the dataset is a single sample; group samples with .batch(n) first',
    ],
    [
      'a dataset with a bad label',
      (m) => m.fit(data.fromArrays(points, ten.with(0, 3)).batch(5), undefined, quiet),
      DataError,
      'fit: y holds the label 3 at [0]',
    ],
  ])('%s', async (_, act, type, message) => {
    const model = classifier();
    const before = await weightsOf(model);
    const error = await act(model).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toContain(message);
    expect(await weightsOf(model)).toEqual(before);
    expect((await model.fit(points, ten, quiet)).history.loss.length).toBe(1);
  });

  test.each<[string, (model: Model) => Promise<unknown>]>([
    ['fit', (m) => m.fit(points, targets)],
    ['evaluate', (m) => m.evaluate(points, targets)],
    ['trainOnBatch', (m) => m.trainOnBatch(points, targets)],
  ])('%s before compile', async (name, act) => {
    const model = sequential([layers.dense({ units: 1 })]);
    await expect(act(model)).rejects.toThrow(`${name}: the model is not compiled; call model.compile({ optimizer, loss }) first`);
  });

  test('targets out of 0..1 for the cross-entropies of probabilities', async () => {
    const model = sequential([layers.dense({ units: 1, activation: 'sigmoid' })]);
    model.compile({ loss: 'binaryCrossentropy' });
    await expect(model.fit([[1], [2]], [-1, 1], quiet)).rejects.toThrow(
      'fit: y holds -1 at [0]; binaryCrossentropy takes targets from 0 to 1: map the labels to 0 and 1',
    );
    model.compile({ loss: 'meanSquaredError' });
    expect((await model.fit([[1], [2]], [-1, 1], quiet)).epoch).toEqual([0]);
  });

  test.each<[string, number, readonly number[], string]>([
    ['hinge', 3, [-1, 1, 0], 'targets -1 and 1, or 0 and 1: map the labels to -1 and 1'],
    ['squaredHinge', 0.5, [0, 1, 1], 'targets -1 and 1, or 0 and 1'],
    ['softMargin', 2, [-1, 1, 1], 'targets -1 and 1, or 0 and 1'],
    ['hingeEmbedding', -3, [-1, 1, 1], 'targets -1 and 1, or 0 and 1'],
    ['contrastive', -1, [0, 1, 1], 'targets from 0 to 1: map the labels to 0 and 1'],
    ['poisson', -2, [0, 4, 2.5], 'targets of at least 0: correct the counts, or use another loss'],
    ['poissonNll', -1, [0, 4, 2.5], 'targets of at least 0'],
  ])('%s refuses the target %d', async (loss, wrong, right, message) => {
    const model = sequential([layers.dense({ units: 1, activation: 'softplus' })]);
    model.compile({ loss: loss as never, optimizer: 'sgd' });
    const x = [[1], [2], [3]]; // prettier-ignore
    await expect(model.fit(x, [right[0], wrong, right[1]], quiet)).rejects.toThrow(
      `fit: y holds ${wrong} at [1]; ${loss} takes ${message}`,
    );
    expect((await model.fit(x, right, quiet)).epoch).toEqual([0]);
  });

  test('ignoreClass is a label that may be out of range', async () => {
    const model = classifier();
    model.compile({ loss: losses.sparseCategoricalCrossentropy({ ignoreClass: -1 }) });
    expect((await model.fit(points.slice(0, 3), [0, -1, 2], quiet)).epoch).toEqual([0]);
  });

  test('wrong data do not fix the shape of a model that is not built yet', async () => {
    const model = sequential([layers.dense({ units: 3, activation: 'softmax' })]);
    model.compile({ loss: 'sparseCategoricalCrossentropy' });
    await expect(model.fit([[1, 2, 3]], [[0, 1]], quiet)).rejects.toThrow(ShapeError);
    expect((await model.fit([[1, 2]], [1], quiet)).epoch).toEqual([0]);
  });

  test('lambda refuses hooks that do not exist', () => {
    expect(() => callbacks.lambda({ onEpochDone: () => undefined } as never)).toThrow(
      "callbacks.lambda: unknown option 'onEpochDone'; it takes onTrainBegin",
    );
    expect(() => callbacks.lambda({ onEpochEnd: 1 } as never)).toThrow('callbacks.lambda: onEpochEnd is 1; it must be a function');
  });
});
