// The engine on a GPU stack: evaluation, compiled steps with donation, order, memory. The same file runs in Chromium and in Node.
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { grad, valueAndGrad } from '../../src/autodiff/index.ts';
import { compile, deviceInfo, evaluate, lastProgram, memory, readAll, setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  add,
  dropout,
  exp,
  matmul,
  max,
  mean,
  mul,
  random,
  relu,
  reshape,
  scalar,
  setSeed,
  slice,
  softmax,
  square,
  sub,
  sum,
  tensor,
  transpose,
  zeros,
} from '../../src/ops/index.ts';
import { values } from '../support/graphs.ts';
import { isWasm } from '../support/planDevice.ts';

const matrix = (rows: number, columns: number, seed = 1): Tensor => tensor(values(rows * columns, seed), [rows, columns]);

beforeAll(async () => {
  await setDevice('webgpu');
});

describe('evaluation', () => {
  test('values, shapes and nested arrays', async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(deviceInfo().kind).toBe(isWasm ? 'wasm' : 'webgpu');
    expect(await add(x, 1).array()).toEqual([
      [2, 3, 4],
      [5, 6, 7],
    ]);
    expect(await sum(x, { axis: 0 }).array()).toEqual([5, 7, 9]);
    expect(await max(x, { axis: 1 }).array()).toEqual([3, 6]);
    expect(await matmul(x, transpose(x)).array()).toEqual([
      [14, 32],
      [32, 77],
    ]);
    expect(await sum(x).item()).toBe(21);
  });

  test('an evaluated tensor is a leaf and does not keep its graph', async () => {
    const y = exp(matrix(4, 4));
    await evaluate(y);
    expect(y.node).toBeUndefined();
    expect(y.value?.kind).toBe('device');
  });

  test('a changing number replays the same program', async () => {
    const x = matrix(8, 8);
    await mul(x, 0.5).data();
    const before = lastProgram();
    expect((await mul(x, 0.25).data())[5]).toBeCloseTo(values(64)[5] * 0.25, 6);
    expect(lastProgram()).toBe(before);
  });

  test('many tensors in one readback, in order', async () => {
    const x = matrix(3, 3);
    const [a, b, c] = await readAll([add(x, 1), x, sum(x)]);
    expect([a.length, b.length, c.length]).toEqual([9, 9, 1]);
    expect(a[0]).toBe(b[0] + 1);
  });

  test('a loop that reads only its loss does not compute more at each step', async () => {
    let w = zeros([4]);
    const target = tensor([1, 2, 3, 4]);
    const sizes: number[] = [];
    for (let i = 0; i < 6; i++) {
      const loss = sum(square(sub(w, target)));
      w = sub(w, mul(grad((v: Tensor) => sum(square(sub(v, target))))(w), 0.1));
      await evaluate(loss);
      await evaluate(add(w, 0));
      sizes.push(lastProgram()!.dispatches.length);
    }
    expect(Math.max(...sizes.slice(2))).toBeLessThanOrEqual(sizes[2]);
    expect((await w.data())[3]).toBeCloseTo(4 * (1 - 0.8 ** 6), 4);
  });

  test('dropped results are freed: 3,000 evaluations of 256 KiB without a dispose', async () => {
    const x = mul(matrix(256, 256), 1);
    await evaluate(x);
    const before = memory().bytes;
    let most = 0;
    for (let i = 0; i < 3000; i++) {
      await evaluate(add(x, i));
      most = Math.max(most, memory().bytes - before);
    }
    console.log(`3,000 evaluations of 256 KiB: at most ${(most / 2 ** 20).toFixed(0)} MiB held`);
    expect(most).toBeLessThan(3000 * 2 ** 18 * 0.4);
  });

  test('random numbers are bit-equal to the CPU', async () => {
    setSeed(7);
    const onGpu = await random.uniform([1000]).data();
    await setDevice('cpu');
    setSeed(7);
    const onCpu = await random.uniform([1000]).data();
    await setDevice('webgpu');
    expect(onGpu).toEqual(onCpu);
  });
});

describe('compiled functions', () => {
  type Weights = { w: Tensor; b: Tensor };
  const makeStep = (name: string) =>
    compile(
      (weights: Weights, x: Tensor, y: Tensor, rate: number | Tensor) => {
        const [loss, gradient] = valueAndGrad(({ w, b }: Weights) => mean(square(sub(relu(add(matmul(x, w), b)), y))))(weights);
        return { weights: { w: sub(weights.w, mul(gradient.w, rate)), b: sub(weights.b, mul(gradient.b, rate)) }, loss };
      },
      { donate: [0], name },
    );
  const start = (): Weights => ({ w: mul(matrix(12, 5, 3), 0.3), b: tensor([1, 1, 1, 1, 1]) });

  test('a step is one submit over the same buffers, and equals the CPU', async () => {
    const run = async (): Promise<number[]> => {
      const step = makeStep('step');
      let weights = start();
      const losses: Tensor[] = [];
      for (let i = 0; i < 12; i++) {
        const result = await step(weights, matrix(16, 12, i + 10), matrix(16, 5, i + 40), 0.05);
        weights = result.weights;
        losses.push(result.loss);
      }
      return (await readAll([...losses, weights.w, weights.b])).flatMap((data) => [...data]);
    };
    const onGpu = await run();
    expect(lastProgram()!.outputs.filter(({ inPlaceOf }) => inPlaceOf !== undefined)).toHaveLength(2);
    await setDevice('cpu');
    const onCpu = await run();
    await setDevice('webgpu');
    onGpu.forEach((value, i) => expect(Math.abs(value - onCpu[i])).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(onCpu[i]))));
  });

  test('the steady state creates no buffers', async ({ skip }) => {
    if (isWasm) skip('WebAssembly: it has no buffers to count; unit/wasmMemory.test.ts has its memory');
    const step = makeStep('steady');
    let weights = start();
    const x = values(16 * 12);
    const run = async (n: number): Promise<void> => {
      for (let i = 0; i < n; i++) {
        weights = (await step(weights, tensor(x, [16, 12]), matrix(16, 5, 2), 0.01)).weights;
        // As many buffers are made as steps are in flight. A read waits for them, so that there are at most ten.
        if (i % 10 === 9) await weights.b.data();
      }
    };
    await run(50);
    const before = memory();
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its device below
    const create = GPUDevice.prototype.createBuffer;
    let created = 0;
    GPUDevice.prototype.createBuffer = function (...args) {
      created++;
      return create.apply(this, args);
    };
    await run(200);
    GPUDevice.prototype.createBuffer = create;
    expect(created).toBe(0);
    // Less where the collector finds what other tests have dropped.
    expect(memory().bytes).toBeLessThanOrEqual(before.bytes);
    expect(memory().buffers).toBeLessThanOrEqual(before.buffers);
  });

  test('a donated tensor, and a graph over it, says who took it', async () => {
    const step = makeStep('taker');
    const weights = start();
    const pending = add(weights.b, 1);
    await step(weights, matrix(16, 12), matrix(16, 5), 0.1);
    await expect(weights.b.data()).rejects.toThrow('given up to taker()');
    await expect(pending.data()).rejects.toThrow('given up to taker()');
    expect(() => add(weights.b, 1)).toThrow('given up to taker()');
  });

  test('the same tensor donated twice is copied first', async () => {
    const swap = compile((a: Tensor, b: Tensor) => [add(a, 1), mul(b, 2)], { donate: [0, 1] });
    const x = tensor([1, 2, 3]);
    await evaluate(x);
    const y = add(x, 0);
    await evaluate(y);
    const [a, b] = await swap(y, y);
    expect([await a.array(), await b.array()]).toEqual([
      [2, 3, 4],
      [2, 4, 6],
    ]);
  });

  test('a read that was called first reads the value before a step donates it', async () => {
    const bump = compile((a: Tensor) => add(a, 1), { donate: [0] });
    let x = mul(tensor([1, 2, 3]), 1);
    await evaluate(x);
    const read = mul(x, 10).data();
    x = await bump(x);
    expect([...(await read)]).toEqual([10, 20, 30]);
    expect([...(await x.data())]).toEqual([2, 3, 4]);
  });

  test('a value that is being read may be donated or disposed of meanwhile', async () => {
    const bump = compile((a: Tensor) => add(a, 1), { donate: [0] });
    await bump(tensor([1])); // traced: the call below starts at once
    const x = mul(tensor([1, 2, 3]), 1);
    await evaluate(x);
    const read = x.data();
    const next = bump(x);
    expect([...(await read)]).toEqual([1, 2, 3]);
    expect([...(await (await next).data())]).toEqual([2, 3, 4]);

    const y = mul(tensor(values(100_000)), 2);
    await evaluate(y);
    const [readY, product] = [y.data(), mul(y, 3)];
    const readProduct = product.data();
    y.dispose();
    const other = mul(tensor(values(100_000, 9)), 5); // would take the freed memory
    await evaluate(other);
    expect((await readY)[7]).toBe(values(100_000)[7] * 2);
    expect((await readProduct)[7]).toBe(values(100_000)[7] * 6);
    await expect(y.data()).rejects.toThrow('was disposed of');
  });

  test('results of one call are not overwritten by the next', async () => {
    const f = compile((a: Tensor) => mul(a, 2));
    const first = await f(tensor([1]));
    const second = await f(tensor([2]));
    expect([await first.item(), await second.item()]).toEqual([2, 4]);
  });

  test('captured tensors, strings and trees', async () => {
    const bias = exp(tensor([0, 1]));
    const f = compile((input: { x: Tensor }, mode: string) => ({ y: mode === 'plus' ? add(input.x, bias) : sub(input.x, bias), mode }));
    const plus = await f({ x: tensor([1, 1]) }, 'plus');
    const minus = await f({ x: tensor([1, 1]) }, 'minus');
    expect(plus.mode).toBe('plus');
    expect((await plus.y.data())[0]).toBeCloseTo(2, 6);
    expect((await minus.y.data())[1]).toBeCloseTo(1 - Math.E, 6);
  });

  test('a replayed dropout draws new numbers', async () => {
    const f = compile((x: Tensor) => dropout(x, { rate: 0.5 }));
    const x = add(zeros([256]), 1);
    const [a, b] = [await (await f(x)).data(), await (await f(x)).data()];
    expect(a).not.toEqual(b);
    expect(new Set([...a, ...b])).toEqual(new Set([0, 2]));
  });

  test('reading a tracer, or an async function, is refused', async () => {
    await expect(compile(async (x: Tensor) => Promise.resolve(x))(scalar(1))).rejects.toThrow('is async');
    let leaked: Tensor | undefined;
    await compile((x: Tensor) => (leaked = add(x, 1)))(scalar(1));
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    void leaked!.data();
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('was called after the function had returned, and never settles'));
    warn.mockRestore();
  });
});

test('views and odd sizes give what the CPU gives', async () => {
  const run = async (): Promise<number[][]> => {
    const x = matrix(37, 53);
    const results = [
      transpose(x),
      reshape(transpose(x), [53 * 37]),
      slice(x, [3, 5], [30, 50], [2, 3]),
      softmax(x),
      sum(transpose(x), { axis: 1 }),
      matmul(transpose(x), x),
      add(reshape(x, [37 * 53, 1]), 1),
    ];
    return (await readAll(results)).map((data) => [...data]);
  };
  const onGpu = await run();
  await setDevice('cpu');
  const onCpu = await run();
  await setDevice('webgpu');
  onGpu.forEach((data, i) =>
    data.forEach((value, j) => expect(Math.abs(value - onCpu[i][j])).toBeLessThanOrEqual(2e-5 * (1 + Math.abs(onCpu[i][j])))),
  );
});

test('programs that the cache drops free their memory', async () => {
  const own = memory().buffers;
  // Another shape needs another program with a buffer for its sizes. Its result goes back to the pool.
  for (let n = 1; n <= 700; n++) {
    const result = add(zeros([n]), 1);
    await evaluate(result);
    result.dispose();
  }
  const grown = memory().buffers - own;
  expect(grown).toBeLessThan(512 * 2 + 20); // sizes and scalars of each
});
