// A variational autoencoder: digits become points of a plane, and points of the plane become digits. Kingma and Welling, 2014.
import { type Tensor, add, createModel, datasets, exp, input, layers, losses, mean, mul, random, sequential, setSeed, square, sub, sum } from 'ombre'; // prettier-ignore
import { plots } from 'ombre/plots';
import type { Figures, Run } from './example.ts';

/** Figures: the mean negative lower bound of the likelihood of a test image, in nats, and the squared error of its pixels. */
export async function vae({ isSmall, show, watch, mnist }: Run): Promise<Figures> {
  setSeed(1);
  const { train, test } = await (isSmall ? datasets.digits() : mnist());
  const flat = ({ x }: { x: Tensor }) => x.reshape([x.shape[0], -1]);
  const [images, tests] = [flat(train), flat(test)];
  const pixels = images.shape[1];
  const [units, epochs] = isSmall ? [32, 6] : [256, 8];

  const image = input({ shape: [pixels] });
  const seen = layers.dense({ units, activation: 'relu' }).apply(image);
  // Mean and logarithm of the variance of the point.
  const encoder = createModel({ inputs: image, outputs: [layers.dense({ units: 2 }).apply(seen), layers.dense({ units: 2 }).apply(seen)] });
  const decoder = sequential([layers.dense({ units, activation: 'relu', inputShape: [2] }), layers.dense({ units: pixels })]);
  const [center] = encoder.apply<readonly Tensor[]>(image);
  const model = createModel({ inputs: image, outputs: decoder.apply(center) });

  const crossentropy = losses.binaryCrossentropy({ fromLogits: true });
  model.compile({
    optimizer: 'adam',
    trainStep(step) {
      const { loss, gradients } = step.gradients(() => {
        const [center, logVariance] = step.apply<readonly Tensor[]>(encoder, step.x);
        const point = add(center, mul(exp(mul(logVariance, 0.5)), random.normal(center.shape)));
        const pixelsLost = mul(crossentropy(step.x, step.apply(decoder, point)), pixels);
        const divergence = sum(sub(sub(exp(logVariance), 1), sub(logVariance, square(center))), { axis: 1 });
        return add(pixelsLost, mul(mean(divergence), 0.5));
      });
      step.update(gradients);
      return { loss };
    },
  });
  model.learningRate = isSmall ? 0.01 : 0.001;
  const { history } = await model.fit(images, undefined, { epochs, batchSize: 64, verbose: 0, callbacks: watch() });

  const logits = await model.predict(tests);
  const error = mean(square(sub(logits.sigmoid(), tests)));
  // Walks through the plane, and the points of test images.
  const side = Math.sqrt(pixels);
  const places = [-2, -1, 0, 1, 2];
  const walk = await decoder.predict(places.flatMap((down) => places.map((right) => [right, -down])));
  const grid = walk.sigmoid().reshape([5, 5, side, side]).transpose([0, 2, 1, 3]);
  await show('Digits of the plane', grid.reshape([1, 5 * side, 5 * side]));
  const count = Math.min(1000, tests.shape[0]);
  const [points] = await encoder.predict<readonly Tensor[]>(tests.slice([0], [count]));
  const coordinates = (await points.array()) as number[][];
  const labels = Array.from(await test.y.slice([0], [count]).data(), Number);
  await show('Test images in the plane', (theme) => plots.embedding(coordinates, { labels, theme }));
  return { loss: history.loss[history.loss.length - 1], squaredError: await error.item() };
}
