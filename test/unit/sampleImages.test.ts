// Callbacks that keep texts and images of a model.
import { beforeAll, describe, expect, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import { callbacks } from '../../src/train/index.ts';
import { pixelsOf } from '../support/eventFiles.ts';
import { linear, points, quiet, targets } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));

describe('sampleText', () => {
  test('prints and keeps the texts of epochs', async () => {
    const lines: string[] = [];
    const sampler = callbacks.sampleText({ fn: async (_, epoch) => Promise.resolve(`text ${epoch}`), every: 2, keep: 1, print: (line) => lines.push(line) }); // prettier-ignore
    await linear().fit(points, targets, { ...quiet, epochs: 5, callbacks: sampler });
    expect(lines).toEqual(['epoch 2: text 1', 'epoch 4: text 3']);
    expect(sampler.samples).toEqual([{ epoch: 3, value: 'text 3' }]);
    const wrong = callbacks.sampleText({ fn: (() => 3) as never });
    await expect(linear().fit(points, targets, { ...quiet, callbacks: wrong })).rejects.toThrow('callbacks.sampleText: fn returned 3; it must return a text'); // prettier-ignore
  });
});

describe('sampleImages', () => {
  const gridsOf = async (fn: () => Tensor, options: { columns?: number } = {}) => {
    const shown: number[] = [];
    const show = (_: unknown, epoch: number): void => void shown.push(epoch);
    const sampler = callbacks.sampleImages({ fn, every: 2, show, ...options });
    await linear().fit(points, targets, { ...quiet, epochs: 4, callbacks: sampler });
    expect(shown).toEqual([1, 3]);
    expect(sampler.samples.map(({ epoch }) => epoch)).toEqual([1, 3]);
    return sampler.samples[0].value;
  };
  /** Red, green, blue and opacity of a pixel. */
  const at = ({ width, data }: { width: number; data: Uint8ClampedArray }, row: number, column: number): number[] =>
    Array.from(data.subarray(4 * (row * width + column), 4 * (row * width + column + 1)));

  test('grey images in a square grid, with black between them', async () => {
    const grid = await gridsOf(() => tensor([[[0, 0.5]], [[1, 2]], [[-1, 1]]])); // prettier-ignore
    expect([grid.width, grid.height]).toEqual([6, 4]);
    expect([at(grid, 0, 0), at(grid, 0, 1), at(grid, 0, 2)]).toEqual([[0, 0, 0, 255], [128, 128, 128, 255], [0, 0, 0, 255]]); // prettier-ignore
    expect([at(grid, 0, 4), at(grid, 3, 0), at(grid, 3, 1), at(grid, 3, 5)]).toEqual([[255, 255, 255, 255], [0, 0, 0, 255], [255, 255, 255, 255], [0, 0, 0, 255]]); // prettier-ignore
    expect(pixelsOf(Buffer.from(await grid.png()))).toEqual([...grid.data]);
  });

  test('colours and opacities, in a row', async () => {
    const images = tensor([10, 20, 30, 40, 50, 60, 70, 80], [2, 1, 1, 4], 'i32');
    const grid = await gridsOf(() => images, { columns: 2 });
    expect([grid.width, grid.height, at(grid, 0, 0), at(grid, 0, 3)]).toEqual([4, 1, [10, 20, 30, 40], [50, 60, 70, 80]]);
    const grey = await gridsOf(() => tensor([10, 20], [1, 1, 1, 2], 'i32'));
    expect(at(grey, 0, 0)).toEqual([10, 10, 10, 20]);
    expect(at(await gridsOf(() => tensor([1, 2, 3], [1, 1, 1, 3], 'i32')), 0, 0)).toEqual([1, 2, 3, 255]);
  });

  test('other results are refused', async () => {
    const fit = (fn: () => never) => linear().fit(points, targets, { ...quiet, callbacks: callbacks.sampleImages({ fn }) });
    await expect(fit(() => 'x' as never)).rejects.toThrow("callbacks.sampleImages: fn returned 'x'; it must return a tensor");
    await expect(fit(() => tensor([1, 2]) as never)).rejects.toThrow('got a tensor [2]; it must be [count, height, width] or [count, height, width, channels], with 1 to 4 channels'); // prettier-ignore
  });
});
