// Transfer learning: a network that was trained on the digits 0 to 6 learns the digits 7 to 9 from five images of each.
import { type Model, type Tensor, createModel, datasets, layers, loadModel, optimizers, sequential, setSeed, tensor } from 'ombre';
import type { Figures, Run } from './example.ts';

interface Images {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** Images of some digits, at most `each` of a digit. Their labels begin at 0. */
async function imagesOf({ x, y }: Images, digits: readonly number[], each = Infinity): Promise<Images> {
  const labels = Array.from(await y.data(), Number);
  const seen = new Map<number, number>();
  const chosen = labels.flatMap((label, i) => {
    const count = seen.get(label) ?? 0;
    seen.set(label, count + 1);
    return digits.includes(label) && count < each ? [i] : [];
  });
  const ids = tensor(Int32Array.from(chosen), [chosen.length], 'i32');
  return { x: x.gather(ids), y: tensor(Int32Array.from(chosen, (i) => digits.indexOf(labels[i])), [chosen.length], 'i32') }; // prettier-ignore
}

/** Figures: the accuracy on the digits 7 to 9 with a new last layer, after all layers have learned, and of a new network with the same 15 images. */
export async function transfer({ isSmall, print, watch, mnist }: Run): Promise<Figures> {
  setSeed(1);
  const { train, test } = await (isSmall ? datasets.digits() : mnist());
  const filters = isSmall ? 8 : 16;
  const network = (classes: number): Model =>
    sequential([
      layers.conv2d({ filters, kernelSize: 3, activation: 'relu', padding: 'same', inputShape: train.x.shape.slice(1) }),
      layers.maxPooling2d(),
      layers.conv2d({ filters: 2 * filters, kernelSize: 3, activation: 'relu', padding: 'same' }),
      layers.maxPooling2d(),
      layers.flatten({ name: 'features' }),
      layers.dense({ units: 4 * filters, activation: 'relu' }),
      layers.dense({ units: classes, activation: 'softmax' }),
    ]);
  const compiled = (model: Model, learningRate: number): Model => {
    model.compile({ optimizer: optimizers.adam({ learningRate }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    return model;
  };

  const source = await imagesOf(train, [0, 1, 2, 3, 4, 5, 6]);
  const first = compiled(network(7), 0.003);
  await first.fit(source.x, source.y, { epochs: isSmall ? 10 : 3, batchSize: 32, verbose: 0, callbacks: watch('Digits 0 to 6') });
  const file = await saved(first);

  const few = await imagesOf(train, [7, 8, 9], 5);
  const tests = await imagesOf(test, [7, 8, 9]);
  const learn = async (title: string, model: Model, epochs: number): Promise<number> => {
    await model.fit(few.x, few.y, { epochs, batchSize: 25, verbose: 0, callbacks: watch(title) });
    return (await model.evaluate(tests.x, tests.y, { batchSize: 500, verbose: 0 })).accuracy;
  };
  // A new last layer learns first, while the convolutions of the file stay as they are. Then all layers learn, in small steps.
  const base = await loadModel(file);
  const outputs = layers.dense({ units: 3, activation: 'softmax', name: 'newDigits' }).apply(base.getLayer('features').output as Tensor);
  const model = createModel({ inputs: base.input, outputs });
  for (const layer of base.layers) layer.trainable = false;
  const lastLayer = await learn('A new last layer', compiled(model, 0.01), 60);
  for (const layer of base.layers) layer.trainable = true;
  const transferred = await learn('All layers', compiled(model, 0.001), 60);
  const fromScratch = await learn('Without the file', compiled(network(3), 0.003), 120);
  print(
    `15 images: ${lastLayer.toFixed(3)} with a new last layer, ${transferred.toFixed(3)} after all layers, ${fromScratch.toFixed(3)} without the file`,
  );
  return { lastLayer, transferred, fromScratch };
}

/** The model as the bytes of a file. A path, an address or a name of the page's storage works as well. */
async function saved(model: Model): Promise<Uint8Array> {
  let bytes = new Uint8Array();
  await model.save((content) => {
    bytes = content;
  });
  return bytes;
}
