// Texts of exportStandalone(), its refusals, and errors of written modules before anything runs on a device.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minifiedRuntime } from '../../scripts/runtimePlugin.ts';
import {
  type Model,
  type Tensor,
  compile,
  input,
  createModel,
  layers,
  random,
  sequential,
  setDevice,
  setSeed,
  tensor,
} from '../../src/index.ts';
import { type ExportStandaloneOptions, type StandaloneModule, exportStandalone } from '../../src/standalone/index.ts';
import type { ModuleData } from '../../src/standalone/moduleData.ts';
import * as ops from '../../src/ops/index.ts';

await setDevice('cpu');

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'ombre-standalone-'))));
afterAll(() => rm(folder, { recursive: true }));

function mlp(): Model {
  setSeed(2);
  return sequential([
    layers.dense({ units: 4, activation: 'relu', inputShape: [3] }),
    layers.dropout({ rate: 0.5 }),
    layers.dense({ units: 4, activation: 'relu' }),
    layers.dense({ units: 2 }),
  ]);
}

const importText = async (text: string): Promise<StandaloneModule> =>
  (await import(/* @vite-ignore */ `data:text/javascript;charset=utf-8,${encodeURIComponent(text)}`)) as StandaloneModule;

const dataOf = (text: string): ModuleData => JSON.parse(/^const ombreModel = (.*);$/m.exec(text)![1]) as ModuleData;
const weightsOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(/^const ombreWeights = "(.*)";$/m.exec(text)![1], 'base64'));

/** Import and export declarations, and calls of import(). */
function importsIn(text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) found.push(node.getText());
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) found.push(node.getText());
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('model.js', text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS));
  return found;
}

describe('the text', () => {
  test('imports nothing, and exports load and info', async () => {
    const text = await exportStandalone(mlp());
    expect(importsIn(text)).toEqual([]);
    expect(Object.keys(await importText(text)).sort()).toEqual(['info', 'load']);
    expect(text.split('\n', 2)).toEqual([
      '// A model written by exportStandalone() of ombre. const model = await load(); const outputs = await model.run(inputs);',
      '// Inputs: "x" f32[batch,3]. Outputs: "output" f32[batch,2].',
    ]);
  });

  test('kernels have no comments, equal ones are stored once, and dropout has none', async () => {
    const equal = (more: object) => layers.dense({ units: 3, activation: 'relu', ...more });
    const model = sequential([equal({ inputShape: [3] }), layers.dropout({ rate: 0.5 }), equal({}), equal({})]);
    const { kernels, programs, features, limits } = dataOf(await exportStandalone(model, { batchSize: [1, 2, 2] }));
    expect(programs.map(({ batch }) => batch)).toEqual([1, 2]);
    expect(programs.map(({ dispatches }) => dispatches.length)).toEqual([3, 3]);
    for (const [, , wgsl] of kernels) expect(wgsl).not.toMatch(/\/\/|\n| {2}/);
    expect(new Set(kernels.map(([bindings, , wgsl]) => bindings + wgsl)).size).toBe(kernels.length);
    expect(kernels.length).toBeLessThanOrEqual(2);
    expect([features, limits]).toEqual([[], {}]);
  });

  test('the weights are those of the model, once for all batch sizes', async () => {
    const model = mlp();
    const expected = await Promise.all((await model.getWeights()).map((weight) => weight.data()));
    const text = await exportStandalone(model, { batchSize: [1, 5] });
    const bytes = weightsOf(text);
    const { weights, weightBytes, weightBuffers } = dataOf(text);
    expect([weights.length, weightBytes, weightBuffers.length]).toEqual([5, bytes.length, 1]);
    const found = weights.map(([, , from, length]) => new Float32Array(bytes.slice(from, from + length).buffer));
    // Two biases are four zeros. Equal weights are stored once.
    const distinct = (lists: readonly ArrayLike<number>[]): string[] => [...new Set(lists.map((list) => Array.from(list).join()))].sort();
    expect(distinct(found)).toEqual(distinct(expected as Float32Array[]));
    for (const [, offset] of weights) expect(offset % 256).toBe(0);
  });

  test('another processor uses other kernels, none with memory of workgroups', async () => {
    const model = sequential([layers.dense({ units: 64, inputShape: [512] })]);
    const [gpu, cpu] = await Promise.all(
      (['gpu', 'cpu'] as const).map((processor) => exportStandalone(model, { processor, batchSize: 32 })),
    );
    const usesShared = (text: string): boolean => dataOf(text).kernels.some(([, , wgsl]) => wgsl.includes('var<workgroup>'));
    expect([usesShared(gpu), usesShared(cpu)]).toEqual([true, false]);
  });

  test('large tensors need limits, which the module names', async () => {
    const table = await exportStandalone((x: Tensor) => ops.add(x, 1), { inputs: [{ shape: ['batch', 2 ** 20] }], batchSize: 100 });
    const bytes = 100 * 2 ** 22;
    expect(dataOf(table).limits).toEqual({ maxBufferSize: bytes, maxStorageBufferBindingSize: bytes });
    const { load } = await importText(table);
    const limits = { maxBufferSize: bytes, maxStorageBufferBindingSize: 2 ** 27 };
    await expect(load({ createBuffer: () => 0, features: new Set(), limits } as never)).rejects.toThrow(
      'model: this device lacks maxStorageBufferBindingSize 419430400 (it has 134217728)',
    );
  });

  test('the runtime is small', () => {
    const text = minifiedRuntime();
    expect(text.length).toBeLessThan(10_000);
    expect(gzipSync(text, { level: 9 }).length).toBeLessThan(4300);
    expect(importsIn(text)).toEqual([]);
  });

  test('names of functional models, and trees of functions', async () => {
    const [image, age] = [input({ shape: [2], name: 'image' }), input({ shape: [1], name: 'age' })];
    const both = layers.concatenate().apply([image, age] as never);
    const model = createModel({ inputs: { image, age }, outputs: { digit: layers.dense({ units: 2 }).apply(both) } });
    const { inputs, outputs, inputTree, outputTree } = dataOf(await exportStandalone(model));
    expect([inputs.map(({ name }) => name), inputTree]).toEqual([['image', 'age'], { image: 0, age: 1 }]);
    expect([outputs.map(({ name }) => name), outputTree]).toEqual([['digit'], { digit: 0 }]);
    const pair = (a: Tensor, b: Tensor): object => [ops.add(a, b), { last: ops.sub(a, b) }];
    const text = await exportStandalone(pair, { inputs: [{ shape: ['batch'] }, { shape: ['batch'], name: 'b' }], batchSize: [2, 3] });
    expect(dataOf(text)).toMatchObject({
      inputs: [{ name: 'x_1', shape: ['batch'] }, { name: 'b' }],
      outputs: [{ name: 'output_1', shape: ['batch'] }, { shape: ['batch'] }],
      inputTree: [0, 1],
      outputTree: [0, { last: 1 }],
    });
  });
});

describe('files', () => {
  test('a module and its separate weights', async () => {
    const path = join(folder, 'digits.mjs');
    const model = mlp();
    const text = await exportStandalone(model, { weights: 'separate', target: path });
    expect(await readFile(path, 'utf8')).toBe(text);
    expect(text).toContain('const ombreWeights = () => new URL("./digits.bin", import.meta.url);');
    expect(new Uint8Array(await readFile(join(folder, 'digits.bin')))).toEqual(new Uint8Array(weightsOf(await exportStandalone(model))));
  });

  test('the weights are written first, to any target', async () => {
    const written: [string, number][] = [];
    const to = (name: string) => (bytes: Uint8Array) => void written.push([name, bytes.length]);
    const text = await exportStandalone(mlp(), { weights: 'separate', target: to('module'), weightsTarget: to('weights') });
    expect(written).toEqual([['weights', dataOf(text).weightBytes], ['module', text.length]]); // prettier-ignore
    expect(text).toContain('new URL("./model.bin"');
    await expect(
      exportStandalone(mlp(), {
        weights: 'separate',
        target: to('second'),
        weightsTarget: () => Promise.reject(new Error('the disk is full')),
      }),
    ).rejects.toThrow('the disk is full');
    expect(written).toHaveLength(2);
  });
});

describe('refusals', () => {
  const x = { inputs: [{ shape: ['batch', 2] }] } as const;
  test.each<readonly [string, unknown, object, string]>([
    ['another target', 3, {}, 'exportStandalone: takes a model or a function of tensors, got 3'],
    ['a function without inputs', (a: Tensor) => a, {}, "exportStandalone: a function needs { inputs: [{ shape: ['batch', 3] }] }, the shapes of its arguments"],
    ['a model with inputs', mlp(), x, 'exportStandalone: a model has its own inputs; leave the option inputs out'],
    ['no inputs', (a: Tensor) => a, { inputs: [] }, 'exportStandalone: inputs is empty; give { shape, dtype } for each argument'],
    ['two inputs of one name', (a: Tensor) => a, { inputs: [{ shape: [1], name: 'a' }, { shape: [1], name: 'a' }] }, "two inputs of model are called 'a'; names are unique"],
    ['an unknown option', mlp(), { batchSizes: 3 }, "exportStandalone: unknown option 'batchSizes'; it takes batchSize, weights"],
    ['a batch of 0', mlp(), { batchSize: 0 }, 'exportStandalone: batchSize is 0; it must be'],
    ['no batch', mlp(), { batchSize: [] }, 'exportStandalone: batchSize is []; it must be'],
    ['a batch without the axis', (a: Tensor) => a, { inputs: [{ shape: [2] }], batchSize: 2 }, "exportStandalone: batchSize is 2, but no input has the first size 'batch'"],
    ['other weights', mlp(), { weights: 'none' }, "exportStandalone: weights is 'none'; it must be"],
    ['separate weights without a file', mlp(), { weights: 'separate' }, "exportStandalone: { weights: 'separate' } needs a file for them"],
    ['a file of inline weights', mlp(), { weightsTarget: 'w.bin' }, "exportStandalone: weightsTarget goes with { weights: 'separate' }"],
    ['random numbers', (a: Tensor) => ops.add(a, random.normal([2])), x, "exportStandalone: the function draws random numbers ('"],
    ['a result that is no tensor', (a: Tensor) => [a, 3], x, 'exportStandalone: output[1] is no tensor; return a tensor, or a list or record of tensors'],
    ['no result', () => [], x, 'exportStandalone: the function returns no tensor'],
    ['a read value', (a: Tensor) => void a.data(), x, 'exportStandalone'],
    ['a model that is not built', sequential([layers.dense({ units: 1 })]), {}, 'the model is not built'],
  ])('%s', async (_, target, options, message) => {
    await expect(exportStandalone(target as never, options as ExportStandaloneOptions)).rejects.toThrow(message);
  }); // prettier-ignore

  test('a function of compile() is its source', async () => {
    const fn = (a: Tensor): Tensor => ops.mul(a, tensor([2, 3]));
    expect(await exportStandalone(compile(fn), x)).toBe(await exportStandalone(fn, x));
  });
});

describe('load', () => {
  const adapter = (features: string[] = []) => ({
    features: new Set(features),
    limits: {},
    requestDevice: () => Promise.reject(new Error('no device')),
  });
  const device = { createBuffer: () => 0, features: new Set<string>(), limits: {} } as unknown as GPUDevice;
  let module: StandaloneModule;
  beforeAll(async () => void (module = await importText(await exportStandalone(mlp(), { name: 'digits' }))));

  test('says why there is no device', async () => {
    await expect(module.load()).rejects.toThrow('digits: there is no WebGPU here; a page needs https or localhost and a browser with WebGPU; in Node, pass create([]) of the package webgpu to load()');
    await expect(module.load({} as never)).rejects.toThrow('digits: load() takes a GPUDevice, or an object like navigator.gpu');
    await expect(module.load({ requestAdapter: () => Promise.resolve(null) })).rejects.toThrow('digits: WebGPU has no adapter here; check the graphics driver');
    await expect(module.load({ requestAdapter: () => Promise.resolve(adapter()) })).rejects.toThrow('no device');
    const half = await importText(await exportStandalone((a: Tensor) => ops.add(a, a), { inputs: [{ shape: [2], dtype: 'f16' }] }));
    await expect(half.load({ requestAdapter: () => Promise.resolve(adapter()) })).rejects.toThrow('model: this adapter lacks shader-f16');
    await expect(half.load({ requestAdapter: () => Promise.resolve(adapter(['shader-f16'])) })).rejects.toThrow('no device');
  }); // prettier-ignore

  test('refuses weights of another export', async () => {
    const path = join(folder, 'other.mjs');
    await exportStandalone(mlp(), { weights: 'separate', target: path });
    const { load } = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as StandaloneModule;
    const message = /model: the weights have 3 bytes, but the module needs \d+; they are of another export/;
    await expect(load(device, { weights: new Uint8Array(3) })).rejects.toThrow(message);
    await expect(load(device, { weights: new ArrayBuffer(3) })).rejects.toThrow(message);
    await writeFile(join(folder, 'other.bin'), 'abc');
    await expect(load(device)).rejects.toThrow(message);
    await expect(load(device, { weights: 'data:application/octet-stream,abc' })).rejects.toThrow(message);
  });
});
