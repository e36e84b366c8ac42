// Augmentations beyond PyTorch's cases (layerValues.test.ts): other fill modes, distributions of the draws, keys, mixtures, inference and errors.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, layers } from '../../src/nn/index.ts';
import { drawBeta, drawsOf } from '../../src/nn/layers/augmentation/draws.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { arange, full, mul, oneHot, ones, reshape, tensor, zeros } from '../../src/ops/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import { data } from '../../src/data/index.ts';
import { type TrainStep, sequential } from '../../src/train/index.ts';
import { type Case, augmentationCases, expectedOf, momentsOf, runAugmentation } from '../support/augmentationCases.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(5));

const valuesOf = async (x: Tensor): Promise<number[]> => Array.from(await x.data());
const trained = async (layer: Layer, x: Tensor): Promise<number[]> => valuesOf(layer.apply(x, { training: true }));
const ramp = (shape: number[]): Tensor => reshape(arange(shape.reduce((a, b) => a * b, 1)), shape).cast('f32');

describe('the sampler against the written map', () => {
  test.each(augmentationCases.map((one) => [`${one.name} ${JSON.stringify(one.options)}`, one] as const))('%s', async (_, one: Case) => {
    const found = await valuesOf(runAugmentation(one));
    for (const [image, choices] of expectedOf(one).entries()) {
      const own = found.slice(image * choices[0].length, (image + 1) * choices[0].length);
      const errors = choices.map((choice) => Math.max(...choice.map((value, i) => Math.abs(value - own[i]))));
      expect(Math.min(...errors)).toBeLessThan(2e-5);
    }
  });
});

describe('draws', () => {
  test('brightness and translation are uniform in their range, and differ between samples', async () => {
    const bright = await trained(layers.randomBrightness({ factor: [-0.2, 0.3], valueRange: [0, 1] }), full([4000, 1, 1, 1], 0.5));
    const shifts = bright.map((value) => value - 0.5);
    expect(Math.min(...shifts)).toBeGreaterThanOrEqual(-0.2000001);
    expect(Math.max(...shifts)).toBeLessThan(0.3000001);
    const { mean, variance } = momentsOf(shifts);
    expect(mean).toBeCloseTo(0.05, 2);
    expect(variance).toBeCloseTo(0.25 / 12, 3);
    expect(new Set(shifts).size).toBeGreaterThan(3900);
    // The pixel in the middle of a ramp shows the shift.
    const layer = layers.randomTranslation({ heightFactor: 0, widthFactor: [0.1, 0.4] });
    const moved = await trained(layer, mul(ones([200, 1, 101, 1]), reshape(arange(101), [1, 1, 101, 1])));
    const middles = Array.from({ length: 200 }, (_, i) => (50 - moved[i * 101 + 50]) / 101);
    expect(Math.min(...middles)).toBeGreaterThan(0.0999);
    expect(Math.max(...middles)).toBeLessThan(0.4001);
    expect(momentsOf(middles).mean).toBeCloseTo(0.25, 1);
  });

  test('flips happen half the time, in both directions one by one', async () => {
    const values = await trained(layers.randomFlip(), mul(ones([2000, 2, 2, 1]), reshape(arange(4), [1, 2, 2, 1])));
    const firsts = [0, 1, 2, 3].map(
      (first) => Array.from({ length: 2000 }, (_, i) => values[4 * i]).filter((v) => v === first).length / 2000,
    );
    for (const share of firsts) expect(Math.abs(share - 0.25)).toBeLessThan(0.04);
    const horizontal = await trained(
      layers.randomFlip({ mode: 'horizontal' }),
      mul(ones([500, 1, 2, 1]), reshape(arange(2), [1, 1, 2, 1])),
    );
    expect(Math.abs(momentsOf(horizontal.filter((_, i) => i % 2 === 0)).mean - 0.5)).toBeLessThan(0.07);
    expect(await trained(layers.randomFlip({ mode: 'vertical' }), ramp([3, 1, 4, 2]))).toEqual(await valuesOf(ramp([3, 1, 4, 2])));
  });

  test('crops take every place, the same one for all channels', async () => {
    const x = mul(ones([600, 3, 4, 2]), reshape(arange(24), [1, 3, 4, 2]));
    const values = await trained(layers.randomCrop({ height: 2, width: 2 }), x);
    const firsts = Array.from({ length: 600 }, (_, i) => values.slice(8 * i, 8 * i + 8));
    for (const own of firsts) expect(own.map((value) => value - own[0])).toEqual([0, 1, 2, 3, 8, 9, 10, 11]);
    const places = [0, 2, 4, 8, 10, 12].map((place) => firsts.filter(([first]) => first === place).length);
    expect(places.reduce((a, b) => a + b)).toBe(600);
    for (const count of places) expect(Math.abs(count - 100)).toBeLessThan(40);
  });

  test('contrast is from 1 - low to 1 + high, around the mean of each channel', async () => {
    const x = mul(ones([300, 1, 2, 2]), tensor([[[1, 10], [3, 20]]])); // prettier-ignore
    const values = await trained(layers.randomContrast({ factor: [0.5, 0.25] }), x);
    const scales = Array.from({ length: 300 }, (_, i) => (values[4 * i + 2] - values[4 * i]) / 2);
    expect([Math.min(...scales) > 0.499, Math.max(...scales) < 1.251]).toEqual([true, true]);
    expect(momentsOf(scales).mean).toBeCloseTo(0.875, 1);
    for (const [i, scale] of scales.entries()) expect(values[4 * i + 3]).toBeCloseTo(15 + 5 * scale, 4);
  });

  test.each([0.2, 1, 3])('Beta(%d, %d) has its mean and variance, and that of its halves', async (alpha) => {
    const values = await valuesOf(drawBeta(drawsOf(undefined), 20000, alpha));
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
    const { mean, variance } = momentsOf(values);
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(variance - 1 / (4 * (2 * alpha + 1)))).toBeLessThan(0.0025);
    // E[w^4] = product of (alpha + k) / (2 alpha + k)
    const fourth = [0, 1, 2, 3].reduce((product, k) => (product * (alpha + k)) / (2 * alpha + k), 1);
    expect(Math.abs(momentsOf(values.map((value) => value ** 4)).mean - fourth)).toBeLessThan(0.01);
  });

  test('erasing fills one rectangle of the given share, and some images only', async () => {
    const layer = layers.randomErasing({ factor: [0.5, 0.5], scale: [0.25, 0.25], fillValue: [7, 8] });
    const values = await trained(layer, zeros([400, 8, 8, 2]));
    let erased = 0;
    for (let b = 0; b < 400; b++) {
      const cells = Array.from({ length: 64 }, (_, p) => [values[(b * 64 + p) * 2], values[(b * 64 + p) * 2 + 1]]);
      const filled = cells.flatMap(([a, c], p) => (a === 7 && c === 8 ? [p] : []));
      expect(cells.filter(([a, c]) => a !== 0 || c !== 0)).toHaveLength(filled.length);
      if (filled.length === 0) continue;
      erased++;
      // Half of each side, at a place that is no whole number: 4 pixels.
      expect(filled).toHaveLength(16);
      expect(new Set(filled.map((p) => p % 8)).size).toBe(4);
    }
    expect(Math.abs(erased / 400 - 0.5)).toBeLessThan(0.08);
    const noise = await trained(layers.randomErasing({ factor: [1, 1], scale: [1, 1], valueRange: [-1, 1] }), full([50, 4, 4, 1], 9));
    expect(noise.every((value) => value >= -1 && value <= 1)).toBe(true);
    expect(Math.abs(momentsOf(noise).mean)).toBeLessThan(0.1);
  });

  test('grayscale takes images with the given probability', async () => {
    const values = await trained(layers.grayscale({ factor: 0.25 }), mul(ones([800, 1, 1, 3]), tensor([1, 2, 3])));
    const grey = Array.from({ length: 800 }, (_, i) => values[3 * i] === values[3 * i + 1]).filter(Boolean).length;
    expect(Math.abs(grey / 800 - 0.25)).toBeLessThan(0.05);
  });

  test('shear has both directions', async () => {
    const x = mul(ones([200, 2, 3, 1]), reshape(arange(3), [1, 1, 3, 1]));
    const values = await trained(layers.randomShear({ xFactor: [1, 1] }), x);
    // The second row is read one column further, or one before.
    const rights = Array.from({ length: 200 }, (_, i) => values[6 * i + 4]).filter((value) => value === 2).length;
    expect(Math.abs(rights - 100)).toBeLessThan(30);
  });

  test('the hue turns in both directions', async () => {
    // Red, a third of a turn on: green or blue.
    const values = await trained(
      layers.colorJitter({ hueFactor: [2 / 3, 2 / 3], valueRange: [0, 1] }),
      mul(ones([200, 1, 1, 3]), tensor([1, 0, 0])),
    );
    const green = Array.from({ length: 200 }, (_, i) => values[3 * i + 1]).filter((value) => value > 0.999).length;
    const blue = Array.from({ length: 200 }, (_, i) => values[3 * i + 2]).filter((value) => value > 0.999).length;
    expect(green + blue).toBe(200);
    expect(Math.abs(green - 100)).toBeLessThan(30);
  });
});

describe('keys', () => {
  const x = ramp([4, 5, 5, 3]);
  const turn = (seed?: number): Promise<number[]> => trained(layers.randomRotation({ factor: 0.5, seed }), x);

  test('setSeed repeats the numbers, and calls differ', async () => {
    const first = await turn();
    expect(await turn()).not.toEqual(first);
    setSeed(5);
    expect(await turn()).toEqual(first);
  });

  test('layers of one seed draw the same numbers', async () => {
    expect(await turn(3)).toEqual(await turn(3));
    expect(await turn(3)).not.toEqual(await turn(4));
  });

  test('in a compiled step: new numbers in each step, the same for the same seed of fit', async () => {
    const build = (seed?: number): Layer[] => [
      layers.randomBrightness({ factor: 0.5, valueRange: [-9, 9], seed, inputShape: [2, 2, 1] }),
      layers.flatten(),
    ];
    const losses = async (seed: number, of?: number): Promise<readonly number[]> => {
      const model = sequential([...build(of), layers.dense({ units: 1, kernelInitializer: 'ones' })]);
      model.compile({ loss: 'mse', optimizer: optimizers.sgd({ learningRate: 1e-9 }) });
      const { history } = await model.fit(zeros([6, 2, 2, 1]), zeros([6, 1]), {
        epochs: 3,
        batchSize: 3,
        shuffle: false,
        seed,
        verbose: 0,
      });
      return history.loss;
    };
    const first = await losses(1);
    expect(new Set(first).size).toBe(3);
    expect(await losses(1)).toEqual(first);
    expect(await losses(2)).not.toEqual(first);
    const seeded = await losses(1, 8);
    expect(new Set(seeded).size).toBe(3);
    expect(await losses(1, 8)).toEqual(seeded);
    // The difference of two layers of one seed is 0.
    const image = layers.subtract();
    const step: TrainStep = (tools) => {
      const [a, b] = [8, 8].map((seed) =>
        layers.randomBrightness({ factor: 0.5, valueRange: [-9, 9], seed }).apply(tools.x, { training: true }),
      );
      const other = layers.randomBrightness({ factor: 0.5, valueRange: [-9, 9], seed: 9 }).apply(tools.x, { training: true });
      const { loss, gradients } = tools.gradients(() => tools.loss(tools.forward(tools.x)));
      tools.update(gradients);
      const total = (t: Tensor, u: Tensor): Tensor => image.apply<Tensor>([t, u]).abs().sum();
      return { loss, logs: { same: total(a, b), different: total(a, other) } };
    };
    const model = sequential([layers.flatten({ inputShape: [2, 2, 1] }), layers.dense({ units: 1 })]);
    model.compile({ loss: 'mse', trainStep: step });
    const logs = await model.trainOnBatch(zeros([3, 2, 2, 1]), zeros([3, 1]));
    expect(logs.same).toBe(0);
    expect(logs.different).toBeGreaterThan(0.01);
  });
});

describe('outside of training', () => {
  const x = ramp([2, 4, 6, 3]);
  const same: readonly Layer[] = [
    layers.randomFlip(),
    layers.randomTranslation({ heightFactor: 1, widthFactor: 1 }),
    layers.randomRotation({ factor: 1 }),
    layers.randomZoom({ heightFactor: 1 }),
    layers.randomShear({ xFactor: 1 }),
    layers.randomBrightness({ factor: 1 }),
    layers.randomContrast({ factor: 1 }),
    layers.colorJitter({ hueFactor: 1 }),
    layers.grayscale(),
    layers.randomErasing(),
    layers.gaussianBlur(),
    layers.mixUp(),
    layers.cutMix(),
  ];
  test.each(same)('$kind passes images on', async (layer) => expect(await valuesOf(layer.apply(x))).toEqual(await valuesOf(x)));

  test('randomCrop resizes the largest middle window', async () => {
    const crop = layers.randomCrop({ height: 2, width: 2 });
    const expected = layers.resizing({ height: 2, width: 2 }).apply(layers.cropping2d({ cropping: [[0, 0], [1, 1]] }).apply(x)); // prettier-ignore
    expect(await valuesOf(crop.apply(x))).toEqual(await valuesOf(expected));
    // Too small an image is resized in training too.
    const larger = layers.randomCrop({ height: 8, width: 8 });
    expect(await trained(larger, x)).toEqual(await valuesOf(larger.apply(x)));
    expect(await trained(layers.randomCrop({ height: 4, width: 6 }), x)).toEqual(await valuesOf(x));
  });
});

test('a pixel that is not read cannot spread its NaN', async () => {
  const x = tensor([[[[NaN], [1], [2], [Infinity]]]]);
  expect(await trained(layers.randomTranslation({ heightFactor: 0, widthFactor: [0, 0] }), x)).toEqual([NaN, 1, 2, Infinity]);
});

describe('mixUp and cutMix', () => {
  const images = mul(ones([16, 6, 6, 2]), reshape(arange(16), [16, 1, 1, 1]));
  const labels = oneHot(arange(16), 16);
  type Mixed = { images: Tensor; labels: Tensor };

  test.each([layers.mixUp({ alpha: 1 }), layers.cutMix()])('$kind mixes labels by the share of the images', async (layer) => {
    const mixed = layer.apply<Mixed>({ images, labels }, { training: true });
    const [pixels, shares] = [await valuesOf(mixed.images), await valuesOf(mixed.labels)];
    let changed = 0;
    for (let i = 0; i < 16; i++) {
      const own = shares.slice(16 * i, 16 * i + 16);
      expect(own.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      const others = own.flatMap((share, j) => (share !== 0 && j !== i ? [j] : []));
      expect(others.length).toBeLessThanOrEqual(1);
      if (others.length) changed++;
      const image = pixels.slice(72 * i, 72 * i + 72);
      const mean = own.reduce((total, share, j) => total + share * j, 0);
      expect(momentsOf(image).mean).toBeCloseTo(mean, 4);
      if (layer.kind === 'mixUp') for (const value of image) expect(value).toBeCloseTo(mean, 4);
      else expect(image.every((value) => value === i || value === others[0])).toBe(true);
    }
    expect(changed).toBeGreaterThan(8);
  });

  test('labels of any rank, and none', async () => {
    const layer = layers.mixUp({ alpha: 1, seed: 2 });
    const scalars = layer.apply<Mixed>({ images, labels: arange(16).cast('f32') }, { training: true });
    const only = layer.apply(images, { training: true });
    const first = (await valuesOf(only)).filter((_, i) => i % 72 === 0);
    (await valuesOf(scalars.labels)).forEach((value, i) => expect(value).toBeCloseTo(first[i], 5));
    expect(Object.keys(layer.apply<Mixed>({ images }, { training: true }))).toEqual(['images']);
  });

  test.each([layers.mixUp(), layers.cutMix({ factor: [1, 1] })])('$kind trains in one compiled step', async (mix) => {
    const model = sequential([layers.flatten({ inputShape: [6, 6, 2] }), layers.dense({ units: 2, activation: 'softmax' })]);
    const trainStep: TrainStep = (step) => {
      const mixed = mix.apply({ images: step.x, labels: step.y }, { training: true });
      const { loss, gradients } = step.gradients(() => step.loss(step.forward(mixed.images), mixed.labels));
      step.update(gradients);
      return { loss };
    };
    model.compile({ optimizer: optimizers.adam({ learningRate: 0.05 }), loss: 'categoricalCrossentropy', trainStep });
    const x = mul(ones([64, 6, 6, 2]), reshape(arange(64), [64, 1, 1, 1]))
      .greater(31.5)
      .cast('f32');
    const y = oneHot(arange(64).greater(31.5).cast('i32'), 2);
    const { history } = await model.fit(x, y, { epochs: 12, batchSize: 16, verbose: 0, seed: 3 });
    expect(history.loss[11]).toBeLessThan(history.loss[0]);
    const predictions = await valuesOf(await model.predict(x));
    expect(predictions[0]).toBeGreaterThan(0.6);
    expect(predictions[127]).toBeGreaterThan(0.6);
  });

  test('in the map of a dataset', async () => {
    const mix = layers.mixUp({ alpha: 1 });
    const set = data
      .fromArrays(images, labels)
      .batch(8)
      .map(({ x, y }) => {
        // prettier-ignore
        const mixed = mix.apply({ images: x, labels: y! }, { training: true });
        return { x: mixed.images, y: mixed.labels };
      });
    const model = sequential([layers.flatten({ inputShape: [6, 6, 2] }), layers.dense({ units: 16, activation: 'softmax' })]);
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const { history } = await model.fit(set, undefined, { epochs: 2, verbose: 0 });
    expect(history.loss.every(Number.isFinite)).toBe(true);
  });
});

describe('errors', () => {
  const image = zeros([2, 4, 4, 2]);
  const refused: readonly (readonly [string, () => unknown, string])[] = [
    ['rank', () => layers.randomFlip().apply(zeros([2, 4])), 'randomFlip: takes inputs [batch, height, width, channels], got inputs of shape [batch,4]'],
    ['factor', () => layers.randomRotation({ factor: 2 }), 'layers.randomRotation: factor is 2; it must be a number from -1 to 1, or a list of two'],
    ['order of a range', () => layers.randomBrightness({ factor: 0.1, valueRange: [1, 0] }), 'layers.randomBrightness: valueRange is [1,0]; it must be a list of two numbers: the smallest and the largest value of images'],
    ['fillMode', () => layers.randomZoom({ heightFactor: 0.1, fillMode: 'reflekt' as 'reflect' }), "fillMode is 'reflekt'; it must be 'constant', 'nearest', 'reflect' or 'wrap'; did you mean 'reflect'?"],
    ['kernel', () => layers.gaussianBlur({ kernelSize: 4 }), 'layers.gaussianBlur: kernelSize is 4; it must be an odd positive integer, or two: [width, height]'],
    ['colours', () => layers.grayscale().apply(image), 'grayscale: takes images of 3 channels (red, green, blue), got inputs [batch,4,4,2]; repeat a single channel 3 times'],
    ['fill', () => layers.randomErasing({ fillValue: [1, 2, 3] }).apply(image), 'randomErasing: fillValue has 3 numbers, but inputs [batch,4,4,2] have 2 channels; give one for each'],
    ['list', () => layers.mixUp().apply([image, image]), 'mixUp: got a list [[batch,4,4,2], [batch,4,4,2]]; give images [batch, height, width, channels], or { images, labels }'],
    ['names', () => layers.cutMix().apply({ images: image, label: image }), 'cutMix: got { images: [batch,4,4,2], label: [batch,4,4,2] }; give images [batch, height, width, channels], or { images, labels }'],
    ['whole numbers', () => layers.mixUp().apply({ images: image, labels: arange(2) }, { training: true }), 'mixUp: labels are i32, which have no mixture; give one number for each class, as by oneHot()'],
  ]; // prettier-ignore
  test.each(refused)('%s', (_, call, message) => expect(call).toThrow(message));
});
