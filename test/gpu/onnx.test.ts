// A model that is exported to ONNX and read back gives the same outputs on the GPU, compiled and trained further.
import { expect, test } from 'vitest';
import { type Tensor, compile, grad, layers, sequential, square, sum } from '../../src/index.ts';
import { exportOnnx, importOnnx } from '../../src/onnx/index.ts';
import { buildCase, inputsOf, onnxModels, valuesFor } from '../support/onnxModels.ts';
import { worstOf } from '../support/onnxRows.ts';

test.each(['cnn', 'lstm', 'small gpt'])('%s', async (name) => {
  const one = onnxModels.find((candidate) => candidate.name === name)!;
  const model = await buildCase(one);
  const read = importOnnx(await exportOnnx(model), { name });
  const [x] = inputsOf(one, 3);
  const predicted: unknown = await model.predict(x);
  const expected = (predicted instanceof Object && 'dtype' in predicted ? predicted : Object.values(predicted as object)[0]) as Tensor;
  const run = compile((given: Tensor) => Object.values(read.run({ [read.inputs[0].name]: given }))[0]);
  expect(worstOf(await (await run(x)).data(), await expected.data())).toBeLessThan(2e-6);
});

test('gradients of an imported model', async () => {
  const model = sequential([layers.dense({ units: 3, activation: 'tanh', inputShape: [4] })]);
  const read = importOnnx(await exportOnnx(model));
  const x = valuesFor([2, 4], 'f32', 1);
  const loss = (weights: Readonly<Record<string, Tensor>>): Tensor => sum(square(read.run({ input: x }, weights).output));
  const found = grad(loss)(read.parameters);
  const step = 1e-2;
  const kernel = await read.parameters['dense_1/kernel'].data();
  const at = async (delta: number): Promise<number> => {
    const moved = valuesFor([4, 3], 'f32', 0);
    (moved.value as { data: Float32Array }).data.set(kernel);
    (moved.value as { data: Float32Array }).data[5] += delta;
    return loss({ ...read.parameters, 'dense_1/kernel': moved }).item();
  };
  const slope = ((await at(step)) - (await at(-step))) / (2 * step);
  expect(Math.abs((await found['dense_1/kernel'].data())[5] - slope)).toBeLessThan(1e-3);
});
