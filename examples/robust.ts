// Adversarial training: small changes of the pixels mislead a network of digits, until it is trained on such changes too. Goodfellow et al.,
// Explaining and Harnessing Adversarial Examples, 2014. Madry et al., Towards Deep Learning Models Resistant to Adversarial Attacks, 2017.
import { type Attack, adversarial, concat, datasets, layers, losses, optimizers, sequential, setSeed } from 'ombre';
import type { Figures, Run } from './example.ts';

/** Figures: the test accuracies without an attack, under FGSM and under PGD, before and after adversarial training. */
export async function robust({ isSmall, print, show, watch, mnist }: Run): Promise<Figures> {
  setSeed(1);
  const { train, test } = await (isSmall ? datasets.digits() : mnist());
  const [filters, epochs, batchSize, steps] = isSmall ? [8, 8, 32, 5] : [16, 6, 128, 10];
  const epsilon = isSmall ? 0.1 : 0.2;
  const ball = { epsilon, clipRange: [0, 1] } as const;

  const count = Math.min(2000, test.y.size);
  const [x, y] = [test.x.slice([0, 0, 0, 0], [count, ...test.x.shape.slice(1)]), test.y.slice([0], [count])];
  const model = sequential([
    layers.conv2d({ filters, kernelSize: 3, strides: 2, activation: 'relu', padding: 'same', inputShape: train.x.shape.slice(1) }),
    layers.conv2d({ filters: 2 * filters, kernelSize: 3, strides: 2, activation: 'relu', padding: 'same' }),
    layers.flatten(),
    layers.dense({ units: 8 * filters, activation: 'relu' }),
    layers.dense({ units: 10 }),
  ]);
  model.compile({
    optimizer: optimizers.adam({ learningRate: 0.003 }),
    loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }),
    metrics: ['accuracy'],
  });
  const learn = async (attack?: Attack): Promise<void> => {
    await model.fit(train.x, train.y, {
      epochs,
      batchSize,
      adversarial: attack,
      verbose: 0,
      callbacks: watch(attack ? 'On attacked images' : 'On images'),
    });
  };
  const score = async (title: string): Promise<number[]> => {
    // The attacks know the weights of the network that they mislead.
    const attacked = [x, adversarial.fgsm(model, x, y, ball), adversarial.pgd(model, x, y, { ...ball, steps, seed: 1 })];
    const few = attacked.map((images) => images.slice([0, 0, 0, 0], [8, ...images.shape.slice(1)]));
    await show(`From top to bottom: images, under FGSM, under PGD; ${title}`, concat(few, 1));
    const accuracies: number[] = [];
    for (const images of attacked) accuracies.push((await model.evaluate(images, y, { batchSize: 500, verbose: 0 })).accuracy);
    print(`${title}: ${accuracies.map((accuracy) => accuracy.toFixed(3)).join(', ')} without an attack, under FGSM, under PGD`);
    return accuracies;
  };

  await learn();
  const [clean, fgsm, pgd] = await score('trained on images');
  await learn(isSmall ? adversarial.fgsm(ball) : adversarial.pgd({ ...ball, steps: 5 }));
  const [robustClean, robustFgsm, robustPgd] = await score('then trained on attacked images');
  return { clean, fgsm, pgd, robustClean, robustFgsm, robustPgd };
}
