// Quantized ops of ONNX beyond the node tests: long sums of integers, parameters for axes and blocks, ties and the ends of the ranges.
import { describe, expect, test } from 'vitest';
import { RandomStream } from '../../src/core/random.ts';
import { type Tensor, setDevice, tensor } from '../../src/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { fileOf, node, value } from '../support/onnxFiles.ts';

await setDevice('cpu');

const types = { f: 1, u8: 2, i8: 3, u16: 4, i16: 5, i32: 6 } as const;
type Given = readonly [type: keyof typeof types, shape: number[], data: readonly number[]];

/** The outputs of one op for inputs of these types. */
async function run(op: string, inputs: readonly Given[], outputs: readonly (keyof typeof types)[], attribute: object[] = [], opset = 21): Promise<number[][]> {
  const names = inputs.map((_, i) => `x${i}`);
  const made = outputs.map((_, i) => `y${i}`);
  const graph = {
    node: [node(op, names, made, { attribute })],
    input: inputs.map(([type, shape], i) => value(names[i], shape, types[type])),
    output: outputs.map((type, i) => ({ ...value(made[i], [], types[type]), type: undefined })),
  };
  const read = importOnnx(fileOf(graph, { opsetImport: [{ domain: '', version: BigInt(opset) }] }), { name: 'q.onnx' });
  const given = inputs.map(([type, shape, data]): [string, Tensor] => [names[inputs.findIndex((one) => one[2] === data)], tensor(data, shape, type === 'f' ? 'f32' : 'i32')]); // prettier-ignore
  const results = read.run(Object.fromEntries(given));
  return Promise.all(made.map(async (name) => Array.from(await results[name].data())));
} // prettier-ignore

const int = (name: string, i: number) => ({ name, type: 2, i: BigInt(i) });
const stream = RandomStream.fromSeed(3);
const bytes = (n: number, low: number): number[] => Array.from({ length: n }, () => low + Math.floor(stream.uniform() * 256));

describe('products of integers are exact', () => {
  test.each([200, 300, 5000])('sums of %s products', async (k) => {
    const [a, b] = [bytes(2 * k, 0), bytes(k * 3, -128)];
    const [zeroA, zeroB] = [[250], [-128, 0, 127]];
    const [found] = await run('MatMulInteger', [['u8', [2, k], a], ['i8', [k, 3], b], ['u8', [], zeroA], ['i8', [3], zeroB]], ['i32']); // prettier-ignore
    const expected = [0, 1].flatMap((i) =>
      [0, 1, 2].map((j) => Array.from({ length: k }, (_, p) => (a[i * k + p] - 250) * (b[p * 3 + j] - zeroB[j])).reduce((x, y) => x + y)),
    );
    expect(found).toEqual(expected);
  });

  test('extremes, whose sums pass 2^24', async () => {
    const k = 4200;
    const [a, b] = [Array<number>(k).fill(255), Array<number>(k).fill(255)];
    const [found] = await run('MatMulInteger', [['u8', [1, k], a], ['u8', [k, 1], b]], ['i32']); // prettier-ignore
    expect(found).toEqual([k * 255 * 255]);
    const [image, filter] = [Array<number>(300).fill(255), Array<number>(300).fill(-128)];
    const [sums] = await run('ConvInteger', [['u8', [1, 300, 1, 1], image], ['i8', [1, 300, 1, 1], filter], ['u8', [], [0]], ['i8', [1], [127]]], ['i32']); // prettier-ignore
    expect(sums).toEqual([-300 * 255 * 255]);
  });

  test('too long sums are refused', async () => {
    const k = 70_000;
    const wrong = run('MatMulInteger', [['u8', [1, k], bytes(k, 0)], ['u8', [k, 1], bytes(k, 0)]], ['i32']); // prettier-ignore
    await expect(wrong).rejects.toThrow(/q\.onnx: MatMulInteger 'y0': a sum has 70000 products; sums of 65536 are exact/);
  });
});

describe('QuantizeLinear and DequantizeLinear', () => {
  test('halves go to even numbers, and ends are clipped', async () => {
    const x = [-1e30, -1.5, -0.5, 0.5, 1.5, 2.5, 127.5, 1e30];
    const [found] = await run('QuantizeLinear', [['f', [8], x], ['f', [], [1]], ['i8', [], [0]]], ['i8']); // prettier-ignore
    expect(found).toEqual([-128, -2, 0, 0, 2, 2, 127, 127]);
  });

  test('an axis, and blocks of an axis with a shorter last one', async () => {
    const q = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const [byAxis] = await run('DequantizeLinear', [['i8', [2, 5], q], ['f', [2], [2, 10]], ['i8', [2], [1, 0]]], ['f'], [int('axis', 0)]); // prettier-ignore
    expect(byAxis).toEqual([0, 2, 4, 6, 8, 60, 70, 80, 90, 100]);
    const scales = [1, 10, 100, 2, 20, 200];
    const settings = [int('axis', 1), int('block_size', 2)];
    const zeros = [0, 0, 0, 1, 1, 1];
    const expected = [1, 2, 30, 40, 500, 10, 12, 140, 160, 1800];
    const [inBlocks] = await run('DequantizeLinear', [['i16', [2, 5], q], ['f', [2, 3], scales], ['i16', [2, 3], zeros]], ['f'], settings); // prettier-ignore
    expect(inBlocks).toEqual(expected);
    const [back] = await run('QuantizeLinear', [['f', [2, 5], expected], ['f', [2, 3], scales], ['i16', [2, 3], zeros]], ['i16'], settings); // prettier-ignore
    expect(back).toEqual(q);
    const wrong = run('DequantizeLinear', [['i8', [2, 5], q], ['f', [2, 2], [1, 1, 1, 1]]], ['f'], settings); // prettier-ignore
    await expect(wrong).rejects.toThrow('block_size is 2, so scale and zero point need the shape [2,3]; got [2,2]');
  });

  test('output_dtype without a zero point', async () => {
    const given: Given[] = [['f', [3], [-300, 7, 300]], ['f', [], [1]]]; // prettier-ignore
    expect(await run('QuantizeLinear', given, ['u8'])).toEqual([[0, 7, 255]]);
    expect(await run('QuantizeLinear', given, ['i8'], [int('output_dtype', 3)])).toEqual([[-128, 7, 127]]);
    expect(await run('QuantizeLinear', given, ['i16'], [int('output_dtype', 5)])).toEqual([[-300, 7, 300]]);
    await expect(run('QuantizeLinear', given, ['f'], [int('output_dtype', 1)])).rejects.toThrow('it must be an integer of 8 or 16 bits');
  });
});

test('DynamicQuantizeLinear of zeros, and of numbers of one sign', async () => {
  expect(await run('DynamicQuantizeLinear', [['f', [2], [0, 0]]], ['u8', 'f', 'u8'])).toEqual([[0, 0], [1], [0]]);
  const [y, scale, zero] = await run('DynamicQuantizeLinear', [['f', [3], [51, 102, 255]]], ['u8', 'f', 'u8']);
  expect([y, scale, zero]).toEqual([[51, 102, 255], [1], [0]]);
  const below = await run('DynamicQuantizeLinear', [['f', [2], [-255, -102]]], ['u8', 'f', 'u8']);
  expect(below).toEqual([[0, 153], [1], [255]]);
});

test('QLinearMatMul with a scale for each row and each column', async () => {
  const inputs: Given[] = [
    ['u8', [2, 2], [1, 2, 3, 4]], ['f', [2], [1, 2]], ['u8', [2], [0, 1]],
    ['i8', [2, 2], [1, -1, 2, 5]], ['f', [2], [0.5, 0.25]], ['i8', [2], [0, 1]],
    ['f', [], [0.5]], ['i8', [], [3]],
  ]; // prettier-ignore
  // Sums [[5, 6], [8, 8]] times [[1, 0.5], [2, 1]] plus 3.
  expect(await run('QLinearMatMul', inputs, ['i8'])).toEqual([[8, 6, 19, 11]]);
});

test('QLinearConv with padding, a bias, groups, and a scale and zero point for each output', async () => {
  const inputs: Given[] = [
    ['u8', [1, 2, 1, 3], [11, 12, 13, 20, 10, 30]], ['f', [], [0.5]], ['u8', [], [10]],
    ['i8', [2, 1, 1, 3], [1, 2, 3, 5, 6, 5]], ['f', [2], [2, 1]], ['i8', [2], [0, 5]],
    ['f', [], [0.25]], ['u8', [], [2]], ['i32', [2], [10, -1]],
  ]; // prettier-ignore
  const pads = { name: 'pads', type: 7, ints: [0n, 1n, 0n, 1n] };
  // Images less 10: [1, 2, 3] and [10, 0, 20]. Filters: [1, 2, 3] and [0, 1, 0]. Sums with bias: [18, 24, 18] and [9, -1, 19].
  const [found] = await run('QLinearConv', inputs, ['u8'], [pads, int('group', 2)]);
  expect(found).toEqual([74, 98, 74, 20, 0, 40]);
});
