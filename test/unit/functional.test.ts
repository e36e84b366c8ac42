// Functional models: symbolic tensors, graphs of layers and ops, sub-models, and the errors of graphs that do not hang together.
import { beforeAll, describe, expect, test } from 'vitest';
import { atBatchSize, batchAxis, formatSize, nameBatchSizes } from '../../src/core/batchAxis.ts';
import { setSeed } from '../../src/core/random.ts';
import { compile, evaluate, setDevice } from '../../src/engine/index.ts';
import { type Tensor, Tensor as TensorClass } from '../../src/graph/tensor.ts';
import { type Layer, type LayerGraph, defineLayer, graph, input, layers, networkOf } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { add, concat, dropout, mean, ones, tensor, zeros } from '../../src/ops/index.ts';
import { createModel, sequential } from '../../src/train/index.ts';
import { points, quiet, targets, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));

const dense = (units: number, name?: string): Layer => layers.dense({ units, name });
const values = async (x: unknown): Promise<number[]> => Array.from(await (x as Tensor).data());

describe('sizes that depend on the batch', () => {
  test.each([
    [batchAxis, 5, 5],
    [3 * batchAxis, 5, 15],
    [batchAxis - 1, 5, 4],
    [2 * batchAxis + 12, 5, 22],
    [-batchAxis, 5, -5],
    [batchAxis * batchAxis, 5, 25],
    [1 / batchAxis, 5, 1 / 5],
    [1 / (4 * batchAxis - 1), 5, 1 / 19],
    [Math.sqrt(batchAxis), 4, 2],
    [batchAxis / 2, 5, 2.5],
    [-3 / batchAxis, 6, -0.5],
    [batchAxis / 3, 5, 5 / 3],
    [1 / Math.sqrt(batchAxis - 1), 5, 1 / 2],
    ...[0, 1, -1e9, 1e-7, 1e-3, 784, 2 ** 24, 2 ** 31 - 1, NaN, Infinity, 1e308, 5e-324, Math.PI].map((n) => [n, 5, n]),
  ] as [number, number, number][])('%d for a batch of %d is %d', (n, batch, expected) => {
    expect(atBatchSize(n, batch)).toBe(expected);
  });

  test('have names in messages', () => {
    expect([batchAxis, 3 * batchAxis, batchAxis + 1, batchAxis - 2, batchAxis ** 2, 7_000_000].map(formatSize)).toEqual([
      ...['batch', '3*batch', 'batch+1', 'batch-2', 'batch*batch', '7000000'],
    ]);
    expect(nameBatchSizes('1.0000001 of 00000012')).toBe('1.0000001 of 00000012');
    expect(nameBatchSizes(`[${batchAxis},4] has ${4 * batchAxis} elements`)).toBe('[batch,4] has 4*batch elements');
    expect(() => input({ shape: [4] }).reshape([3, 3])).toThrow('reshape: [batch,4] has 4*batch elements, [3,3] has 9');
    expect(() => input({ shape: [4] }).matmul(zeros([3, 2]))).toThrow('[batch,4]');
    expect(input({ shape: [4] }).toString()).toBe('Tensor(f32[batch,4])');
  });
});

describe('symbolic tensors', () => {
  test('have no values', async () => {
    const x = input({ shape: [2] });
    const message = 'a symbolic tensor has no values; make a model of it: createModel({ inputs, outputs })';
    for (const symbol of [x, x.add(1), dense(3).apply(x)]) {
      await expect(symbol.data()).rejects.toThrow(message);
      await expect(symbol.array()).rejects.toThrow(message);
      await expect(evaluate(symbol)).rejects.toThrow(message);
    }
    await expect(x.mean().item()).rejects.toThrow(message);
    await expect(compile((a: Tensor) => a.add(x.mean()))(ones([2]))).rejects.toThrow(message);
    expect(await values(ones([2]).add(1))).toEqual([2, 2]);
  });

  test('are checked where they are written', () => {
    const x = input({ shape: [2] });
    expect(() => layers.conv2d({ filters: 2, kernelSize: 3 }).apply(x)).toThrow(
      'conv2d: takes inputs [batch, height, width, channels], got inputs of shape [batch,2]',
    );
    expect(() => dense(2, 'last').apply(x.transpose())).toThrow(
      'last: the input is [2,batch]; the batch axis must come first: transpose it',
    );
    expect(() => dense(2).apply([1, 2] as never)).toThrow('dense: inputs are a tensor, a list or a record of tensors, but input [0] is 1');
    expect(() => input({} as never)).toThrow('input: shape is missing; it must be a list of positive integers, without the batch axis');
    const shared = dense(2, 'shared');
    shared.apply(x);
    expect(() => shared.apply(input({ shape: [3] }))).toThrow(
      'shared is used twice, on inputs [batch,2] and [batch,3]; its weights are shared',
    );
  });

  test('are stored in their layers', () => {
    const x = input({ shape: [2] });
    const layer = dense(3, 'twice');
    expect(() => layer.output).toThrow(
      'twice.output: the layer was not applied to symbolic tensors; call layer.apply(input({ shape })) first',
    );
    const y = layer.apply(x);
    expect(layer.input).toBe(x);
    expect(layer.output).toBe(y);
    const z = layer.apply(input({ shape: [2] }));
    expect(() => layer.output).toThrow('twice.output: the layer was applied 2 times; choose one by outputAt(i), i from 0 to 1');
    expect([layer.outputAt(0), layer.outputAt(1)]).toEqual([y, z]);
    expect(() => layer.outputAt(2)).toThrow('twice.outputAt: there is no application 2; use 0 to 1');
  });
});

describe('layers on tensors with values', () => {
  test('are built at their first call, and compute', async () => {
    setSeed(3);
    const layer = dense(2);
    const x = tensor([[1, 2, 3]]);
    const y = await values(layer.apply(x));
    const { kernel, bias } = layer.variables.value!.parameters;
    expect(y).toEqual(await values(x.matmul(kernel).add(bias)));
    expect(await values(layer.apply(x))).toEqual(y);
    expect(() => layer.apply(tensor([[1, 2]]))).toThrow('dense is used twice, on inputs [batch,3] and [batch,2]');
    expect(() => layer.apply(x, { train: true } as never)).toThrow("dense.apply: unknown option 'train'; it takes training");
  });

  test('drop only in training', async () => {
    const layer = layers.dropout({ rate: 0.5 });
    expect(await values(layer.apply(ones([1, 64])))).toEqual(new Array(64).fill(1));
    expect(new Set(await values(layer.apply(ones([1, 64]), { training: true })))).toEqual(new Set([0, 2]));
  });

  test('change their state only in training', async () => {
    const counter = defineLayer({
      kind: 'counter',
      options: {},
      build: () => ({ state: { calls: zeros([]) } }),
      apply: ({ state }, x, { training }) => ({ outputs: add(x, state.calls), ...(training && { state: { calls: add(state.calls, 1) } }) }),
    });
    expect(await values(counter.apply(zeros([1])))).toEqual([0]);
    expect(await values(counter.apply(zeros([1]), { training: true }))).toEqual([0]);
    expect(await values(counter.apply(zeros([1])))).toEqual([1]);
    expect(await values(await compile((x: Tensor) => counter.apply(x))(zeros([1])))).toEqual([1]);
    await expect(async () => compile((x: Tensor) => counter.apply(x, { training: true }))(zeros([1]))).rejects.toThrow(
      'counter.apply: the layer changes its state in training',
    );
  });
});

/** Two inputs, a shared layer, ops between layers, two outputs. */
function digits(): LayerGraph {
  const image = input({ shape: [4], name: 'image' });
  const age = input({ shape: [], dtype: 'i32', name: 'age' });
  const shared = dense(3, 'shared');
  const a = shared.apply(image);
  const b = shared.apply(image.mul(2));
  const joined = concat([a, b, age.expandDims(1).cast('f32')], 1);
  const digit = dense(2, 'digit').apply(joined);
  return graph({ inputs: { image, age }, outputs: { digit, total: joined.sum({ axis: 1 }) } });
}

describe('a graph', () => {
  test('lists its layers and their inputs', () => {
    const model = digits();
    expect(model.calls.map(({ name, connections }) => [name, connections])).toEqual([
      ['shared', ['image']],
      ['shared', ['image']],
      ['digit', ['shared', 'age']],
    ]);
    expect([model.inputNames, model.outputNames]).toEqual([
      ['image', 'age'],
      ['digit', 'total'],
    ]);
    expect(Object.keys(model.sublayers)).toEqual(['shared', 'digit']);
    expect(model.outputShape({ image: [4], age: [] })).toEqual({ digit: [2], total: [] });
    expect(networkOf(model).owners.map(({ name }) => name)).toEqual(['shared', 'digit']);
  });

  test('computes what its layers and ops say, for any batch', async () => {
    const model = digits();
    for (const batch of [1, 3]) {
      const image = tensor(
        Float32Array.from({ length: 4 * batch }, (_, i) => i / 8),
        [batch, 4],
      );
      const age = tensor(
        Int32Array.from({ length: batch }, (_, i) => i),
        [batch],
      );
      const { digit, total } = model.apply<{ digit: Tensor; total: Tensor }>({ image, age });
      const { kernel, bias } = model.sublayers.shared.variables.value!.parameters;
      const half = (x: Tensor): Tensor => x.matmul(kernel).add(bias);
      const joined = concat([half(image), half(image.mul(2)), age.reshape([batch, 1])], 1);
      expect(await values(total)).toEqual(await values(joined.sum({ axis: 1 })));
      const last = model.sublayers.digit.variables.value!.parameters;
      expect(await values(digit)).toEqual(await values(joined.matmul(last.kernel).add(last.bias)));
      const swapped = model.apply<{ digit: Tensor; total: Tensor }>({ age, image });
      expect(await values(swapped.total)).toEqual(await values(total));
    }
  });

  test('uses tensors with values, and counts of the batch', async () => {
    const x = input({ shape: [2] });
    const weights = tensor([[1, 2]]);
    const rows = x.shape[0];
    const model = graph({
      inputs: x,
      outputs: x
        .mul(weights)
        .sub(mean(x, { axis: 0, keepDims: true }))
        .add(x.sum({ axis: 0 }).div(rows)),
    });
    expect(await values(model.apply(tensor([[1, 2], [3, 5], [5, 2]])))).toEqual([1, 4, 3, 10, 5, 4]); // prettier-ignore
  });

  test('draws new numbers for its random ops in each step', async () => {
    const x = input({ shape: [32] });
    setSeed(5);
    const model = graph({ inputs: x, outputs: concat([dropout(x), dropout(x)], 1) });
    const run = compile((batch: Tensor) => model.apply(batch));
    const [a, b] = [await values(await run(ones([1, 32]))), await values(await run(ones([1, 32])))];
    expect(a).not.toEqual(b);
    expect(a.slice(0, 32)).not.toEqual(a.slice(32));
    expect(new Set([...a, ...b])).toEqual(new Set([0, 2]));
  });

  test('takes intermediate tensors as inputs', async () => {
    const x = input({ shape: [2] });
    const h = dense(3).apply(x);
    const model = graph({ inputs: h, outputs: h.mul(2) });
    expect(await values(model.apply(tensor([[1, 2, 3]])))).toEqual([2, 4, 6]);
  });

  test('applies a layer as in training if the call says so', async () => {
    const x = input({ shape: [64] });
    const model = graph({ inputs: x, outputs: layers.dropout({ rate: 0.5 }).apply(x, { training: true }) });
    expect(new Set(await values(model.apply(ones([1, 64]))))).toEqual(new Set([0, 2]));
  });

  test('nests: chain in chain, graph in chain, chain in graph, model as a layer', async () => {
    const x = input({ shape: [2] });
    const inner = graph({ inputs: x, outputs: dense(3, 'a').apply(x).relu(), name: 'inner' });
    const outer = sequential([inner, sequential([dense(4, 'b')]), dense(1)]);
    const model = createModel({ inputs: x, outputs: outer.apply(x) });
    expect(networkOf(outer.asLayer).owners.map(({ name }) => name)).toEqual(['inner/a', 'sequential_1/b', 'dense_1']);
    expect(networkOf(model.asLayer).owners.map(({ name }) => name)).toEqual([
      ...['sequential_1/inner/a', 'sequential_1/sequential_1/b', 'sequential_1/dense_1'],
    ]);
    expect(model.summary({ print: () => undefined })).toContain('sequential_1 (sequential)');
    expect(await values(model.apply(ones([2, 2])))).toEqual(await values(outer.apply(ones([2, 2]))));
  });

  test('trains, with the weights of a layer in two models', async () => {
    setSeed(2);
    const x = input({ shape: [2] });
    const first = dense(4, 'first');
    const model = createModel({ inputs: x, outputs: dense(1).apply(first.apply(x).tanh()) });
    const features = createModel({ inputs: model.input, outputs: model.getLayer('first').output });
    model.compile({ optimizer: 'adam', loss: 'mse' });
    const { history } = await model.fit(points, targets, { epochs: 3, batchSize: 4, ...quiet });
    expect(history.loss[2]).toBeLessThan(history.loss[0]);
    const [kernel] = await weightsOf(features);
    expect(kernel).toEqual((await weightsOf(model))[0]);
    expect((await features.predict(points)).shape).toEqual([points.length, 4]);
  });

  test('gives sub-models of chains too', async () => {
    const model = sequential(
      [dense(3, 'a'), layers.activation({ activation: 'relu', name: 'b' }), dense(1, 'c')].map((layer, i) =>
        i === 0 ? layers.dense({ units: 3, name: 'a', inputShape: [2] }) : layer,
      ),
    );
    const part = createModel({ inputs: model.input, outputs: model.getLayer('b').output });
    expect(part.layers.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(part.layers[0]).toBe(model.layers[0]);
    expect(() => model.getLayer('d')).toThrow("getLayer: there is no layer 'd'");
    expect(() => model.getLayer(undefined as never)).toThrow("getLayer: there is no layer 'undefined'; the layers are");
    expect(() => createModel({} as never)).toThrow('createModel: inputs is undefined; inputs are symbolic tensors');
  });
});

test('a chain that begins with a graph of two inputs has its inputs', () => {
  const [a, b] = [input({ shape: [2], name: 'a' }), input({ shape: [2] })];
  const model = sequential([graph({ inputs: { a, b }, outputs: a.add(b) }), dense(1, 'last')]);
  expect(Object.keys(model.input)).toEqual(['a', 'b']);
  expect(String(model.output as Tensor)).toBe('Tensor(f32[batch,1])');
  expect(model.getLayer('last').output).toBe(model.output);
});

describe('refuses', () => {
  const x = input({ shape: [2], name: 'x' });
  const age = input({ shape: [], name: 'age' });

  test.each([
    [
      'an output that no input reaches',
      () => graph({ inputs: x, outputs: { y: age.add(1) } }),
      "output 'y' depends on input 'age', which is not among the inputs; add it to inputs",
    ],
    ['an output of constants', () => graph({ inputs: { x }, outputs: { y: ones(x.shape), z: x } }), "no input reaches output 'y'"],
    ['an unused input', () => graph({ inputs: { x, age }, outputs: x.add(1) }), "input 'age' reaches no output; use it, or leave it out"],
    [
      'an input with values',
      () => graph({ inputs: { x: ones([2, 2]) }, outputs: x.add(1) }),
      "input 'x' is Tensor(f32[2,2]) with values; inputs are symbolic tensors",
    ],
    ['an input twice', () => graph({ inputs: [x, x], outputs: x.add(1) }), "input 'x' is given twice"],
    [
      'an output that is no tensor',
      () => graph({ inputs: x, outputs: { y: 3 as never } }),
      "output 'y' is 3; outputs are symbolic tensors",
    ],
    ['no outputs', () => graph({ inputs: x, outputs: [] }), 'outputs has no tensor'],
    ['outputs without a batch', () => graph({ inputs: x, outputs: x.mean() }), 'the input is []; the batch axis must come first'],
    [
      'unknown options',
      () => graph({ input: x, outputs: x } as never),
      "unknown option 'input'; it takes inputs, outputs, name; did you mean 'inputs'?",
    ],
    [
      'values for the stand-in of the batch',
      () => graph({ inputs: x, outputs: x.mul(tensor(new Float32Array(batchAxis), [batchAxis, 1])) }),
      'has values for the stand-in of the batch; write this part as layers.lambda',
    ],
    [
      'shares of the batch',
      () => graph({ inputs: x, outputs: x.mul(Math.floor(x.shape[0] / 2)) }),
      'constant: value 3684393 may be a size made of the batch size, in a form that is not known; write this part as layers.lambda',
    ],
    [
      'other inputs than its own',
      () => graph({ inputs: x, outputs: x.add(1), name: 'm' }).apply(ones([2, 3])),
      'm: takes inputs [batch,2], got [batch,3]',
    ],
    ['a mixture of symbolic tensors and values', () => dense(2).apply([x, ones([1, 2])]), 'input [1] has values and input [0] is symbolic'],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });

  test('a layer that contains itself', () => {
    const inner: Record<string, Layer> = {};
    const loop = defineLayer({ kind: 'loop', options: {}, layers: inner, apply: (_, y) => y });
    (loop.sublayers as Record<string, Layer>).again = loop;
    expect(() => networkOf(loop)).toThrow('again: the layer contains itself');
  });

  test('several tensors for a layer that takes one', async () => {
    const x = { a: tensor([[1], [2]]), b: tensor([[3], [4]]) };
    const rule = 'takes one tensor, got { a: [batch,1], b: [batch,1] }; give it one of them, or join them by layers.concatenate()';
    expect(() => dense(1).apply(x)).toThrow(rule);
    expect(() => dense(1).apply({ a: input({ shape: [1] }), b: input({ shape: [1] }) })).toThrow(rule);
    expect(() => dense(1).outputShape({ a: [1], b: [1] })).toThrow(rule);
    expect(() => dense(1).build({ a: [1], b: [1] })).toThrow(rule);
    expect(() => layers.flatten().apply([x.a, x.b])).toThrow('takes one tensor, got [[batch,1], [batch,1]]');
    const model = sequential([dense(1)]);
    model.compile({ loss: 'mse' });
    await expect(model.predict(x)).rejects.toThrow(`dense_1: ${rule}`);
    await expect(model.fit(x, [[1], [2]], quiet)).rejects.toThrow(`dense_1: ${rule}`);
    await model.fit(x.a, [[1], [2]], quiet);
  });

  test('and the models still work', async () => {
    expect(x).toBeInstanceOf(TensorClass);
    expect(await values(graph({ inputs: x, outputs: x.add(1) }).apply(ones([1, 2])))).toEqual([2, 2]);
  });
});

test('the summary of a graph shows what feeds each layer', () => {
  const [image, age] = [input({ shape: [4], name: 'image' }), input({ shape: [2], name: 'age' })];
  const encoder = sequential([layers.dense({ units: 3, inputShape: [4] }), layers.batchNormalization()]);
  const joined = layers.concatenate().apply([encoder.apply(image), age]);
  const digit = layers.dense({ units: 10, name: 'digit' }).apply(joined);
  const model = createModel({ inputs: { image, age }, outputs: { digit, parity: layers.dense({ units: 1 }).apply(joined) } });
  expect(
    model
      .summary({ print: () => undefined })
      .split('\n')
      .slice(1, 7),
  ).toEqual([
    'Layer (type)                  Output Shape   Param #   Connected to',
    '═'.repeat(72),
    'sequential_1 (sequential)     [batch,3]           27   image',
    'concatenate_1 (concatenate)   [batch,5]            0   sequential_1, age',
    'digit (dense)                 [batch,10]          60   concatenate_1',
    'dense_1 (dense)               [batch,1]            6   concatenate_1',
  ]);
});
