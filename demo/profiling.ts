// Times a few training steps of a model like the one in training, with the time of each kernel. It uses a copy and images of noise, so that
// the run keeps its weights, its random numbers and its speed. The time of a step does not depend on the images.
import { optimizers, profile, tensor } from 'ombre';
import { buildModel } from './models.ts';
import { nearestDigit } from './nearestDigit.ts';
import type { ProfileReport, TrainingConfig } from './protocol.ts';
import { classes, oneHotRows, recipes, wantsOneHot } from './recipes.ts';

/** Many steps average out a coarse clock. Slow devices do as many as fit into the time. */
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
  // Without its toString, because a function cannot be posted.
  return { ...measured, steps, model: name, batchSize, layers: Object.keys(model.parameters()) };
}
