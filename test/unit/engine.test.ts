// Caches of an engine and their limits, on the CPU.
import { expect, test, vi } from 'vitest';
import { Engine, evaluate, readAll } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { add, ones } from '../../src/ops/index.ts';
import { CpuRuntime } from '../../src/runtime/cpu.ts';

test('of the programs of plain evaluations the 512 used last are kept, and the others are disposed of', async () => {
  const runtime = new CpuRuntime();
  const disposed: number[] = [];
  let made = 0;
  const load = runtime.load.bind(runtime);
  vi.spyOn(runtime, 'load').mockImplementation((graph) => {
    const number = made++;
    return { ...load(graph), dispose: () => void disposed.push(number) };
  });
  const engine = new Engine(runtime);
  // Another shape, another program.
  const sized = (n: number): Tensor => add(ones([n + 1]), 1);
  const run = (n: number): Promise<unknown> => evaluate(sized(n), { engine });

  for (let n = 0; n < 512; n++) await run(n);
  await run(0); // from now on the one used last
  expect([made, disposed]).toEqual([512, []]);
  for (let n = 512; n < 520; n++) await run(n);
  await readAll([sized(519)], { engine }); // after everything queued
  expect([made, disposed]).toEqual([520, [1, 2, 3, 4, 5, 6, 7, 8]]);
  await run(0);
  expect(made).toBe(520);
  expect((await readAll([sized(1)], { engine }))[0]).toEqual(Float32Array.of(2, 2));
  expect(made).toBe(521);
});

test('a program that is evicted while its first run waits still runs', async () => {
  const engine = new Engine(new CpuRuntime());
  const tensors = Array.from({ length: 600 }, (_, n) => add(ones([n + 1]), n));
  await Promise.all(tensors.map((tensor) => evaluate(tensor, { engine })));
  const last = await readAll(tensors, { engine });
  last.forEach((data, n) => expect([data.length, data[n]]).toEqual([n + 1, n + 1]));
});
