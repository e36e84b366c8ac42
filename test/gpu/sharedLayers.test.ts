// One layer object used twice, trained on a GPU stack: the same losses and weights as on the CPU, and one copy of each weight.
import { expect, test } from 'vitest';
import { layers } from '../../src/nn/index.ts';
import { setSeed } from '../../src/core/random.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { sequential } from '../../src/train/index.ts';
import { points, quiet, targets, weightsOf } from '../support/models.ts';

test('a layer used twice trains as on the CPU', async () => {
  const train = async (device: 'webgpu' | 'cpu'): Promise<{ loss: number[]; weights: number[][] }> => {
    setSeed(7);
    const shared = layers.dense({ units: 2, activation: 'tanh', inputShape: [2] });
    const model = sequential([shared, layers.dropout({ rate: 0.25 }), shared, layers.dense({ units: 1 })]);
    model.compile({ optimizer: 'adam', loss: 'mse', device, seed: 3 });
    const { history } = await model.fit(points, targets, { epochs: 5, batchSize: 4, ...quiet });
    return { loss: [...history.loss], weights: await weightsOf(model) };
  };
  const [gpu, cpu] = [await train('webgpu'), await train('cpu')];
  expect(gpu.weights.map(({ length }) => length)).toEqual([4, 2, 2, 1]);
  for (const [i, loss] of cpu.loss.entries()) expect(gpu.loss[i]).toBeCloseTo(loss, 4);
  for (const [i, weight] of cpu.weights.entries()) weight.forEach((v, j) => expect(gpu.weights[i][j]).toBeCloseTo(v, 4));
});
