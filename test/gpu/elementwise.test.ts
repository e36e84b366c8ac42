// Kernels that compute four elements an invocation have the results of those that compute one. Both run on any adapter.
import { beforeAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { compileGraph } from '../../src/compiler/index.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { defaultEngine, setDevice } from '../../src/engine/index.ts';
import { HostValue, type Tensor } from '../../src/graph/tensor.ts';
import { shortestForQuads } from '../../src/graph/workgroups.ts';
import { add, cast, exp, greater, maxPool2d, mul, reshape, slice, sub, sum, tanh, transpose, where } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { graphOf, values } from '../support/graphs.ts';

let runtime: WebGpuRuntime;
beforeAll(async () => {
  await setDevice('webgpu');
  runtime = (await defaultEngine()).runtime as WebGpuRuntime;
});

type Make = (x: Tensor, y: Tensor, row: Tensor, column: Tensor, one: Tensor) => readonly Tensor[];

/** Bytes of the results for [rows, length] twice, [length], [rows, 1] and [], and the texts of the kernels. */
async function run(processor: 'cpu' | 'gpu', rows: number, length: number, make: Make): Promise<{ bits: Uint8Array[]; texts: string[] }> {
  const shapes = [[rows, length], [rows, length], [length], [rows, 1], []];
  const graph = graphOf(
    shapes.map((shape) => ({ shape })),
    (x, y, row, column, one) => make(x, y, row, column, one),
  );
  const program = compileGraph(graph, { name: 'elementwise', target: { ...runtime.target, processor } });
  const executable = await runtime.load(program);
  const results = await executable.run(shapes.map((shape, i) => new HostValue(values(sizeOf(shape), i + 1))));
  const got = await runtime.read(graph.outputs.map((type, i) => ({ type, value: results[i] })));
  return {
    bits: got.map((data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    texts: program.dispatches.map(({ wgsl }) => wgsl),
  };
}

const chain: Make = (x, y, row, column, one) => [
  add(mul(tanh(x), row), sub(exp(mul(y, one)), column)),
  where(greater(x, y), x, 0.5),
  greater(x, row),
];

/** Index of the first byte that differs in an output, or -1, for each output. */
const differences = (a: readonly Uint8Array[], b: readonly Uint8Array[]): number[] =>
  a.map((bytes, i) => (bytes.length === b[i].length ? bytes.findIndex((byte, j) => byte !== b[i][j]) : 0));

const isByFour = (texts: readonly string[]): boolean => texts.some((text) => /array<vec4<|alias Element = vec4</.test(text));

describe('four elements an invocation', () => {
  test.each([
    [256, 256],
    [1, shortestForQuads + 4],
    [shortestForQuads / 4 + 1, 4],
    [137, 1020],
    [131, 1004],
  ])('%d x %d', async (rows, length) => {
    const fours = await run('gpu', rows, length, chain);
    expect(isByFour(fours.texts)).toBe(true);
    expect(differences(fours.bits, (await run('cpu', rows, length, chain)).bits)).toEqual(fours.bits.map(() => -1));
  });

  test.each<[string, Make]>([
    ['slices that begin at a multiple of four', (x, y) => [mul(slice(x, [0, 4], [300, 260]), slice(y, [0, 0], [300, 256]))]],
    ['a copy that rearranges whole quads', (x, y) => [transpose(reshape(add(x, y), [300, 5, 52]), [1, 0, 2])]],
    ['flags', (x, y) => [cast(greater(x, y), 'f32')]],
  ])('%s', async (_, make) => {
    const fours = await run('gpu', 300, 260, make);
    expect(isByFour(fours.texts)).toBe(true);
    expect(differences(fours.bits, (await run('cpu', 300, 260, make)).bits)).toEqual(fours.bits.map(() => -1));
  });
});

describe('one element an invocation', () => {
  test.each<[string, number, number, Make]>([
    ['fewer elements', 4, 64, chain],
    ['a number of elements that is no multiple of four', 257, 257, chain],
    ['rows that are no multiple of four', 260, 257, (x, _, row) => [mul(x, row)]],
    ['slices that begin elsewhere', 300, 260, (x, y) => [mul(slice(x, [0, 1], [300, 257]), slice(y, [0, 0], [300, 256]))]],
    ['columns', 300, 300, (x, y) => [mul(transpose(x), y)]],
    ['a buffer that is read in both ways', 300, 300, (x) => [mul(transpose(x), x)]],
  ])('%s', async (_, rows, length, make) => {
    const ones = await run('gpu', rows, length, make);
    expect(isByFour(ones.texts)).toBe(false);
    expect(differences(ones.bits, (await run('cpu', rows, length, make)).bits)).toEqual(ones.bits.map(() => -1));
  });
});

test('max pooling of four channels at once finds the values and gradients of the CPU', async () => {
  const shape = [4, 65, 75, 4];
  const graph = graphOf([{ shape }], (x) => {
    const y = maxPool2d(x, { strides: 1 });
    return [y, gradients(sum(y), [x])[0]];
  });
  const program = compileGraph(graph, { name: 'pooling', target: { ...runtime.target, processor: 'gpu' } });
  expect(isByFour(program.dispatches.map(({ wgsl }) => wgsl))).toBe(true);
  const data = values(sizeOf(shape));
  const results = await (await runtime.load(program)).run([new HostValue(data)]);
  const got = await runtime.read(graph.outputs.map((type, i) => ({ type, value: results[i] })));
  // Maxima and counts are exact.
  const expected = interpret(graph.outputs, { feeds: new Map([[graph.inputs[0], data]]) });
  got.forEach((result, i) => expect(result.findIndex((value, j) => value !== expected[i][j])).toBe(-1));
});
