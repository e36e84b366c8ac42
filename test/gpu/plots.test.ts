// Data of pictures that a device computes: attributions against PyTorch, a loss landscape, and t-SNE.
import { expect, test } from 'vitest';
import { memory } from '../../src/engine/index.ts';
import { add, mul } from '../../src/ops/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import { gradCam, lossLandscape, smoothGrad, surfacePaths, tsne } from '../../src/plots/index.ts';
import { golden, goldenNetwork, images, network } from '../support/plotModels.ts';
import { isWasm } from '../support/planDevice.ts';

const { classes: classId } = network;
const flat = (nested: unknown): number[] => [nested].flat(9) as number[];

test('Grad-CAM and the gradient are those of PyTorch', async () => {
  const model = await goldenNetwork();
  const map = await gradCam(model, images(), { layer: 'conv2d_2', classId });
  flat(network.gradCamOfInput).forEach((value, i) => expect(Math.abs(map.data[i] - value)).toBeLessThan(1e-5));
  const gradient = await smoothGrad(model, images(), { classId, samples: 2, noise: 0 });
  flat(network.gradient).forEach((value, i) => expect(Math.abs(gradient.data[i] - value)).toBeLessThan(1e-5));
});

test('a landscape has the loss of evaluate in its middle, and memory stays flat', async () => {
  const model = await goldenNetwork();
  const options = { resolution: 3, seed: 1, batchSize: 1 };
  const first = await lossLandscape(model, images(), [1, 4], options);
  const { loss } = await model.evaluate(images(), [1, 4], { batchSize: 1, verbose: 0 });
  expect(first.loss[1][1]).toBe(loss);
  // The pool of buffers has its size after a second call.
  await lossLandscape(model, images(), [1, 4], options);
  const { buffers, bytes } = memory();
  const seen = new Set<number>();
  const second = await lossLandscape(model, images(), [1, 4], { ...options, onProgress: (done) => done > 2 && seen.add(memory().bytes) });
  expect(second).toEqual(first);
  // On WebAssembly the garbage collector frees the results that are dropped: unit/wasmMemory.test.ts calls it.
  if (isWasm) return;
  expect(seen.size).toBe(1);
  expect(memory().bytes).toBeLessThanOrEqual(bytes);
  expect(memory().buffers).toBeLessThanOrEqual(buffers);
});

test('t-SNE lowers the divergence, and a path follows an optimizer', async () => {
  const letters = golden.digits.slice(0, 30 * 64);
  const digits = { data: Float32Array.from(letters, (letter) => (letter.charCodeAt(0) - 97) / 16), shape: [30, 64] };
  const options = { perplexity: 5, explorationSteps: 0 };
  const start = await tsne(digits, { ...options, steps: 1 });
  const end = await tsne(digits, { ...options, steps: 60 });
  expect(end.divergence).toBeLessThan(0.6 * start.divergence);
  const { paths } = await surfacePaths({
    surface: { value: (x, y) => add(mul(x, x), mul(2, mul(y, y))), x: [-1, 1], y: [-1, 1], start: [1, 1], minima: [] },
    steps: 2,
    resolution: 3,
    optimizers: { sgd: optimizers.sgd({ learningRate: 0.1 }) },
  });
  [1, 0.8, 0.64].forEach((at, i) => expect(paths.sgd.x[i]).toBeCloseTo(at, 5));
});
