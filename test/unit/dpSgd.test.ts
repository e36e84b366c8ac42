// Differentially private updates: gradients of single samples, clipped and with noise, by hand and in fit. 200 updates are in trajectories.test.ts.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { grad, vmap } from '../../src/autodiff/index.ts';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { layers } from '../../src/nn/index.ts';
import { mean, mul, square, sub, sum, tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { type Optimizer, type OptimizerState, optimizers } from '../../src/optim/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { type CompileOptions, type Model, sequential } from '../../src/train/index.ts';
import { points, quiet, targets, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(7));

const { sgd, adam, dpSgd, lookahead, sam, multiOptimizer } = optimizers;
const rate = { learningRate: 0.25 };
const read = (x: Tensor): number[] => Array.from(interpret([x], { mode: 'f64' })[0]);
const f64 = (shape: number[], values: number[]): Tensor => hostTensor({ shape, dtype: 'f32' }, Float64Array.from(values));

describe('by hand', () => {
  const loss = ({ w }: { w: Tensor }, x: Tensor, y: Tensor): Tensor => square(sub(sum(mul(w, x)), y));
  const parameters = { w: f64([2], [1, -1]) };
  const [x, y] = [f64([3, 2], [1, 2, 0.1, 0, 3, -1]), f64([3], [0, 0.2, 1])];
  const sampleGradients = vmap(grad(loss), [null, 0, 0])(parameters, x, y);
  const updateOf = (optimizer: Optimizer, state: OptimizerState = optimizer.init(parameters)) =>
    optimizer.update(parameters, state, parameters, { sampleGradients });

  test('gradients of samples are clipped together and averaged', () => {
    // 2 (w x - y) x: -2 [1, 2], -0.2 [0.1, 0], 6 [3, -1].
    const samples = [[-2, -4], [-0.02, 0], [18, -6]]; // prettier-ignore
    expect(read(sampleGradients.w).map((g) => Number(g.toFixed(9)) + 0)).toEqual(samples.flat());
    const clipped = samples.map((g) => g.map((value) => (value * Math.min(1, 1.5 / Math.hypot(...g))) / 3));
    const { parameters: next } = updateOf(dpSgd({ optimizer: sgd(rate), l2NormClip: 1.5, noiseMultiplier: 0 }));
    read(next.w).forEach((value, i) => {
      const step = clipped.reduce((total, g) => total + g[i], 0);
      expect(value).toBeCloseTo([1, -1][i] - 0.25 * step, 10);
    });
  });

  test('the noise of the sum has the deviation noiseMultiplier l2NormClip, and differs in each update', () => {
    const size = 4000;
    const zeros = { w: f64([size], new Array<number>(size).fill(0)) };
    const quietSamples = { w: f64([5, size], new Array<number>(5 * size).fill(0)) };
    const noiseOf = (seed?: number, updates = 1): number[] => {
      const optimizer = dpSgd({ optimizer: sgd({ learningRate: 1 }), l2NormClip: 0.5, noiseMultiplier: 3, ...(seed !== undefined && { seed }) }); // prettier-ignore
      let state = optimizer.init(zeros);
      let after = zeros;
      for (let i = 0; i < updates; i++) ({ parameters: after, state } = optimizer.update(zeros, state, zeros, { sampleGradients: quietSamples })); // prettier-ignore
      return read(after.w);
    };
    const noise = noiseOf(1);
    const average = noise.reduce((a, b) => a + b, 0) / size;
    expect(Math.abs(average)).toBeLessThan(0.02);
    expect(Math.sqrt(noise.reduce((a, b) => a + (b - average) ** 2, 0) / size)).toBeCloseTo((3 * 0.5) / 5, 1.7);
    expect(noiseOf(1)).toEqual(noise);
    expect(noiseOf(1, 2)).not.toEqual(noise);
    expect(noiseOf(2)).not.toEqual(noise);
    expect(noiseOf()).not.toEqual(noiseOf());
  });

  test('a gradient of 0 stays finite', () => {
    const optimizer = dpSgd({ optimizer: sgd(rate), l2NormClip: 1, noiseMultiplier: 0 });
    const { parameters: next } = optimizer.update(parameters, optimizer.init(parameters), parameters, { sampleGradients: { w: f64([2, 2], [0, 0, 0, 0]) } }); // prettier-ignore
    expect(read(next.w)).toEqual([1, -1]);
  });

  test.each<[string, () => unknown, string]>([
    ['no gradients of samples', () => dpSgd({ optimizer: sgd(), l2NormClip: 1, noiseMultiplier: 1 }).update(parameters, sgd().init(parameters), parameters), 'dpSgd: update() needs the gradients of each sample'],
    ['an optimizer that reads the loss', () => dpSgd({ optimizer: sam({ optimizer: sgd() }), l2NormClip: 1, noiseMultiplier: 1 }), 'optimizers.dpSgd: optimizer is sam, which reads the loss or gradients of samples without noise'],
    ['itself', () => dpSgd({ optimizer: dpSgd({ optimizer: sgd(), l2NormClip: 1, noiseMultiplier: 1 }), l2NormClip: 1, noiseMultiplier: 1 }), 'optimizers.dpSgd: optimizer is dpSgd'],
  ])('%s', (_, fn, message) => { expect(fn).toThrow(message); }); // prettier-ignore
});

describe('in fit', () => {
  const network = (...more: ReturnType<typeof layers.dense>[]): Model =>
    sequential([layers.dense({ units: 4, activation: 'tanh', inputShape: [2] }), ...more, layers.dense({ units: 1 })]);
  const trained = async (optimizer: Optimizer, options: Partial<CompileOptions> = {}, more: object = {}) => {
    const model = network();
    model.compile({ optimizer, loss: 'mse', metrics: ['meanAbsoluteError'], seed: 1, ...options });
    const { history } = await model.fit(points, targets, { epochs: 3, batchSize: 4, ...quiet, ...more });
    return { weights: await weightsOf(model), history };
  };
  const close = (actual: number[][], expected: number[][]): void =>
    actual.flat().forEach((value, i) => expect(value).toBeCloseTo(expected.flat()[i], 5));
  const open = (optimizer: Optimizer): Optimizer => dpSgd({ optimizer, l2NormClip: 1e6, noiseMultiplier: 0 });

  test('without a limit and noise it is the inner optimizer, also around it, with weights and accumulation', async () => {
    const sampleWeight = points.map((_, i) => i % 3);
    for (const inner of [sgd(rate), adam(rate), sgd({ ...rate, gradientAccumulationSteps: 2 })]) {
      const [a, b] = [await trained(open(inner), {}, { sampleWeight }), await trained(inner, {}, { sampleWeight })];
      close(a.weights, b.weights);
      expect(Object.keys(a.history)).toEqual(['loss', 'meanAbsoluteError']);
      a.history.meanAbsoluteError.forEach((value, i) => expect(value).toBeCloseTo(b.history.meanAbsoluteError[i], 5));
    }
    close((await trained(lookahead({ optimizer: open(sgd(rate)) }))).weights, (await trained(lookahead({ optimizer: sgd(rate) }))).weights); // prettier-ignore
  });

  test('the clipped step is the mean of the clipped steps of single samples', async () => {
    const clip = { globalClipNorm: 0.3, learningRate: 1 };
    const batch = points.slice(0, 3);
    const steps: number[][][] = [];
    const start = await weightsAfter(undefined, batch);
    for (let i = 0; i < 3; i++) steps.push(await weightsAfter(sgd(clip), [batch[i]], [targets[i]]));
    const all = await weightsAfter(dpSgd({ optimizer: sgd({ learningRate: 1 }), l2NormClip: 0.3, noiseMultiplier: 0 }), batch, targets.slice(0, 3)); // prettier-ignore
    close(all, start.map((one, k) => one.map((value, i) => value + steps.reduce((total, step) => total + (step[k][i] - value) / 3, 0)))); // prettier-ignore
  });

  async function weightsAfter(optimizer: Optimizer | undefined, x: number[][], y?: unknown): Promise<number[][]> {
    setSeed(4);
    const model = network();
    if (!optimizer) {
      await model.predict(x);
      return weightsOf(model);
    }
    model.compile({ optimizer, loss: 'mse' });
    await model.trainOnBatch(x, y as number[][]);
    return weightsOf(model);
  }

  test('noise follows the seed of compile(), and a step of the user works', async () => {
    const noisy = (): Optimizer => dpSgd({ optimizer: sgd(rate), l2NormClip: 1, noiseMultiplier: 1 });
    const weights = async (seed: number): Promise<number[][]> => (await trained(noisy(), { seed })).weights;
    expect(await weights(1)).toEqual(await weights(1));
    expect(await weights(1)).not.toEqual(await weights(2));
    const own = await trained(open(sgd(rate)), {
      trainStep: (step) => {
        const { loss, gradients } = step.gradients(() => mean(square(sub(step.forward(step.x), step.y))));
        step.update(gradients);
        return { loss };
      },
    });
    close(own.weights, (await trained(sgd(rate))).weights);
  });

  test('mixed precision', async () => {
    // Gradients of one sample times the first loss scale of 32768 fit into f16.
    const loss = (t: Tensor, p: Tensor): Tensor => mul(mean(square(sub(t, p))), 0.01);
    const large = sgd({ learningRate: 25 });
    const [f16, f32] = [await trained(open(large), { loss, dtypePolicy: 'mixedFloat16' }), await trained(large, { loss })];
    f16.weights.flat().forEach((value, i) => expect(Math.abs(value - f32.weights.flat()[i])).toBeLessThan(0.01));
  });

  test('errors: state of a batch, a batch from outside, wrappers that do not pass the gradients on', async () => {
    const optimizer = open(sgd(rate));
    const normalized = sequential([layers.dense({ units: 4, inputShape: [2] }), layers.batchNormalization(), layers.dense({ units: 1 })]);
    normalized.compile({ optimizer, loss: 'mse' });
    await expect(normalized.fit(points, targets, quiet)).rejects.toThrow(
      'dpSgd: batchNormalization_1 has a state that depends on the batch',
    );
    await expect(
      trained(optimizer, {
        trainStep: (step) => {
          const { x, y } = step;
          const { loss, gradients } = step.gradients(() => step.loss(step.forward(x), y));
          step.update(gradients);
          return { loss };
        },
      }),
    ).rejects.toThrow(
      'step.gradients: the loss of a sample does not read the sample; for dpSgd, read step.x and step.y inside the function',
    );
    for (const around of [sam({ optimizer }), multiOptimizer({ optimizers: { bias: sgd() }, otherwise: optimizer })]) {
      await expect(trained(around)).rejects.toThrow('sam and multiOptimizer do not pass them on');
    }
  });
});

test('gradients of samples in tensors that are batches of one', () => {
  const optimizer = dpSgd({ optimizer: sgd(rate), l2NormClip: 1, noiseMultiplier: 0 });
  const parameters = { b: tensor(2) };
  const { parameters: next } = optimizer.update(parameters, optimizer.init(parameters), parameters, {
    sampleGradients: { b: tensor([8]) },
  });
  expect(read(next.b)).toEqual([1.75]);
});
