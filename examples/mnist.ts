// A convolutional network for handwritten digits, with batch normalization, dropout, small shifts and rotations, and a falling learning rate.
import { datasets, layers, losses, optimizers, schedules, sequential, setSeed } from 'ombre';
import { confusionCounts, plots } from 'ombre/plots';
import type { Figures, Run } from './example.ts';

/** Figures: the accuracy on the test images. */
export async function mnist({ isSmall, print, show, watch, ...run }: Run): Promise<Figures> {
  setSeed(1);
  // The small size has images of 8 x 8 pixels.
  const { train, test } = await (isSmall ? datasets.digits() : run.mnist());
  const [width, epochs, batchSize] = isSmall ? [8, 4, 16] : [16, 4, 128];

  const normalized = () => [layers.batchNormalization({ momentum: 0.9 }), layers.relu()];
  const block = (filters: number) => [
    layers.conv2d({ filters, kernelSize: 3, padding: 'same', useBias: false }),
    ...normalized(),
    layers.maxPooling2d(),
  ];
  const model = sequential([
    layers.randomRotation({ factor: 0.03, inputShape: train.x.shape.slice(1) }),
    layers.randomTranslation({ heightFactor: 0.08, widthFactor: 0.08 }),
    ...block(width),
    ...block(2 * width),
    layers.flatten(),
    layers.dense({ units: 4 * width, useBias: false }),
    ...normalized(),
    layers.dropout({ rate: 0.3 }),
    layers.dense({ units: 10 }),
  ]);
  const steps = epochs * Math.ceil(train.y.size / batchSize);
  model.compile({
    optimizer: optimizers.adam({ learningRate: schedules.cosineDecay({ initialLearningRate: 4e-3, decaySteps: steps }) }),
    loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }),
    metrics: ['accuracy'],
  });
  await model.fit(train.x, train.y, { epochs, batchSize, verbose: 0, callbacks: watch() });
  const { accuracy } = await model.evaluate(test.x, test.y, { batchSize: 500, verbose: 0 });
  print(`test accuracy ${accuracy.toFixed(4)}`);
  const matrix = await confusionCounts(test.y, await model.predict(test.x, { batchSize: 500 }), { numClasses: 10 });
  await show('Confusion matrix', (theme) => plots.confusionMatrix(matrix, { theme }));
  return { accuracy };
}
