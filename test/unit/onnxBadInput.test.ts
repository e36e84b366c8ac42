// Damaged and unusual ONNX files: each is refused by an error that names the file, the place and the rule.
import { describe, expect, test } from 'vitest';
import { fuzzImport } from '../../scripts/onnx/fuzz.ts';
import { fuzzFiles } from '../../scripts/onnx/fuzzFiles.ts';
import { FormatError, type Tensor, compile, setDevice, tensor, zeros } from '../../src/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { fileOf, node, value, weight } from '../support/onnxFiles.ts';

await setDevice('cpu');

const read = (graph: object, model?: object) => importOnnx(fileOf(graph, model), { name: 'm.onnx' });

test('the file without damage is read', async () => {
  const { y } = read({}).run({ x: tensor([-1, 2]) });
  expect(await y.array()).toEqual([0, 2]);
});

test('an output without a type is read: some tools write those of inner graphs so', async () => {
  const model = read({ output: [{ name: 'y', type: {} }] });
  expect(model.outputs).toEqual([{ name: 'y', dtype: undefined, type: undefined, shape: undefined }]);
  expect(await model.run({ x: tensor([-1, 2]) }).y.array()).toEqual([0, 2]);
});

describe('files', () => {
  test.each<readonly [string, object, object | undefined, RegExp]>([
    ['no opset', {}, { opsetImport: [] }, /^m\.onnx: opset_import of ai\.onnx is missing; opsets 1 to 21 are read/],
    ['a new opset', {}, { opsetImport: [{ domain: '', version: 99n }] }, /opset_import of ai\.onnx is 99; opsets 1 to 21 are read/],
    ['no graph', {}, { graph: undefined }, /m\.onnx: graph is missing/],
    ['an unknown op', { node: [node('Relo', ['x'], ['y'])] }, undefined, /m\.onnx: Relo 'y': op_type 'Relo' of opset 17 is not known; did you mean 'Relu'\?/],
    ['another domain', { node: [node('Gelu', ['x'], ['y'], { domain: 'com.microsoft' })] }, undefined, /domain is 'com\.microsoft'; only ops of ai\.onnx/],
    ['a missing input', { node: [node('Relu', ['xx'], ['y'])] }, undefined, /m\.onnx: Relu 'y': input 'xx' is made by no node; did you mean 'x'\?/],
    ['a missing output', { output: [value('z')] }, undefined, /m\.onnx: output 'z' is made by no node/],
    ['an output without a name', { node: [node('Relu', ['x'], ['y', ''])], output: [value('')] }, undefined, /m\.onnx: output '' is made by no node/],
    ['a cycle', { node: [node('Add', ['x', 'b'], ['a']), node('Relu', ['a'], ['b']), node('Relu', ['b'], ['y'])] }, undefined, /need each other's outputs; a graph has no cycles/],
    ['an output that is made twice', { node: [node('Relu', ['x'], ['y']), node('Abs', ['x'], ['y'])] }, undefined, /Abs 'y': output 'y' is made twice/],
    ['an input that occurs twice', { input: [value('x'), value('x')] }, undefined, /input 'x' occurs twice/],
    ['strings', { input: [value('x', [2], 8)] }, undefined, /m\.onnx: input 'x': elem_type is STRING; numbers and bools are read/],
    ['a sequence', { input: [{ name: 'x', type: {} }] }, undefined, /input 'x': it is no tensor; sequences, maps, optional and sparse/],
    ['sparse tensors', { sparseInitializer: [{}] }, undefined, /sparse tensors are not read, store them dense/],
    ['too few bytes', { initializer: [weight('w', { dims: [3n] })] }, undefined, /m\.onnx: initializer 'w': FLOAT\[3\] needs 12 bytes; raw_data has 8/],
    ['too few elements', { initializer: [weight('w', { rawData: new Uint8Array(), floatData: [1] })] }, undefined, /FLOAT\[2\] needs 2 elements; float_data has 1, and raw_data is empty/],
    ['a negative size', { initializer: [weight('w', { dims: [-2n] })] }, undefined, /dims\[0\] is -2; it must be a size/],
    ['a size without memory', { initializer: [weight('w', { dims: [2n ** 30n, 2n ** 30n] })] }, undefined, /more than 2\^31 elements/],
    ['a type without numbers', { initializer: [weight('w', { dataType: 14 })] }, undefined, /data_type is COMPLEX64; numbers and bools are read/],
    ['external data', { initializer: [weight('w', { rawData: new Uint8Array(), dataLocation: 1, externalData: [{ key: 'location', value: 'w.bin' }] })] }, undefined, /the data are in the file 'w\.bin', which is not given; pass \{ externalData/],
    ['a weight without a name', { initializer: [weight('')] }, undefined, /m\.onnx: an initializer has no name/],
    ['a weight twice', { initializer: [weight('w'), weight('w')] }, undefined, /initializer 'w' occurs twice/],
    ['an attribute of a function', { node: [node('Elu', ['x'], ['y'], { attribute: [{ name: 'alpha', refAttrName: 'a', type: 1 }] })] }, undefined, /Elu 'y': attribute 'alpha': it refers to 'a' of a function/],
    ['an attribute of no type', { node: [node('Elu', ['x'], ['y'], { attribute: [{ name: 'alpha', type: 77 }] })] }, undefined, /attribute 'alpha': type is 77; numbers, texts, tensors and graphs/],
  ])('%s', (_, graph, model, message) => {
    expect(() => read(graph, model)).toThrow(FormatError);
    expect(() => read(graph, model)).toThrow(message);
  }); // prettier-ignore

  test('nested graphs have a limit', () => {
    let graph: object = { node: [node('Relu', ['x'], ['y'])], output: [value('y')] };
    for (let depth = 0; depth < 20; depth++) {
      graph = { node: [node('If', ['x'], ['y'], { attribute: [{ name: 'then_branch', type: 5, g: graph }] })], output: [value('y')] };
    }
    expect(() => read(graph)).toThrow(/graphs are nested more than 16 times/);
  });

  test('bytes that are no message', () => {
    expect(() => importOnnx(new Uint8Array([1, 2, 3]), { name: 'm.onnx' })).toThrow(/^m\.onnx: not an ONNX file that can be read: the 3 bytes are no protobuf message/);
    expect(() => importOnnx('m.onnx' as never)).toThrow(/importOnnx: takes the bytes of a file as a Uint8Array, got 'm\.onnx'/);
    expect(() => importOnnx(fileOf({}), { file: 'm' } as never)).toThrow(/importOnnx: unknown option 'file'/);
  }); // prettier-ignore

  test('external data that are given', async () => {
    const stored = [{ key: 'location', value: 'w.bin' }, { key: 'offset', value: '4' }]; // prettier-ignore
    const graph = {
      node: [node('Add', ['x', 'w'], ['y'])],
      initializer: [weight('w', { rawData: new Uint8Array(), dataLocation: 1, externalData: stored })],
    };
    const bytes = new Uint8Array(new Float32Array([9, 1, 2]).buffer);
    const model = importOnnx(fileOf(graph), { externalData: { 'w.bin': bytes } });
    expect(await model.run({ x: tensor([0, 0]) }).y.array()).toEqual([1, 2]);
    expect(() => importOnnx(fileOf(graph), { name: 'm.onnx', externalData: { 'w.bin': bytes.subarray(4) } })).toThrow(
      /external data are bytes 4 to 12 of 'w\.bin', which has 8 bytes/,
    );
  });

  test('names of objects are plain names', () => {
    const graph = { initializer: [weight('__proto__')], node: [node('Add', ['x', '__proto__'], ['y'])] };
    const model = read(graph);
    expect(Object.keys(model.parameters)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(model.run({ x: tensor([1, 2]) }).y.shape).toEqual([2]);
  });
});

describe('runs', () => {
  const int = (name: string, i: number) => ({ name, type: 2, i: BigInt(i) });
  test.each<readonly [string, object, Record<string, Tensor>, RegExp]>([
    ['no input', {}, {}, /m\.onnx: input 'x' is undefined; it must be a tensor: the inputs are x/],
    ['another input', {}, { x: zeros([2]), z: zeros([2]) }, /there is no input 'z'; the inputs are x/],
    ['another shape', {}, { x: zeros([3]) }, /input 'x' is \[3\]; the file declares \[2\], so axis 0 has the fixed size 2/],
    ['another rank', {}, { x: zeros([2, 1]) }, /input 'x' is \[2,1\]; the file declares \[2\], with 1 axes/],
    ['another dtype', {}, { x: zeros([2], 'i32') }, /input 'x' is i32; the file declares FLOAT, so use cast\(x, 'f32'\)/],
    ['a wrong rank', { node: [node('Conv', ['x', 'x'], ['y'])] }, { x: zeros([2]) }, /m\.onnx: Conv 'y': .*windows have one to three axes/],
    ['an axis outside', { node: [node('Softmax', ['x'], ['y'], { attribute: [int('axis', 3)] })] }, { x: zeros([2]) }, /Softmax 'y': axis is 3; input \[2\] has axes -1 to 0/],
    ['an attribute of another type', { node: [node('Elu', ['x'], ['y'], { attribute: [{ name: 'alpha', type: 3, s: new Uint8Array([97]) }] })] }, { x: zeros([2]) }, /attribute 'alpha' is 'a'; it must be a number/],
    ['an input of a node that is missing', { node: [node('Add', ['x'], ['y'])] }, { x: zeros([2]) }, /Add 'y': input 1 is missing; it has 1 inputs/],
  ])('%s', (_, graph, inputs, message) => {
    expect(() => read(graph).run(inputs)).toThrow(message);
  }); // prettier-ignore

  test('a variable that does not exist or fit', () => {
    const model = read({ node: [node('Add', ['x', 'w'], ['y'])], initializer: [weight('w')] });
    expect(() => model.run({ x: zeros([2]) }, { v: zeros([2]) })).toThrow(/m\.onnx: there is no parameter 'v'; did you mean 'w'\?/);
    expect(() => model.run({ x: zeros([2]) }, { w: zeros([3]) })).toThrow(/parameter 'w' is Tensor\(f32\[3\]\); it must be a tensor like/);
  });

  test('sizes that depend on data are refused in compiled functions', async () => {
    const model = read({ node: [node('NonZero', ['x'], ['y'])], output: [value('y', [1, 1], 7)] });
    expect(await model.run({ x: tensor([0, 3]) }).y.array()).toEqual([[1]]);
    await expect(compile((x: Tensor) => model.run({ x }).y)(tensor([0, 3]))).rejects.toThrow(
      /NonZero 'y': X \(input 0, FLOAT\[2\]\) depends on the data/,
    );
  });

  test('endless loops have a limit', () => {
    const body = { node: [node('Identity', ['c'], ['d']), node('Relu', ['s'], ['t'])], input: [value('i', [], 7), value('c', [], 9), value('s')], output: [value('d', [], 9), value('t')] };
    const many = { dims: [], dataType: 7, rawData: new Uint8Array(new BigInt64Array([2n ** 40n]).buffer), name: 'M' };
    const graph = { node: [node('Loop', ['M', '', 'x'], ['y'], { attribute: [{ name: 'body', type: 5, g: body }] })], initializer: [many] };
    expect(() => read(graph).run({ x: zeros([2]) })).toThrow(/loops repeat more than 200000 nodes/);
  }); // prettier-ignore
});

test('a few thousand damaged files are refused or read', async () => {
  const runs = Number(process.env.OMBRE_FUZZ_RUNS ?? 3000);
  const { refused, read: readCount, run } = fuzzImport(await fuzzFiles(), runs, 2);
  console.log(`ONNX fuzz: ${runs} damaged files, ${refused} refused, ${readCount} read, ${run} of them run`);
  expect(refused).toBeGreaterThan(0);
  expect(run).toBeGreaterThan(0);
}, 600_000);
