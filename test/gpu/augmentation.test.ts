// Augmentations on the GPU against the CPU: a seed draws the same numbers on both. All of them are one evaluation.
import { afterAll, expect, test } from 'vitest';
import { leavesOf } from '../../src/core/tree.ts';
import { evaluate, setDevice } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { layers } from '../../src/nn/index.ts';

afterAll(() => setDevice('auto'));

const seed = 12;
const unit = { valueRange: [0, 1], seed } as const;
const all = [
  layers.randomFlip({ seed }),
  layers.randomCrop({ height: 5, width: 4, seed }),
  layers.randomTranslation({ heightFactor: 0.7, widthFactor: 0.7, fillMode: 'wrap', seed }),
  layers.randomTranslation({ heightFactor: 1, widthFactor: 1, fillMode: 'constant', fillValue: 0.5, seed }),
  layers.randomRotation({ factor: 1, seed }),
  layers.randomZoom({ heightFactor: 0.9, widthFactor: 0.9, fillMode: 'nearest', seed }),
  layers.randomShear({ xFactor: 1, yFactor: 1, fillMode: 'wrap', seed }),
  layers.randomBrightness({ factor: 0.5, ...unit }),
  layers.randomContrast({ factor: 0.9, ...unit }),
  layers.colorJitter({ brightnessFactor: 0.2, contrastFactor: 0.2, saturationFactor: 0.9, hueFactor: 1, ...unit }),
  layers.grayscale({ seed }),
  layers.randomErasing({ factor: [0.7, 0.7], ...unit }),
  layers.gaussianBlur({ kernelSize: 5, sigma: [0.1, 2], ...unit }),
  layers.mixUp({ alpha: 1, seed }),
  layers.cutMix({ seed }),
];

const shape = [5, 7, 6, 3];
const values = Float32Array.from({ length: 630 }, (_, i) => ((i + 1) * 0.6180339887498949) % 1);

async function outputs(device: 'cpu' | 'webgpu'): Promise<Float32Array[]> {
  await setDevice(device);
  const results = all.map((layer) => layer.apply(hostTensor({ shape, dtype: 'f32' }, values), { training: true }));
  await evaluate(results);
  return Promise.all(leavesOf(results).map(async ({ value }) => (await (value as Tensor).data()) as Float32Array));
}

test('the same images on the GPU and the CPU', async () => {
  const [expected, found] = [await outputs('cpu'), await outputs('webgpu')];
  const errors = found.map((own, i) => Math.max(...own.map((value, j) => Math.abs(value - expected[i][j]))));
  // NaN is not at most the limit.
  expect(all.flatMap(({ kind }, i) => (errors[i] <= 1e-5 ? [] : [`${kind}: ${errors[i]}`]))).toEqual([]);
  expect(expected.every((own) => own.some((value, j) => value !== values[j]))).toBe(true);
  console.log(`worst error of ${errors.length} augmentations: ${Math.max(...errors).toExponential(1)}`);
});
