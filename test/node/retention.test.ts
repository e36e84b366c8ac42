// Caches must not keep tensors of the first call alive. The tests run the garbage collector.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { compile, defaultEngine, evaluate, lastProgram, setDevice } from '../../src/engine/index.ts';
import { add, dropout, exp, mul, sum, tensor } from '../../src/ops/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { values } from '../support/graphs.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function isCollected(...refs: WeakRef<object>[]): Promise<boolean[]> {
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collect();
  }
  return refs.map((ref) => ref.deref() === undefined);
}

describe.each(['cpu', 'webgpu'] as const)('%s', (device) => {
  test('a program of plain evaluations', async () => {
    await setDevice(device);
    const run = async (): Promise<WeakRef<object>[]> => {
      const x = tensor(values(1000));
      const h = exp(x);
      const y = sum(mul(h, 2));
      const refs = [x, x.value!, h, h.node!, y].map((object) => new WeakRef<object>(object));
      await evaluate(y);
      return refs;
    };
    const refs = await run();
    expect(await isCollected(...refs)).toEqual(refs.map(() => true));
    expect((await defaultEngine()).info.kind).toBe(device);
  });

  test('a compiled function: its first arguments, random numbers and results', async () => {
    await setDevice(device);
    const step = compile((w: Tensor, { x }: { x: Tensor }) => [mul(add(w, dropout(x, { rate: 0.5 })), 2), sum(x)], { donate: [0] });
    const run = async (): Promise<WeakRef<object>[]> => {
      const [w, x] = [tensor(values(1000)), mul(tensor(values(1000, 2)), 1)];
      await evaluate([w, x]);
      const batch = { x };
      const refs = [w, w.value!, x, x.value!, batch].map((object) => new WeakRef<object>(object));
      const [next, loss] = await step(w, batch);
      refs.push(new WeakRef(next), new WeakRef(loss));
      return refs;
    };
    const refs = await run();
    expect(await isCollected(...refs)).toEqual(refs.map(() => true));
    if (device === 'webgpu') expect(lastProgram()!.dispatches.some(({ meaning }) => meaning)).toBe(true);
    // The function still exists and works.
    expect(await (await step(tensor(values(1000)), { x: tensor(values(1000)) }))[1].item()).toBeCloseTo(
      values(1000).reduce((a, b) => a + b),
      3,
    );
  });
});
