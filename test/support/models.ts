// Small models and data for tests of training.
import { layers } from '../../src/nn/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type Model, sequential } from '../../src/train/index.ts';
import '../../src/train/names.ts';

/** y = 3 x0 - x1 over ten points. */
export const points = Array.from({ length: 10 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
export const targets = points.map(([a, b]) => 3 * a - b);

export const linear = (): Model => {
  const model = sequential([layers.dense({ units: 1, inputShape: [2] })]);
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: 'meanSquaredError', metrics: ['meanAbsoluteError'] });
  return model;
};
export const classifier = (): Model => {
  const model = sequential([layers.dense({ units: 3, activation: 'softmax', inputShape: [2] })]);
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
};
export const weightsOf = async (model: Model): Promise<number[][]> =>
  Promise.all((await model.getWeights()).map(async (t) => Array.from(await t.data())));
export const quiet = { verbose: 0 } as const;
