// The small convolutional network of test/golden/plots.json.
import golden from '../golden/plots.json';
import { layers } from '../../src/nn/index.ts';
import { tensor } from '../../src/ops/index.ts';
import { type Model, sequential } from '../../src/train/index.ts';
import '../../src/train/names.ts';

export { golden };
export const { network } = golden;

/** Images of the golden file, [2,6,6,2]. */
export const images = () => tensor(network.x);

/** conv2d_1 and conv2d_2 with relu, mean over the positions, dense with softmax, and the weights of the golden file. */
export async function goldenNetwork(): Promise<Model> {
  const model = sequential([
    layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same', activation: 'relu', inputShape: [6, 6, 2] }),
    layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu' }),
    layers.globalAveragePooling2d(),
    layers.dense({ units: 5, activation: 'softmax' }),
  ]);
  model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
  await model.setWeights(network.weights.map((weight) => tensor(weight as number[])));
  return model;
}
