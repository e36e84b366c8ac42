// A Wasserstein GAN with gradient penalty that draws digits. Gulrajani et al., Improved Training of Wasserstein GANs, 2017.
import { type Tensor, createModel, datasets, gradientPenalty, input, layers, mean, neg, optimizers, random, sequential, setSeed } from 'ombre'; // prettier-ignore
import type { Figures, Run } from './example.ts';

/** The noise has the size of an image, so that one model holds generator and critic. */
const pixels = 64;

/**
 * Figures, from a classifier of real digits: the share of drawn digits that it is sure of by 90 %, and the number of classes with one drawn
 * digit in 40 or more.
 */
export async function gan({ isSmall, print, show, watch }: Run): Promise<Figures> {
  setSeed(1);
  const { train } = await datasets.digits();
  const real = train.x.reshape([-1, pixels]);
  const [units, epochs] = isSmall ? [48, 10] : [256, 150];

  const hidden = (inputs: number) => layers.dense({ units, activation: 'leakyRelu', inputShape: [inputs] });
  const generator = sequential([hidden(pixels), hidden(units), layers.dense({ units: pixels, activation: 'sigmoid' })]);
  const critic = sequential([hidden(pixels), hidden(units), layers.dense({ units: 1 })]);
  const noise = input({ shape: [pixels] });
  const model = createModel({ inputs: noise, outputs: critic.apply(generator.apply(noise)) });
  const adam = () => optimizers.adam({ learningRate: 5e-4, beta1: 0.5, beta2: 0.9 });
  model.compile({
    optimizers: { generator: adam(), critic: adam() },
    trainStep(step) {
      const score = (x: Tensor) => mean(step.apply(critic, x));
      const draw = () => step.apply(generator, random.normal([step.batchSize, pixels]));
      let distance: Tensor | undefined;
      // Several updates of the critic for one of the generator. All of them are one program.
      for (let i = 0; i < 3; i++) {
        const fake = draw();
        const { gradients } = step.gradients(
          () => {
            distance = score(step.x).sub(score(fake));
            return gradientPenalty((x) => step.apply(critic, x), step.x, fake).mul(10).sub(distance); // prettier-ignore
          },
          { of: critic },
        );
        step.update(gradients, { optimizer: 'critic' });
      }
      const { loss, gradients } = step.gradients(() => neg(score(draw())), { of: generator });
      step.update(gradients, { optimizer: 'generator' });
      return { loss, logs: { distance: distance! } };
    },
  });
  await model.fit(real, undefined, { epochs, batchSize: 64, verbose: 0, callbacks: watch() });

  const classifier = sequential([
    layers.dense({ units: 64, activation: 'relu', inputShape: [pixels] }),
    layers.dense({ units: 10, activation: 'softmax' }),
  ]);
  classifier.compile({ optimizer: optimizers.adam({ learningRate: 0.01 }), loss: 'sparseCategoricalCrossentropy' });
  await classifier.fit(real, train.y, { epochs: 8, batchSize: 64, verbose: 0 });
  const drawn = await generator.predict(random.normal([400, pixels]));
  await show('Drawn digits', drawn.slice([0], [40]).reshape([40, 8, 8]));
  const probabilities = (await classifier.predict(drawn).array()) as number[][];
  const classes = probabilities.map((row) => row.indexOf(Math.max(...row)));
  const counts = Array.from({ length: 10 }, (_, digit) => classes.filter((found) => found === digit).length);
  print(`drawn digits by class: ${counts.join(' ')}`);
  return {
    sure: probabilities.filter((row) => Math.max(...row) > 0.9).length / probabilities.length,
    classes: counts.filter((count) => count >= 10).length,
  };
}
