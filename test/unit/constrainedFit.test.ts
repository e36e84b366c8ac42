// Constraints in training: parameters keep them after each update.
import { beforeAll, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import { sequential } from '../../src/train/index.ts';
import '../../src/train/names.ts';
import { points, quiet, targets, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));

test('fit brings parameters back to their constraints, and leaves frozen ones as they are', async () => {
  setSeed(1);
  const frozen = layers.dense({ units: 2, kernelInitializer: 'ones', kernelConstraint: 'unitNorm', trainable: false, inputShape: [2] });
  const model = sequential([
    frozen,
    layers.dense({ units: 3, kernelConstraint: 'unitNorm' }),
    layers.dense({ units: 1, kernelConstraint: 'nonNeg' }),
  ]);
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: 'mse' });
  await model.fit(points, targets, { epochs: 2, batchSize: 5, ...quiet });
  const [first, , second, , third] = await weightsOf(model);
  expect(first).toEqual([1, 1, 1, 1]);
  for (const unit of [0, 1, 2]) expect(Math.hypot(second[unit], second[3 + unit])).toBeCloseTo(1, 5);
  expect(Math.min(...third)).toBeGreaterThanOrEqual(0);
});
