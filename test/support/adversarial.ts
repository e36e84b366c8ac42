// A small Wasserstein GAN with gradient penalty (Gulrajani et al., 2017): two models, two optimizers, one training step.
import { grad } from '../../src/autodiff/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { input, layers } from '../../src/nn/index.ts';
import { add, mean, mul, neg, random, square, sub, sum, sqrt } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type Model, type TrainStep, createModel, sequential } from '../../src/train/index.ts';

export interface Gan {
  readonly generator: Model;
  readonly critic: Model;
  readonly both: Model;
}

const latent = 2;

export const ganStep =
  (generator: Model, critic: Model): TrainStep =>
  (step) => {
    const real = step.x;
    const noise = (): Tensor => random.normal([step.batchSize, latent]);
    const fake = step.apply(generator, noise());
    const share = random.uniform([step.batchSize, 1]);
    const between = add(mul(real, share), mul(fake, sub(1, share)));
    const forCritic = step.gradients(
      () => {
        const slope = grad((x: Tensor) => sum(step.apply(critic, x)))(between);
        const penalty = mean(square(sub(sqrt(add(sum(square(slope), { axis: 1 }), 1e-12)), 1)));
        const distance = sub(mean(step.apply(critic, fake)), mean(step.apply(critic, real)));
        return add(distance, mul(penalty, 10));
      },
      { of: critic },
    );
    step.update(forCritic.gradients, { optimizer: 'critic' });
    const forGenerator = step.gradients(() => neg(mean(step.apply(critic, step.apply(generator, noise())))), { of: generator });
    step.update(forGenerator.gradients, { optimizer: 'generator' });
    return { loss: forCritic.loss, logs: { generatorLoss: forGenerator.loss } };
  };

/** The models, compiled. Their weights come from a seed. */
export function makeGan(): Gan {
  const dense = (units: number, activation?: 'tanh', inputShape?: number[]): ReturnType<typeof layers.dense> =>
    layers.dense({ units, ...(activation && { activation }), ...(inputShape && { inputShape }) });
  const generator = sequential([dense(8, 'tanh', [latent]), dense(2)]);
  const critic = sequential([dense(8, 'tanh', [2]), dense(1)]);
  const z = input({ shape: [latent] });
  const both = createModel({ inputs: z, outputs: critic.apply(generator.apply(z)) });
  const adam = (): ReturnType<typeof optimizers.adam> => optimizers.adam({ learningRate: 0.01, beta1: 0.5 });
  both.compile({ optimizers: { generator: adam(), critic: adam() }, trainStep: ganStep(generator, critic), seed: 3 });
  return { generator, critic, both };
}

/** Points on a circle of radius 2. */
export const circle = (count: number): Tensor =>
  hostTensor(
    { shape: [count, 2], dtype: 'f32' },
    Float32Array.from({ length: 2 * count }, (_, i) => 2 * (i % 2 ? Math.sin(i >> 1) : Math.cos(i >> 1))),
  );
