// Loss landscapes, recorded weights, histograms and filters.
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import { mean, square, sub, sum, tensor } from '../../src/ops/index.ts';
import { filterImages, lossLandscape, recordWeights, weightHistograms } from '../../src/plots/index.ts';
import { normalized, parametersOf, randomDirections } from '../../src/plots/weightDirections.ts';
import { type Model, sequential } from '../../src/train/index.ts';
import '../../src/train/names.ts';
import { goldenNetwork, images } from '../support/plotModels.ts';

beforeAll(() => setDevice('cpu'));

const valuesOf = async (model: Model) => Promise.all((await model.getWeights()).map(async (weight) => [...(await weight.data())]));

describe('lossLandscape', () => {
  test('has the loss of evaluate at (0, 0), and leaves the weights as they are', async () => {
    const model = await goldenNetwork();
    const before = await valuesOf(model);
    const onProgress = vi.fn();
    const landscape = await lossLandscape(model, images(), [1, 4], { resolution: [3, 5], seed: 1, batchSize: 1, onProgress });
    const { loss } = await model.evaluate(images(), [1, 4], { batchSize: 1, verbose: 0 });
    expect(landscape.loss[2][1]).toBe(loss);
    expect([landscape.x, landscape.y]).toEqual([[-1, 0, 1], [-1, -0.5, 0, 0.5, 1]]); // prettier-ignore
    expect(new Set(landscape.loss.flat()).size).toBe(15);
    expect(await valuesOf(model)).toEqual(before);
    expect(onProgress.mock.calls.at(-1)).toEqual([15, 15]);
    expect(await lossLandscape(model, images(), [1, 4], { resolution: [3, 5], seed: 1, batchSize: 1 })).toEqual(landscape);
  });

  test('an error in the middle leaves the weights as they are, and the model usable', async () => {
    const model = await goldenNetwork();
    const before = await valuesOf(model);
    const stop = (done: number): void => {
      if (done === 3) throw new Error('enough');
    };
    await expect(lossLandscape(model, images(), [1, 4], { resolution: 3, onProgress: stop })).rejects.toThrow('enough');
    expect(await valuesOf(model)).toEqual(before);
    await model.fit(images(), [1, 4], { epochs: 1, verbose: 0 });
    expect(await valuesOf(model)).not.toEqual(before);
  });

  test('projects the path of a training on its principal directions', async () => {
    const model = sequential([layers.dense({ units: 1, inputShape: [2] })]);
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const x = tensor([[1, 0], [0, 1], [1, 1], [2, -1]]); // prettier-ignore
    const y = tensor([[2], [1], [4], [1]]);
    const recorder = recordWeights({ every: 2 });
    await model.fit(x, y, { epochs: 5, batchSize: 4, verbose: 0, callbacks: [recorder] });
    // Before the training, after the epochs 2 and 4, and after the last one.
    expect(recorder.weights).toHaveLength(4);
    const landscape = await lossLandscape(model, x, y, { directions: 'path', path: recorder.weights, resolution: 2 });
    expect(landscape.path![3]).toEqual({ x: 0, y: 0 });
    const [first, second] = landscape.explained!;
    expect(first).toBeGreaterThan(second);
    expect(first + second).toBeGreaterThan(0.99);
    // Two directions hold nearly all of the path, so distances in the plane are those of the weights.
    const [start, end] = [recorder.weights[0], recorder.weights[3]];
    const squares = await Promise.all(start.map((weight, i) => sum(square(sub(weight, end[i]))).item()));
    const distance = Math.hypot(landscape.path![0].x, landscape.path![0].y);
    expect(distance ** 2 / squares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 2);
    expect(landscape.x[0]).toBeLessThan(Math.min(...landscape.path!.map((point) => point.x)));
  });

  test.each<[string, object, string]>([
    ['directions of no path', { directions: 'path' }, "lossLandscape: directions are 'path', but path is missing"],
    [
      'a path of another model',
      { path: [[tensor([1])]] },
      'lossLandscape: path[0] has [1] for conv2d_1/kernel [3,3,2,3]; give lists of model.getWeights()',
    ],
    ['a range from large to small', { range: [1, -1] }, 'range is [1,-1]; it must be two numbers, the smaller one first'],
  ])('refuses %s', async (_, options, message) => {
    await expect(lossLandscape(await goldenNetwork(), images(), [1, 4], options)).rejects.toThrow(message);
  });
});

test('directions have the norms of the filters', async () => {
  const model = await goldenNetwork();
  const parameters = parametersOf('test', model.core, model.core.weights!);
  const weights = await Promise.all(parameters.map(({ tensor }) => tensor.data()));
  const [first, second] = await randomDirections(parameters, 3);
  expect(first[0]).not.toEqual(second[0]);
  const norms = (values: ArrayLike<number>, filters: number): number[] =>
    Array.from({ length: filters }, (_, k) => Math.hypot(...Array.from(values).filter((_, i) => i % filters === k)));
  const [kernel, bias] = normalized(first, parameters, weights, 'filter');
  norms(kernel, 3).forEach((norm, i) => expect(norm).toBeCloseTo(norms(weights[0], 3)[i], 5));
  expect([...bias]).toEqual([0, 0, 0]);
  const [whole] = normalized(first, parameters, weights, 'layer');
  expect(Math.hypot(...whole)).toBeCloseTo(Math.hypot(...weights[0]), 5);
  expect(norms(whole, 3)[0]).not.toBeCloseTo(norms(weights[0], 3)[0], 3);
  expect(normalized(first, parameters, weights, 'none')).toBe(first);
});

describe('weightHistograms', () => {
  test('counts the values of each parameter', async () => {
    const model = sequential([layers.dense({ units: 2, inputShape: [2] }), layers.batchNormalization()]);
    await model.setWeights([tensor([[0, 1], [2, 4]]), tensor([3, 3]), ...(await model.getWeights()).slice(2)]); // prettier-ignore
    const [kernel, bias, ...others] = await weightHistograms(model, { numBins: 4 });
    expect(kernel).toMatchObject({
      path: 'dense_1/kernel',
      edges: [0, 1, 2, 3, 4],
      counts: [1, 1, 1, 1],
      mean: 1.75,
      minimum: 0,
      maximum: 4,
    });
    expect(kernel.standardDeviation).toBeCloseTo(Math.sqrt(await mean(square(sub(tensor([0, 1, 2, 4]), 1.75))).item()), 6);
    expect(bias).toMatchObject({ edges: [2.5, 2.75, 3, 3.25, 3.5], counts: [0, 0, 2, 0], notFinite: 0 });
    expect(others.map(({ path }) => path)).toEqual(['batchNormalization_1/gamma', 'batchNormalization_1/beta']);
    expect(await weightHistograms(model, { includeState: true })).toHaveLength(6);
  });

  test('leaves out NaN', async () => {
    const model = sequential([layers.dense({ units: 2, useBias: false, inputShape: [1] })]);
    await model.setWeights([tensor([[NaN, 1]])]);
    expect((await weightHistograms(model, { numBins: 1 }))[0]).toMatchObject({ counts: [1], mean: 1, notFinite: 1 });
  });
});

describe('filterImages', () => {
  test('gives an image for each channel of each filter, or one in colour', async () => {
    const model = await goldenNetwork();
    const set = await filterImages(model);
    expect(set).toMatchObject({ name: 'conv2d_1/kernel', height: 3, width: 3, channels: 1 });
    const kernel = (await model.parameters().conv2d_1.kernel.array()) as number[][][][];
    expect(set.images).toHaveLength(6);
    expect([...set.images[3]]).toEqual(kernel.flat().map((channels) => channels[1][1]));
    const second = await filterImages(model, { layer: 'conv2d_2', limit: 2 });
    expect(second.channels).toBe(3);
    const colours = (await model.parameters().conv2d_2.kernel.array()) as number[][][][];
    expect([...second.images[1]]).toEqual(colours.flat(2).map((filters) => filters[1]));
  });

  test('refuses a layer without such a kernel', async () => {
    await expect(filterImages(await goldenNetwork(), { layer: 'dense_1' })).rejects.toThrow(
      "filterImages: the layer 'dense_1' has no kernel",
    );
  });
});

test('a landscape of a model that has not been compiled is refused', async () => {
  const model = sequential([layers.dense({ units: 1, inputShape: [2] })]);
  await expect(lossLandscape(model, [[1, 2]], [[1]])).rejects.toThrow('lossLandscape: the model is not compiled');
});
