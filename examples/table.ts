// A table with a rare class. The iris flowers are made uneven on purpose: the training part keeps only four flowers of one species. Class
// weights find this species again, also with a focal loss. Lin et al., Focal Loss for Dense Object Detection, 2017.
import { type Loss, type Model, data, datasets, layers, losses, oneHot, optimizers, sequential, setSeed, tensor } from 'ombre';
import { confusionCounts, plots } from 'ombre/plots';
import type { Figures, Run } from './example.ts';

const rare = 2;

/**
 * Figures: the recall of the rare species with each loss, and the accuracy without and with class weights. The test part has 25 flowers of
 * each species. Both sizes are the same.
 */
export async function table({ print, show, watch }: Run): Promise<Figures> {
  setSeed(1);
  const { x, y, classNames } = await datasets.iris();
  const { train, validation } = await data.split(x, y, { validation: 0.5, stratify: y, seed: 1 });
  const all = Array.from(await train.y.data(), Number);
  const few = all.flatMap((label, i) => (label === rare ? [i] : [])).slice(0, 4);
  const kept = all.flatMap((label, i) => (label !== rare || few.includes(i) ? [i] : []));
  const rows = tensor(Int32Array.from(kept), [kept.length], 'i32');
  const labels = kept.map((i) => all[i]);
  const [inputs, targets] = [train.x.gather(rows), oneHot(train.y.gather(rows), classNames.length)];
  const counts = classNames.map((_, species) => labels.filter((label) => label === species).length);
  print(`flowers to train on: ${classNames.map((name, i) => `${counts[i]} ${name}`).join(', ')}`);

  // Measures of a mean of 0 and a variance of 1. The layer is a part of the model.
  const normalize = layers.normalization({ inputShape: [4] });
  await normalize.adapt(inputs);

  const learn = async (title: string, loss: Loss, classWeight?: 'balanced'): Promise<{ recall: number; accuracy: number }> => {
    setSeed(1);
    const model = sequential([normalize, layers.dense({ units: 8, activation: 'relu' }), layers.dense({ units: 3 })]);
    model.compile({ optimizer: optimizers.adam({ learningRate: 0.01 }), loss });
    await model.fit(inputs, targets, { epochs: 30, batchSize: 16, classWeight, verbose: 0, seed: 1, callbacks: watch(title) });
    return score(title, model);
  };
  const score = async (title: string, model: Model): Promise<{ recall: number; accuracy: number }> => {
    const logits = await model.predict(validation.x);
    const matrix = await confusionCounts(validation.y, logits, { numClasses: classNames.length });
    await show(`Confusion matrix: ${title.toLowerCase()}`, (theme) => plots.confusionMatrix(matrix, { labels: classNames, theme }));
    const found = await logits.argMax({ axis: -1 }).data();
    const real = await validation.y.data();
    const right = Array.from(real, (species, i) => Number(species) === Number(found[i]));
    const ofRare = right.filter((_, i) => Number(real[i]) === rare);
    const share = (list: readonly boolean[]): number => list.filter(Boolean).length / list.length;
    return { recall: share(ofRare), accuracy: share(right) };
  };

  const plain = await learn('Plain', losses.categoricalCrossentropy({ fromLogits: true }));
  const weighted = await learn('Class weights', losses.categoricalCrossentropy({ fromLogits: true }), 'balanced');
  const focal = await learn('Focal loss', losses.categoricalFocalCrossentropy({ fromLogits: true, gamma: 2, alpha: 1 }), 'balanced');
  const recalls = [plain, weighted, focal].map(({ recall }) => recall.toFixed(2));
  print(
    `recall of ${classNames[rare]}: ${recalls[0]} plain, ${recalls[1]} with class weights, ${recalls[2]} with a focal loss and weights`,
  );
  return {
    recall: plain.recall,
    recallWeighted: weighted.recall,
    recallFocal: focal.recall,
    accuracy: plain.accuracy,
    accuracyWeighted: weighted.accuracy,
  };
}
