// Functions that an ONNX model defines for itself.
import { describe, expect, test } from 'vitest';
import { FormatError, grad, setDevice, sum, tensor } from '../../src/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { fileOf, node, value, weight } from '../support/onnxFiles.ts';

await setDevice('cpu');

const opset17 = [{ domain: '', version: 17n }];
const fn = (name: string, input: string[], output: string[], nodes: object[], extra: object = {}) => ({ name, domain: 'own', input, output, node: nodes, opsetImport: opset17, ...extra }); // prettier-ignore
const call = (name: string, input: string[], output: string[], extra: object = {}) =>
  node(name, input, output, { domain: 'own', ...extra });
const float = (name: string, f: number) => ({ name, type: 1, f });
const reference = (name: string, refAttrName: string, type = 1) => ({ name, refAttrName, type });

/** alpha x for x below 0. */
const leaky = fn('Leaky', ['x'], ['y'], [node('LeakyRelu', ['x'], ['y'], { attribute: [reference('alpha', 'slope')] })], { attribute: ['slope'] }); // prettier-ignore
/** x + leaky(x), with inner values of the names of the graph. */
const twice = fn('Twice', ['y'], ['z'], [call('Leaky', ['y'], ['x'], { attribute: [reference('slope', 'slope')] }), node('Add', ['x', 'y'], ['z'])]); // prettier-ignore

const run = async (graph: object, functions: object[], model: object = {}): Promise<unknown> => {
  const read = importOnnx(fileOf(graph, { functions, ...model }), { name: 'm.onnx' });
  const { y } = read.run({ x: tensor([-1, 2]) });
  return y.array();
};

describe('functions', () => {
  test('attributes by reference, with a value, a default or none', async () => {
    const at = (attribute: object[]) => ({ node: [call('Leaky', ['x'], ['y'], { attribute })] });
    expect(await run(at([float('slope', 0.5)]), [leaky])).toEqual([-0.5, 2]);
    // The default of LeakyRelu.
    expect(await run(at([]), [leaky])).toEqual([Math.fround(-0.01), 2]);
    const preset = { ...leaky, attribute: [], attributeProto: [float('slope', 0.25)] };
    expect(await run(at([]), [preset])).toEqual([-0.25, 2]);
    expect(await run(at([float('slope', 0.5)]), [preset])).toEqual([-0.5, 2]);
  });

  test('in each other, twice in a graph, with equal names inside and outside', async () => {
    const slope = { attribute: [float('slope', 0.5)] };
    const graph = { node: [call('Twice', ['x'], ['z'], slope), call('Twice', ['z'], ['y'], slope)] };
    expect(await run(graph, [twice, leaky])).toEqual([-2.25, 8]);
  });

  test('inputs that are absent, outputs that are inputs, outputs with two names, unused outputs', async () => {
    const clip = fn('Clip2', ['x', 'low', 'high'], ['y'], [node('Clip', ['x', 'low', 'high'], ['y'])]);
    const zero = weight('zero', { dims: [], rawData: new Uint8Array(4) });
    expect(await run({ node: [call('Clip2', ['x', 'zero'], ['y'])], initializer: [zero] }, [clip])).toEqual([0, 2]);
    const same = fn('Same', ['a'], ['a', 'b', 'b'], [node('Neg', ['a'], ['b'])]);
    const graph = (...outputs: string[]) => ({ node: [call('Same', ['x'], outputs), node('Identity', ['q'], ['y'])] });
    expect(await run(graph('q'), [same])).toEqual([-1, 2]);
    expect(await run(graph('', '', 'q'), [same])).toEqual([1, -2]);
    expect(await run(graph('p', 'r', 'q'), [same])).toEqual([1, -2]);
  });

  test('calls in the branches of an If, in a function and outside', async () => {
    const branch = (name: string, nodes: object[]) => ({ name, type: 5, g: { node: nodes, output: [{ name: 'r' }] } });
    const branches = [branch('then_branch', [call('Leaky', ['x'], ['r'], { attribute: [float('slope', 0.5)] })]), branch('else_branch', [node('Neg', ['x'], ['r'])])]; // prettier-ignore
    const inner = fn('Choose', ['c', 'x'], ['y'], [node('If', ['c'], ['y'], { attribute: branches })]);
    const yes = weight('c', { dims: [], dataType: 9, rawData: Uint8Array.of(1) });
    expect(await run({ node: [call('Choose', ['c', 'x'], ['y'])], initializer: [yes] }, [inner, leaky])).toEqual([-0.5, 2]);
    expect(await run({ node: [node('If', ['c'], ['y'], { attribute: branches })], initializer: [yes] }, [leaky])).toEqual([-0.5, 2]);
  });

  test('overloads, functions in the place of ops, and the opset of a function', async () => {
    const negate = fn('Leaky', ['x'], ['y'], [node('Neg', ['x'], ['y'])], { overload: 'neg' });
    expect(await run({ node: [call('Leaky', ['x'], ['y'], { overload: 'neg' })] }, [leaky, negate])).toEqual([1, -2]);
    expect(await run({ node: [node('Relu', ['x'], ['y'])] }, [fn('Relu', ['x'], ['y'], [node('Neg', ['x'], ['y'])], { domain: 'ai.onnx' })])).toEqual([1, -2]); // prettier-ignore
    // Before opset 13 Softmax flattens all axes from its axis on.
    const first = { attribute: [{ name: 'axes', type: 7, ints: [0n] }] };
    const along = { attribute: [{ name: 'axis', type: 2, i: 0n }] };
    const nodes = [node('Unsqueeze', ['x'], ['u'], first), node('Softmax', ['u'], ['s'], along), node('Squeeze', ['s'], ['y'], first)];
    const at = (version: bigint) => run({ node: [call('Old', ['x'], ['y'])] }, [fn('Old', ['x'], ['y'], nodes, { opsetImport: [{ domain: '', version }] })]); // prettier-ignore
    expect(await at(11n)).toEqual([1, Math.exp(3)].map((x) => expect.closeTo(x / (1 + Math.exp(3)), 6) as number));
    expect(await at(17n)).toEqual([1, 1]);
  });

  test('weights of calls are parameters with gradients', async () => {
    const scale = fn('Scale', ['x', 'w'], ['y'], [node('Mul', ['x', 'w'], ['y'])]);
    const graph = { node: [call('Scale', ['x', 'w'], ['y'])], initializer: [weight('w', { rawData: new Uint8Array(Float32Array.of(3, 4).buffer) })] }; // prettier-ignore
    const read = importOnnx(fileOf(graph, { functions: [scale] }));
    expect(Object.keys(read.parameters)).toEqual(['w']);
    const gradient = grad((weights: typeof read.parameters) => sum(read.run({ x: tensor([-1, 2]) }, weights).y))(read.parameters);
    expect(await gradient.w.array()).toEqual([-1, 2]);
  });
});

describe('refused', () => {
  const graph = { node: [call('F', ['x'], ['y'])], output: [value('y')] };
  const relu = [node('Relu', ['x'], ['y'])];
  let deep = [fn('F0', ['x'], ['y'], relu)];
  for (let i = 1; i < 30; i++) deep = [...deep, fn(`F${i}`, ['x'], ['y'], [call(`F${i - 1}`, ['x'], ['h']), call(`F${i - 1}`, ['h'], ['y'])])]; // prettier-ignore
  test.each<readonly [string, object, object[], RegExp]>([
    ['a function that is not there', graph, [], /m\.onnx: F 'y': domain is 'own'; only ops of ai\.onnx and functions of the file are read/],
    ['a function twice', graph, [fn('F', ['x'], ['y'], relu), fn('F', ['x'], ['y'], relu)], /function 'F' of domain 'own' occurs twice/],
    ['recursion', graph, [fn('F', ['x'], ['y'], [call('G', ['x'], ['y'])]), fn('G', ['x'], ['y'], [call('F', ['x'], ['y'])])], /function 'F' calls itself; functions have no recursion/],
    ['too many inputs', { node: [call('F', ['x', 'x'], ['y'])] }, [fn('F', ['x'], ['y'], relu)], /F 'y': function 'F' takes 1 inputs, got 2/],
    ['too many outputs', { node: [call('F', ['x'], ['y', 'z'])] }, [fn('F', ['x'], ['y'], relu)], /function 'F' has 1 outputs; the node names 2/],
    ['an output that nothing makes', graph, [fn('F', ['x'], ['z'], relu)], /function 'F' has the output 'z', which no node of it makes/],
    ['a name of the graph around', { node: [node('Neg', ['x'], ['n']), call('F', ['x'], ['y'])] }, [fn('F', ['x'], ['y'], [node('Add', ['x', 'n'], ['y'])])], /Add 'F\/Add': input 'F#\d\/n' is made by no node/],
    ['a new opset', graph, [fn('F', ['x'], ['y'], relu, { opsetImport: [{ domain: '', version: 99n }] })], /function 'F': opset_import of ai\.onnx is 99; opsets 1 to 21/],
    ['too many nodes', { node: [call('F29', ['x'], ['y'])] }, deep, /functions make more than 200000 nodes; shorten them/],
  ])('%s', (_, nodes, functions, message) => {
    const read = () => importOnnx(fileOf(nodes, { functions }), { name: 'm.onnx' });
    expect(read).toThrow(FormatError);
    expect(read).toThrow(message);
  }); // prettier-ignore
});
