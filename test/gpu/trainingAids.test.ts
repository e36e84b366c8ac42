// Attacks, gradient surgery and gradients of samples inside compiled steps on a GPU stack, against the CPU.
import { expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, layers } from '../../src/nn/index.ts';
import { add } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type CompileOptions, type TrainStep, adversarial, createModel, gradNorm, pcGrad } from '../../src/train/index.ts';
import { noteError } from '../support/findings.ts';

const x = Array.from({ length: 12 }, (_, i) => [Math.sin(i), Math.cos(2 * i), Math.sin(3 * i + 1)]);
const y = { a: x.map(([p, q]) => [p - q]), b: x.map(([p, , r]) => [2 * r + p]) };
const weigh = layers.gradNormWeights();

const steps: Record<string, Partial<CompileOptions>> = {
  pgd: {
    trainStep: ((step) => {
      const attack = adversarial.pgd({ epsilon: 0.1, norm: 2, steps: 1 });
      const at = attack((inputs: Tensor) => step.loss(step.forward(inputs, { training: false })), step.x);
      const { loss, gradients } = step.gradients(() => step.loss(step.forward(at)));
      step.update(gradients);
      return { loss };
    }) satisfies TrainStep,
  },
  pcGrad: {
    trainStep: (step) => {
      const tasks = step.taskGradients(() => step.losses(step.forward(step.x)));
      const { weights } = gradNorm(step, weigh, tasks);
      step.update(pcGrad(tasks.gradients));
      return { loss: add(tasks.losses.a, weights.a) };
    },
  },
  dpSgd: { optimizer: optimizers.dpSgd({ optimizer: optimizers.sgd({ learningRate: 0.1 }), l2NormClip: 0.5, noiseMultiplier: 0.5 }) },
};

test.each(Object.keys(steps))('%s', async (name) => {
  const run = async (device: 'webgpu' | 'cpu'): Promise<number[]> => {
    await setDevice(device);
    setSeed(4);
    const image = input({ shape: [3] });
    const hidden = layers.dense({ units: 1, useBias: false }).apply(image);
    const heads = { a: hidden, b: layers.activation({ activation: 'tanh' }).apply(hidden) };
    const model = createModel({ inputs: image, outputs: name === 'pcGrad' ? weigh.apply<Record<string, Tensor>>(heads) : heads });
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: { a: 'mse', b: 'mse' }, seed: 2, ...steps[name] });
    const start = name === 'pcGrad' ? await model.getWeights() : [];
    const { history } = await model.fit(x, y, { epochs: 2, batchSize: 6, verbose: 0, seed: 1 });
    const weights = await Promise.all((await model.getWeights()).map((weight) => weight.data()));
    // The layer with state serves both runs.
    if (start.length) await model.setWeights(start);
    return [...history.loss, ...weights.flatMap((values) => Array.from(values))];
  };
  const [wanted, got] = [await run('cpu'), await run('webgpu')];
  expect(got.length).toBe(wanted.length);
  got.forEach((value, i) => {
    const error = Math.abs(value - wanted[i]) / Math.max(0.1, Math.abs(wanted[i]));
    noteError('trainingAids', name, error, 1e-4);
    expect(error, `[${i}]: ${value} for ${wanted[i]}`).toBeLessThan(1e-4);
  });
});
