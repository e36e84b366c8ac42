// Depthwise convolutions in all three directions and poolings at awkward images, windows, strides and channels, by the kernels of the device's class.
import { beforeAll, test } from 'vitest';
import { defaultEngine, setDevice } from '../../src/engine/index.ts';
import { avgPool2d, depthwiseConv2d, maxPool2d } from '../../src/ops/index.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { pairwise } from '../support/pairwise.ts';
import { planDeviceOf } from '../support/planDevice.ts';
import { checkKernels } from './checkKernels.ts';

let runtime: WebGpuRuntime;
beforeAll(async () => {
  await setDevice('webgpu', { tuning: false });
  runtime = (await defaultEngine()).runtime as WebGpuRuntime;
});

const channels = [1, 3, 4, 5, 8, 17];
/** One image of one pixel, less than a tile of 32 rows in all, a tile, and a prime. */
const images: [batch: number, height: number, width: number][] = [[1, 1, 1], [1, 2, 3], [1, 31, 1], [2, 4, 4], [1, 3, 11], [3, 7, 5], [1, 8, 13]]; // prettier-ignore
const paddings = ['same', 'valid'] as const;

const fits = (image: readonly number[], window: number, padding: string): boolean =>
  padding === 'same' || (image[1] >= window && image[2] >= window);

test('depthwise convolutions: every pair of image, channels, window and stride', { timeout: 600_000 }, async () => {
  for (const [image, inputs, multiplier, window, strides] of pairwise(images, channels, [1, 2], [1, 3], [1, 2])) {
    const shapes = [
      [...image, inputs],
      [window, window, inputs, multiplier],
    ];
    const convolve = (x: Parameters<typeof depthwiseConv2d>[0], f: Parameters<typeof depthwiseConv2d>[1]) =>
      depthwiseConv2d(x, f, { strides, padding: 'same' });
    await checkKernels(planDeviceOf(runtime), runtime.target, shapes, convolve, 'convolutions at all sizes');
  }
});

test('poolings: every pair of image, channels, window and stride', { timeout: 600_000 }, async () => {
  for (const [image, depth, poolSize, strides, padding] of pairwise(images, channels, [1, 2, 3], [1, 2], paddings)) {
    if (!fits(image, poolSize, padding)) continue;
    for (const pool of [maxPool2d, avgPool2d]) {
      await checkKernels(
        planDeviceOf(runtime),
        runtime.target,
        [[...image, depth]],
        (x) => pool(x, { poolSize, strides, padding }),
        'poolings at all sizes',
      );
    }
  }
});
