// Every reduction family at awkward sizes, on any adapter. The family for real GPUs runs on CPU-implemented ones too, only slowly.
import { beforeAll, expect, test } from 'vitest';
import { compileGraph } from '../../src/compiler/index.ts';
import { planReduction } from '../../src/compiler/planReduction.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { defaultEngine, setDevice } from '../../src/engine/index.ts';
import { HostValue, type Tensor } from '../../src/graph/tensor.ts';
import { add, any, argMax, argMin, greater, max, mean, mul, reshape, slice, square, sum, transpose } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { families } from '../support/families.ts';
import { noteError } from '../support/findings.ts';
import { graphOf, values } from '../support/graphs.ts';

let runtime: WebGpuRuntime;
beforeAll(async () => {
  await setDevice('webgpu');
  runtime = (await defaultEngine()).runtime as WebGpuRuntime;
});

/** A result and the number of terms it sums. */
type Result = readonly [Tensor, number];

async function compare(
  processor: 'cpu' | 'gpu',
  shape: readonly number[],
  fn: (x: Tensor, b: Tensor) => readonly Result[],
): Promise<string[]> {
  let terms: number[] = [];
  const graph = graphOf([{ shape }, { shape: [] }], (x, b) => {
    const results = fn(x, b);
    terms = results.map(([, n]) => n);
    return results.map(([tensor]) => tensor);
  });
  const data = [values(sizeOf(shape)), Float32Array.of(0.25)];
  const program = compileGraph(graph, { name: 'reductions', target: { ...runtime.target, processor } });
  const executable = await runtime.load(program);
  const results = await executable.run(data.map((d) => new HostValue(d)));
  const got = await runtime.read(graph.outputs.map((type, i) => ({ type, value: results[i] })));
  const expected = interpret(graph.outputs, { feeds: new Map(graph.inputs.map((input, i) => [input, data[i]])) });
  got.forEach((result, i) => {
    // The bound of a sum of n terms: n * 2^-23 * sum|terms|, each term at most 1.6 here. Everything else is exact.
    const tolerance = terms[i] * 2 ** -23 * terms[i] * 1.6;
    result.forEach((value, j) => {
      const error = Math.abs(value - expected[i][j]);
      noteError('reductions', `${shape.join('x')} output ${i}`, error, tolerance);
      expect(error, `${shape.join('x')} output ${i}[${j}]`).toBeLessThanOrEqual(tolerance);
    });
  });
  return program.dispatches.map(({ label }) => label);
}

const all = (x: Tensor, b: Tensor): Result[] => [
  [sum(x, { axis: -1 }), x.shape[1]],
  [max(x, { axis: -1 }), 0],
  [mul(sum(square(add(x, b)), { axis: -1 }), 0.5), x.shape[1]],
  [argMax(x, { axis: -1 }), 0],
  [argMin(x, { axis: 0 }), 0],
  [mul(mean(x), x.size), x.size],
  [any(greater(x, 0.9), { axis: -1 }), 0],
  [sum(transpose(x), { axis: -1 }), x.shape[0]],
];

for (const processor of families) {
  for (const shape of [
    [1, 1],
    [3, 63],
    [64, 64],
    [67, 65],
    [97, 131],
  ]) {
    test(`${processor} kernels, ${shape.join(' x ')}`, async () => {
      await compare(processor, shape, all);
    });
  }
  test.each<[string, number[], number]>([
    ['to one', [70001], 0],
    ['few rows', [3, 20011], 1],
    ['few columns', [20011, 3], 0],
    ['an axis in the middle', [2, 20011, 5], 1],
  ])(`${processor} kernels, chunks: %s`, async (_, shape, axis) => {
    const length = shape[axis];
    const labels = await compare(processor, shape, (x) => [
      [sum(x, { axis }), length],
      [max(x, { axis }), 0],
      [argMax(x, { axis }), 0],
      [argMin(mul(x, x), { axis }), 0],
      [any(greater(x, 0.98), { axis }), 0],
    ]);
    expect(labels.filter((label) => label.includes('of 2'))).toHaveLength(10);
  });

  test(`${processor} kernels: the result is the first NaN of all chunks, else the first of equal elements`, async () => {
    const length = 70001;
    const cases: [string, (i: number) => number, max: number, min: number][] = [
      ['all equal', () => 3, 0, 0],
      ['infinities only', () => -Infinity, 0, 0],
      ['the last', (i) => (i === length - 1 ? 2 : 1), length - 1, 0],
      ['equals far apart', (i) => (i === 1 || i === 64 || i === 69_000 ? 7 : i === 69_999 || i === 33_333 ? -7 : 0), 1, 33_333],
      ['neighbours and their chunks', (i) => (i > 1022 && i % 1024 < 2 ? 5 : -1), 1024, 0],
      ['NaN', (i) => (i === 50_002 || i === 50_001 || i === 60_000 ? NaN : i === 3 ? Infinity : 0), 50_001, 50_001],
    ];
    const graph = graphOf([{ shape: [length] }], (x) => [argMax(x), argMin(x), argMax(mul(x, 2))]);
    const program = compileGraph(graph, { name: 'places', target: { ...runtime.target, processor } });
    const executable = await runtime.load(program);
    for (const [name, value, most, least] of cases) {
      const data = Float32Array.from({ length }, (_, i) => value(i));
      const results = await executable.run([new HostValue(data)]);
      const got = await runtime.read(graph.outputs.map((type, i) => ({ type, value: results[i] })));
      expect(
        got.map(([place]) => place),
        name,
      ).toEqual([most, least, most]);
      expect(interpret(graph.outputs, { feeds: new Map([[graph.inputs[0], data]]) }).map(([place]) => place)).toEqual([most, least, most]);
    }
  });
}

for (const processor of families) {
  test(`${processor} kernels: what a reduction reads may have been computed in another shape`, async () => {
    // Three views of that other shape: a broadcast one, a transposed one, and the tensor itself.
    const reshaped = (x: Tensor, b: Tensor): Tensor => {
      const products = mul(mul(x, slice(x, [0, 0], [1, 67])), add(transpose(reshape(x, [67, 30])), b));
      return reshape(products, [15, 134]);
    };
    const labels = await compare(processor, [30, 67], (x, b) => [
      [sum(reshaped(x, b), { axis: 1 }), 134 * 2],
      [max(reshaped(add(x, b), b), { axis: 0 }), 0],
      [argMax(reshaped(mul(x, 2), b), { axis: 1 }), 0],
    ]);
    expect(labels.filter((label) => /mul.* \+ (sum|max|argMax)$/.test(label))).toHaveLength(3);
  });
}

test('rows of a real GPU take the workgroup family', () => {
  const graph = graphOf([{ shape: [67, 65] }], (x) => [sum(x, { axis: 1 })]);
  expect(planReduction(graph.outputs[0].node!, { ...runtime.target, processor: 'gpu' }).passes[0].family).toBe('workgroup');
});

test('more outputs than one row of workgroups holds', async () => {
  const limited = { ...runtime.target, maxWorkgroupsPerDimension: 7 };
  const graph = graphOf([{ shape: [1000, 3] }], (x) => [sum(x, { axis: 1 }), add(x, 1)]);
  const executable = await runtime.load(compileGraph(graph, { name: 'grid', target: limited }));
  const data = values(3000);
  const results = await executable.run([new HostValue(data)]);
  const [sums, plus] = await runtime.read(graph.outputs.map((type, i) => ({ type, value: results[i] })));
  expect(plus[2999]).toBe(Math.fround(data[2999] + 1));
  expect(sums[999]).toBeCloseTo(data[2997] + data[2998] + data[2999], 5);
});
