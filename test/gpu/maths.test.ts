// Losses, optimizers and metrics on a GPU stack. Exponentials and logarithms are the device's own there, and sums may be reordered.
import { beforeAll, expect, test } from 'vitest';
import lossGolden from '../golden/losses.json';
import optimizerGolden from '../golden/optimizers.json';
import { gradients } from '../../src/autodiff/index.ts';
import { compile, readAll, setDevice } from '../../src/engine/index.ts';
import { hostTensor, type Tensor } from '../../src/graph/tensor.ts';
import { type Loss, losses } from '../../src/losses/index.ts';
import { type Optimizer, optimizers } from '../../src/optim/index.ts';
import { tensor } from '../../src/ops/index.ts';
import { noteDifference, noteError, noteGradients, noteVectors } from '../support/findings.ts';
import { metrics } from '../../src/metrics/index.ts';

interface Packed {
  shape: number[];
  dtype: string;
  data: number[];
}
type LossCase = {
  name: keyof typeof losses;
  options: object;
  targets: Packed;
  predictions: Packed;
  weight?: Packed;
  loss: number;
  gradient: number[];
};

beforeAll(async () => {
  await setDevice('webgpu');
});

const unpack = ({ shape, dtype, data }: Packed): Tensor => tensor(data, shape, dtype === 'i32' ? 'i32' : 'f32');

function expectClose(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  const scale = Math.max(1e-3, ...Array.from(expected, Math.abs));
  expect(actual.length, what).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]) / scale;
    noteError('losses and optimizers', what, error, tolerance);
    expect(error, `${what} [${i}]: ${actual[i]} for ${expected[i]}`).toBeLessThan(tolerance);
  }
}

test('every loss and its gradient is what PyTorch says', async () => {
  const cases = lossGolden as unknown as LossCase[];
  // One case of each loss, and of each from logits: the CPU tests cover the other options, and every case costs pipelines here.
  const keyOf = (c: LossCase): string => `${c.name} ${'fromLogits' in c.options ? 'from logits' : ''}`;
  const firsts = [...new Map(cases.toReversed().map((c) => [keyOf(c), c])).values()];
  const outputs = firsts.flatMap((c) => {
    const predictions = unpack(c.predictions);
    const loss = (losses[c.name] as (options: object) => Loss)(c.options)(unpack(c.targets), predictions, c.weight && unpack(c.weight));
    return [loss, gradients(loss, [predictions])[0]];
  });
  const values = await readAll(outputs);
  firsts.forEach((c, i) => {
    noteDifference('losses', c.name, values[2 * i], [c.loss]);
    noteDifference('losses', c.name, values[2 * i + 1], c.gradient);
    expectClose(keyOf(c), values[2 * i], [c.loss], 1e-5);
    expectClose(`gradient of ${keyOf(c)}`, values[2 * i + 1], c.gradient, 1e-4);
  });
  noteGradients(firsts.length);
  noteVectors(2 * firsts.length);
});

test('ten updates of every optimizer are what PyTorch says', async () => {
  const { shapes, initial, gradients: given, cases } = optimizerGolden;
  for (const c of cases as { name: keyof typeof optimizers; options: object; trajectory: { kernel: number[]; bias: number[] }[] }[]) {
    const optimizer = (optimizers[c.name] as (options: object) => Optimizer)(c.options);
    const make = (flat: { kernel: number[]; bias: number[] }): { kernel: Tensor; bias: Tensor } => ({
      kernel: tensor(flat.kernel, shapes.kernel),
      bias: tensor(flat.bias, shapes.bias),
    });
    const step = compile(
      (carried: { parameters: ReturnType<typeof make>; state: ReturnType<Optimizer['init']> }, g: ReturnType<typeof make>) =>
        optimizer.update(g, carried.state, carried.parameters),
      { donate: [0] },
    );
    let carried = { parameters: make(initial), state: optimizer.init(make(initial)) };
    for (const g of given) carried = await step(carried, make(g));
    const [kernel, bias, count] = await readAll([carried.parameters.kernel, carried.parameters.bias, carried.state.step]);
    noteDifference('optimizers', c.name, kernel, c.trajectory[9].kernel);
    noteDifference('optimizers', c.name, bias, c.trajectory[9].bias);
    expectClose(`${c.name} ${JSON.stringify(c.options)}`, kernel, c.trajectory[9].kernel, 1e-5);
    expectClose(`${c.name} ${JSON.stringify(c.options)}`, bias, c.trajectory[9].bias, 1e-5);
    expect(count[0]).toBe(10);
    noteVectors(2);
  }
});

test('a mean over 1,875 batches is exact to 2e-7, counts exactly', async () => {
  const mean = metrics.mean();
  const accuracy = metrics.accuracy();
  const step = compile(
    (
      state: { mean: ReturnType<typeof mean.init>; accuracy: ReturnType<typeof accuracy.init> },
      loss: Tensor,
      targets: Tensor,
      predictions: Tensor,
    ) => ({
      mean: mean.update(state.mean, loss, loss, tensor(32)),
      accuracy: accuracy.update(state.accuracy, targets, predictions),
    }),
    { donate: [0] },
  );
  let state = { mean: mean.init(), accuracy: accuracy.init() };
  let sum = 0;
  const targets = tensor([0, 1, 1], [3], 'i32');
  const predictions = tensor([0.2, 0.9, 0.1]);
  for (let i = 0; i < 1875; i++) {
    const loss = Float32Array.of(2.3 * Math.exp(-i / 300) + 0.1);
    sum += loss[0];
    state = await step(state, hostTensor({ shape: [], dtype: 'f32' }, loss), targets, predictions);
  }
  const [[value], [correct], [count]] = await readAll([mean.result(state.mean), state.accuracy.correct.whole, state.accuracy.count.whole]);
  expect(Math.abs(value / (sum / 1875) - 1)).toBeLessThan(2e-7);
  expect([correct, count]).toEqual([3750, 5625]);
});
