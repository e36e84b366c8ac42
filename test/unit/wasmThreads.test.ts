// Threads of the WebAssembly runtime: equal bits for any number of them, queued runs, errors, memory, and the end of the process.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { valueAndGrad } from '../../src/autodiff/index.ts';
import { DeviceError } from '../../src/core/errors.ts';
import { Engine, compile, setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { add, matmul, max, mul, softmax, sum, tensor } from '../../src/ops/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import { WasmRuntime } from '../../src/runtime/wasm/index.ts';
import { values } from '../support/graphs.ts';
import { type Named, trainingSteps } from '../support/trainingSteps.ts';

/** Ways to compute. `splitTime: 0` splits every dispatch. */
const crews = [
  { described: '2 threads', threads: 2, isQueued: false, splitTime: 0 },
  { described: '4 threads', threads: 4, isQueued: false, splitTime: 0 },
  { described: '2 threads that take runs from a queue', threads: 2, isQueued: true, splitTime: 0 },
  { described: '4 threads that take runs from a queue', threads: 4, isQueued: true, splitTime: 0 },
] as const;
const alone = { threads: 1, isQueued: false } as const;

const opened: WasmRuntime[] = [];
async function open(options: Parameters<typeof WasmRuntime.open>[0]): Promise<{ engine: Engine; runtime: WasmRuntime }> {
  const runtime = await WasmRuntime.open(options);
  opened.push(runtime);
  return { engine: new Engine(runtime), runtime };
}
afterEach(() => {
  for (const runtime of opened.splice(0)) runtime.dispose();
});

const numbers = (shape: readonly number[], seed: number, isWhole = false): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return isWhole
    ? tensor(
        Int32Array.from({ length: size }, (_, i) => (i * 7 + seed) % 10),
        shape,
      )
    : tensor(
        values(size, seed).map((value) => value / 8),
        shape,
      );
};

/** Losses and weights of training steps as bits. */
async function trained(engine: Engine, name: 'mlp' | 'cnn' | 'gpt', steps: number): Promise<Uint32Array[]> {
  const { parameters, batch, loss } = trainingSteps[name];
  const optimizer = optimizers.adam();
  const make = (shapes: Readonly<Record<string, readonly number[]>>, seed: number): Named =>
    Object.fromEntries(
      Object.entries(shapes).map(([key, shape], i) => [key, numbers(shape, seed + i, key === 'labels' || key === 'tokens')]),
    );
  const step = compile(
    (p: Named, state: ReturnType<typeof optimizer.init>, data: Named) => {
      const [value, gradients] = valueAndGrad((p: Named) => loss(p, data))(p);
      return [optimizer.update(gradients, state, p), value] as const;
    },
    { donate: [0, 1], engine },
  );
  let p = make(parameters, 1);
  let state = optimizer.init(p);
  const data = make(batch, 50);
  const losses: Tensor[] = [];
  for (let i = 0; i < steps; i++) {
    const [next, value] = await step(p, state, data);
    ({ parameters: p, state } = next);
    losses.push(value);
  }
  const read = await engine.read([...losses, ...Object.values(p)]);
  return read.map((data) => new Uint32Array(data.buffer));
}

describe.each(['mlp', 'cnn', 'gpt'] as const)('steps of %s', (name) => {
  const steps = name === 'mlp' ? 5 : 1;
  let expected: Promise<Uint32Array[]> | undefined;
  test.each([crews[0], crews[3]])('$described: the bits of one thread', async (options) => {
    expected ??= open(alone).then(({ engine }) => trained(engine, name, steps));
    const { engine } = await open(options);
    expect(await trained(engine, name, steps)).toEqual(await expected);
  });
});

test.each(crews)('$described: reductions have the bits of one thread', async (options) => {
  const run = async ({ engine }: { engine: Engine }): Promise<unknown> => {
    const x = numbers([300, 257], 3);
    const results = [sum(x), sum(x, { axis: 0 }), max(x, { axis: 1 }), softmax(x)];
    return engine.read(results);
  };
  expect(await run(await open(options))).toEqual(await run(await open(alone)));
});

describe.each([{ described: '1 thread', ...alone }, ...crews])('$described', (options) => {
  test('many runs without a wait, with donations, uploads and reads in between', async () => {
    const { engine } = await open(options);
    const step = compile((w: Tensor, x: Tensor, factor: number) => [add(mul(w, factor), x), sum(w)] as const, { donate: [0], engine });
    let w = tensor(new Float32Array(5000).fill(1));
    let expected = 1;
    const reads: [Promise<ArrayLike<number>[]>, number][] = [];
    const runs: Promise<unknown>[] = [];
    for (let i = 0; i < 100; i++) {
      // The upload of one step must not overwrite that of an earlier one that still waits.
      const run = step(w, tensor(new Float32Array(5000).fill(i % 7)), i % 2 ? 0.5 : 2);
      runs.push(run);
      const [next, total] = await run;
      reads.push([engine.read([total]), expected * 5000]);
      w = next;
      expected = expected * (i % 2 ? 0.5 : 2) + (i % 7);
      if (i % 10 === 0) reads.push([engine.read([w]), expected]);
    }
    for (const [read, value] of reads) expect((await read)[0][0]).toBeCloseTo(value, -1);
    expect((await engine.read([w]))[0].every((value) => Math.abs(value - expected) < 1e-3 * expected)).toBe(true);
  });

  test('a donated value that is another input too is copied before it changes', async () => {
    const { engine } = await open(options);
    const step = compile((w: Tensor, x: Tensor) => add(w, matmul(x, x)), { donate: [0], engine });
    const w = mul(tensor(values(64 * 64, 1), [64, 64]), 1);
    await engine.evaluate([w]);
    const [before] = await engine.read([w]);
    const result = await step(w, w);
    const [squares] = await engine.read([result]);
    const { engine: other } = await open(alone);
    const again = tensor(before, [64, 64]);
    expect(squares).toEqual((await other.read([add(again, matmul(again, again))]))[0]);
  });

  test('a dispatch that stops is a DeviceError, and the device is of use afterwards', async () => {
    const { engine, runtime } = await open(options);
    const x = mul(numbers([512, 64], 1), 1);
    await engine.evaluate([x]);
    const { block } = x.value as unknown as { block: { address: number } };
    const { address } = block;
    // An address at the end of 4 GiB, which the memory does not have.
    block.address = 2 ** 32 - 64;
    const product = async (): Promise<ArrayLike<number>> => (await engine.read([softmax(add(x, 1))]))[0];
    const failure = await product().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DeviceError);
    expect(String(failure)).toMatch(/^DeviceError: wasm: evaluate: 'add \+ max .*' stopped: RuntimeError: /);
    block.address = address;
    const { engine: other } = await open(alone);
    expect(await product()).toEqual((await other.read([softmax(add(numbers([512, 64], 1), 1))]))[0]);
    await runtime.settle(0);
  });

  test('10,000 steps keep the memory as it is', async () => {
    const { engine, runtime } = await open({ ...options, splitTime: undefined });
    const step = compile((w: Tensor, x: Tensor) => [add(mul(w, 0.5), x), sum(w)] as const, { donate: [0], engine });
    let w = mul(tensor(new Float32Array(100)), 1);
    let bytes = 0;
    let pages = 0;
    for (let i = 0; i < 10_000; i++) {
      const [next, total] = await step(w, tensor(new Float32Array(100)));
      w = next;
      total.dispose();
      if (i === 100) ({ bytes } = runtime.memory());
      if (i === 100) pages = runtime.heap.memory.buffer.byteLength;
    }
    await runtime.settle(0);
    expect(runtime.memory().bytes).toBe(bytes);
    expect(runtime.heap.memory.buffer.byteLength).toBe(pages);
  });

  test('a closed device says so', async () => {
    const { engine, runtime } = await open(options);
    const x = mul(numbers([10], 1), 2);
    await engine.evaluate([x]);
    runtime.dispose();
    await expect(engine.read([x])).rejects.toThrow('wasm: this device was closed; call setDevice() again');
    await expect(engine.read([add(x, 1)])).rejects.toThrow('wasm: this device was closed');
  });
});

test('a worker that leads and ends is a lost device; a helper that ends is reported, and the others go on', async () => {
  const { engine, runtime } = await open(crews[2]);
  const workers = (of: WasmRuntime): Set<{ onEnd(reason: string): void }> =>
    (of as unknown as { crew: { workers: Set<never> } }).crew.workers;
  await engine.read([mul(numbers([10], 1), 2)]);
  [...workers(runtime)][0].onEnd('out of memory');
  await expect(engine.read([mul(numbers([10], 1), 2)])).rejects.toThrow(
    'wasm: a worker ended (out of memory); tensors on this device are gone',
  );

  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const { engine: second, runtime: other } = await open(crews[0]);
  [...workers(other)][0].onEnd('out of memory');
  expect(warn.mock.calls).toEqual([['ombre: a thread of the WebAssembly device ended (out of memory); the others go on']]);
  warn.mockRestore();
  expect(other.info.description).toMatch(/, 1 thread; not more, because a worker ended: out of memory$/);
  expect((await second.read([mul(numbers([10], 1), 2)]))[0]).toEqual((await second.read([mul(2, numbers([10], 1))]))[0]);
});

test('info says how many threads run', async () => {
  const { runtime } = await open({ threads: 3 });
  expect(runtime.info.limits).toEqual({ threads: 3 });
  expect(runtime.info.description).toMatch(/^WebAssembly.*, 3 threads$/);
  expect((await open(alone)).runtime.info.description).toMatch(/, 1 thread$/);
});

test('the option threads is checked, and counts before the device is open', async () => {
  const wrong = 'setDevice: threads is 17; it must be a whole number from 1 to 16';
  await expect(setDevice('wasm', { threads: 17 })).rejects.toThrow(wrong);
  await expect(setDevice('wasm', { threads: 1.5 })).rejects.toThrow('threads is 1.5');
  await setDevice('wasm', { threads: 2 });
  await setDevice('wasm', { threads: 2 });
  await expect(setDevice('wasm', { threads: 3 })).rejects.toThrow('it is open with threads: 2; call setDevice earlier');
});
