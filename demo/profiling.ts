// Times a few training steps of a model like the one in training, kernel by kernel. A copy is timed, with images of noise: the run itself keeps
// its weights, its random numbers and its pace, and a step takes the same time whatever it is fed.
import { optimizers, profile, tensor } from 'ombre';
import { buildModel } from './models.ts';
import { nearestDigit } from './nearestDigit.ts';
import type { ProfileReport, TrainingConfig } from './protocol.ts';
import { classes, oneHotRows, recipes, wantsOneHot } from './recipes.ts';

/** Many steps even out a coarse clock; slow devices do as many as fit into the time. */
const stepsAtMost = 30;
const milliseconds = 1200;

const side = 28;

export async function profileSteps(config: TrainingConfig): Promise<ProfileReport> {
  const { model: name, batchSize, loss, optimizer, learningRate } = config;
  const model = buildModel(name, [side, side, 1]);
  model.compile({
    optimizer: optimizers[optimizer]({ learningRate }),
    loss,
    metrics: [recipes[name].output === 'value' ? nearestDigit : 'accuracy'],
  });
  const pixels = Float32Array.from({ length: batchSize * side * side }, () => Math.random());
  const labels = Int32Array.from({ length: batchSize }, (_, i) => i % classes);
  const step = (): Promise<unknown> =>
    model.trainOnBatch(
      tensor(pixels, [batchSize, side, side, 1]),
      wantsOneHot(name, loss) ? tensor(oneHotRows(labels), [batchSize, classes]) : tensor(labels, [batchSize]),
    );
  await step(); // the first one compiles
  let steps = 0;
  const measured = await profile(async () => {
    const until = performance.now() + milliseconds;
    do {
      await step();
      steps++;
    } while (steps < stepsAtMost && performance.now() < until);
  });
  // Without its toString: a function cannot be posted.
  return { ...measured, steps, model: name, batchSize, layers: Object.keys(model.parameters()) };
}
