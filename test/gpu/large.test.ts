// Sizes at a device's limits: more workgroups than one dimension allows, and tensors larger than a binding.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { type Engine, compile, evaluate, lastProgram, readAll } from '../../src/engine/index.ts';
import { sizeOf } from '../../src/core/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  add,
  argMax,
  argMin,
  avgPool2d,
  broadcastTo,
  concat,
  conv2d,
  cumSum,
  depthwiseConv2d,
  exp,
  gather,
  matmul,
  maxPool2d,
  mul,
  pad,
  random,
  reshape,
  scaledDotProductAttention,
  scatterAdd,
  slice,
  softmax,
  sort,
  square,
  sum,
  takeAlongAxis,
  tensor,
} from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { engineWith } from '../support/devices.ts';
import { families } from '../support/families.ts';
import { values } from '../support/graphs.ts';
import { isWasm } from '../support/planDevice.ts';

/** Multiples of 1/64. Their sums and products are exact in any order. */
const filled = (...shape: number[]): Tensor => tensor(values(sizeOf(shape)), shape);
const indices = (rows: number, ...shape: number[]): Tensor =>
  tensor(
    values(sizeOf(shape), 5).map((x) => Math.min(rows - 1, Math.floor(((x + 1) / 2) * rows))),
    shape,
    'i32',
  );

/** Queries, keys and values of three heads, beyond the length from which no T x S tensor is made. */
const heads = (): [Tensor, Tensor, Tensor] => [filled(1, 3, 520, 8), filled(1, 3, 520, 8), filled(1, 3, 520, 8)];

const cases: Readonly<Record<string, { make: () => Tensor; tolerance?: number }>> = {
  'elementwise, with a broadcast': { make: () => mul(add(filled(5000, 1), 0.25), filled(1, 3)) },
  'a sum of many rows': { make: () => sum(filled(20_011, 3), { axis: 1 }) },
  'sums of few, long rows': { make: () => sum(filled(5, 70_001), { axis: 1 }) },
  'sums of long columns': { make: () => sum(filled(70_001, 5), { axis: 0 }) },
  'a sum over the axes around': { make: () => sum(filled(301, 9, 131), { axis: [0, 2] }) },
  'the place of the largest, many rows': { make: () => argMax(filled(20_011, 3), { axis: 1 }) },
  'the place of the smallest in few, long rows': { make: () => argMin(filled(5, 70_001), { axis: 1 }) },
  'a row kernel': { make: () => softmax(filled(5003, 35)), tolerance: 1e-6 },
  gather: { make: () => gather(filled(50, 3), indices(50, 3001)) },
  scatterAdd: { make: () => scatterAdd(filled(3001, 3), indices(3001, 700), filled(700, 3)) },
  takeAlongAxis: { make: () => takeAlongAxis(filled(40, 150), indices(40, 40, 150), { axis: 0 }) },
  'a very tall product': { make: () => matmul(filled(5003, 5), filled(5, 4)) },
  'many products': { make: () => matmul(filled(301, 3, 5), filled(301, 5, 4)) },
  maxPool2d: { make: () => maxPool2d(filled(2, 51, 52, 3)) },
  avgPool2d: { make: () => avgPool2d(filled(2, 51, 52, 3)) },
  conv2d: { make: () => conv2d(filled(2, 41, 40, 3), filled(3, 3, 3, 4)) },
  depthwiseConv2d: { make: () => depthwiseConv2d(filled(2, 41, 40, 3), filled(3, 3, 3, 1)) },
  'scans of many lines': { make: () => cumSum(filled(20_011, 3), { axis: 1 }) },
  'a long scan': { make: () => cumSum(filled(70_001)) },
  sort: { make: () => sort(filled(701, 21), { axis: 1 }) },
  random: { make: () => random.uniform([5003], { seed: 4 }) },
  concat: { make: () => concat([filled(5003), filled(70)]) },
  pad: { make: () => pad(filled(60, 80), [[3, 4], [1, 2]]) }, // prettier-ignore
  attention: { make: () => scaledDotProductAttention(...heads()), tolerance: 2e-6 },
  'gradients of attention': {
    make: () => {
      const inputs = heads();
      return concat(gradients(sum(square(scaledDotProductAttention(...inputs))), inputs));
    },
    tolerance: 2e-6,
  },
};

const claims = { cpu: 2, gpu: 7 };
describe.each(families.map((processor) => [processor, claims[processor]] as const))(
  'more workgroups than one dimension holds, %s kernels',
  (processor, limit) => {
    let engine: Engine;
    let runtime: WebGpuRuntime;
    beforeAll(async () => {
      ({ engine, runtime } = await engineWith({ processor, maxWorkgroupsPerDimension: limit }));
    });
    afterAll(() => runtime.dispose());

    test.each(Object.entries(cases))('%s', async (_, { make, tolerance = 0 }) => {
      const y = make();
      const [expected] = interpret([y]);
      const [actual] = await readAll([y], { engine });
      const grids = lastProgram()!.dispatches.map(({ workgroups }) => workgroups);
      // Checks that the property holds and that the case reaches the limit.
      expect(Math.max(...grids.map(([width]) => width))).toBeLessThanOrEqual(limit);
      expect(Math.max(...grids.map(([, height]) => height))).toBeGreaterThan(1);
      const wrong = actual.findIndex((value, i) => !(Math.abs(value - expected[i]) <= tolerance));
      expect(wrong < 0 ? '' : `element ${wrong} is ${actual[wrong]}, expected ${expected[wrong]}`).toBe('');
    });
  },
);

test('65,537 real workgroups', async ({ skip }) => {
  if (isWasm) skip('WebAssembly: its grid has no limit');
  const { engine, runtime } = await engineWith({ processor: 'gpu' });
  const size = 65_536 * 64 + 5;
  const x = tensor(new Float32Array(size).map((_, i) => i % 1001));
  const y = add(x, 1);
  const rows = sum(mul(reshape(y, [size, 1]), tensor([1, 2])), { axis: 1 });
  const [plus, sums] = await readAll([y, rows], { engine });
  expect(lastProgram()!.dispatches.every(({ workgroups: [width, height] }) => width <= 65_535 && height === 2)).toBe(true);
  let wrong = 0;
  for (let i = 0; i < size; i++) wrong += Number(plus[i] !== (i % 1001) + 1) + Number(sums[i] !== 3 * ((i % 1001) + 1));
  expect(wrong).toBe(0);
  runtime.dispose();
});

describe('tensors beyond what can be bound at once', () => {
  let engine: Engine;
  let runtime: WebGpuRuntime;
  let x: Tensor;
  beforeAll(async () => {
    ({ engine, runtime } = await engineWith({ processor: 'cpu', maxBindingBytes: 16_384 }));
    x = filled(4096); // as large as can be bound
    await evaluate(mul(x, 1), { engine });
  });
  afterAll(() => runtime.dispose());

  /** A refused call has taken no memory and submitted nothing. */
  async function expectRefused(run: () => Promise<unknown>, text: string): Promise<void> {
    const { bytes, buffers } = engine.memory();
    const submit = isWasm ? undefined : vi.spyOn(runtime.context.device.queue, 'submit');
    await expect(run()).rejects.toThrow(text);
    if (submit) expect(submit).not.toHaveBeenCalled();
    submit?.mockRestore();
    expect(engine.memory()).toMatchObject({ bytes, buffers });
  }
  const name = isWasm ? 'wasm' : 'webgpu';
  const advice =
    'but this device binds at most 16384 bytes at once (maxStorageBufferBindingSize); use a smaller batch, or split the tensor and join the results';

  test('a result', () =>
    expectRefused(
      () => readAll([exp(concat([x, filled(1)]))], { engine }),
      `${name}: evaluate: 'concat + exp (concat)' writes a tensor f32[4097] of 16388 bytes, ${advice} (the whole would take `,
    ));

  test('a value on the way', () =>
    expectRefused(
      () => readAll([sum(matmul(reshape(x, [4096, 1]), filled(1, 2)))], { engine }),
      `'matmul (matmul_direct)' writes a tensor f32[4096,2] of 32768 bytes, ${advice}`,
    ));

  test('a tensor from the host', () =>
    expectRefused(() => readAll([sum(filled(4097))], { engine }), `'sum (1 of 2)' reads a tensor f32[4097] of 16388 bytes, ${advice}`));

  test('what a kernel takes for itself', () =>
    expectRefused(
      () => readAll([sort(filled(4097))], { engine }),
      `'argSort (sort_blocks)' reads a tensor f32[4097] of 16388 bytes, ${advice}`,
    ));

  test('in a compiled step, whose donated tensors stay what they are', async () => {
    const grow = compile((w: Tensor) => [mul(w, 2), exp(concat([w, w]))], { donate: [0], engine, name: 'grow' });
    await expectRefused(() => grow(x), `${name}: grow: 'concat + exp (concat)' writes a tensor f32[8192] of 32768 bytes, ${advice}`);
    expect(await x.data()).toEqual(values(4096));
  });

  test('a value that is never stored as a whole has no limit', async () => {
    const outer = mul(reshape(x, [4096, 1]), tensor([1, 2, 3, 4], [1, 4]));
    const [sums, edge] = await readAll([sum(outer, { axis: 0 }), slice(mul(x, 3), [4000], [4096])], { engine });
    const total = values(4096).reduce((a, b) => a + b);
    expect([...sums]).toEqual([total, 2 * total, 3 * total, 4 * total]);
    expect(edge[95]).toBe(values(4096)[4095] * 3);
  });
});

test("the device's own limit is met in words, not by the driver", async () => {
  const { engine, runtime } = await engineWith({});
  const { maxBindingBytes: limit } = runtime.target;
  const y = exp(broadcastTo(tensor([1]), [limit / 4 + 1]));
  await expect(evaluate(y, { engine })).rejects.toThrow(`'exp' writes a tensor f32[${limit / 4 + 1}] of ${limit + 4} bytes`);
  expect(await readAll([sum(tensor([1, 2]))], { engine })).toEqual([Float32Array.of(3)]);
  runtime.dispose();
});

test('results that together are beyond the largest buffer are read one after another, each in its place', async ({ skip }) => {
  if (isWasm) skip('WebAssembly: it reads its memory itself');
  const { engine, runtime } = await engineWith({ spareBytes: 0 });
  Object.assign(runtime.context.pool, { maxBytes: 40_192 });
  const tensors = [0, 1, 2, 3, 4].map((i) => mul(filled(4000), i));
  for (const one of tensors) await evaluate(one, { engine });
  const map = vi.spyOn(GPUBuffer.prototype, 'mapAsync');
  const results = await readAll([...tensors, tensor([7])], { engine });
  expect(map).toHaveBeenCalledTimes(3);
  map.mockRestore();
  results.slice(0, 5).forEach((data, i) => expect(data[3999]).toBe(values(4000)[3999] * i));
  expect(results[5]).toEqual(Float32Array.of(7));
  // 10,000 elements take a buffer of 40,960 bytes if there is no limit. Rounding up must not refuse a size that fits.
  expect((await readAll([mul(filled(10_000), 2)], { engine }))[0][9999]).toBe(values(10_000)[9999] * 2);
  await expect(readAll([mul(filled(10_100), 2)], { engine })).rejects.toThrow(
    'webgpu: evaluate needs a buffer of 40448 bytes, but this device makes buffers of at most 40192 bytes (maxBufferSize); use a smaller batch or model',
  );
  runtime.dispose();
});
