// Knowledge distillation: a small network learns digits from the outputs of a large one. They say how alike the classes are. Hinton,
// Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015.
import { type Model, createModel, datasets, div, input, layers, losses, optimizers, sequential, setSeed, softmax } from 'ombre';
import { type Figures, type Run, firstOf } from './example.ts';

/** Divides the logits, so that the probabilities of wrong classes count. */
const temperature = 4;

/** Figures: the test accuracies of the large network, of a small one with labels only, and of a small one with outputs of the large one. */
export async function distillation({ isSmall, isLarge = false, print, watch, mnist }: Run): Promise<Figures> {
  setSeed(1);
  const { train: all, test } = await (isSmall ? datasets.digits() : mnist());
  const train = firstOf(all, isLarge ? 60_000 : 12_000);
  // The small network sees few images. The large one has seen all of them.
  const [filters, units, few, epochs, batchSize] = isSmall ? [12, 16, 100, 60, 20] : [32, 32, 500, 60, 20];
  const inputShape = train.x.shape.slice(1);

  const large = sequential([
    layers.conv2d({ filters, kernelSize: 3, strides: 2, activation: 'relu', padding: 'same', inputShape }),
    layers.conv2d({ filters: 2 * filters, kernelSize: 3, strides: 2, activation: 'relu', padding: 'same' }),
    layers.flatten(),
    layers.dense({ units: 4 * filters, activation: 'relu' }),
    layers.dropout({ rate: 0.3 }),
    layers.dense({ units: 10 }),
  ]);
  const crossentropy = losses.sparseCategoricalCrossentropy({ fromLogits: true });
  const compiled = (model: Model, learningRate: number): Model => {
    model.compile({ optimizer: optimizers.adam({ learningRate }), loss: crossentropy, metrics: ['accuracy'] });
    return model;
  };
  const score = async (model: Model): Promise<number> => (await model.evaluate(test.x, test.y, { batchSize: 500, verbose: 0 })).accuracy;
  compiled(large, 0.003);
  await large.fit(train.x, train.y, {
    epochs: isSmall ? 8 : 3,
    batchSize: isSmall ? 16 : 64,
    verbose: 0,
    callbacks: watch('Large network'),
  });

  // Both small networks begin alike, and see the same images.
  const { x, y: labels } = firstOf(train, few);
  const small = (): Model => {
    setSeed(2);
    return sequential([layers.flatten({ inputShape }), layers.dense({ units, activation: 'relu' }), layers.dense({ units: 10 })]);
  };
  const alone = compiled(small(), 0.01);
  await alone.fit(x, labels, { epochs, batchSize, verbose: 0, seed: 1, callbacks: watch('Small network, from labels') });

  // Labels, and probabilities of the large network at the same temperature, are targets of the same logits. Gradients of the second loss
  // fall with the square of the temperature, and its weight makes up for that.
  const student = small();
  const image = input({ shape: inputShape });
  const logits = student.apply(image);
  const taught = createModel({ inputs: image, outputs: { label: logits, soft: div(logits, temperature) } });
  taught.compile({
    optimizer: optimizers.adam({ learningRate: 0.01 }),
    loss: { label: crossentropy, soft: losses.categoricalCrossentropy({ fromLogits: true }) },
    lossWeights: { label: 0.1, soft: 0.9 * temperature ** 2 },
  });
  const soft = softmax((await large.predict(x)).div(temperature));
  await taught.fit(x, { label: labels, soft }, { epochs, batchSize, verbose: 0, seed: 1, callbacks: watch('Small network, distilled') });
  const figures = { large: await score(large), alone: await score(alone), distilled: await score(compiled(student, 0.01)) };
  const [first, second] = [parametersOf(large), parametersOf(student)];
  print(`large, ${first} parameters: ${figures.large.toFixed(3)}`);
  print(`small, ${second} parameters: ${figures.alone.toFixed(3)} from labels, ${figures.distilled.toFixed(3)} distilled`);
  return figures;
}

const parametersOf = (model: Model): number => model.variables().reduce((total, { tensor }) => total + tensor.size, 0);
