// Mistakes that were made once, each on the smallest graph that showed it: GPU against CPU, order of calls, failures midway.
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { grad } from '../../src/autodiff/index.ts';
import { compile, defaultEngine, evaluate, lastProgram, readAll, setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  add,
  argMax,
  cast,
  exp,
  flip,
  full,
  matmul,
  max,
  mul,
  ones,
  reshape,
  slice,
  softmax,
  sub,
  sum,
  tanh,
  tensor,
  transpose,
  zeros,
} from '../../src/ops/index.ts';
import { WasmRuntime } from '../../src/runtime/wasm/index.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { values } from '../support/graphs.ts';
import { isWasm } from '../support/planDevice.ts';

beforeAll(async () => {
  await setDevice('webgpu');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await setDevice('webgpu');
});

const matrix = (rows: number, columns: number, seed = 1): Tensor => tensor(values(rows * columns, seed), [rows, columns]);

async function expectLikeCpu(make: () => readonly Tensor[]): Promise<void> {
  const onGpu = await readAll(make());
  await setDevice('cpu');
  const onCpu = await readAll(make());
  onGpu.forEach((data, i) => data.forEach((value, j) => expect(value, `result ${i}[${j}]`).toBeCloseTo(onCpu[i][j], 4)));
  expect(onGpu.map(({ length }) => length)).toEqual(onCpu.map(({ length }) => length));
}

describe('results', () => {
  test('a reduction of a value and its own transpose or mirror', () =>
    expectLikeCpu(() => {
      const p = exp(matrix(4, 4));
      return [sum(add(p, transpose(p)), { axis: 0 }), sum(mul(p, flip(p, 0)), { axis: 0 })];
    }));

  test('two values of another kernel that are computed again from a third one', () =>
    expectLikeCpu(() => {
      const y = exp(matrix(4, 6));
      const twice = mul(y, 2);
      const [a, b] = [add(twice, 1), mul(twice, 3)];
      return [y, sum(mul(a, b), { axis: 0 }), sum(sub(a, b), { axis: 1 })];
    }));

  test('reductions of numbers', () =>
    expectLikeCpu(() => [sum(ones([4, 4])), max(full([4], 3)), argMax(ones([5])), softmax(zeros([2, 3])), mul(sum(full([3], 2)), 0.5)]));

  test('products and sums over nothing', () =>
    expectLikeCpu(() => {
      const x = zeros([0, 4]);
      return [matmul(transpose(x), x), add(matmul(zeros([2, 0]), zeros([0, 3])), 1), sum(x, { axis: 0 }), softmax(x)];
    }));

  test('half precision is rounded after each op, fused or not', async ({ skip }) => {
    const { runtime } = await defaultEngine();
    if (!(runtime as WebGpuRuntime).target.shaderF16) skip('this adapter has no shader-f16');
    await expectLikeCpu(() => [cast(sub(sum(cast(ones([2049]), 'f16')), 2048), 'f32')]);
  });

  test('half-precision results that begin within a word of what they are a part of', async ({ skip }) => {
    const { runtime } = await defaultEngine();
    if (!(runtime as WebGpuRuntime).target.shaderF16) skip('this adapter has no shader-f16');
    await expectLikeCpu(() => {
      const x = mul(cast(tensor(values(9)), 'f16'), 2);
      return [slice(x, [1], [4]), slice(x, [2], [5]), slice(x, [3], [9]), slice(x, [8], [9])];
    });
  });

  test('argnums in any order, and twice', async () => {
    const f = (a: Tensor, b: Tensor): Tensor => sum(mul(a, mul(b, b)));
    const [db, da] = grad(f, { argnums: [1, 0] })(tensor([2]), tensor([3]));
    expect([await da.item(), await db.item()]).toEqual([9, 12]);
    const twice = grad(f, { argnums: [0, 0] })(tensor([2]), tensor([3]));
    expect(await Promise.all(twice.map((t) => t.item()))).toEqual([9, 9]);
  });
});

describe('compiled calls', () => {
  test('a number inside a donated tree', async () => {
    const f = compile(({ w, rate }: { w: Tensor; rate: number | Tensor }) => ({ w: sub(w, mul(w, rate)), loss: sum(w) }), { donate: [0] });
    const { w, loss } = await f({ w: tensor([2, 4]), rate: 0.5 });
    expect([await w.array(), await loss.item()]).toEqual([[1, 2], 6]);
  });

  test('calls take effect in the order in which they were made, also when the first must still be traced', async () => {
    const step = compile((a: Tensor) => add(a, 1), { donate: [0] });
    await step(tensor([1]));
    const x = mul(tensor([1, 2]), 1);
    await evaluate(x);
    const cold = compile((a: Tensor) => mul(a, 10));
    const first = cold(x);
    const second = step(x);
    expect(await (await first).array()).toEqual([10, 20]);
    expect(await (await second).array()).toEqual([2, 3]);
  });

  test('trees of other structure are other signatures', async () => {
    const f = compile((tree: Record<string, unknown>) =>
      'a' in tree ? mul((tree.a as { b: Tensor }).b, 2) : mul(tree['a.b'] as Tensor, 3),
    );
    expect(await (await f({ 'a.b': tensor([1]) })).item()).toBe(3);
    expect(await (await f({ a: { b: tensor([1]) } })).item()).toBe(2);
  });

  test('after a run that failed, the donated tensors are what they were, and the next call works', async () => {
    const step = compile((a: Tensor, b: Tensor) => [add(a, 1), mul(b, 2)], { donate: [0] });
    const [a, b] = [mul(tensor([1, 2]), 1), tensor([3])];
    await evaluate(a);
    await step(mul(tensor([5, 6]), 1), b);
    const { runtime } = await defaultEngine();
    const fail = (): never => {
      throw new Error('no memory');
    };
    if (runtime instanceof WasmRuntime) vi.spyOn(runtime.heap, 'take').mockImplementation(fail);
    else vi.spyOn((runtime as WebGpuRuntime).context.pool, 'acquire').mockImplementation(fail);
    await expect(step(a, b)).rejects.toThrow('no memory');
    vi.restoreAllMocks();
    expect(await a.array()).toEqual([1, 2]);
    expect(await (await step(a, b))[0].array()).toEqual([2, 3]);
  });

  test('a compiled function inside another is refused, its promise among the results', async () => {
    const inner = compile((x: Tensor) => add(x, 1));
    await expect(compile((x: Tensor) => [mul(x, 2), inner(x)])(tensor([1]))).rejects.toThrow('was called inside the function');
  });
});

describe('devices', () => {
  test('a tensor of another device is refused by name, in every way to use it', async () => {
    const name = isWasm ? 'wasm' : 'webgpu';
    const x = mul(tensor([1, 2]), 2);
    await evaluate(x);
    const f = compile((a: Tensor) => add(a, 1));
    await setDevice('cpu');
    await expect(f(x)).rejects.toThrow(`f32[2] is on ${name}, but this runs on cpu`);
    await expect(evaluate(add(x, 1))).rejects.toThrow(`is on ${name}, but this runs on cpu`);
    expect(await x.array()).toEqual([2, 4]); // reading it on its own device works
  });

  test('a pending tensor may be disposed of before what is made from it, or while it is read', async () => {
    const h = mul(tensor([1, 2]), 7);
    const y = add(h, 1);
    h.dispose();
    expect(await y.array()).toEqual([8, 15]);
    const z = mul(tensor([1, 2]), 3);
    const reading = z.data();
    z.dispose();
    expect([...(await reading)]).toEqual([3, 6]);
  });

  test('results whose handles were given up meanwhile are given back at once, not when the collector comes by', async ({ skip }) => {
    if (isWasm) skip('WebAssembly: it has no pool of buffers; unit/wasmMemory.test.ts has its memory');
    const { pool } = ((await defaultEngine()).runtime as WebGpuRuntime).context;
    const released: number[] = [];
    const release = pool.release.bind(pool);
    vi.spyOn(pool, 'release').mockImplementation((buffer) => {
      released.push(buffer.size);
      release(buffer);
    });
    // Sizes that nothing else here has.
    const [evaluated, read, kept] = [9_000, 20_000, 40_000].map((size) => mul(tensor(values(size)), 2));
    const evaluating = evaluate([evaluated, kept]);
    evaluated.dispose();
    await evaluating;
    expect(released.filter((size) => size === 65_536)).toHaveLength(2); // the upload and the result
    const reading = read.data();
    read.dispose();
    expect((await reading)[19_999]).toBe(values(20_000)[19_999] * 2);
    expect(released.filter((size) => size === 81_920)).toHaveLength(2);
    expect((await kept.data())[39_999]).toBe(values(40_000)[39_999] * 2);
  });

  test('a growing graph before views keeps intermediates and does not compute all of it at each step', async () => {
    let h = matrix(4, 4);
    const w = matrix(4, 4, 3);
    const sizes: number[] = [];
    for (let i = 0; i < 8; i++) {
      h = slice(reshape(transpose(tanh(matmul(h, w))), [4, 4]), [0, 0], [4, 4]);
      await evaluate(sum(h));
      sizes.push(lastProgram()!.dispatches.length);
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4);
  });
});
