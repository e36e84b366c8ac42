// A variational autoencoder: digits become points of a plane, and points of the plane become digits. Kingma and Welling, 2014.
import { type Tensor, add, createModel, datasets, exp, input, layers, losses, mean, mul, random, sequential, setSeed, square, sub, sum } from 'ombre'; // prettier-ignore
import { type Figures, type Run, printEpochs } from './example.ts';

/** Figures: the mean negative lower bound of the likelihood of a test image, in nats, and the squared error of its pixels. */
export async function vae({ isSmall, print }: Run): Promise<Figures> {
  setSeed(1);
  const { train, test } = await (isSmall ? datasets.digits() : datasets.mnist());
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
  const { history } = await model.fit(images, undefined, { epochs, batchSize: 64, verbose: 0, callbacks: [printEpochs(print)] });

  const logits = await model.predict(tests);
  const error = mean(square(sub(logits.sigmoid(), tests)));
  // A walk through the plane: each line is an image of 8 brightnesses.
  const side = Math.sqrt(pixels);
  const walk = await decoder.predict([[-1, -1], [0, 0], [1, 1]]); // prettier-ignore
  const rows = (await walk.sigmoid().reshape([3, side, side]).array()) as number[][][];
  for (const picture of rows) print(picture.map((row) => row.map((value) => ' .:-=+*#@'[Math.round(8 * value)]).join('')).join('\n'));
  return { loss: history.loss[history.loss.length - 1], squaredError: await error.item() };
}
