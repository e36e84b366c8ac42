// A small residual network with augmentation. He et al., Deep Residual Learning for Image Recognition, 2015. The images are MNIST, or
// CIFAR-10 of the user: `npm run example -- resnet --cifar FOLDER`. Fashion-MNIST has files like those of MNIST, so
// datasets.mnist({ url: FOLDER }) reads them.
import { type Tensor, createModel, datasets, input, layers, losses, optimizers, schedules, setSeed } from 'ombre';
import { confusionCounts, plots } from 'ombre/plots';
import { cifar as readCifar } from './cifar.ts';
import { type Figures, type Run, firstOf } from './example.ts';

/** Figures: the accuracy on the test images. */
export async function resnet({ isSmall, isLarge = false, print, show, watch, mnist, cifar }: Run): Promise<Figures> {
  setSeed(1);
  const { train: all, test } = await (cifar ? readCifar(cifar) : isSmall ? datasets.digits() : mnist());
  const train = firstOf(all, cifar || isLarge ? 60_000 : 10_000);
  const [width, stages, epochs, batchSize] = isSmall
    ? [8, 2, 2, 16]
    : cifar
      ? [32, 3, 20, 128]
      : isLarge
        ? [16, 3, 4, 128]
        : [12, 3, 4, 64];

  const convolution = (x: Tensor, filters: number, kernelSize: number, strides: number): Tensor =>
    layers
      .batchNormalization({ momentum: 0.9 })
      .apply(layers.conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false }).apply(x));
  // Two convolutions compute a change, which is added to their input. If the size is halved, a convolution of 1 x 1 adapts the input.
  const block = (x: Tensor, filters: number, strides: number): Tensor => {
    const inner = layers.relu().apply(convolution(x, filters, 3, strides));
    const shortcut = strides === 1 ? x : convolution(x, filters, 1, strides);
    return layers.relu().apply(layers.add().apply([convolution(inner, filters, 3, 1), shortcut]));
  };
  const image = input({ shape: train.x.shape.slice(1) });
  // Digits are not mirrored.
  const flipped = cifar ? layers.randomFlip({ mode: 'horizontal' }).apply(image) : image;
  const shifted = layers.randomTranslation({ heightFactor: 0.1, widthFactor: 0.1, fillMode: 'constant' }).apply(flipped);
  let x = layers.relu().apply(convolution(shifted, width, 3, 1));
  for (let stage = 0; stage < stages; stage++) x = block(x, width * 2 ** stage, stage === 0 ? 1 : 2);
  const outputs = layers.dense({ units: 10 }).apply(layers.globalAveragePooling2d().apply(x));
  const model = createModel({ inputs: image, outputs });

  const steps = epochs * Math.ceil(train.y.size / batchSize);
  model.compile({
    optimizer: optimizers.adamW({
      learningRate: schedules.cosineDecay({ initialLearningRate: isSmall ? 0.01 : 0.004, decaySteps: steps }),
      weightDecay: 0.01,
    }),
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
