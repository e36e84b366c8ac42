// Export to ONNX: the files are those that scripts/onnx/verify.ts ran in another engine, and the importer reads them back to the same results.
import { describe, expect, test } from 'vitest';
import { hashOf } from '../../scripts/onnx/verify.ts';
import {
  type Tensor,
  add,
  conv2d,
  createModel,
  dropout,
  grad,
  input,
  layers,
  lgamma,
  matmul,
  relu,
  sequential,
  setDevice,
  square,
  sub,
  sum,
  zeros,
} from '../../src/index.ts';
import { GraphWriter } from '../../src/onnx/export/writer.ts';
import { exportOnnx, importOnnx } from '../../src/onnx/index.ts';
import verified from '../golden/onnxExport.json';
import { buildCase, inputsOf, onnxModels, valuesFor } from '../support/onnxModels.ts';
import { exportRow, inputNames, rowTensors, worstOf } from '../support/onnxRows.ts';
import { opRows } from '../tables/index.ts';

await setDevice('cpu');
const tensorsOf = (tree: unknown): Tensor[] =>
  (tree instanceof Object && 'dtype' in tree ? [tree as Tensor] : Object.values(tree as object)) as Tensor[];
const hashes = verified.rows.hash as Readonly<Record<string, string | undefined>>;

describe('models', () => {
  test('each model was verified in another engine', () => {
    expect(onnxModels.map(({ name }) => name)).toEqual(Object.keys(verified.models));
    for (const { worst } of Object.values(verified.models)) expect(worst).toBeLessThan(1e-6);
  });

  test.each(onnxModels.map((one) => [one.name, one] as const))('%s is the verified file, and is read back', async (name, one) => {
    const model = await buildCase(one);
    const { hash } = verified.models[name as 'mlp'];
    for (const opset of [17, 21] as const) {
      const bytes = await exportOnnx(model, { opset });
      expect(hashOf(bytes), `run scripts/onnx/launch.ts verify: opset ${opset}`).toBe(hash[opset]);
      const read = importOnnx(bytes, { name });
      const inputs = inputsOf(one, 3);
      const names = inputNames(name, inputs.length);
      const record = Object.fromEntries(names.map((key, i) => [key, inputs[i]]));
      const expected = tensorsOf(await model.predict(inputs.length > 1 ? record : inputs[0]));
      const results = Object.values(read.run(record));
      for (const [i, result] of results.entries()) {
        expect(worstOf(await result.data(), await expected[i].data())).toBeLessThan(2e-7);
      }
      expect(read.opset).toBe(opset);
      expect(read.producer).toBe('ombre');
    }
  });

  test('weights are initializers by their paths, and the batch is free', async () => {
    const model = await buildCase(onnxModels[0]);
    const read = importOnnx(await exportOnnx(model));
    expect(Object.keys(read.parameters).sort()).toEqual(model.variables().map(({ path }) => path).sort()); // prettier-ignore
    expect(read.inputs).toEqual([{ name: 'input', dtype: 'f32', type: 'FLOAT', shape: ['batch', 7] }]);
    expect(read.outputs).toEqual([{ name: 'output', dtype: 'f32', type: 'FLOAT', shape: ['batch', 5] }]);
    const fixed = importOnnx(await exportOnnx(model, { batchSize: 4 }));
    expect(fixed.inputs[0].shape).toEqual([4, 7]);
  });

  test('gradients of an imported model are those of the model', async () => {
    const model = sequential([layers.dense({ units: 3, inputShape: [4] })]);
    const [kernel, bias] = model.variables().map(({ tensor }) => tensor);
    const read = importOnnx(await exportOnnx(model));
    const x = valuesFor([2, 4], 'f32', 1);
    const own = grad((w: Tensor) => sum(square(add(matmul(x, w), bias))))(kernel);
    const found = grad((weights: Readonly<Record<string, Tensor>>) => sum(square(read.run({ input: x }, weights).output)))(read.parameters);
    expect(worstOf(await found['dense_1/kernel'].data(), await own.data())).toBeLessThan(1e-6);
    expect(Object.keys(found)).toEqual(Object.keys(read.parameters));
  });

  test('an imported model is a layer that fit trains', async () => {
    const first = sequential([layers.dense({ units: 6, activation: 'tanh', inputShape: [3] }), layers.dense({ units: 1 })]);
    const read = importOnnx(await exportOnnx(first));
    const x = input({ shape: [3] });
    const model = createModel({ inputs: x, outputs: read.toLayer({ name: 'read' }).apply(x) });
    const data = valuesFor([32, 3], 'f32', 2);
    const targets = sum(data, { axis: 1, keepDims: true });
    expect(worstOf(await model.predict(data).data(), await first.predict(data).data())).toBeLessThan(1e-6);
    expect(model.variables().map(({ path, trainable }) => [path, trainable])).toContainEqual(['read/dense_1/kernel', true]);
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    const { history } = await model.fit(data, targets, { epochs: 30, batchSize: 8, verbose: 0 });
    expect(history.loss.at(-1)!).toBeLessThan(history.loss[0] * 0.7);
    // The weights of the file stay as they are.
    expect(worstOf(await read.run({ input: data }).output.data(), await first.predict(data).data())).toBeLessThan(1e-6);
  });

  test('moving statistics are state, which training does not change', async () => {
    const read = importOnnx(await exportOnnx(await buildCase(onnxModels[1])));
    expect(Object.keys(read.parameters)).toContain('batchNormalization_1/gamma');
    expect(Object.keys(read.state)).toEqual(['batchNormalization_1/movingMean', 'batchNormalization_1/movingVariance']);
  });
});

describe('functions of ops', () => {
  const written = opRows.filter(({ name }) => hashes[name]);

  test('all other rows have ops without a form in ONNX, with a reason', () => {
    expect(written.length).toBe(verified.rows.verified);
    const missing = Object.values(verified.rows.notWritten).flat();
    expect(opRows.filter(({ name }) => !hashes[name]).map(({ name }) => name).sort()).toEqual(missing.sort()); // prettier-ignore
    console.log(
      `exported rows of ops: ${written.length} of ${opRows.length}; not written: ${Object.keys(verified.rows.notWritten).join(', ')}`,
    );
  });

  test.each(written.map((row) => [row.name, row] as const))('%s', async (name, row) => {
    const expected = hashes[name]!.split(' ');
    const opset = expected.length > 1 ? 17 : 21;
    const bytes = await exportRow(row, opset);
    expect(hashOf(bytes), 'run scripts/onnx/launch.ts verify').toBe(expected[0]);
    const tensors = rowTensors(row);
    const read = importOnnx(bytes, { name });
    const given = tensors.length > 0 ? tensors : [zeros([1])];
    const { output } = read.run(Object.fromEntries(read.inputs.map((one, i) => [one.name, given[i]])));
    const direct = row.call(...tensors);
    expect(output.shape).toEqual(direct.shape);
    expect(output.dtype).toBe(direct.dtype);
    expect(worstOf(await output.data(), await direct.data())).toBeLessThan(4e-6);
  });

  test('records name inputs and outputs', async () => {
    const bytes = await exportOnnx(({ a, b }: Record<string, Tensor>) => ({ total: add(a, b), rest: sub(a, b) }), {
      inputs: { a: { shape: ['batch', 2] }, b: { shape: [2] } },
    });
    const read = importOnnx(bytes);
    expect(read.inputs.map(({ name }) => name)).toEqual(['a', 'b']);
    const { total, rest } = read.run({ a: valuesFor([3, 2], 'f32', 1), b: valuesFor([2], 'f32', 1) });
    expect([total.shape, rest.shape]).toEqual([[3, 2], [3, 2]]); // prettier-ignore
  });
});

describe('errors', () => {
  const shape = { inputs: [{ shape: [2] }] };

  test.each([
    [() => exportOnnx((x: Tensor) => lgamma(x), shape), /^exportOnnx: the op 'lgamma' has no form in ONNX: no op of ONNX/],
    [() => exportOnnx((x: Tensor) => dropout(x, { rate: 0.5 }), shape), /the op 'randomBits' has no form in ONNX: random numbers/],
    [() => exportOnnx((x: Tensor) => relu(x)), /a function needs \{ inputs: \[\{ shape: \['batch', 3\] \}\] \}/],
    [() => exportOnnx((x: Tensor) => relu(x), { inputs: [] }), /inputs is empty; give \{ shape, dtype \} for each argument/],
    [() => exportOnnx((x: Tensor) => relu(x), { inputs: [{ shape: [-1] }] }), /a shape has -1 as axis 0; sizes are integers/],
    [() => exportOnnx(3 as never), /takes a model or a function of tensors, got number/],
    [() => exportOnnx((x: Tensor) => relu(x), { ...shape, opset: 12 }), /opset is 12; it must be 17, 18, 19, 20 or 21/],
    [() => exportOnnx((x: Tensor) => relu(x), { ...shape, batchSize: 0 }), /batchSize is 0; it must be a positive integer/],
    [() => exportOnnx((x: Tensor) => relu(x), { ...shape, opsets: 17 } as never), /unknown option 'opsets'/],
    [() => exportOnnx(() => 3, shape), /output is 3; functions return a tensor/],
    [() => exportOnnx(sequential([layers.dense({ units: 2 })])), /the model is not built: give its first layer an inputShape/],
    [() => exportOnnx(sequential([layers.dense({ units: 2, inputShape: [2] })]), shape), /a model has its own inputs/],
  ])('%#', async (run, message) => {
    await expect(run()).rejects.toThrow(message);
  });

  test('an op without a form names its layer', async () => {
    const model = sequential([layers.lambda({ fn: (x: Tensor) => lgamma(x), inputShape: [2], name: 'gamma' })]);
    await expect(exportOnnx(model)).rejects.toThrow(/exportOnnx: gamma: the op 'lgamma' has no form in ONNX/);
  });

  test('weights above 2 GiB are refused before they are copied', () => {
    const writer = new GraphWriter(17, [], undefined);
    const huge = { length: 2 ** 29 } as ArrayLike<number>;
    expect(() => writer.initializer('dense_1/kernel', 'FLOAT', [2 ** 14, 2 ** 15], huge)).toThrow(
      /more than 2 GiB, the limit of an ONNX file; 'dense_1\/kernel' \[16384,32768\] does not fit/,
    );
  });

  test('constant tensors of a function are initializers', async () => {
    const filter = valuesFor([2, 2, 1, 3], 'f32', 3);
    const read = importOnnx(await exportOnnx((x: Tensor) => conv2d(x, filter), { inputs: [{ shape: ['batch', 4, 4, 1] }] }));
    expect(Object.values(read.parameters).map((tensor) => tensor.shape)).toEqual([[2, 2, 1, 3]]);
  });
});
