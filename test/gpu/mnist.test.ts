// The main job on real data: MNIST on this GPU stack, against the CPU. The figures that the README states are printed here.
import { beforeAll, expect, test } from 'vitest';
import { deviceInfo, lastProgram, memory, setDevice } from '../../src/engine/index.ts';
import { hostTensor } from '../../src/graph/tensor.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { layers } from '../../src/nn/index.ts';
import { slice } from '../../src/ops/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type Model, sequential } from '../../src/train/index.ts';
import { type ImageDataset, datasets } from '../../src/data/datasets/index.ts';

let mnist: ImageDataset;
beforeAll(async () => {
  await setDevice('webgpu');
  mnist = await datasets.mnist();
});

const mlp = (device: 'webgpu' | 'cpu'): Model => {
  const model = sequential([
    layers.flatten({ inputShape: [28, 28, 1] }),
    layers.dense({ units: 128, activation: 'relu' }),
    layers.dense({ units: 10, activation: 'softmax' }),
  ]);
  model.compile({
    optimizer: optimizers.adam({ learningRate: 0.003 }),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
    seed: 1,
    device,
  });
  return model;
};

test('60,000 images, 3 epochs: at least 0.97 of the test images', async () => {
  const model = mlp('webgpu');
  const start = performance.now();
  await model.fit(mnist.train.x, mnist.train.y, { epochs: 3, batchSize: 128, verbose: 0 });
  const seconds = (performance.now() - start) / 1000;
  const { accuracy } = await model.evaluate(mnist.test.x, mnist.test.y, { batchSize: 500 });
  const { vendor, architecture } = deviceInfo();
  console.log(`MNIST MLP on ${vendor} ${architecture}: test accuracy ${accuracy}, ${Math.round(180000 / seconds)} images/s`);
  expect(accuracy).toBeGreaterThanOrEqual(0.97);
});

test('the first 20 losses are the CPU’s to 1e-4, relative', async () => {
  const losses = async (device: 'webgpu' | 'cpu'): Promise<number[]> => {
    const model = mlp(device);
    const found: number[] = [];
    for (let i = 0; i < 20; i++) {
      const [x, y] = [slice(mnist.train.x, [i * 128], [(i + 1) * 128]), slice(mnist.train.y, [i * 128], [(i + 1) * 128])];
      found.push((await model.trainOnBatch(x, y)).loss);
    }
    return found;
  };
  const [gpu, cpu] = [await losses('webgpu'), await losses('cpu')];
  const worst = Math.max(...gpu.map((loss, i) => Math.abs(loss - cpu[i]) / cpu[i]));
  console.log(`first 20 losses, GPU against CPU: worst relative difference ${worst.toExponential(1)}`);
  expect(worst).toBeLessThan(1e-4);
});

test('10,000 images on GPU and CPU from one seed: test accuracies within 0.002', async () => {
  const x = slice(mnist.train.x, [0], [10_000]);
  const y = slice(mnist.train.y, [0], [10_000]);
  const accuracies: number[] = [];
  for (const device of ['webgpu', 'cpu'] as const) {
    const model = mlp(device);
    await model.fit(x, y, { epochs: 1, batchSize: 128, verbose: 0, seed: 3 });
    accuracies.push((await model.evaluate(mnist.test.x, mnist.test.y, { batchSize: 500 })).accuracy);
  }
  console.log(`10,000 images, 1 epoch: test accuracy ${accuracies[0]} on the GPU runtime, ${accuracies[1]} on the CPU`);
  expect(Math.abs(accuracies[0] - accuracies[1])).toBeLessThanOrEqual(0.002);
});

test('2,000 steps: one submit each, steps make no buffers, memory flat', async () => {
  const model = mlp('webgpu');
  const x = mnist.train.x;
  const [images, labels] = [(x.value as { data: Float32Array }).data, (mnist.train.y.value as { data: Int32Array }).data];
  const tensors = {
    x: hostTensor({ shape: [2000, 28, 28, 1], dtype: 'f32' }, images.subarray(0, 2000 * 784)),
    y: hostTensor({ shape: [2000], dtype: 'i32' }, labels.subarray(0, 2000)),
  };
  let dispatches = 0;
  const epoch = (epochs: number): Promise<unknown> =>
    model.fit(tensors.x, tensors.y, {
      ...{ epochs, batchSize: 25, verbose: 0 },
      // Of the programs that run, the step is the largest.
      callbacks: { onBatchEnd: () => void (dispatches = Math.max(dispatches, lastProgram()!.dispatches.length)) },
    });
  await epoch(6);
  const before = memory();
  let submits = 0;
  let created = 0;
  /* eslint-disable @typescript-eslint/unbound-method -- called with their objects below */
  const { submit } = GPUQueue.prototype;
  const { createBuffer } = GPUDevice.prototype;
  /* eslint-enable @typescript-eslint/unbound-method */
  GPUQueue.prototype.submit = function (commands) {
    submits++;
    return submit.call(this, commands);
  };
  GPUDevice.prototype.createBuffer = function (descriptor) {
    created++;
    return createBuffer.call(this, descriptor);
  };
  const start = performance.now();
  try {
    await epoch(25);
  } finally {
    GPUQueue.prototype.submit = submit;
    GPUDevice.prototype.createBuffer = createBuffer;
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `2,000 steps: ${submits} submits, ${created} buffers created, ${memory().bytes - before.bytes} bytes more; a step has ${dispatches} dispatches`,
  );
  // Other submits: the totals of each epoch are started, summed up and read, and running ones are read at most four times a second. A slow
  // adapter has more reads.
  expect(submits).toBeGreaterThanOrEqual(2000);
  expect(submits).toBeLessThanOrEqual(2000 + 3 * 25 + 2 * 4 * seconds);
  // A running loss that is read while the next step runs may need a small buffer that the warm-up did not. With its guard zone it takes
  // 2,048 bytes. A leak would grow with the 2,000 steps.
  expect(created).toBeLessThanOrEqual(2);
  expect(memory().bytes - before.bytes).toBeLessThanOrEqual(created * 2048);
});
