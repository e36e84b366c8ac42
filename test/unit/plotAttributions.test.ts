// Saliency maps and Grad-CAM against PyTorch.
import { beforeAll, describe, expect, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { input, layers } from '../../src/nn/index.ts';
import { add, softmax } from '../../src/ops/index.ts';
import { gradCam, integratedGradients, saliencyMap, smoothGrad } from '../../src/plots/index.ts';
import { type Model, createModel, sequential } from '../../src/train/index.ts';
import '../../src/train/names.ts';
import { goldenNetwork, images, network } from '../support/plotModels.ts';

let model: Model;
beforeAll(async () => {
  await setDevice('cpu');
  model = await goldenNetwork();
});

const { classes: classId } = network;
const flat = (nested: unknown): number[] => [nested].flat(9) as number[];

function close(actual: Float32Array, expected: unknown): void {
  const values = flat(expected);
  expect(actual).toHaveLength(values.length);
  actual.forEach((value, i) => expect(Math.abs(value - values[i]), `element ${i}`).toBeLessThan(2e-6));
}

describe('saliencyMap', () => {
  test('is the gradient of the score before the softmax', async () => {
    const map = await saliencyMap(model, images(), { classId });
    close(map.data, network.gradient);
    expect(map.shape).toEqual([2, 6, 6, 2]);
    expect(map.classes).toEqual(classId);
    close(Float32Array.from(map.scores), network.scores);
  });

  test('explains the class with the highest score', async () => {
    const { classes } = await saliencyMap(model, images());
    expect(classes).toEqual(network.best);
  });

  test('explains probabilities without beforeActivation', async () => {
    const map = await saliencyMap(model, images(), { classId, beforeActivation: false });
    const probabilities = (await model.predict(images()).array()) as number[][];
    close(Float32Array.from(map.scores), probabilities.map((row, i) => row[classId[i]])); // prettier-ignore
  });

  test('takes the input of a sigmoid', async () => {
    const one = sequential([layers.dense({ units: 1, activation: 'sigmoid', inputShape: [3] })]);
    const map = await saliencyMap(one, [[1, 2, 3]]);
    close(map.data, await one.parameters().dense_1.kernel.array());
  });

  test('leaves the model as it is', async () => {
    const before = await Promise.all((await model.getWeights()).map((weight) => weight.data()));
    await saliencyMap(model, images());
    expect(await Promise.all((await model.getWeights()).map((weight) => weight.data()))).toEqual(before);
  });

  test.each<[string, () => Promise<unknown>, string]>([
    [
      'a class too many',
      () => saliencyMap(model, images(), { classId: 5 }),
      'saliencyMap: classId is 5, but the output has 5 classes; give an index below it',
    ],
    ['too few classes', () => saliencyMap(model, images(), { classId: [1] }), 'saliencyMap: classId has 1 classes, but x has 2 samples'],
    [
      'a name of an output',
      () => saliencyMap(model, images(), { output: 'left' }),
      "saliencyMap: output is 'left'; the model has the outputs",
    ],
    ['images of another size', () => saliencyMap(model, [[[1]]]), 'saliencyMap'],
  ])('refuses %s', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });
});

test('a model with several outputs needs the name of one', async () => {
  const x = input({ shape: [4] });
  const [left, right] = [layers.dense({ units: 2 }), layers.dense({ units: 3 })];
  const two = createModel({ inputs: x, outputs: { left: left.apply(x), right: right.apply(x) } });
  await expect(saliencyMap(two, [[1, 2, 3, 4]])).rejects.toThrow(
    'output is missing; the model has the outputs left, right: give one of them',
  );
  const map = await saliencyMap(two, [[1, 2, 3, 4]], { output: 'right', classId: 2 });
  const kernel = (await right.variables.value!.parameters.kernel.array()) as number[][];
  close(map.data, kernel.map((row) => row[2])); // prettier-ignore
});

describe('smoothGrad', () => {
  test('is the gradient without noise', async () => {
    close((await smoothGrad(model, images(), { classId, samples: 3, noise: 0 })).data, network.gradient);
  });

  test('depends on the seed only', async () => {
    const draw = async (seed: number) => [...(await smoothGrad(model, images(), { samples: 4, noise: 0.3, seed })).data];
    const first = await draw(1);
    expect(await draw(1)).toEqual(first);
    expect(await draw(2)).not.toEqual(first);
  });
});

describe('integratedGradients', () => {
  test('is that of PyTorch', async () => {
    const map = await integratedGradients(model, images(), { classId, steps: 16 });
    close(map.data, network.integrated);
  });

  test('sums to the difference of the scores', async () => {
    const baseline = new Float32Array(72).fill(0.25);
    const map = await integratedGradients(model, images(), { classId, steps: 200, baseline: { data: baseline, shape: [6, 6, 2] } });
    for (const i of [0, 1]) {
      const sum = map.data.subarray(72 * i, 72 * (i + 1)).reduce((a, b) => a + b, 0);
      expect(sum).toBeCloseTo(map.scores[i] - map.baselineScores[i], 2);
    }
  });

  test('refuses a baseline of another shape', async () => {
    await expect(integratedGradients(model, images(), { baseline: [1, 2] })).rejects.toThrow('baseline is [2], but x is [2,6,6,2]');
  });
});

describe('gradCam', () => {
  test('is that of PyTorch, in the size of the maps and of the image', async () => {
    const maps = await gradCam(model, images(), { layer: 'conv2d_2', classId, resize: false });
    expect(maps.shape).toEqual([2, 4, 4]);
    close(maps.data, network.gradCam);
    const large = await gradCam(model, images(), { layer: 'conv2d_2', classId });
    expect(large.shape).toEqual([2, 6, 6]);
    close(large.data, network.gradCamOfInput);
  });

  test('is the same in a functional model with a nested one, and a skip connection beside it', async () => {
    const x = input({ shape: [6, 6, 2] });
    const features = createModel({ inputs: model.input, outputs: model.getLayer('conv2d_2').output, name: 'features' });
    const maps = features.apply(x);
    const pooled = layers.globalAveragePooling2d().apply(maps);
    const scores = layers.dense({ units: 5, name: 'scores' }).apply(pooled);
    // The other branch depends on the input but not on the maps.
    const other = layers.dense({ units: 5, kernelInitializer: 'zeros', name: 'other' }).apply(layers.flatten().apply(x));
    const functional = createModel({ inputs: x, outputs: softmax(add(scores, other)) });
    const weights = await functional.getWeights();
    const paths = functional.variables().map(({ path }) => path);
    const [kernel, bias] = (await model.getWeights()).slice(4);
    await functional.setWeights(
      weights.map((weight, i) => (paths[i] === 'scores/kernel' ? kernel : paths[i] === 'scores/bias' ? bias : weight)),
    );
    const map = await gradCam(functional, images(), { layer: 'features/conv2d_2', classId, resize: false });
    close(map.data, network.gradCam);
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ['an unknown layer', async () => gradCam(model, images(), { layer: 'conv2d_3' }), "there is no layer 'conv2d_3'"],
    [
      'a layer without maps',
      () => gradCam(model, images(), { layer: 'dense_1' }),
      "gradCam: the layer 'dense_1' gives [2,5]; give a layer with maps",
    ],
    ['no layer', async () => gradCam(model, images(), {} as never), 'plots.gradCam: layer is missing'],
  ])('refuses %s', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });

  test('refuses a layer that is used twice', async () => {
    const conv = layers.conv2d({ filters: 2, kernelSize: 1, name: 'conv', inputShape: [2, 2, 2] });
    const twice = sequential([conv, conv, layers.flatten(), layers.dense({ units: 2 })]);
    await expect(gradCam(twice, { data: new Float32Array(8), shape: [1, 2, 2, 2] }, { layer: 'conv' })).rejects.toThrow(
      "gradCam: the layer 'conv' is used 2 times, so it has several maps",
    );
  });
});
