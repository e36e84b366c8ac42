// Several tasks in one training step: losses and gradients by task, pcGrad, gradNorm, uncertaintyWeighting, against their formulas in f64.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { grad } from '../../src/autodiff/index.ts';
import { setSeed } from '../../src/core/random.ts';
import { leavesOf } from '../../src/core/tree.ts';
import { setDevice } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { type Layer, type Tensors, input, layers } from '../../src/nn/index.ts';
import { add, mul, scalar, sub, sum, tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { type Model, type StepGradients, type TrainStep, createModel, gradNorm, pcGrad } from '../../src/train/index.ts';
import { weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(3));

const f64 = (values: number[]): Tensor => hostTensor({ shape: [values.length], dtype: 'f32' }, Float64Array.from(values));
const read = (tree: unknown): number[] => leavesOf(tree).flatMap(({ value }) => Array.from(interpret([value as Tensor], { mode: 'f64' })[0])); // prettier-ignore
const close = (actual: readonly number[], expected: readonly number[], digits = 10): void => {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => expect(value, `[${i}]`).toBeCloseTo(expected[i], digits));
};
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((total, value, i) => total + value * b[i], 0);
/** Two layers: products are over all of them. */
const treeOf = (g: readonly number[]): StepGradients => ({ a: { kernel: f64(g.slice(0, 1)) }, b: { kernel: f64(g.slice(1, 2)), bias: f64(g.slice(2)) } }); // prettier-ignore

/** The paper's algorithm, with the order of the projections of each gradient. */
function surgery(all: readonly (readonly number[])[], orders: readonly (readonly number[])[]): number[] {
  const projected = all.map((g, i) => {
    let now = [...g];
    for (const j of orders[i]) {
      const along = dot(now, all[j]);
      if (along < 0) now = now.map((value, k) => value - (along / dot(all[j], all[j])) * all[j][k]);
    }
    return now;
  });
  return projected[0].map((_, k) => projected.reduce((total, g) => total + g[k], 0));
}

describe('pcGrad', () => {
  test.each([
    ['in conflict', [1, 2, -1, 0.5], [-2, 0.3, 1, 1]],
    ['in agreement', [1, 2, -1, 0.5], [2, 0.3, 1, 1]],
    ['opposite', [1, 2, 0, -1], [-2, -4, 0, 2]],
    ['of which one is 0', [1, 2, 0, -1], [0, 0, 0, 0]],
  ])('two gradients %s', (_, a, b) => {
    close(read(pcGrad({ depth: treeOf(a), label: treeOf(b) })), surgery([a, b], [[1], [0]]), 6); // prettier-ignore
    close(read(pcGrad([treeOf(a), treeOf(b)], { reduction: 'mean' })), surgery([a, b], [[1], [0]]).map((x) => x / 2), 6); // prettier-ignore
  });

  test('three gradients, in any of the orders, and in several of them', () => {
    const all = [[1, 2, -1, 0.5], [-2, 0.3, 1, 1], [0.4, -1.5, 0.2, -1.3]]; // prettier-ignore
    const orders = (i: number): number[][] => [all.map((_, k) => k).filter((k) => k !== i), all.map((_, k) => k).filter((k) => k !== i).reverse()]; // prettier-ignore
    const wanted = orders(0).flatMap((a) => orders(1).flatMap((b) => orders(2).map((c) => surgery(all, [a, b, c]))));
    const seen = new Set<number>();
    for (let seed = 0; seed < 12; seed++) {
      const got = read(pcGrad(all.map(treeOf), { seed }));
      const at = wanted.findIndex((one) => one.every((value, k) => Math.abs(value - got[k]) < 1e-6));
      expect(at, got.join()).toBeGreaterThanOrEqual(0);
      seen.add(at);
      expect(read(pcGrad(all.map(treeOf), { seed }))).toEqual(got);
    }
    expect(seen.size).toBeGreaterThan(2);
  });

  test('one task is its gradient', () => close(read(pcGrad([treeOf([1, 2, 3, 4])])), [1, 2, 3, 4]));
});

/** One weight w that both tasks share: outputs w x and 3 w x. */
function shared(weigh: Layer | undefined, trainStep: TrainStep): Model {
  const x = input({ shape: [1] });
  const h = layers.dense({ units: 1, useBias: false, kernelInitializer: 'ones', name: 'encoder' }).apply(x);
  const outputs = { a: h, b: mul(h, 3) };
  const model = createModel({ inputs: x, outputs: weigh ? weigh.apply<Record<string, Tensor>>(outputs) : outputs });
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.01 }), loss: { a: 'mse', b: 'mse' }, lossWeights: { a: 7 }, trainStep });
  return model;
}
const xs = [[1], [2], [-1]]; // prettier-ignore
const ys = { a: [[2], [3], [1]], b: [[-1], [0], [4]] }; // prettier-ignore
const lossAt = (w: number, task: 'a' | 'b'): { loss: number; slope: number } => {
  const factor = task === 'a' ? 1 : 3;
  const errors = xs.map(([x], i) => factor * w * x - ys[task][i][0]);
  return { loss: dot(errors, errors) / 3, slope: (2 / 3) * dot(errors, xs.map(([x]) => factor * x)) }; // prettier-ignore
};

test('losses and gradients by task, without lossWeights; pcGrad in a step', async () => {
  const model = shared(undefined, (step) => {
    const { losses, gradients } = step.taskGradients(() => step.losses(step.forward(step.x)));
    step.update(pcGrad(gradients));
    const slopes = Object.fromEntries(Object.entries(gradients).map(([task, tree]) => [`${task}Slope`, sum(tree.encoder.kernel)]));
    return { loss: add(losses.a, losses.b), logs: { ...losses, ...slopes } };
  });
  const logs = await model.trainOnBatch(xs, ys);
  const [a, b] = [lossAt(1, 'a'), lossAt(1, 'b')];
  close([logs.loss, logs.a, logs.b, logs.aSlope, logs.bSlope], [a.loss + b.loss, a.loss, b.loss, a.slope, b.slope], 5);
  close((await weightsOf(model))[0], [1 - 0.01 * surgery([[a.slope], [b.slope]], [[1], [0]])[0]], 5); // prettier-ignore
});

test('gradients by task under mixed precision are those of the losses', async () => {
  const x = input({ shape: [1] });
  const dense = (): Layer => layers.dense({ units: 1, useBias: false, kernelInitializer: 'ones' });
  const model = createModel({ inputs: x, outputs: { a: dense().apply(x), b: dense().apply(x) } });
  const trainStep: TrainStep = (step) => {
    const { losses, gradients } = step.taskGradients(() => step.losses(step.forward(step.x)));
    step.update(pcGrad(gradients));
    return { loss: add(losses.a, losses.b), logs: { slope: sum(gradients.b.dense_2.kernel) } };
  };
  model.compile({ optimizer: 'sgd', loss: { a: 'mse', b: 'mse' }, trainStep, dtypePolicy: 'mixedFloat16' });
  // Errors 0.2, 0.2 and -0.5: gradients times the first loss scale of 32768 fit into f16.
  const { slope } = await model.trainOnBatch(xs, { a: xs, b: [[0.8], [1.8], [-0.5]] });
  expect(Math.abs(slope / ((2 * 1.1) / 3) - 1)).toBeLessThan(2e-3);
});

test('gradNorm: weights and gradients of ten steps', async () => {
  const [alpha, rate] = [0.7, 0.02];
  const weigh = layers.gradNormWeights({ alpha, learningRate: rate });
  const model = shared(weigh, (step) => {
    const tasks = step.taskGradients(() => step.losses(step.forward(step.x)));
    const { gradients, weights } = gradNorm(step, weigh, tasks, { shared: 'encoder' });
    step.update(gradients);
    return { loss: tasks.losses.a, logs: { aWeight: weights.a, bWeight: weights.b } };
  });
  let w = 1;
  let weights = [1, 1];
  const first = [lossAt(w, 'a').loss, lossAt(w, 'b').loss];
  for (let i = 0; i < 10; i++) {
    const logs = await model.trainOnBatch(xs, ys);
    close([logs.aWeight, logs.bWeight], weights, 4);
    const tasks = [lossAt(w, 'a'), lossAt(w, 'b')];
    const norms = tasks.map(({ slope }) => Math.abs(slope));
    const ratios = tasks.map(({ loss }, k) => loss / first[k]);
    const lengths = norms.map((n, k) => n * weights[k]);
    const mean = (values: number[]): number => values.reduce((x, y) => x + y, 0) / values.length;
    const targets = ratios.map((ratio) => mean(lengths) * (ratio / mean(ratios)) ** alpha);
    w -= 0.01 * tasks.reduce((total, { slope }, k) => total + weights[k] * slope, 0);
    const moved = weights.map((one, k) => Math.max(1e-6, one - rate * norms[k] * Math.sign(lengths[k] - targets[k])));
    weights = moved.map((one) => (2 * one) / (moved[0] + moved[1]));
  }
  close((await weightsOf(model))[0], [w], 4);
  expect(Math.abs(weights[0] - 1)).toBeGreaterThan(0.05);
  expect(model.variables().map(({ path }) => path)).toEqual([
    'encoder/kernel',
    ...['a_weight', 'a_firstLoss', 'b_weight', 'b_firstLoss', 'started'].map((name) => `gradNormWeights_1/${name}`),
  ]);
});

test.each([
  [0.3, 0.99, 1.01],
  [1, 1.01, 0.99],
])('gradNormWeights: alpha %s decides how fast a slow task may be', (alpha, a, b) => {
  const one = (x: number): Tensor => f64([x]).reshape([]);
  const state = { a_weight: one(1), a_firstLoss: one(1), b_weight: one(1), b_firstLoss: one(1), started: one(1) };
  const tasks = { losses: { a: one(1.2), b: one(0.8) }, norms: { b: one(1), a: one(1.2) } };
  // Products 1.2 and 1 with the mean 1.1; targets 1.1 * 1.2^alpha and 1.1 * 0.8^alpha.
  const { state: next } = layers.gradNormWeights({ alpha, learningRate: 0.01 }).call({ parameters: {}, state }, tasks, { training: true, mask: undefined }); // prettier-ignore
  const moved = [a > 1 ? 1.012 : 0.988, b > 1 ? 1.01 : 0.99];
  close(read([next!.a_weight, next!.b_weight]), moved.map((x) => (2 * x) / (moved[0] + moved[1])), 7); // prettier-ignore
});

describe('uncertaintyWeighting', () => {
  const at = (layer: Layer, parameters: Record<string, Tensor>, losses: Tensors): Tensor =>
    layer.call({ parameters, state: {} }, losses, { training: true, mask: undefined }).outputs as Tensor;

  test('value and gradients are those of the formula', () => {
    const layer = layers.uncertaintyWeighting({ likelihood: { depth: 'gaussian', label: 'softmax' } });
    const [s, loss] = [{ depth: 0.3, label: -1.2 }, { depth: 2, label: 0.7 }]; // prettier-ignore
    const parameters = { depth: f64([s.depth]).reshape([]), label: f64([s.label]).reshape([]) };
    const losses = { label: f64([loss.label]).reshape([]), depth: f64([loss.depth]).reshape([]) };
    const [a, b] = [Math.exp(-s.depth) * loss.depth * 0.5, Math.exp(-s.label) * loss.label];
    close(read(at(layer, parameters, losses)), [a + b + s.depth / 2 + s.label / 2], 12);
    close(read(grad((p: typeof parameters) => at(layer, p, losses))(parameters)), [0.5 - a, 0.5 - b], 12);
    close(read(grad((l: typeof losses) => at(layer, parameters, l))(losses)), [b / loss.label, a / loss.depth], 12);
    close(read(at(layers.uncertaintyWeighting({ likelihood: 'softmax' }), { output_1: scalar(0), output_2: scalar(0) }, [scalar(2), scalar(3)])), [5]); // prettier-ignore
  });

  test('in a model: outputs pass, and the variances become the losses', async () => {
    const weigh = layers.uncertaintyWeighting({ initialLogVariance: 1 });
    const x = input({ shape: [1] });
    const model = createModel({ inputs: x, outputs: weigh.apply<Record<string, Tensor>>({ a: x, b: mul(x, 3) }) });
    model.compile({
      optimizer: optimizers.sgd({ learningRate: 0.5 }),
      loss: { a: 'mse', b: 'mse' },
      trainStep: (step) => {
        const { loss, gradients } = step.gradients(() => step.apply(weigh, step.losses(step.forward(step.x))));
        step.update(gradients);
        return { loss };
      },
    });
    expect((await (await model.predict<Record<string, Tensor>>([[2]])).b.data())[0]).toBe(6);
    const { history } = await model.fit(xs, ys, { epochs: 120, batchSize: 3, verbose: 0 });
    const [a, b] = [lossAt(1, 'a').loss, lossAt(1, 'b').loss];
    // For fixed predictions the best variances are the losses, and the loss is the mean of 1 + log(loss).
    close((await weightsOf(model)).flat(), [Math.log(a), Math.log(b)], 3);
    expect(history.loss[119]).toBeCloseTo((2 + Math.log(a) + Math.log(b)) / 2, 3);
    expect(model.variables().map(({ path, trainable }) => [path, trainable])).toEqual([['uncertaintyWeighting_1/a', true], ['uncertaintyWeighting_1/b', true]]); // prettier-ignore
  });
});

describe('errors', () => {
  const weigh = layers.uncertaintyWeighting();
  const balance = layers.gradNormWeights();
  const bad: [string, Layer, TrainStep, string][] = [
    ['no record', weigh, (step) => ({ loss: step.taskGradients(() => 1 as never).losses.a }), 'step.taskGradients: the function returned 1; it must return losses by task, such as { depth, label }'],
    ['no scalar', weigh, (step) => ({ loss: step.taskGradients(() => ({ a: step.forward<Record<string, Tensor>>(step.x).a })).losses.a }), 'step.taskGradients: the loss of a is a tensor [3,1]; it must be a scalar tensor'],
    ['other tasks', weigh, (step) => ({ loss: step.apply(weigh, { a: scalar(1), c: scalar(1) }) }), 'uncertaintyWeighting: got losses of a, c, but the layer passes on the outputs a, b; give one scalar for each'],
    ['no norms', balance, (step) => ({ loss: step.apply(balance, { a: scalar(1), b: scalar(1) }) }), 'gradNormWeights: takes scalars as { losses, norms }'],
    ['no shared layer', balance, (step) => { const tasks = step.taskGradients(() => step.losses(step.forward(step.x))); gradNorm(step, balance, tasks, { shared: 'enc' }); return { loss: tasks.losses.a }; }, "gradNorm: shared is 'enc', but the gradients are those of encoder"],
  ]; // prettier-ignore
  test.each(bad)('%s', async (_, layer, trainStep, message) => {
    await expect(shared(layer, trainStep).trainOnBatch(xs, ys)).rejects.toThrow(message);
  });

  test('no loss for each output', async () => {
    const model = shared(undefined, (step) => ({ loss: step.losses(step.forward(step.x)).a }));
    model.compile({ trainStep: (step) => ({ loss: step.losses(step.forward(step.x)).a }) });
    await expect(model.trainOnBatch(xs)).rejects.toThrow('step.losses: the model was compiled without a loss');
  });

  test.each([
    ['no gradients', () => pcGrad({}), 'pcGrad: gradients are {}; give the gradients of step.taskGradients(), or a list of trees'],
    ['a tensor', () => pcGrad(tensor([1]) as never), 'pcGrad: gradients are a Tensor'],
    ['other forms', () => pcGrad([{ a: { kernel: f64([1]) } }, { a: { kernel: f64([1, 2]) } }]), 'pcGrad: the gradients of the tasks have the forms .a.kernel [1] and .a.kernel [2]; they must be alike'],
    ['a likelihood of no output', () => layers.uncertaintyWeighting({ likelihood: { depht: 'softmax' } }).apply({ depth: sub(tensor([[1]]), 0) }), "uncertaintyWeighting: likelihood has 'depht', which is no output; the outputs are depth"],
  ] as [string, () => unknown, string][])('%s', (_, fn, message) => { expect(fn).toThrow(message); }); // prettier-ignore
});
