// The steady state: a running loop of steps creates no buffers, for any use of its losses.
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { valueAndGrad } from '../../src/autodiff/index.ts';
import { type Engine, compile } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { add, matmul, mean, mul, square, sub, tensor } from '../../src/ops/index.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { engineWith } from '../support/devices.ts';
import { isWasm, webgpuOnly } from '../support/planDevice.ts';

let engine: Engine;
let runtime: WebGpuRuntime;
beforeEach(async () => {
  ({ engine, runtime } = await engineWith({}));
});
afterEach(() => runtime.dispose());

const x = tensor([1, 2, 3, 4, 5, 6], [3, 2]);
const y = tensor([1, 0, 1], [3, 1]);
const start = (): Tensor => tensor([0.5, -0.5], [2, 1]);

/** A least-squares fit: the new weights and the loss. */
function fit(w: Tensor, x: Tensor, y: Tensor): [Tensor, Tensor] {
  const [loss, gradient] = valueAndGrad((w: Tensor) => mean(square(sub(matmul(x, w), y))))(w);
  return [sub(w, mul(gradient, 0.01)), loss];
}

/** The result of fit on the host, in the same number of steps. */
function losses(steps: number): number[] {
  const [points, wanted, w] = [[[1, 2], [3, 4], [5, 6]], [1, 0, 1], [0.5, -0.5]]; // prettier-ignore
  return Array.from({ length: steps }, () => {
    const errors = points.map(([a, b], i) => a * w[0] + b * w[1] - wanted[i]);
    const slopes = [0, 1].map((j) => points.reduce((sum, point, i) => sum + (2 / 3) * errors[i] * point[j], 0));
    slopes.forEach((slope, j) => (w[j] -= 0.01 * slope));
    return errors.reduce((sum, error) => sum + error ** 2, 0) / 3;
  });
}

describe.each([
  { told: 'donated weights', donate: [0] },
  { told: 'weights that each step computes again', donate: [] },
])('$told', ({ donate }) => {
  webgpuOnly('it has no buffers to count; unit/wasmMemory.test.ts has its memory');

  const run = async (steps: number, keep: (loss: Tensor) => void): Promise<{ created: number; grown: number }> => {
    const step = compile(fit, { donate, engine });
    let [w, loss] = await step(start(), x, y);
    keep(loss);
    [w, loss] = await step(w, x, y);
    keep(loss);
    const { bytes, buffers } = runtime.memory();
    const create = vi.spyOn(runtime.context.device, 'createBuffer');
    for (let i = 2; i < steps; i++) {
      [w, loss] = await step(w, x, y);
      keep(loss);
    }
    expect(runtime.memory().buffers - buffers).toBe(create.mock.calls.length);
    return { created: create.mock.calls.length, grown: runtime.memory().bytes - bytes };
  };

  test('losses that are dropped', async () => {
    expect(await run(300, () => undefined)).toEqual({ created: 0, grown: 0 });
  });

  test('losses that are kept are all there', async () => {
    const kept: Tensor[] = [];
    expect(await run(300, (loss) => kept.push(loss))).toEqual({ created: 0, grown: 0 });
    const found = (await engine.read(kept)).map(([value]) => value);
    losses(300).forEach((loss, i) => expect(Math.abs(found[i] - loss)).toBeLessThan(1e-5));
  });

  test('losses that are read one by one', async () => {
    const step = compile(fit, { donate, engine });
    let [w, loss] = await step(start(), x, y);
    await engine.read([loss]);
    const create = vi.spyOn(runtime.context.device, 'createBuffer');
    for (const expected of losses(40).slice(1)) {
      [w, loss] = await step(w, x, y);
      const [[value]] = await engine.read([loss]);
      expect(Math.abs(value - expected)).toBeLessThan(1e-5);
    }
    // The second step may still make one for weights on their way.
    expect(create.mock.calls.length).toBeLessThanOrEqual(donate.length ? 0 : 1);
  });
});

// 10,000 steps in a full run, which also takes 300 random graphs.
const many = inject('gpuGraphs') >= 300 ? 10_000 : 1_000;
test(`over ${many} steps live bytes stay what they were after the second`, async ({ skip }) => {
  if (isWasm) skip('WebAssembly: the garbage collector frees dropped results; unit/wasmMemory.test.ts calls it');
  const step = compile(fit, { donate: [0], engine });
  let [w] = await step(start(), x, y);
  [w] = await step(w, x, y);
  const before = runtime.memory();
  for (let i = 2; i < many; i++) [w] = await step(w, x, y);
  expect(runtime.memory()).toEqual(before);
});

describe('a small result', () => {
  const twice = (t: Tensor): Tensor => mul(t, 2);

  test('is read by several kernels many times', async ({ skip }) => {
    if (isWasm) skip('WebAssembly: it copies no buffers');
    runtime.dispose();
    // Guard zones would be copied, too, and copies are counted here.
    ({ engine, runtime } = await engineWith({ spareBytes: 0 }));
    const double = compile(twice, { engine });
    const small = await double(tensor([1, 2, 3]));
    const results: Tensor[] = [];
    const copy = vi.spyOn(GPUCommandEncoder.prototype, 'copyBufferToBuffer');
    const copies: number[] = [];
    for (let i = 0; i < 4; i++) {
      results.push(await double(small));
      copies.push(copy.mock.calls.length);
      copy.mockClear();
    }
    copy.mockRestore();
    // The result, and what is read: once it is copied for the kernel, the second time it stays there.
    expect(copies).toEqual([2, 2, 1, 1]);
    const both = compile((a: Tensor, b: Tensor) => add(a, b), { engine });
    results.push(await both(small, small), await both(results[0], small));
    expect((await engine.read([small, ...results])).map((data) => [...data])).toEqual([
      [2, 4, 6],
      ...Array.from({ length: 5 }, () => [4, 8, 12]),
      [6, 12, 18],
    ]);
  });

  test('is donated: its piece is free, and its neighbours are unchanged', async () => {
    const double = compile(twice, { engine });
    const taking = compile(twice, { engine, donate: [0] });
    const [a, b] = [await double(tensor([1])), await double(tensor([10]))];
    let given = a;
    for (let i = 0; i < 3; i++) given = await taking(given);
    const next = await double(tensor([100]));
    expect((await engine.read([given, b, next])).map(([value]) => value)).toEqual([16, 20, 200]);
  });

  test('donated and read at the same time is copied', async () => {
    const pair = compile((a: Tensor, b: Tensor) => [add(a, 1), mul(b, 3)], { engine, donate: [0] });
    const small = await compile(twice, { engine })(tensor([5]));
    expect((await engine.read(await pair(small, small))).map(([value]) => value)).toEqual([11, 30]);
  });

  test('is what it was while another takes the place of one disposed of', async () => {
    const double = compile(twice, { engine });
    const [a, b] = [await double(tensor([1])), await double(tensor([2]))];
    const reading = engine.read([a, b]);
    a.dispose();
    const c = await double(tensor([3]));
    expect((await reading).map(([value]) => value)).toEqual([2, 4]);
    expect((await engine.read([b, c])).map(([value]) => value)).toEqual([4, 6]);
  });

  test.each([true, false])('in a profile (timestamps: %s)', async (timestamps) => {
    const double = compile(twice, { engine });
    const small = await double(tensor([1, 2]));
    let result: Tensor | undefined;
    await engine.profile(async () => void (result = await double(small)), { timestamps });
    expect([...(await engine.read([result!]))[0]]).toEqual([4, 8]);
  });
});
