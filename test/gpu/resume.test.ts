// A fit on a GPU that goes on from a file: the same bits as a fit that never stopped.
import { beforeAll, describe, expect, test } from 'vitest';
import { setDevice, tuned } from '../../src/engine/index.ts';
import { losses } from '../../src/losses/index.ts';
import { layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers, schedules } from '../../src/optim/index.ts';
import { type Model, sequential } from '../../src/train/index.ts';
import { values } from '../support/graphs.ts';

beforeAll(async () => {
  await setDevice('webgpu');
});

const samples = 40;
const x = { data: Float32Array.from(values(samples * 64, 3)), shape: [samples, 8, 8, 1] };
const y = Int32Array.from({ length: samples }, (_, i) => i % 4);

const made = {
  adam: () => optimizers.adam({ learningRate: schedules.cosineDecay({ initialLearningRate: 0.02, decaySteps: 30 }), emaDecay: 0.9 }),
  momentum: () => optimizers.sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true, gradientAccumulationSteps: 2 }),
} as const;

/** Convolution, batch statistics, dropout and an LSTM: state and random numbers of several kinds. */
const makeModel = (optimizer: keyof typeof made): Model => {
  const model = sequential([
    layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu', inputShape: [8, 8, 1] }),
    layers.batchNormalization(),
    layers.dropout({ rate: 0.3 }),
    layers.reshape({ targetShape: [8, 32] }),
    layers.lstm({ units: 12 }),
    layers.dense({ units: 4 }),
  ]);
  model.compile({ optimizer: made[optimizer](), loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }), seed: 3 });
  return model;
};

/** All weights, and the averages of the optimizer, as bits. */
const bitsOf = async (model: Model): Promise<number[][]> =>
  Promise.all((await model.getWeights()).map(async (tensor) => Array.from(new Uint32Array((await tensor.data()).slice().buffer))));

describe.each(['adam', 'momentum'] as const)('%s', (optimizer) => {
  test('3 epochs, a file and 3 epochs give the bits of 6 epochs', { timeout: 400_000 }, async () => {
    const options = { batchSize: 8, shuffle: true, verbose: 0 } as const;
    const whole = makeModel(optimizer);
    await whole.fit(x, y, { ...options, epochs: 1 });
    // Kernels are chosen by time between the first steps; afterwards all models use the same ones.
    await tuned();
    const never = makeModel(optimizer);
    await never.fit(x, y, { ...options, epochs: 6 });
    const first = makeModel(optimizer);
    await first.fit(x, y, { ...options, epochs: 3 });
    let file = new Uint8Array();
    await first.saveWeights((bytes) => void (file = bytes.slice()));
    const second = makeModel(optimizer);
    await second.loadWeights(file);
    await second.fit(x, y, { ...options, epochs: 6, initialEpoch: 3 });
    expect(await bitsOf(second)).toEqual(await bitsOf(never));
    // Without the state of the optimizer the numbers are others.
    const third = makeModel(optimizer);
    await third.loadWeights(file, { optimizer: false });
    await third.fit(x, y, { ...options, epochs: 6, initialEpoch: 3 });
    expect(await bitsOf(third)).not.toEqual(await bitsOf(never));
  });
});
