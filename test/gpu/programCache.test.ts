// Programs of compiled functions are kept in a bounded cache: memory stops growing, and what is evicted while it waits still runs.
import { beforeEach, describe, expect, test } from 'vitest';
import { type Tensor, compile, memory, ones, setDevice, square, sum, tensor } from '../../src/index.ts';
import { webgpuOnly } from '../support/planDevice.ts';

beforeEach(() => setDevice('webgpu'));

const vector = (n: number): Tensor => tensor(new Float32Array(n).fill(1));

describe('memory', () => {
  webgpuOnly('small results have memory of their own until the garbage collector finds them');

  test('150 shapes hold at most 200 buffers', async () => {
    const step = compile((x: Tensor) => sum(square(x)));
    for (let n = 1; n <= 150; n++) expect(await (await step(ones([n, 7]))).item()).toBe(7 * n);
    expect(memory().buffers).toBeLessThanOrEqual(200);
  });

  test('memory does not grow with the number of shapes', async () => {
    const step = compile((x: Tensor) => sum(square(x)));
    const call = async (n: number): Promise<void> => expect(await (await step(vector(n))).item()).toBe(n);
    for (let n = 1; n <= 200; n++) await call(n);
    const before = memory();
    for (let n = 201; n <= 400; n++) await call(n);
    const after = memory();
    expect(after.buffers - before.buffers).toBeLessThanOrEqual(4);
    expect(after.bytes - before.bytes).toBeLessThanOrEqual(2 ** 17);
  });
});

test('the 128 signatures used last are kept, an older one is traced again', async () => {
  const traced: number[] = [];
  const step = compile((x: Tensor) => {
    traced.push(x.size);
    return sum(x);
  });
  for (let n = 1; n <= 128; n++) await step(vector(n));
  await step(vector(1));
  expect(traced).toHaveLength(128);
  await step(vector(129)); // takes the place of 2, not of 1
  await step(vector(1));
  expect(traced).toHaveLength(129);
  expect(await (await step(vector(2))).item()).toBe(2);
  expect(traced.slice(128)).toEqual([129, 2]);
});

test('programs that are evicted while they wait for their turn still run', async () => {
  const step = compile((x: Tensor) => sum(square(x)));
  const results = await Promise.all(Array.from({ length: 300 }, async (_, i) => (await step(vector(i + 1))).item()));
  expect(results).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
});

test('donated state passes between programs, also evicted ones', async () => {
  const step = compile((state: Tensor, x: Tensor) => state.add(sum(x)), { donate: [0] });
  let state = vector(1000);
  let total = 1;
  for (const round of [1, 2]) {
    for (let n = 1; n <= 140; n++) {
      state = await step(state, vector(n + 1000 * round));
      total += n + 1000 * round;
    }
  }
  expect([...new Set(await state.data())]).toEqual([total]);
});
