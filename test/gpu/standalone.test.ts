// Modules of exportStandalone() are imported and run on the adapter of the library. The same kernels give the same bits as the library.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Model, type Tensor, compile, layers, sequential, setSeed, tensor } from '../../src/index.ts';
import type { Engine } from '../../src/engine/index.ts';
import { modelFunction } from '../../src/inference/index.ts';
import * as ops from '../../src/ops/index.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { portableTarget } from '../../src/standalone/compilePrograms.ts';
import {
  type ExportStandaloneOptions,
  type StandaloneInputs,
  type StandaloneModel,
  type StandaloneModule,
  type StandaloneOutput,
  type StandaloneOutputs,
  exportStandalone,
} from '../../src/standalone/index.ts';
import { leavesOf } from '../../src/core/tree.ts';
import { engineWith } from '../support/devices.ts';
import { buildCase, inputsOf, onnxModels, valuesFor } from '../support/onnxModels.ts';
import { webgpuOnly } from '../support/planDevice.ts';

webgpuOnly('standalone modules run on WebGPU');

let engine: Engine;
let runtime: WebGpuRuntime;
beforeAll(async () => {
  ({ engine, runtime } = await engineWith({}));
  const { processor } = runtime.target;
  // Kernels of the written modules. The guard zones stay.
  Object.assign(runtime, { target: { ...portableTarget(processor), spareBytes: runtime.target.spareBytes } });
});
afterAll(() => runtime.dispose());

const importText = async (text: string): Promise<StandaloneModule> =>
  (await import(/* @vite-ignore */ `data:text/javascript;charset=utf-8,${encodeURIComponent(text)}`)) as StandaloneModule;

/** Writes a module and loads it on the device of `engine`. */
async function standalone<O extends StandaloneOutputs = StandaloneOutput>(
  target: Parameters<typeof exportStandalone>[0],
  options: ExportStandaloneOptions = {},
): Promise<StandaloneModel<O>> {
  const { processor } = runtime.target;
  const { load } = await importText(await exportStandalone(target, { processor, ...options }));
  return load<O>(runtime.context.device);
}

const outputsIn = (tree: unknown): StandaloneOutput[] => {
  if (Array.isArray(tree)) return tree.flatMap(outputsIn);
  const record = tree as Record<string, unknown>;
  return 'dtype' in record ? [record as unknown as StandaloneOutput] : Object.values(record).flatMap(outputsIn);
};

/** Tensors as inputs of a module, in the same tree. */
const elements = async (tensor: Tensor) => ({ data: (await tensor.data()) as Float32Array, shape: tensor.shape });

/** Expects the bits of the library with the same kernels, and its predictions within a bound. */
async function compare(model: Model, xs: readonly Tensor[], tree: (values: readonly unknown[]) => unknown, batch: number): Promise<void> {
  const { run } = await modelFunction(model);
  const own = compile((x: object) => run(x as never) as object, { engine });
  const expected = leavesOf(await own(tree(xs) as object)).map(({ value }) => value as Tensor);
  const predicted = leavesOf(await model.predict(tree(xs) as never)).map(({ value }) => value as Tensor);
  const module = await standalone<StandaloneOutputs>(model, { batchSize: batch });
  const inputs = await Promise.all(xs.map(elements));
  const found = outputsIn(await module.run(tree(inputs) as never));
  expect(found.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(expected.map(({ shape, dtype }) => ({ shape, dtype })));
  for (const [i, { data }] of found.entries()) {
    expect(data).toEqual(await expected[i].data());
    const near = await predicted[i].data();
    for (const [j, x] of data.entries()) expect(Math.abs(x - near[j])).toBeLessThan(2e-6 * (1 + Math.abs(near[j])));
  }
  // A second run on the same memory.
  expect(outputsIn(await module.run(tree(inputs) as never))).toEqual(found);
  module.destroy();
}

const modelNames = ['mlp', 'cnn', 'masked lstm', 'transformer encoder', 'small gpt'];

describe('models', () => {
  test.each(modelNames)('%s', async (name) => {
    const one = onnxModels.find((candidate) => candidate.name === name)!;
    await compare(await buildCase(one), inputsOf(one, 3), ([x]) => x, 3);
  });

  test('several inputs and outputs', async () => {
    const one = onnxModels.find(({ inputs }) => inputs.length === 2)!;
    await compare(await buildCase(one), inputsOf(one, 2), ([image, age]) => ({ image, age }), 2);
  });

  test('a quantized model, whose kernels stay bytes', async () => {
    const make = async (): Promise<Model> => {
      setSeed(3);
      const model = sequential([
        layers.embedding({ inputDim: 9, outputDim: 32, inputShape: [4] }),
        layers.flatten(),
        layers.dense({ units: 64, activation: 'relu' }),
        layers.dense({ units: 3 }),
      ]);
      await model.predict(valuesFor([1, 4], 'i32', 0, 9));
      return model;
    };
    const model = await make();
    await model.quantize('int8');
    const bytes = async (one: Model): Promise<number> =>
      (/const ombreWeights = "(.*)";/.exec(await exportStandalone(one))![1].length * 3) / 4;
    expect((await bytes(model)) / (await bytes(await make()))).toBeLessThan(0.3);
    await compare(model, [valuesFor([2, 4], 'i32', 0, 9)], ([x]) => x, 2);
  });
});

describe('runs', () => {
  const dense = (): Model => {
    setSeed(5);
    return sequential([layers.dense({ units: 2, inputShape: [3] })]);
  };

  test('each batch size has a program, inputs have several forms, and runs overlap', async () => {
    const model = dense();
    const module = await standalone(model, { batchSize: [1, 2] });
    expect(module.info).toMatchObject({
      batchSizes: [1, 2],
      inputs: [{ name: 'x', shape: ['batch', 3], dtype: 'f32' }],
      outputs: [{ name: 'output', shape: ['batch', 2], dtype: 'f32' }],
      requiredFeatures: [],
      requiredLimits: {},
    });
    const rows = [1, 2, 3, 4, 5, 6];
    const expected = await model.predict([rows.slice(0, 3), rows.slice(3)]).data();
    const forms: readonly StandaloneInputs[] = [
      [rows.slice(0, 3), rows.slice(3)],
      [Float32Array.from(rows.slice(0, 3)), rows.slice(3)],
      Float32Array.from(rows),
      Uint8Array.from(rows),
      BigInt64Array.from(rows.map(BigInt)),
      { data: rows, shape: [2, 3] },
      { x: Float64Array.from(rows) },
      { x: { data: Float32Array.from(rows), shape: [2, 3] } },
    ];
    const found = await Promise.all(forms.map((form) => module.run(form)));
    for (const { data, shape } of found) {
      expect(shape).toEqual([2, 2]);
      for (const [i, x] of data.entries()) expect(x).toBeCloseTo(expected[i], 5);
    }
    const runs = await Promise.all([0, 1].map((row) => module.run(Float32Array.from(rows.slice(3 * row, 3 * row + 3)))));
    expect(runs.flatMap(({ data }) => [...data])).toEqual([...found[0].data]);
    module.destroy();
    await expect(module.run(Float32Array.from(rows))).rejects.toThrow('model: run: destroy() was called');
  });

  test('inputs that do not fit', async () => {
    const module = await standalone<readonly StandaloneOutput[]>((x: Tensor, ids: Tensor) => [ops.add(x, 1), ops.add(ids, 1)], {
      inputs: [{ shape: ['batch', 2] }, { shape: ['batch'], dtype: 'i32', name: 'ids' }],
      batchSize: [1, 3],
      name: 'sums',
    });
    const x = [[1, 2]];
    const refused: readonly (readonly [unknown, string])[] = [
      [x, 'ArgumentError: sums: run: the inputs must be a list of 2'],
      [{ x_1: x }, "ArgumentError: sums: run: the input 'ids' is missing; the inputs are a record of x_1, ids"],
      [{ x_1: x, ids: [1], y: 1 }, "ArgumentError: sums: run: there is no input 'y'; the inputs are a record of x_1, ids"],
      [[[1, 2], [1]], "ShapeError: sums: run: the input 'x_1' takes [batch,2], but has the shape [2]"],
      [[[[1, 2, 3]], [1]], "ShapeError: sums: run: the input 'x_1' takes [batch,2], but has the shape [1,3]"],
      [[[[1, 2], [3]], [1]], "ShapeError: sums: run: the input 'x_1' takes [batch,2]; its lists have different lengths"],
      [[new Float32Array(3), [1]], "ShapeError: sums: run: the input 'x_1' takes [batch,2], but has 3 elements"],
      [[{ data: [1, 2, 3], shape: [1, 2] }, [1]], "ShapeError: sums: run: the input 'x_1' takes [batch,2]; the shape [1,2] does not fit 3 elements"],
      [['a', [1]], "ArgumentError: sums: run: the input 'x_1' takes [batch,2]: a typed array, nested lists of numbers, or { data, shape }; it has a string"],
      [[x, [1, 2]], 'ShapeError: sums: run: the inputs have batches of 1 (x_1), 2 (ids); they must be equal'],
      [[[x[0], x[0]], [1, 2]], 'ShapeError: sums: run: the batch has 2 samples; the module was written for 1, 3 (option batchSize of exportStandalone)'],
      [[x, [1.5]], "DtypeError: sums: run: the input 'ids' has 1.5, which is no i32"],
      [[x, [2 ** 31]], "DtypeError: sums: run: the input 'ids' has 2147483648, which is no i32"],
    ]; // prettier-ignore
    for (const [given, message] of refused) expect(await module.run(given as never).then(() => 'no error', String)).toBe(message);
    const [sums, ids] = await module.run({ ids: [7], x_1: x });
    expect([[...sums.data], ids]).toEqual([[2, 3], { data: Int32Array.of(8), shape: [1], dtype: 'i32' }]);
    module.destroy();
  });

  test('functions of tensors, and functions of compile()', async () => {
    const offset = ops.mul(tensor([1, 2]), 10); // it has no value yet
    const fn = ({ a, b }: Readonly<Record<string, Tensor>>) => ({
      sum: ops.add(ops.add(a, b), offset),
      parts: [ops.greater(a, b), ops.cast(b, 'u32'), a],
      none: ops.slice(a, [0], [0]),
      offset,
    });
    const inputs = { a: { shape: [2] }, b: { shape: [2] } };
    for (const target of [fn, compile(fn)]) {
      const module = await standalone<Record<string, never>>(target, { inputs });
      const { sum, parts, none, offset } = await module.run({ a: [1, 5], b: [3, 4] });
      const of = (values: ArrayLike<number>, dtype: string) => ({ data: values, shape: [values.length], dtype });
      expect(sum).toEqual(of(Float32Array.of(14, 29), 'f32'));
      expect(parts).toEqual([of(Uint8Array.of(0, 1), 'bool'), of(Uint32Array.of(3, 4), 'u32'), of(Float32Array.of(1, 5), 'f32')]);
      expect([none, offset]).toEqual([of(new Float32Array(), 'f32'), of(Float32Array.of(10, 20), 'f32')]);
      module.destroy();
    }
  });

  test('a donated argument has the memory of the result', async () => {
    const step = compile((state: Tensor, x: Tensor) => ops.add(ops.mul(state, 2), x), { donate: [0] });
    const module = await standalone(step, { inputs: [{ shape: [3] }, { shape: [3] }] });
    for (const x of [[1, 1, 1], [2, 3, 4]]) {
      expect((await module.run([[1, 2, 3], x])).data).toEqual(Float32Array.from([2, 4, 6], (state, i) => state + x[i]));
    } // prettier-ignore
    module.destroy();
  });

  test('half precision', async () => {
    const inputs = [{ shape: [5], dtype: 'f16' as const }];
    const fn = (x: Tensor) => ops.add(x, x);
    const values = [1 / 3, -2.5, 1.5 / 2 ** 24, 30000, 1e9];
    if (!runtime.context.device.features.has('shader-f16')) {
      await expect(standalone(fn, { inputs })).rejects.toThrow('model: this device lacks shader-f16');
      return;
    }
    const module = await standalone(fn, { inputs });
    expect(module.info.requiredFeatures).toEqual(['shader-f16']);
    const expected = await ops.mul(ops.cast(tensor(values), 'f16'), 2).data();
    expect((await module.run(values)).data).toEqual(expected);
    module.destroy();
  });

  test('a device that is lost', async () => {
    const lost = await engineWith({ spareBytes: 0 });
    const { device } = lost.runtime.context;
    const { load } = await importText(await exportStandalone(dense()));
    const module = await load(device);
    device.destroy();
    await device.lost;
    await expect(module.run([[1, 2, 3]])).rejects.toThrow(/model: run: the device was lost \(destroyed .*\); call load\(\) again/);
    lost.runtime.dispose();
  });
});
