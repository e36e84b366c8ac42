// Several tasks: one network reads the digit of an image and measures its ink. The loss of the ink is the larger one at first, so the
// network learns the digits less well. Kendall et al., Multi-Task Learning Using Uncertainty to Weigh Losses, 2018. Yu et al., Gradient
// Surgery for Multi-Task Learning, 2020.
import { type CompileOptions, type Tensor, add, createModel, datasets, input, layers, losses, mean, mul, optimizers, pcGrad, setSeed, sub } from 'ombre'; // prettier-ignore
import { type Figures, type Images, type Run, firstOf } from './example.ts';

/** Figures: the test accuracy of the digit, and the mean absolute error of the ink in percent, for each way to combine the losses. */
export async function tasks({ isSmall, isLarge = false, print, watch, mnist }: Run): Promise<Figures> {
  setSeed(1);
  const { train: all, test } = await (isSmall ? datasets.digits() : mnist());
  const train = firstOf(all, isLarge ? 40_000 : 15_000);
  const [units, epochs, batchSize] = isSmall ? [16, 12, 32] : [64, 6, 64];
  // Mean brightness in percent, less that of all images to train on.
  const inkOf = (x: Tensor): Tensor => mul(mean(x, { axis: [1, 2, 3] }), 100);
  const middle = mean(inkOf(train.x));
  const targets = ({ x, y }: Images) => ({ digit: y, ink: sub(inkOf(x), middle) });

  // The layer passes the outputs on, and has one learned variance for each task.
  const weigh = layers.uncertaintyWeighting({ likelihood: { digit: 'softmax', ink: 'gaussian' } });
  const learn = async (how: string, options: CompileOptions = {}): Promise<Figures> => {
    setSeed(2);
    const image = input({ shape: train.x.shape.slice(1) });
    const shared = layers.dense({ units, activation: 'relu' }).apply(layers.flatten().apply(image));
    const heads = { digit: layers.dense({ units: 10 }).apply(shared), ink: layers.dense({ units: 1 }).apply(shared) };
    const model = createModel({ inputs: image, outputs: how === 'uncertainty' ? weigh.apply<typeof heads>(heads) : heads });
    model.compile({
      optimizer: optimizers.adam({ learningRate: 0.01 }),
      loss: { digit: losses.sparseCategoricalCrossentropy({ fromLogits: true }), ink: 'meanSquaredError' },
      metrics: { digit: ['accuracy'], ink: ['meanAbsoluteError'] },
      ...options,
    });
    await model.fit(train.x, targets(train), { epochs, batchSize, verbose: 0, seed: 1, callbacks: watch(how) });
    const logs = await model.evaluate(test.x, targets(test), { batchSize: 500, verbose: 0 });
    const [accuracy, error] = [logs.digit_accuracy, logs.ink_meanAbsoluteError];
    print(`${how}: accuracy ${accuracy.toFixed(3)}, ink ${error.toFixed(2)}`);
    return { [`${how}Accuracy`]: accuracy, [`${how}Ink`]: error };
  };

  return {
    ...(await learn('equal')),
    ...(await learn('weights', { lossWeights: { digit: 1, ink: 0.05 } })),
    ...(await learn('uncertainty', {
      trainStep(step) {
        const { loss, gradients } = step.gradients(() => step.apply(weigh, step.losses(step.forward(step.x))));
        step.update(gradients);
        return { loss };
      },
    })),
    // Each gradient loses its part that points against the gradient of the other task.
    ...(await learn('pcGrad', {
      trainStep(step) {
        const { losses, gradients } = step.taskGradients(() => step.losses(step.forward(step.x)));
        step.update(pcGrad(gradients));
        return { loss: add(losses.digit, losses.ink) };
      },
    })),
  };
}
