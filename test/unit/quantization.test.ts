// Kernels packed as int8: rounding against its formula, memory, files, refusals.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, type Model, generate, layers, random, sequential, setDevice, setSeed, tensor } from '../../src/index.ts';
import { packKernel } from '../../src/nn/packedKernels.ts';
import { gradients, vmap } from '../../src/autodiff/index.ts';
import { topological } from '../../src/graph/graph.ts';
import { exportOnnx, importOnnx } from '../../src/onnx/index.ts';
import { matmul, mul, stack, sum } from '../../src/ops/index.ts';
import { packBytes, packedMatmul, unpackBytes } from '../../src/ops/matmul/packed.ts';
import { decoders, rowsOf } from '../support/decoders.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(3));

const valuesOf = async (x: Tensor): Promise<number[]> => Array.from(await x.data());
const bytesOf = (model: Model): number => model.variables().reduce((sum, { tensor: t }) => sum + 4 * t.size, 0);
const saved = async (model: Model): Promise<Uint8Array<ArrayBuffer>> => {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  await model.saveWeights((written) => void (bytes = written), { optimizer: false });
  return bytes!;
};

/** Halves go to the even number, as in WGSL. */
function roundEven(x: number): number {
  const low = Math.floor(x);
  return x - low === 0.5 ? low + (low % 2 === 0 ? 0 : 1) : Math.round(x);
}

test.each([1, 2, 3, 4, 5, 7, 8, 31])('packs rows of %s numbers four to a word, and unpacks them', async (last) => {
  const kernel = random.normal([5, last], { seed: last });
  const { packed, scale } = packKernel(kernel, [0]);
  expect(packed.dtype).toBe('u32');
  expect(packed.shape).toEqual([5, Math.ceil(last / 4)]);
  const [w, found, scales] = await Promise.all([kernel, mul(unpackBytes(packed, last), scale), scale].map(valuesOf));
  for (let j = 0; j < last; j++) {
    const column = [0, 1, 2, 3, 4].map((i) => w[i * last + j]);
    const expected = Math.fround(Math.max(...column.map(Math.abs)) / 127);
    expect(scales[j]).toBeCloseTo(expected, 8);
    column.forEach((value, i) => expect(found[i * last + j]).toBeCloseTo(roundEven(Math.fround(value / scales[j])) * scales[j], 6));
  }
});

test('the extremes -127 and 127, and zeros', async () => {
  const { packed, scale } = packKernel(tensor([-2, 2, 0, 1, -1, 0], [2, 3]), [1]);
  expect(await valuesOf(packed)).toEqual([1 + 255 * 256 + 128 * 65536, 255 + 1 * 256 + 128 * 65536]);
  expect(await valuesOf(scale)).toEqual([Math.fround(2 / 127), Math.fround(1 / 127)]);
  expect(await valuesOf(unpackBytes(packKernel(tensor([0, 0], [1, 2]), [1]).packed, 2))).toEqual([0, 0]);
});

const makers: Readonly<Record<string, () => Layer>> = {
  dense: () => layers.dense({ units: 64, inputShape: [6, 32] }),
  einsumDense: () => layers.einsumDense({ equation: 'abc,cde->abde', outputShape: [null, 4, 16], inputShape: [6, 32] }),
  multiHeadAttention: () => layers.multiHeadAttention({ numHeads: 4, keyDim: 8, inputShape: [6, 32] }),
  transformerEncoder: () => layers.transformerEncoder({ intermediateDim: 64, numHeads: 4, inputShape: [6, 32] }),
  'a normalized dense': () => layers.weightNormalization({ layer: layers.dense({ units: 64 }), inputShape: [6, 32] }),
};
const x = random.normal([4, 6, 32], { seed: 1 });

describe.each(Object.entries(makers))('%s', (_, make) => {
  test('takes about a quarter of the memory, predicts nearly the same, and comes back from a file', async () => {
    const model = sequential([make()]);
    const before = await valuesOf(await model.predict(x));
    const size = bytesOf(model);
    await model.quantize('int8');
    expect(bytesOf(model)).toBeLessThan(0.34 * size);
    const found = await valuesOf(await model.predict(x));
    const largest = Math.max(...before.map(Math.abs));
    const error = Math.max(...before.map((value, i) => Math.abs(found[i] - value))) / largest;
    expect(error).toBeLessThan(0.03);
    expect(error).toBeGreaterThan(0);
    const other = sequential([make()]);
    await other.quantize('int8');
    await other.loadWeights(await saved(model));
    expect(await valuesOf(await other.predict(x))).toEqual(found);
    console.log(`${size} -> ${bytesOf(model)} bytes, error ${error.toExponential(1)} of the largest output`);
  });
});

test('embeddings unpack the rows that are read, and the table for logits', async () => {
  const tokens = layers.reversibleEmbedding({ inputDim: 9, outputDim: 6 });
  const model = sequential([tokens, tokens.reverse]);
  const ids = tensor([0, 1, 2, 3, 4, 5, 6, 7], [2, 4], 'i32');
  const before = await valuesOf(await model.predict(ids));
  await model.quantize('int8');
  const found = await valuesOf(await model.predict(ids));
  found.forEach((value, i) => expect(Math.abs(value - before[i])).toBeLessThan(2e-4));
  const plain = sequential([layers.embedding({ inputDim: 9, outputDim: 6, inputShape: [4] })]);
  const rows = await valuesOf(await plain.predict(ids));
  await plain.quantize('int8');
  (await valuesOf(await plain.predict(ids))).forEach((value, i) => expect(Math.abs(value - rows[i])).toBeLessThan(0.05 / 250));
});

test('a decoder generates with packed kernels, with and without a cache', async () => {
  const model = decoders.tied();
  await model.quantize('int8');
  const options = { maxNewTokens: 5, temperature: 0 };
  const found = await rowsOf(generate(model, [[3, 1, 4]], options));
  expect(await rowsOf(generate(model, [[3, 1, 4]], { ...options, useCache: false }))).toEqual(found);
});

test('evaluate works, training refuses', async () => {
  const model = sequential([layers.dense({ units: 2, name: 'd', inputShape: [3] })]);
  model.compile({ optimizer: 'sgd', loss: 'mse' });
  const [inputs, targets] = [random.normal([4, 3], { seed: 1 }), random.normal([4, 2], { seed: 2 })];
  const { loss } = await model.evaluate(inputs, targets, { verbose: 0 });
  await model.quantize('int8');
  expect((await model.evaluate(inputs, targets, { verbose: 0 })).loss).toBeCloseTo(loss, 1);
  const message = 'the kernels of d are quantized, and cannot be trained; train the float model, and quantize it afterwards';
  await expect(model.fit(inputs, targets, { verbose: 0 })).rejects.toThrow(`fit: ${message}`);
  await expect(model.trainOnBatch(inputs, targets)).rejects.toThrow(`trainOnBatch: ${message}`);
});

test('others are refused, and nothing changes', async () => {
  const model = sequential([layers.dense({ units: 2, name: 'd', inputShape: [3] }), layers.dense({ units: 2, name: 'e' })]);
  await expect(model.quantize('int4' as never)).rejects.toThrow("sequential.quantize: mode is 'int4'; it must be 'int8'");
  model.getLayer('e').enableLora({ rank: 1 });
  await expect(model.quantize('int8')).rejects.toThrow("sequential.quantize: 'e' has LoRA; call mergeLora() first");
  expect(model.getLayer('d').isQuantized).toBe(false);
  model.mergeLora();
  model.getLayer('d').quantize('int8');
  expect(() => model.getLayer('d').quantize('int8')).toThrow("d.quantize: 'd' is quantized");
  expect(() => model.getLayer('d').enableLora({ rank: 1 })).toThrow("'d' is quantized, and cannot be trained");
  expect(() => layers.dense({ units: 1 }).quantize('int8')).toThrow("'dense' has no weights; give the first layer an inputShape");
  expect(() => layers.relu().quantize('int8')).toThrow('relu.quantize: no kernel here can be quantized');
});

describe('packedMatmul', () => {
  const [k, n] = [6, 7];
  const whole = tensor(Array.from({ length: k * n }, (_, i) => ((i * 37) % 255) - 127), [k, n]); // prettier-ignore
  const matrix = packBytes(whole);
  const a = random.normal([5, k], { seed: 4 });

  test('is the product with the unpacked numbers, with its gradient', async () => {
    const [found, expected] = [packedMatmul(a, matrix, n), matmul(a, whole)];
    expect(await valuesOf(found)).toEqual(await valuesOf(expected));
    const weights = random.normal([5, n], { seed: 5 });
    const slope = (product: (x: Tensor) => Tensor): Promise<number[]> => valuesOf(gradients(sum(mul(product(a), weights)), [a])[0]);
    expect(await slope((x) => packedMatmul(x, matrix, n))).toEqual(await slope((x) => matmul(x, whole)));
  });

  test('maps over rows of either operand', async () => {
    const many = random.normal([3, 5, k], { seed: 6 });
    const expected = await valuesOf(matmul(many, whole));
    expect(await valuesOf(vmap((x: Tensor) => packedMatmul(x, matrix, n))(many))).toEqual(expected);
    const matrices = stack([matrix, matrix, matrix]);
    expect(await valuesOf(vmap((x: Tensor, b: Tensor) => packedMatmul(x, b, n))(many, matrices))).toEqual(expected);
  });

  test('refuses other types and shapes', () => {
    expect(() => packedMatmul(a, whole, n)).toThrow('packedMatmul: takes floats and packed words, got f32 and f32; pack the second by packBytes(x)'); // prettier-ignore
    expect(() => packedMatmul(a, matrix, 9)).toThrow('packedMatmul: [5,6] x [6,2] with 9 columns; operands are [m, k] and [k, ceil(columns / 4)]'); // prettier-ignore
  });

  test('is one kernel in the program of a layer, and no kernel writes the floats', () => {
    const layer = layers.dense({ units: 8, quantization: 'int8' });
    const { parameters, state } = layer.build([6]);
    const { outputs } = layer.call({ parameters, state }, a, { training: false });
    const ops = topological([outputs as Tensor], (x) => Object.values(state).includes(x)).map(({ op }) => op.name);
    expect(ops).toContain('packedMatmul');
    expect(ops).not.toContain('rightShift');
  });

  test('is written to ONNX', async () => {
    const model = sequential([layers.dense({ units: 7, inputShape: [6] })]);
    await model.quantize('int8');
    const { output } = importOnnx(await exportOnnx(model)).run({ input: a });
    const [found, expected] = [await valuesOf(output), await valuesOf(await model.predict(a))];
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
  });
});
