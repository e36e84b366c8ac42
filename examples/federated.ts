// Federated averaging: two owners of images teach one network without an exchange of images. One has the digits 0 to 4, the other 5 to 9.
// In each round both train a copy, and the copies are averaged. McMahan et al., Communication-Efficient Learning of Deep Networks from
// Decentralized Data, 2017.
import { type Model, type Tensor, datasets, layers, optimizers, sequential, setSeed, tensor } from 'ombre';
import { type Figures, type Images, type Run, firstOf } from './example.ts';

/** Images of the digits `from` to `to`. */
async function imagesOf({ x, y }: Images, from: number, to: number): Promise<Images> {
  const labels = Array.from(await y.data(), Number);
  const rows = labels.flatMap((label, i) => (label >= from && label <= to ? [i] : []));
  const ids = tensor(Int32Array.from(rows), [rows.length], 'i32');
  return { x: x.gather(ids), y: y.gather(ids) };
}

/** Means of the weights of models, by the numbers of their images. */
async function average(models: readonly Model[], counts: readonly number[]): Promise<Tensor[]> {
  const total = counts.reduce((a, b) => a + b);
  const all = await Promise.all(models.map((model) => model.getWeights()));
  return all[0].map((_, k) => all.map((weights, i) => weights[k].mul(counts[i] / total)).reduce((a, b) => a.add(b)));
}

/** Figures: the test accuracies of each network by itself, of the average of both, and of the average in each round. */
export async function federated({ isSmall, isLarge = false, print, plot, mnist }: Run): Promise<Figures> {
  setSeed(1);
  const { train: all, test } = await (isSmall ? datasets.digits() : mnist());
  const train = firstOf(all, isLarge ? 40_000 : 12_000);
  const [units, rounds, batchSize] = isSmall ? [32, 16, 32] : [128, 30, 64];
  const owners = [await imagesOf(train, 0, 4), await imagesOf(train, 5, 9)];
  const counts = owners.map(({ y }) => y.size);

  const network = (): Model => {
    const model = sequential([
      layers.flatten({ inputShape: train.x.shape.slice(1) }),
      layers.dense({ units, activation: 'relu' }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.05 }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    return model;
  };
  const score = async (model: Model): Promise<number> => (await model.evaluate(test.x, test.y, { batchSize: 500, verbose: 0 })).accuracy;

  const shared = network();
  const copies = owners.map(network);
  const initial = await shared.getWeights();
  /** Copies of the shared weights, after some epochs with the images of each owner. */
  const round = async (epochs: number): Promise<void> => {
    const weights = await shared.getWeights();
    for (const [i, copy] of copies.entries()) {
      await copy.setWeights(weights);
      await copy.fit(owners[i].x, owners[i].y, { epochs, batchSize, verbose: 0 });
    }
  };
  await round(rounds);
  const [lower, upper] = [await score(copies[0]), await score(copies[1])];
  await shared.setWeights(await average(copies, counts));
  const once = await score(shared);

  await shared.setWeights(initial);
  for (let i = 1; i <= rounds; i++) {
    await round(1);
    await shared.setWeights(await average(copies, counts));
    const accuracy = await score(shared);
    plot('Accuracy of the average', { round: i, accuracy });
    if (i % 5 === 0) print(`round ${i}: accuracy ${accuracy.toFixed(3)}`);
  }
  const averaged = await score(shared);
  print(`separate ${lower.toFixed(3)} and ${upper.toFixed(3)}; averaged once ${once.toFixed(3)}, in each round ${averaged.toFixed(3)}`);
  return { lower, upper, once, averaged };
}
