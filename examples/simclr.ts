// Contrastive training without labels, then a linear layer that learns from a few labels. Chen et al., A Simple Framework for Contrastive Learning of
// Visual Representations, 2020.
import { type Tensor, createModel, datasets, input, layers, losses, optimizers, schedules, sequential, setSeed, tensor } from 'ombre';
import { pca, plots } from 'ombre/plots';
import { type Figures, type Images, type Run, firstOf } from './example.ts';

/** The first `each` images of every digit. */
async function fewOf({ x, y }: Images, each: number): Promise<Images> {
  const labels = Array.from(await y.data(), Number);
  const places = (digit: number) => labels.flatMap((label, i) => (label === digit ? [i] : [])).slice(0, each);
  const chosen = Array.from({ length: 10 }, (_, digit) => places(digit)).flat();
  const ids = tensor(Int32Array.from(chosen), [chosen.length], 'i32');
  return { x: x.gather(ids), y: y.gather(ids) };
}

/** Figures: the test accuracy of a linear layer over the trained features, over those of the same network before the training, and over pixels. */
export async function simclr({ isSmall, isLarge = false, print, show, watch, mnist }: Run): Promise<Figures> {
  setSeed(1);
  const { train: all, test } = await (isSmall ? datasets.digits() : mnist());
  const train = firstOf(all, isLarge ? 60_000 : 4000);
  const shape = train.x.shape.slice(1);
  const [filters, epochs, batchSize, each] = isSmall ? [8, 5, 64, 3] : isLarge ? [32, 20, 512, 5] : [8, 6, 128, 5];

  const block = (count: number) => [
    layers.conv2d({ filters: count, kernelSize: 3, padding: 'same', useBias: false }),
    layers.batchNormalization(),
    layers.relu(),
  ];
  const encoder = sequential([
    layers.identity({ inputShape: shape }),
    ...block(filters),
    layers.maxPooling2d(),
    ...block(2 * filters),
    layers.maxPooling2d(),
    ...block(4 * filters),
    layers.flatten(),
  ]);
  // Each view has its own random shift, turn, zoom and shear.
  const view = (image: Tensor): Tensor =>
    [
      layers.randomTranslation({ heightFactor: 0.1, widthFactor: 0.1, fillMode: 'constant' }),
      layers.randomRotation({ factor: 0.06, fillMode: 'constant' }),
      layers.randomZoom({ heightFactor: 0.1, fillMode: 'constant' }),
      layers.randomShear({ xFactor: 0.3, yFactor: 0.1, fillMode: 'constant' }),
    ].reduce((x, layer) => layer.apply(x), image);
  const head = sequential([layers.dense({ units: 4 * filters, activation: 'relu' }), layers.dense({ units: 2 * filters })]);
  const image = input({ shape });
  const embedding = () => head.apply(encoder.apply(view(image)));
  const model = createModel({ inputs: image, outputs: { first: embedding(), second: embedding() } });

  // A linear layer over features that stay as they are.
  const few = await fewOf(firstOf(train, 2000), each);
  const probe = async (features: (x: Tensor) => Promise<Tensor>): Promise<number> => {
    const linear = sequential([layers.batchNormalization({ momentum: 0.9 }), layers.dense({ units: 10 })]);
    linear.compile({
      optimizer: optimizers.adam({ learningRate: 0.01 }),
      loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }),
      metrics: ['accuracy'],
    });
    await linear.fit(await features(few.x), few.y, { epochs: 200, batchSize: few.y.size, verbose: 0 });
    return (await linear.evaluate(await features(test.x), test.y, { verbose: 0 })).accuracy;
  };
  const pixels = await probe((x) => Promise.resolve(x.reshape([x.shape[0], -1])));
  const random = await probe((x) => encoder.predict(x));

  const decaySteps = epochs * Math.ceil(train.y.size / batchSize);
  model.compile({
    optimizer: optimizers.adam({
      learningRate: schedules.cosineDecay({ initialLearningRate: isSmall ? 1e-2 : isLarge ? 2e-3 : 5e-3, decaySteps }),
    }),
    loss: losses.ntXent({ temperature: 0.3 }),
  });
  await model.fit(train.x, undefined, { epochs, batchSize, verbose: 0, callbacks: watch() });
  const contrastive = await probe((x) => encoder.predict(x));
  const count = Math.min(500, test.y.size);
  const { points } = await pca(await encoder.predict(test.x.slice([0], [count])), { components: 2 });
  const digits = Array.from(await test.y.slice([0], [count]).data(), Number);
  await show('Features of test images, by two principal components', (theme) => plots.embedding(points, { labels: digits, theme }));
  print(`${few.y.size} labels: ${contrastive.toFixed(3)}, without training ${random.toFixed(3)}, pixels ${pixels.toFixed(3)}`);
  return { contrastive, random, pixels };
}
