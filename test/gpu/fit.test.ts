// Models on a GPU stack: the same training as on the CPU, step by step; memory that stays flat; several things at once.
import { beforeAll, describe, expect, test } from 'vitest';
import { deviceInfo, lastProgram, memory, setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type CompileOptions, type Model, callbacks, sequential } from '../../src/train/index.ts';
import { values } from '../support/graphs.ts';
import { isWasm } from '../support/planDevice.ts';

beforeAll(async () => {
  await setDevice('webgpu');
});

const samples = 24;
const size = 6;
/** Three classes: noise with a bright row at the class's place. */
const labels = Int32Array.from({ length: samples }, (_, i) => i % 3);
const pixels = Float32Array.from(values(samples * size * size, 3), (v, i) => 0.3 * v + (Math.floor(i / size) % size === 2 * labels[Math.floor(i / (size * size))] ? 1 : 0)); // prettier-ignore
const images = { data: pixels, shape: [samples, size, size, 1] };
const rows = (begin: number, end: number): { data: Float32Array; shape: number[] } => ({
  data: pixels.subarray(begin * size * size, end * size * size),
  shape: [end - begin, size, size, 1],
});

const mlp = (options: Partial<CompileOptions>): Model => {
  const model = sequential([
    layers.flatten({ inputShape: [size, size, 1] }),
    layers.dense({ units: 16, activation: 'relu' }),
    layers.dropout({ rate: 0.25 }),
    layers.dense({ units: 3, activation: 'softmax' }),
  ]);
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'], seed: 5, ...options });
  return model;
};
const cnn = (options: Partial<CompileOptions>): Model => {
  const model = sequential([
    layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', inputShape: [size, size, 1] }),
    layers.maxPooling2d(),
    layers.flatten(),
    layers.dense({ units: 3, activation: 'softmax' }),
  ]);
  const optimizer = optimizers.sgd({ learningRate: 0.1, momentum: 0.9 });
  model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'], seed: 5, ...options });
  return model;
};

describe('the same training as on the CPU', () => {
  test.each([
    ['mlp with dropout and adam', mlp],
    ['cnn with momentum', cnn],
  ])('%s: the first 20 losses agree to 1e-4', async (_, build) => {
    const losses = async (device: 'webgpu' | 'cpu'): Promise<number[]> => {
      const model = build({ device });
      const found: number[] = [];
      for (let i = 0; i < 20; i++) {
        const begin = (i % 3) * 8;
        found.push((await model.trainOnBatch(rows(begin, begin + 8), labels.subarray(begin, begin + 8))).loss);
      }
      return found;
    };
    const [gpu, cpu] = [await losses('webgpu'), await losses('cpu')];
    gpu.forEach((loss, i) => expect(Math.abs(loss - cpu[i]) / cpu[i], `loss ${i}: ${loss} and ${cpu[i]}`).toBeLessThan(1e-4));
    expect(gpu[19]).toBeLessThan(gpu[0]);
  });

  test('fit with a smaller last batch, validation, and evaluate', async () => {
    const run = async (device: 'webgpu' | 'cpu'): Promise<Record<string, readonly number[]>> => {
      const model = mlp({ device });
      const options = { epochs: 3, batchSize: 7, validationSplit: 0.25, verbose: 0 } as const;
      const { history } = await model.fit(images, labels, options);
      const { loss, accuracy } = await model.evaluate(images, labels, { batchSize: 7 });
      return { ...history, evaluated: [loss, accuracy], outputs: Array.from(await model.predict(images, { batchSize: 7 }).data()) };
    };
    const [gpu, cpu] = [await run('webgpu'), await run('cpu')];
    expect(Object.keys(gpu)).toEqual(Object.keys(cpu));
    for (const name of Object.keys(gpu)) gpu[name].forEach((value, i) => expect(value, `${name} ${i}`).toBeCloseTo(cpu[name][i], 4));
  });
});

test('it learns, and the device is a GPU', async () => {
  const model = cnn({});
  const { history } = await model.fit(images, labels, { epochs: 15, batchSize: 8, verbose: 0 });
  expect(deviceInfo().kind).toBe(isWasm ? 'wasm' : 'webgpu');
  expect(history.accuracy.at(-1)).toBeGreaterThan(0.9);
});

test('memory stays flat and nothing waits for loss values', async () => {
  const model = mlp({});
  const held: number[] = [];
  await model.fit(images, labels, {
    ...{ epochs: 40, batchSize: 8, verbose: 0 },
    callbacks: { onEpochEnd: () => void held.push(memory().buffers) },
  });
  // After the first epochs none needs more than those before it; what earlier models held may be collected meanwhile.
  expect(Math.max(...held.slice(3))).toBeLessThanOrEqual(held[3] + 2); // one running loss may be on its way back
  await model.trainOnBatch(rows(0, 8), labels.subarray(0, 8));
  expect(lastProgram()?.dispatches.length).toBeGreaterThan(0);
});

test('predict, getWeights and earlyStopping while the weights are on their way from step to step', async () => {
  const model = mlp({});
  const stop = callbacks.earlyStopping({ monitor: 'loss', patience: 30, restoreBestWeights: true });
  const training = model.fit(images, labels, { epochs: 12, batchSize: 8, callbacks: stop, verbose: 0 });
  for (let i = 0; i < 4; i++) {
    expect((await model.predict(rows(0, 8))).shape).toEqual([8, 3]);
    expect((await model.getWeights()).length).toBe(4);
  }
  expect((await training).epoch.length).toBe(12);
});

test('a model follows its device: weights move with compile({ device })', async () => {
  const model = mlp({ device: 'webgpu' });
  await model.fit(images, labels, { batchSize: 8, verbose: 0 });
  const onGpu = Array.from(await model.predict(images, { batchSize: 8 }).data());
  model.compile({ loss: 'sparseCategoricalCrossentropy', device: 'cpu' });
  const onCpu = Array.from(await model.predict(images, { batchSize: 8 }).data());
  onCpu.forEach((p, i) => expect(p).toBeCloseTo(onGpu[i], 5));
  expect((await model.fit(images, labels, { batchSize: 8, verbose: 0 })).epoch).toEqual([0]);
});
