// The kernels of volumes, depthwise convolution and average pooling on this device against the ops' references, in both variants (one element
// an invocation, and a run of them) and at awkward sizes. The bound is the reference's own, as in kernels.test.ts.
import { afterAll, beforeAll, describe, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import type { Shape } from '../../src/core/shape.ts';
import { topological } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Target } from '../../src/graph/op.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { avgPool2d, avgPool3d, conv3d, depthwiseConv2d, maxPool3d, sum, upsample2d } from '../../src/ops/index.ts';
import { families } from '../support/families.ts';
import { type OpenPlanDevice, openPlanDevice } from '../support/planDevice.ts';
import { type Feeds, checkKernels, checkNode, stream } from './checkKernels.ts';

let opened: OpenPlanDevice;
beforeAll(async () => {
  opened = await openPlanDevice();
});
afterAll(() => opened.close());

const check = (target: Target, shapes: readonly Shape[], fn: (...inputs: Tensor[]) => Tensor): Promise<void> =>
  checkKernels(opened.device, target, shapes, fn);

describe.each(families)('kernels of a %s', (processor) => {
  const target = (): Target => ({ ...opened.target, processor });

  test('convolution of volumes in all three directions', async () => {
    // Read by four, with shared pipelines: a tiled one takes seconds to build.
    await check(target(), [[2, 5, 4, 6, 4], [3, 3, 3, 4, 8]], (x, f) => conv3d(x, f, { padding: 'same' })); // prettier-ignore
    await check(target(), [[2, 4, 7, 6, 8], [2, 3, 2, 4, 8]], (x, f) =>
      conv3d(x, f, { groups: 2, dilations: [3, 2, 1], strides: [1, 1, 2], padding: [[2, 1], [1, 0], [0, 2]] })); // prettier-ignore
    if (processor === 'gpu') return;
    await check(target(), [[2, 4, 5, 7, 1], [2, 3, 3, 1, 5]], (x, f) => conv3d(x, f)); // prettier-ignore
    await check(target(), [[1, 5, 8, 7, 3], [3, 2, 3, 3, 4]], (x, f) => conv3d(x, f, { padding: 'same', strides: [2, 3, 2] })); // prettier-ignore
  });

  test('depthwise convolution in all three directions', async () => {
    await check(target(), [[2, 7, 6, 5], [3, 3, 5, 1]], (x, f) => depthwiseConv2d(x, f)); // prettier-ignore
    await check(target(), [[3, 11, 10, 4], [3, 3, 4, 1]], (x, f) => depthwiseConv2d(x, f, { padding: 'same', strides: 2 })); // prettier-ignore
    await check(target(), [[1, 9, 13, 3], [2, 5, 3, 3]], (x, f) => depthwiseConv2d(x, f, { padding: 'same', strides: [3, 1] })); // prettier-ignore
    await check(target(), [[2, 9, 9, 2], [3, 2, 2, 2]], (x, f) =>
      depthwiseConv2d(x, f, { dilations: [2, 3], strides: [4, 2], padding: [[3, 1], [7, 5]] })); // prettier-ignore
    await check(target(), [[1, 1, 1, 1], [1, 1, 1, 1]], (x, f) => depthwiseConv2d(x, f)); // prettier-ignore
  });

  test('a depthwise filter gradient over 70,001 pixels is split, and adds up', async () => {
    await check(target(), [[1, 70001, 1, 1], [3, 1, 1, 1]], (x, f) => depthwiseConv2d(x, f, { padding: 'same' })); // prettier-ignore
    await check(target(), [[1, 1, 70001, 1], [1, 3, 1, 2]], (x, f) => depthwiseConv2d(x, f)); // prettier-ignore
  });

  test('average pooling and its gradient', async () => {
    await check(target(), [[2, 6, 5, 3]], (x) => avgPool2d(x));
    await check(target(), [[3, 11, 10, 5]], (x) => avgPool2d(x, { strides: 1 }));
    await check(target(), [[2, 7, 8, 2]], (x) => avgPool2d(x, { poolSize: [3, 4], strides: [2, 1], padding: 'same' }));
    await check(target(), [[1, 7, 8, 2]], (x) => avgPool2d(x, { poolSize: 2, strides: 3, padding: [[1, 0], [0, 1]] })); // prettier-ignore
    await check(target(), [[1, 70001, 1, 1]], (x) => avgPool2d(x, { poolSize: [3, 1], strides: 1, padding: 'same' }));
  });

  test('compositions: pooled volumes, upsampling', async () => {
    await check(target(), [[1, 5, 6, 7, 3]], (x) => maxPool3d(x, { poolSize: 3, strides: 2, padding: 'same' }));
    await check(target(), [[1, 5, 6, 7, 3]], (x) => avgPool3d(x, { poolSize: 3, strides: 2, padding: 'same' }));
    await check(target(), [[1, 5, 6, 3]], (x) => upsample2d(x, { size: [2, 3], interpolation: 'bilinear' }));
  });

  test('no images and no channels', async () => {
    await check(target(), [[0, 7, 6, 5], [3, 3, 5, 1]], (x, f) => depthwiseConv2d(x, f)); // prettier-ignore
    await check(target(), [[2, 7, 6, 0], [3, 3, 0, 2]], (x, f) => depthwiseConv2d(x, f)); // prettier-ignore
    if (processor === 'cpu') await check(target(), [[0, 3, 4, 5, 4], [2, 2, 2, 4, 8]], (x, f) => conv3d(x, f)); // prettier-ignore
    await check(target(), [[0, 6, 6, 2]], (x) => avgPool2d(x));
  });

  test('half precision', async ({ skip }) => {
    if (!opened.target.shaderF16) skip('this adapter has no shader-f16');
    const inputs = [[1, 6, 5, 4], [3, 3, 4, 2], [1, 3, 4, 5, 2], [2, 2, 2, 2, 4]].map((shape, position) => placeholder(shape, 'f16', { position })); // prettier-ignore
    const round = (): number => Math.round(stream.uniform() * 64 - 32) / 16;
    const feeds: Feeds = new Map(inputs.map((x) => [x, Float32Array.from({ length: x.size }, round)]));
    const [x, f, volume, filter] = inputs;
    const results = [sum(depthwiseConv2d(x, f)), sum(avgPool2d(x)), ...(processor === 'cpu' ? [sum(conv3d(volume, filter))] : [])];
    const outputs = results.flatMap((result, i) => gradients(result, [[x, f], [x], [volume, filter]][i]));
    for (const node of topological(outputs)) await checkNode(opened.device, node, feeds, target());
  });
});
