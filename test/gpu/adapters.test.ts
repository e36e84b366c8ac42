// LoRA and packed kernels on the GPU: training with LoRA beside the CPU, and predictions of packed kernels beside those of the floats.
import { afterAll, expect, test } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Model, layers, loadModel, optimizers, random, sequential, setDevice, setSeed, tensor } from '../../src/index.ts';

afterAll(() => setDevice('auto'));

const valuesOf = async (x: Tensor): Promise<number[]> => Array.from(await x.data());
const worstOf = (found: readonly number[], expected: readonly number[]): number =>
  found.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i])), 0) / Math.max(...expected.map(Math.abs));

const x = random.normal([8, 6, 8], { seed: 1 });

/** Weights after three epochs with LoRA, and outputs of the merged model. */
async function trained(device: 'cpu' | 'webgpu'): Promise<{ model: Model; weights: number[]; outputs: number[] }> {
  await setDevice(device);
  setSeed(5);
  const model = sequential([
    layers.dense({ units: 8, inputShape: [6, 8] }),
    layers.transformerEncoder({ intermediateDim: 12, numHeads: 2 }),
    layers.conv1d({ filters: 8, kernelSize: 3, padding: 'same' }),
  ]);
  model.enableLora({ rank: 2, alpha: 4 });
  model.compile({ optimizer: optimizers.adam({ learningRate: 0.01 }), loss: 'mse', seed: 6 });
  await model.fit(x, x, { epochs: 3, batchSize: 4, verbose: 0 });
  // The gradient of the bias of keys is 0 but for rounding, which adam divides by its own size.
  const listed = (await model.getWeights()).filter((_, i) => !model.variables()[i].path.endsWith('KeyBias'));
  const weights = (await Promise.all(listed.map(valuesOf))).flat();
  model.mergeLora();
  return { model, weights, outputs: await valuesOf(await model.predict(x)) };
}

test('training with LoRA, and the merged model', async () => {
  const [cpu, gpu] = [await trained('cpu'), await trained('webgpu')];
  const [weights, outputs] = [worstOf(gpu.weights, cpu.weights), worstOf(gpu.outputs, cpu.outputs)];
  console.log(`LoRA, worst difference to the CPU: weights ${weights.toExponential(1)}, outputs ${outputs.toExponential(1)}`);
  expect(weights).toBeLessThan(1e-4);
  expect(outputs).toBeLessThan(1e-4);
});

test('packed kernels', async () => {
  await setDevice('webgpu');
  setSeed(5);
  const tokens = layers.reversibleEmbedding({ inputDim: 50, outputDim: 18, inputShape: [6] });
  const encoder = layers.transformerEncoder({ intermediateDim: 30, numHeads: 3 });
  const model = sequential([tokens, layers.dense({ units: 18 }), encoder, tokens.reverse]);
  const ids = tensor(Array.from({ length: 24 }, (_, i) => (7 * i) % 50), [4, 6], 'i32'); // prettier-ignore
  const before = await valuesOf(await model.predict(ids));
  await model.quantize('int8');
  const found = await valuesOf(await model.predict(ids));
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  await model.save((written) => void (bytes = written));
  expect(await valuesOf(await (await loadModel(bytes!)).predict(ids))).toEqual(found);
  const packed = (await Promise.all(model.variables().map(({ tensor: one }) => valuesOf(one)))).flat();
  await setDevice('cpu');
  const [onCpu, again] = [await valuesOf(await model.predict(ids)), worstOf(found, before)];
  console.log(
    `int8: ${packed.length} words; error ${again.toExponential(1)}, difference to the CPU ${worstOf(found, onCpu).toExponential(1)}`,
  );
  expect(worstOf(found, onCpu)).toBeLessThan(1e-5);
  expect(again).toBeLessThan(0.05);
});
