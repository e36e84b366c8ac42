// Products at 1, 2, and around the edges of every tile, in all three sizes, by the kernels of the device's class: direct tiles on software adapters;
// direct, sliced and tiled ones on GPUs.
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { compileGraph } from '../../src/compiler/index.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { defaultEngine, setDevice } from '../../src/engine/index.ts';
import type { KernelPlan } from '../../src/graph/op.ts';
import { HostValue, type Tensor } from '../../src/graph/tensor.ts';
import { add, div, matmul, mul, sqrt, square, sub, transpose } from '../../src/ops/index.ts';
import { planMatmul } from '../../src/ops/matmul/plan.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { noteError } from '../support/findings.ts';
import { graphOf, values } from '../support/graphs.ts';
import { combinations, pairwise, sizesAround } from '../support/pairwise.ts';
import { planDeviceOf } from '../support/planDevice.ts';
import { checkProduct, product } from './products.ts';

let runtime: WebGpuRuntime;
beforeAll(async () => {
  await setDevice('webgpu', { tuning: false });
  runtime = (await defaultEngine()).runtime as WebGpuRuntime;
});

/** `npm run test:full` tests all sizes, because building a separate pipeline for each takes a software adapter a minute. */
const isFull = inject('gpuGraphs') >= 300;
const onGpu = (): boolean => runtime.target.processor === 'gpu';
const all = (): boolean => true;
const none = (): boolean => false;

interface Family {
  readonly rows: readonly number[];
  readonly depths: readonly number[];
  readonly columns: readonly number[];
  /** The kernel of each product whose result is no row or column. */
  readonly kernel: string;
}

/** Depths: 4 is a step of every direct tile, 32 is the shortest k that GPUs cut, 16 is the depth of a stage. */
const gpuFamilies: Readonly<Record<string, Family>> = {
  direct: { rows: [...sizesAround(16), 63, 64, 65], depths: [1, 2, 3, 4, 5, 7, 8], columns: sizesAround(64), kernel: 'matmul_direct' },
  sliced: { rows: [1, 2, 3, 4, 5, 7, 8], depths: [32, 37, 127, 128, 129], columns: sizesAround(16), kernel: 'matmul_direct' },
  tiled: { rows: [9, ...sizesAround(32).slice(2)], depths: [9, 15, 16, 17, 19], columns: [9, ...sizesAround(32).slice(2)], kernel: 'matmul_tiled' },
}; // prettier-ignore
const cpuFamilies: Readonly<Record<string, Family>> = {
  direct: { rows: [1, 2, 3, 4, 5, 7, 8, 9, 11], depths: [1, 2, 3, 4, 5, 7], columns: sizesAround(32), kernel: 'matmul_direct' },
};

/** A wide tile of 64 columns, and rows that only just fill the tiles of 8 x 8 sums. */
const large = [63, 64, 65, 67];

describe.each(['direct', 'sliced', 'tiled'])('%s', (name) => {
  const family = (): Family | undefined => (onGpu() ? gpuFamilies : cpuFamilies)[name];

  test('all combinations of rows, columns and depth', { timeout: 600_000 }, async ({ skip }) => {
    const sizes = family();
    if (!sizes) return skip('software adapters take direct tiles only');
    const kernels = new Set<string>();
    for (const [m, k, n] of combinations(sizes.rows, sizes.depths, sizes.columns)) {
      const [kernel] = await checkProduct(planDeviceOf(runtime), product(m, k, n), runtime.target, none);
      kernels.add(kernel);
    }
    expect([...kernels]).toEqual([sizes.kernel]);
  });

  // Pairs instead of all combinations: each layout has other kernel texts, which take far longer to build than to run.
  test('transposed and batched: every pair of sizes, layout and batch', { timeout: 600_000 }, async ({ skip }) => {
    const sizes = family();
    if (!sizes) return skip('software adapters take direct tiles only');
    const batches = [[], [3], [2, 2]];
    for (const [m, k, n, layout, batch] of pairwise(sizes.rows, sizes.depths, sizes.columns, ['', 'a', 'b', 'ab'], batches)) {
      await checkProduct(planDeviceOf(runtime), product(m, k, n, layout, batch), runtime.target, none);
    }
  });

  // Pairs: a GPU has up to eight kernels for a product. A software adapter builds each of them for seconds.
  test('the other kernels for a product: the same bits', { timeout: 600_000 }, async ({ skip }) => {
    const sizes = family();
    if (!sizes) return skip('software adapters take direct tiles only');
    const names = new Set<string>();
    const edge = isFull ? -4 : -2;
    for (const [m, k, n] of pairwise(sizes.rows.slice(edge), sizes.depths.slice(-2), sizes.columns.slice(edge))) {
      for (const kernel of await checkProduct(planDeviceOf(runtime), product(m, k, n), runtime.target, all)) names.add(kernel);
    }
    expect(names.size).toBeGreaterThan(1);
  });
});

test('large tiles at their edges', { timeout: 600_000 }, async () => {
  for (const [m, k, n] of pairwise(large, [9, 16, 17], large)) {
    await checkProduct(planDeviceOf(runtime), product(m, k, n, '', [1]), runtime.target, none);
  }
});

test('a long depth, cut into splits', { timeout: 600_000 }, async () => {
  const splits: number[] = [];
  const sizes = isFull ? [1, 2, 7, 8, 9, 13] : [1, 2, 8, 9];
  for (const [m, k, n] of pairwise(sizes, [4095, 4096, 4099], sizes)) {
    const one = product(m, k, n);
    const { dispatches }: KernelPlan = planMatmul({ ...one, outputs: [one.output], attributes: {}, target: runtime.target });
    splits.push(dispatches.length);
    await checkProduct(planDeviceOf(runtime), one, runtime.target, none);
  }
  expect(Math.max(...splits)).toBe(2);
});

/** One step of Adam after a product, with all three results in place. */
const adam = (gradient: Tensor, w: Tensor, m: Tensor, v: Tensor): Tensor[] => {
  const first = add(mul(m, 0.9), mul(gradient, 0.1));
  const second = add(mul(v, 0.999), mul(square(gradient), 0.001));
  return [sub(w, mul(div(first, add(sqrt(second), 1e-7)), 0.01)), first, second];
};

/** Runs a step over the memory of its inputs. Each element must be updated once. */
async function checkAdam(batch: number, inputs: number, outputs: number): Promise<void> {
  const weights = [inputs, outputs];
  const types = [[batch, inputs], [batch, outputs], weights, weights, weights].map((shape) => ({ shape }));
  const graph = graphOf(types, (x, dy, w, m, v) => adam(matmul(transpose(x), dy), w, m, v));
  const donations = [0, 1, 2].map((output) => ({ output, input: output + 2 }));
  const program = compileGraph(graph, { name: 'adam', target: runtime.target, donations });
  expect(program.outputs.map(({ inPlaceOf }) => inPlaceOf)).toEqual([2, 3, 4]);
  const data = types.map(({ shape }, i) => values(sizeOf(shape), i + 1).map((x) => (i === 4 ? x * x + 0.1 : x)));
  const executable = await runtime.load(program);
  const results = await executable.run(data.map((d) => new HostValue(d.slice())));
  const read = await runtime.read(graph.outputs.map((type, i) => ({ type, value: results[i] })));
  const expected = interpret(graph.outputs, { feeds: new Map(graph.inputs.map((input, i) => [input, data[i]])), mode: 'f64' });
  const what = `${inputs}x${batch} * ${batch}x${outputs}`;
  // Sums of `batch` products of numbers up to 1, then a dozen roundings.
  const bound = (batch * batch + 12) * 2 ** -23;
  read.forEach((result, i) =>
    result.forEach((value, j) => {
      const allowed = bound * Math.max(1, Math.abs(expected[i][j]));
      noteError('products with Adam', what, Math.abs(value - expected[i][j]), allowed);
      if (!(Math.abs(value - expected[i][j]) <= allowed)) expect.fail(`${what}: result ${i}[${j}] is ${value}, expected ${expected[i][j]}`);
    }),
  );
}

test('in-place Adam after a product: every element is updated once', { timeout: 600_000 }, async () => {
  // Dense(1) on a few features, first of all.
  for (const [batch, inputs, outputs] of [...combinations([32], [8], [1, 2]), ...pairwise(...adamSizes)])
    await checkAdam(batch, inputs, outputs);
});

const adamSizes = isFull
  ? ([[1, 3, 8, 9, 33], [1, 2, 15, 16, 17, 33], [1, 2, 15, 16, 17, 65]] as const)
  : ([[1, 3, 9, 33], [1, 2, 16, 33], [1, 2, 17, 65]] as const); // prettier-ignore

test('a row times a matrix, batched: neighbours are not overwritten', async () => {
  for (const [batch, k, n] of combinations([2, 3, 5], [1, 3, 8, 9], [1, 2, 7, 64, 67])) {
    await checkProduct(planDeviceOf(runtime), product(1, k, n, '', [batch]), runtime.target, none);
    await checkProduct(planDeviceOf(runtime), product(n, k, 1, '', [batch]), runtime.target, none);
  }
});
