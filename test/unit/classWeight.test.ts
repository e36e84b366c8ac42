// classWeight: 'balanced'.
import { beforeAll, expect, test } from 'vitest';
import { data } from '../../src/data/index.ts';
import { setDevice } from '../../src/engine/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import type { FitOptions } from '../../src/train/index.ts';
import { classifier, points, quiet, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));

test('gives the weights of scikit-learn, also for one-hot targets', async () => {
  const y = [0, 0, 0, 2, 2, 1];
  // compute_class_weight(class_weight='balanced', classes=[0, 1, 2], y=y)
  const byClass = { 0: 0.66666667, 1: 2, 2: 1 };
  const weighted = async (options: FitOptions, oneHot = false): Promise<number[][]> => {
    const model = classifier();
    const loss = oneHot ? 'categoricalCrossentropy' : 'sparseCategoricalCrossentropy';
    model.compile({ optimizer: optimizers.sgd({ learningRate: 1 }), loss, seed: 2 });
    const labels = oneHot ? y.map((label) => [0, 1, 2].map((i) => Number(i === label))) : y;
    await model.fit(points.slice(0, 6), labels, { shuffle: false, ...quiet, ...options });
    return weightsOf(model);
  };
  const balanced = await weighted({ classWeight: 'balanced' });
  expect(balanced).not.toEqual(await weighted({}));
  expect(balanced.flat()).toEqual((await weighted({ classWeight: byClass })).flat().map((value): unknown => expect.closeTo(value, 5)));
  expect((await weighted({ classWeight: 'balanced' }, true)).flat()).toEqual(
    balanced.flat().map((value): unknown => expect.closeTo(value, 5)),
  );
  // The part for validation does not count: classes 0 and 2 are left.
  const kept = await weighted({ classWeight: 'balanced', validationSplit: 1 / 6 });
  expect(kept.flat()).toEqual(
    (await weighted({ classWeight: { 0: 5 / 6, 2: 5 / 4 }, validationSplit: 1 / 6 }))
      .flat()
      .map((value): unknown => expect.closeTo(value, 5)),
  );
});

test('needs all samples', async () => {
  const model = classifier();
  model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
  const rule = "classWeight is 'balanced', but";
  const batches = data.fromArrays({ x: points, y: points.map(() => 0) }).batch(2);
  await expect(model.fit(batches, undefined, { classWeight: 'balanced', ...quiet })).rejects.toThrow(
    `fit: ${rule} a dataset gives its samples in batches; count the classes yourself and pass { 0: 1, 1: 5 }`,
  );
  await expect(model.trainOnBatch(points, [0], { classWeight: 'balanced' })).rejects.toThrow(
    `trainOnBatch: ${rule} a batch has only some of the samples`,
  );
});
