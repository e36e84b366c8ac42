/** Errors of the readers and writers of Keras and TensorFlow.js: each names the layer, the value, the rule and the remedy. */
import { readFileSync } from 'node:fs';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { ArgumentError, FormatError } from '../../src/core/errors.ts';
import { loadKerasModel, loadLayersModel, pytorch, registerKerasLayer, saveKerasModel, saveLayersModel } from '../../src/exchange/index.ts';
import { createModel, defineLayer, input, layers, ones, register, sequential } from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { type TensorFlowJsCase, filesOf, tensorFlowJsCases } from '../support/exchangeCases.ts';

interface Json {
  [name: string]: unknown;
}

const dense = (config: Json = {}): Json => ({
  class_name: 'Dense',
  config: { name: 'd', units: 2, batch_input_shape: [null, 3], ...config },
});
const chainOf = (...list: Json[]): Json => ({ class_name: 'Sequential', config: { name: 's', layers: list } });
const load = (topology: unknown, weights: Json[] = [], bytes = new Uint8Array(0)) =>
  loadLayersModel({ 'model.json': { modelTopology: topology, weightsManifest: [{ paths: ['w'], weights }] } as object, w: bytes });
const node = (name: string, call = 0, output = 0): unknown => [name, call, output, {}];
const graphOf = (list: Json[], inputs: unknown, outputs: unknown): Json => ({
  class_name: 'Model',
  config: { name: 'm', layers: list, input_layers: inputs, output_layers: outputs },
});
const entry: Json = { name: 'x', class_name: 'InputLayer', config: { name: 'x', batch_input_shape: [null, 3] }, inbound_nodes: [] };
const used = (from: unknown, name = 'd'): Json => ({ ...dense({ name }), name, inbound_nodes: [[from]] });

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new Error('no error'),
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(FormatError);
  return (error as Error).message;
}

describe('models that are refused', () => {
  test.each<[string, unknown, string]>([
    [
      'an unknown class',
      chainOf({ ...dense(), class_name: 'Densee' }),
      "layer 'd' (Densee): the class 'Densee' is unknown; did you mean 'Dense'?; for a class of your own, call registerKerasLayer('Densee'",
    ],
    ['a class of the prototype', chainOf({ ...dense(), class_name: 'constructor' }), "the class 'constructor' is unknown"],
    [
      'an unsupported value',
      chainOf({
        class_name: 'Conv2D',
        config: { name: 'c', filters: 1, kernel_size: 3, data_format: 'channels_first', batch_input_shape: [null, 4, 4, 1] },
      }),
      "layer 'c' (Conv2D): data_format is 'channels_first'; only 'channels_last' is supported here",
    ],
    [
      'an unknown option',
      chainOf(dense({ use_biass: true })),
      "layer 'd' (Dense): use_biass is true, an option that is not supported here; did you mean 'use_bias'?; leave it out",
    ],
    [
      'a value that a layer refuses',
      chainOf(dense({ units: -1 })),
      "layer 'd' (Dense): layers.dense: units is -1; it must be a positive integer",
    ],
    [
      'an unknown activation',
      chainOf(dense({ activation: 'relv' })),
      "activation is 'relv'; there is no such activation here; did you mean 'relu'?",
    ],
    [
      'an unknown initializer',
      chainOf(dense({ kernel_initializer: { class_name: 'Glorot', config: {} } })),
      "kernel_initializer is 'Glorot'; the initializers are Zeros, Ones",
    ],
    [
      'an option that an initializer refuses',
      chainOf(dense({ kernel_initializer: { class_name: 'Constant', config: { value: 'x' } } })),
      "kernel_initializer (Constant): initializers.constant: value is 'x'",
    ],
    ['quantization', chainOf(dense({ dtype: { class_name: 'QuantizedDTypePolicy', config: { mode: 'int8' } } })), 'without quantization'],
    [
      'an open shape',
      chainOf(dense({ batch_input_shape: [null, null] })),
      "the input 'd' has the open shape [null,null]; choose its sizes by { inputShapes: { 'd': [...] } }",
    ],
    ['no shape', chainOf(dense({ batch_input_shape: null })), 'the model states no input shape'],
    ['a huge shape', chainOf(dense({ batch_input_shape: [null, 2 ** 40] })), 'at most 2^28 elements'],
    ['no layers', chainOf(), "the model 's' has no layers"],
    ['a layer that does not fit', chainOf(dense(), { class_name: 'Conv2D', config: { name: 'c', filters: 1, kernel_size: 3 } }), 'c: '],
    [
      'a circle',
      graphOf([entry, used(node('e'), 'd'), used(node('d'), 'e')], [['x', 0, 0]], [['d', 0, 0]]),
      "the inputs of 'd', 'e' never come: the graph has a circle",
    ],
    [
      'a layer that is missing',
      graphOf([entry, used(node('y'))], [['x', 0, 0]], [['d', 0, 0]]),
      "layer 'd' (Dense): takes an output of 'y', which is not in the model",
    ],
    [
      'an output that is missing',
      graphOf([entry, used(node('x'))], [['x', 0, 0]], [['d', 0, 7]]),
      "output 7 of call 0 of 'd' does not exist",
    ],
    ['two layers of one name', graphOf([entry, entry], [['x', 0, 0]], [['x', 0, 0]]), "two layers have the name 'x'"],
    [
      'an argument of a call',
      graphOf([entry, used(['x', 0, 0, { mask: 3 }])], [['x', 0, 0]], [['d', 0, 0]]),
      'the argument mask is 3, which is not supported here',
    ],
    [
      'an input of texts',
      graphOf([{ ...entry, config: { ...(entry.config as Json), dtype: 'string' } }], [['x', 0, 0]], [['x', 0, 0]]),
      "the input 'x' has the dtype string",
    ],
    ['a graph model', { node: [], versions: {} }, 'it is a graph model; only layers models can be read'],
    ['no model', { class_name: 'Dense', config: {} }, "class_name is 'Dense'; it must be Sequential, Functional or Model"],
    ['a lambda', chainOf({ class_name: 'Lambda', config: { name: 'l', batch_input_shape: [null, 3] } }), "the class 'Lambda' is unknown"],
    [
      'a name of the prototype',
      JSON.parse('{"class_name":"Sequential","config":{"__proto__":{"layers":[]}}}'),
      'layers is undefined; it must be a list',
    ],
  ])('%s', async (_, topology, text) => {
    expect(await messageOf(load(topology))).toContain(text);
    expect(({} as Json).layers).toBeUndefined();
  });

  test('models that contain each other without end', async () => {
    let topology = chainOf(dense());
    for (let i = 0; i < 2000; i++) topology = chainOf(topology);
    expect(await messageOf(load(topology))).toContain('models contain each other too deeply; at most 32 are allowed');
    let layer: Json = dense();
    for (let i = 0; i < 2000; i++) layer = { class_name: 'TimeDistributed', config: { name: 't', layer, batch_input_shape: [null, 2, 3] } };
    expect(await messageOf(load(chainOf(layer)))).toContain('layers contain each other too deeply; at most 32 are allowed');
  });

  test('a thousand layers in the opposite order', async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `a${i}`);
    const list = names
      .map((name, i) => ({ name, class_name: 'ReLU', config: { name }, inbound_nodes: [[node(i ? names[i - 1] : 'x')]] }))
      .reverse();
    const model = await load(graphOf([...list, entry], [['x', 0, 0]], [['a999', 0, 0]]));
    expect(model.layers).toHaveLength(1000);
  });
});

describe('weights that do not fit', () => {
  const kernel = { name: 'd/kernel', shape: [3, 2], dtype: 'float32' };
  const bias = { name: 'd/bias', shape: [2], dtype: 'float32' };
  test.each<[string, Json[], number, string]>([
    [
      'missing and extra',
      [kernel, { ...bias, name: 'e/bias' }],
      32,
      'the weights are not those of the model; missing: d/bias [2]; not in the model: e/bias [2]',
    ],
    ['another shape', [{ ...kernel, shape: [2, 3] }, bias], 32, 'of another shape: d/kernel is [2,3] in the file and [3,2] in the model'],
    ['bytes', [kernel, bias], 31, 'the files w have 31 bytes together; the shapes of the weights need 32'],
    ['a huge shape', [{ ...kernel, shape: [2 ** 40, 2 ** 40] }, bias], 32, 'the shapes of the weights need'],
    [
      'a negative size',
      [{ ...kernel, shape: [-3, 2] }, bias],
      32,
      "weight 'd/kernel': shape is [-3,2]; sizes must be integers of at least 0",
    ],
    ['an unknown dtype', [{ ...kernel, dtype: 'toString' }, bias], 32, "dtype is 'toString'; it must be one of float32"],
    ['a bad scale', [{ ...kernel, quantization: { dtype: 'uint8', min: 0, scale: 'x' } }, bias], 14, "quantization.scale is 'x'"],
    ['twice', [bias, bias], 16, "the weight 'd/bias' occurs twice"],
  ])('%s', async (_, weights, length, text) => {
    expect(await messageOf(load(chainOf(dense()), weights, new Uint8Array(length)))).toContain(text);
  });

  test('a shard outside the folder', async () => {
    const { model } = tensorFlowJsCases.dense as TensorFlowJsCase & { model: Json };
    const text = JSON.stringify({ ...model, weightsManifest: [{ paths: ['../secret'], weights: [] }] });
    const url = `data:application/json,${encodeURIComponent(text)}`;
    expect(await messageOf(loadLayersModel(url))).toContain(
      "the manifest names the file '../secret'; files must be in the folder of model.json",
    );
  });
});

describe('archives and HDF5 files', () => {
  const archive = (members: Record<string, Uint8Array>) => loadKerasModel(zipSync(members));
  test.each<[string, () => Promise<unknown>, string]>([
    ['neither', () => loadKerasModel(Uint8Array.of(1, 2, 3)), 'it is neither a .keras file, which is a zip archive, nor a .h5 file'],
    ['nothing', () => loadKerasModel(new Uint8Array(0)), 'it is neither'],
    [
      'half an archive',
      () => loadKerasModel(zipSync({ 'config.json': strToU8('{}') }).subarray(0, 40)),
      'not a zip archive that can be read',
    ],
    ['no config', () => archive({ a: strToU8('') }), "the archive has no 'config.json'"],
    ['no weights', () => archive({ 'config.json': strToU8('{}') }), "the archive has no 'model.weights.h5'"],
    [
      'weights of Python objects',
      () => archive({ 'config.json': strToU8('{}'), 'model.weights.npz': strToU8('') }),
      'which Keras itself refuses to read',
    ],
    ['no HDF5', () => archive({ 'config.json': strToU8('{}'), 'model.weights.h5': strToU8('text') }), 'it has no signature of HDF5'],
  ])('%s', async (_, run, text) => expect(await messageOf(run())).toContain(text));

  test('HDF5 cut off anywhere', async () => {
    const bytes = await saveKerasModel(sequential([layers.dense({ units: 2, inputShape: [3] })]));
    for (let length = 10; length < bytes.length; length += 97) await messageOf(loadKerasModel(bytes.subarray(0, length)));
  });
});

test('a mask that no layer of the file makes', async () => {
  const members = unzipSync(new Uint8Array(readFileSync(new URL('../golden/keras/embedding.keras', import.meta.url))));
  const config = strFromU8(members['config.json']);
  expect(config).toContain('"mask_zero": true');
  const changed = { ...members, 'config.json': strToU8(config.replace('"mask_zero": true', '"mask_zero": false')) };
  expect(await messageOf(loadKerasModel(zipSync(changed)))).toMatch(
    /layer 'lstm\w*' \(LSTM\): takes a mask from 'not_equal\w*'; only masks of Embedding \(mask_zero\) and Masking layers/,
  );
});

const doubled = register('test.doubled', ({ name }: { name?: string }) =>
  defineLayer({
    kind: 'doubled',
    options: { ...(name !== undefined && { name }) },
    build: (shape) => ({ parameters: { scale: ones([shape[shape.length - 1]]) } }),
    apply: ({ parameters: { scale } }: { parameters: { scale: Tensor } }, x: Tensor) => x.mul(scale).mul(2),
  }),
);

describe('classes of your own', () => {
  test('are read and written by their converter', async () => {
    const model = sequential([layers.dense({ units: 2, inputShape: [3] }), doubled({ name: 'twice' })]);
    await expect(saveKerasModel(model)).rejects.toThrow(
      "saveKerasModel: twice: Keras has no layer 'test.doubled'; replace it, or register a class: registerKerasLayer('Name', { kind: 'test.doubled', read, write })",
    );
    registerKerasLayer('Doubled', {
      read: (_, { name }) => doubled({ name }),
      weights: { gamma: 'scale' },
      kind: 'test.doubled',
      write: () => ({}),
    });
    const x = ones([1, 3]);
    const expected = await model.predict(x).array();
    expect(await (await loadKerasModel(await saveKerasModel(model))).predict(x).array()).toEqual(expected);
    expect(await (await loadLayersModel({ ...(await saveLayersModel(model)) })).predict(x).array()).toEqual(expected);
  });

  test('a converter that names no weights, or returns no layer, is refused', async () => {
    const topology = chainOf(dense(), { class_name: 'Unnamed', config: { name: 'u' } });
    registerKerasLayer('Unnamed', { read: (_, { name }) => doubled({ name }) });
    const weights = [
      { name: 'd/kernel', shape: [3, 2], dtype: 'float32' },
      { name: 'd/bias', shape: [2], dtype: 'float32' },
    ];
    expect(await messageOf(load(topology, weights, new Uint8Array(32)))).toContain(
      "layer 'u' has the variables scale, which its converter does not name",
    );
    registerKerasLayer('Unnamed', { read: () => 3 as never });
    expect(await messageOf(load(topology))).toContain("the converter of 'Unnamed' returned 3; read must return a layer");
  });

  test('arguments are checked', () => {
    expect(() => registerKerasLayer('', { read: () => doubled({}) })).toThrow("className is ''; it must be a text");
    expect(() => registerKerasLayer('A', {} as never)).toThrow("'A' has no function read");
    expect(() => registerKerasLayer('A', { read: () => doubled({}), kind: 'a' })).toThrow("'A' has kind but no write");
  });
});

describe('models that are not written', () => {
  test('ops between the layers are named', async () => {
    const x = input({ shape: [3] });
    const model = createModel({ inputs: x, outputs: layers.dense({ units: 2 }).apply(x.mul(2)) });
    await expect(saveKerasModel(model)).rejects.toThrow(ArgumentError);
    await expect(saveKerasModel(model)).rejects.toThrow(
      /saveKerasModel: the op '\w+' is between the layers, and the format has only layers/,
    );
  });

  test('attention with alibi has no counterpart', async () => {
    const attention = layers.multiHeadAttention({ numHeads: 2, keyDim: 3, alibi: true, name: 'heads', inputShape: [4, 6] });
    await expect(saveKerasModel(sequential([attention]))).rejects.toThrow(
      'saveKerasModel: heads: the option alibi has no counterpart in Keras; leave it out',
    );
  });

  test('a layer in a nested model is named by its path', async () => {
    const inner = sequential([layers.pixelShuffle({ factor: 1, name: 'shuffle', inputShape: [2, 2, 1] })]);
    const x = input({ shape: [2, 2, 1] });
    const model = createModel({ inputs: x, outputs: inner.apply(x) });
    await expect(saveLayersModel(model)).rejects.toThrow(
      "saveLayersModel: sequential_1/shuffle: TensorFlow.js has no layer 'pixelShuffle'",
    );
  });

  test.each([
    ['dense', () => layers.dense({ units: 2, inputShape: [4, 3] })],
    ['einsumDense', () => layers.einsumDense({ equation: 'abc,cd->abd', outputShape: [4, 2], inputShape: [4, 3] })],
    ['conv1d', () => layers.conv1d({ filters: 2, kernelSize: 2, inputShape: [4, 3] })],
    ['timeDistributed', () => layers.timeDistributed({ layer: layers.dense({ units: 2 }), inputShape: [4, 3] })],
  ])('LoRA and packed kernels of %s, which have no form there', async (kind, make) => {
    const adapted = sequential([make()]);
    adapted.enableLora({ rank: 1 });
    const lora = /1.*: has LoRA, of which the other library has no weights; call mergeLora\(\) first/;
    await expect(saveKerasModel(adapted)).rejects.toThrow(lora);
    await expect(saveLayersModel(adapted)).rejects.toThrow(lora);
    expect(() => pytorch(adapted)).toThrow(lora);
    if (kind === 'conv1d') return;
    const packed = sequential([make()]);
    packed.parameters();
    await packed.quantize('int8');
    const quantized = /1.*: is quantized, and the other library needs the floats; use the model as it was before quantize\(\)/;
    await expect(saveKerasModel(packed)).rejects.toThrow(quantized);
    await expect(saveLayersModel(packed)).rejects.toThrow(quantized);
    expect(() => pytorch(packed)).toThrow(quantized);
  });

  test('a model without an input shape', async () => {
    await expect(saveKerasModel(sequential([layers.dense({ units: 1 })]))).rejects.toThrow(
      'saveKerasModel: the model is not built: give its first layer an inputShape',
    );
  });

  test('files that are no source', async () => {
    await expect(loadLayersModel(3 as never)).rejects.toThrow('source is 3; it must be the path or address of model.json');
    await expect(loadLayersModel(filesOf(tensorFlowJsCases.dense), { shapes: 1 } as never)).rejects.toThrow("unknown option 'shapes'");
  });
});
