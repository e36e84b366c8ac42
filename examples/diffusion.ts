// A diffusion model turns noise into digits. Ho et al., Denoising Diffusion Probabilistic Models, 2020. The sampler without noise is that of Song et
// al., Denoising Diffusion Implicit Models, 2021.
import { type Model, type StepTools, type Tensor, add, concat, cos, createModel, datasets, diagonal, div, exp, eye, full, input, layers, linspace, matmul, mean, mul, norm, optimizers, random, schedules, sequential, setSeed, sin, sqrt, square, sub, sum, zeros } from 'ombre'; // prettier-ignore
import type { Figures, Run } from './example.ts';

const pixels = 64;

/** Shares of image and noise at the times t [n, 1] from 0 to 1. Their squares add up to 1. */
function shares(t: Tensor): { signal: Tensor; noise: Tensor } {
  const angle = add(mul(t, 1.5), 0.04);
  return { signal: cos(angle), noise: sin(angle) };
}

/** Sines and cosines of the times [n, 1] -> [n, 32], with frequencies from 1 to 100. */
function timeEmbedding(t: Tensor): Tensor {
  const angles = mul(t, exp(linspace(0, Math.log(100), 16)));
  return concat([sin(angles), cos(angles)], 1);
}

/** The noise in images at their times: { image [n, 64], time [n, 1] } -> [n, 64]. Each block adds to its input. */
function network(units: number, blocks: number): Model {
  const [image, time] = [input({ shape: [pixels] }), input({ shape: [1] })];
  const dense = (x: Tensor, count: number, activation?: 'silu') => layers.dense({ units: count, activation }).apply(x);
  const embedded = dense(timeEmbedding(time), units, 'silu');
  let x = dense(image, units);
  for (let i = 0; i < blocks; i++) {
    const inner = add(dense(layers.layerNormalization().apply(x), units), dense(embedded, units));
    x = add(x, dense(inner.silu(), units));
  }
  return createModel({ inputs: { image, time }, outputs: dense(layers.layerNormalization().apply(x), pixels) });
}

/** Digits from noise [n, 64], in equal steps of the time from 1 to 0. The same noise gives the same digits. */
async function sample(model: Model, start: Tensor, steps: number): Promise<Tensor> {
  let x = start;
  for (let i = steps; i > 0; i--) {
    const time = full([x.shape[0], 1], i / steps);
    const [now, next] = [shares(time), shares(sub(time, 1 / steps))];
    const found = await model.predict({ image: x, time });
    // The image that the network expects, and the noise that is left beside it.
    const image = div(sub(x, mul(now.noise, found)), now.signal).clip(-1, 1);
    const rest = div(sub(x, mul(now.signal, image)), now.noise);
    x = add(mul(next.signal, image), mul(next.noise, rest));
  }
  return x;
}

/** Frechet distance of two sets of features [n, d] as normal distributions: |m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)). */
async function frechetDistance(a: Tensor, b: Tensor): Promise<number> {
  const identity = eye(a.shape[1]);
  const [first, second] = [a, b].map((x) => {
    const center = mean(x, { axis: 0 });
    const rest = sub(x, center);
    return { center, covariance: matmul(rest, rest, { transposeA: true }).div(x.shape[0]).add(mul(identity, 1e-4)) };
  });
  // The root of the product, by the iteration of Newton and Schulz.
  const product = matmul(first.covariance, second.covariance);
  let [root, inverse] = [product.div(norm(product)), identity];
  for (let i = 0; i < 30; i++) {
    const factor = sub(mul(identity, 1.5), mul(matmul(inverse, root), 0.5));
    [root, inverse] = [matmul(root, factor), matmul(factor, inverse)];
  }
  const trace = (x: Tensor): Tensor => sum(diagonal(x));
  const spread = sub(trace(add(first.covariance, second.covariance)), mul(trace(root), mul(sqrt(norm(product)), 2)));
  return add(sum(square(sub(first.center, second.center))), spread).item();
}

/**
 * Figures: the mean squared error of the noise in test images; the Frechet distances of drawn digits, of training digits and of noise to the test digits,
 * by the features of a classifier.
 */
export async function diffusion({ isSmall, isLarge = false, show, watch }: Run): Promise<Figures> {
  setSeed(1);
  const { train, test } = await datasets.digits();
  const [images, tests] = [train, test].map(({ x }) => x.reshape([-1, pixels]).mul(2).sub(1));
  const [units, blocks, epochs, steps] = isSmall ? [96, 1, 16, 20] : isLarge ? [512, 4, 300, 50] : [256, 3, 150, 50];

  const noised = (image: Tensor, time: Tensor, noise: Tensor) => {
    const share = shares(time);
    return { image: add(mul(share.signal, image), mul(share.noise, noise)), time };
  };
  const model = network(units, blocks);
  const learningRate = schedules.cosineDecay({
    initialLearningRate: isSmall ? 8e-3 : 2e-3,
    decaySteps: epochs * Math.ceil(images.shape[0] / 64),
  });
  model.compile({
    optimizer: optimizers.adam({ learningRate, emaDecay: 0.99 }),
    trainStep(step: StepTools<{ image: Tensor }>) {
      const noise = random.normal([step.batchSize, pixels]);
      const batch = noised(step.x.image, random.uniform([step.batchSize, 1]), noise);
      const { loss, gradients } = step.gradients(() => mean(square(sub(step.forward(batch), noise))));
      step.update(gradients);
      return { loss };
    },
  });
  // The step draws the times.
  await model.fit({ image: images, time: zeros([images.shape[0], 1]) }, undefined, { epochs, batchSize: 64, verbose: 0, callbacks: watch() }); // prettier-ignore
  await model.swapAverages();
  const noise = random.normal(tests.shape, { seed: 2 });
  const found = await model.predict(noised(tests, random.uniform([tests.shape[0], 1], { seed: 3 }), noise));
  const drawn = await sample(model, random.normal([400, pixels]), steps);

  const hidden = layers.dense({ units: 32, activation: 'relu', inputShape: [pixels] });
  const classifier = sequential([hidden, layers.dense({ units: 10, activation: 'softmax' })]);
  classifier.compile({ optimizer: optimizers.adam({ learningRate: 0.01 }), loss: 'sparseCategoricalCrossentropy' });
  await classifier.fit(images, train.y, { epochs: 8, batchSize: 64, verbose: 0 });
  const features = createModel({ inputs: classifier.input, outputs: hidden.apply(classifier.input as Tensor) });
  const distance = async (x: Tensor) => frechetDistance(await features.predict(x), await features.predict(tests));
  await show('Drawn digits', drawn.slice([0], [40]).reshape([40, 8, 8]).add(1).div(2).clip(0, 1));
  return {
    noiseLoss: await mean(square(sub(found, noise))).item(),
    distance: await distance(drawn),
    ofTraining: await distance(images),
    ofNoise: await distance(noise),
  };
}
