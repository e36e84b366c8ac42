// Memory of the WebAssembly runtime: flat over 10,000 steps, given back at dispose(), refused in words at 4 GiB.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach, expect, test } from 'vitest';
import { valueAndGrad } from '../../src/autodiff/index.ts';
import { Engine, compile, evaluate } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { matmul, mean, mul, square, sub, tensor } from '../../src/ops/index.ts';
import { WasmRuntime } from '../../src/runtime/wasm/index.ts';
import { values } from '../support/graphs.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let engine: Engine;
let runtime: WasmRuntime;
beforeEach(async () => {
  runtime = await WasmRuntime.open();
  engine = new Engine(runtime);
});

/** Runs the garbage collector and its finalizers. */
async function collected(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('over 10,000 steps live bytes stay what they were after the second', async () => {
  const [x, y] = [tensor([1, 2, 3, 4, 5, 6], [3, 2]), tensor([1, 0, 1], [3, 1])];
  const fit = (w: Tensor): [Tensor, Tensor] => {
    const [loss, gradient] = valueAndGrad((v: Tensor) => mean(square(sub(matmul(x, v), y))))(w);
    return [sub(w, mul(gradient, 0.01)), loss];
  };
  const step = compile(fit, { donate: [0], engine });
  let [w] = await step(tensor([0.5, -0.5], [2, 1]));
  [w] = await step(w);
  await collected();
  const { bytes, buffers } = runtime.memory();
  const { byteLength } = runtime.heap.memory.buffer;
  for (let i = 2; i < 10_000; i++) [w] = await step(w);
  await collected();
  // Less if the collector had left something before.
  expect(runtime.memory().bytes).toBeLessThanOrEqual(bytes);
  expect(runtime.memory().buffers).toBeLessThanOrEqual(buffers);
  expect(runtime.heap.memory.buffer.byteLength).toBeLessThanOrEqual(byteLength + 2 ** 20);
});

test('results that are disposed of give their memory back at once, also while they are pending', async () => {
  const size = 40_000;
  const kept = mul(tensor(values(size)), 2);
  await evaluate(kept, { engine });
  const { bytes } = runtime.memory();
  const dropped = mul(tensor(values(size)), 3);
  await evaluate(dropped, { engine });
  expect(runtime.memory().bytes).toBe(bytes + 4 * size);
  dropped.dispose();
  expect(runtime.memory().bytes).toBe(bytes);
  const pending = mul(tensor(values(size)), 4);
  const evaluating = evaluate(pending, { engine });
  pending.dispose();
  await evaluating;
  expect(runtime.memory().bytes).toBe(bytes);
  expect((await engine.read([kept]))[0][1]).toBe(2 * values(size)[1]);
});

test('more than 4 GiB is refused in words', () => {
  expect(() => runtime.heap.take(2 ** 32)).toThrow(
    /^wasm: \d+ bytes are in use, and the memory cannot grow to \d+ bytes \(at most 4 GiB\)/,
  );
  expect(() => runtime.heap.take(100)).not.toThrow();
});
