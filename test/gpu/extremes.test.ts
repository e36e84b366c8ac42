// Norms, spreads and normalisations far from 1: kernels for this device, and those for real GPUs.
import { beforeAll, describe, expect, test } from 'vitest';
import { compile, lastProgram, readAll } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { mul, norm, sum, tensor } from '../../src/ops/index.ts';
import { engineWith } from '../support/devices.ts';
import { noteError } from '../support/findings.ts';
import { complaintAbout, extremeResults, extremes } from '../tables/extremes.ts';
import { families } from '../support/families.ts';

// A page binds fewer buffers than Dawn in Node does, so that its kernels are cut elsewhere: 10 in Chromium, 8 by default.
const bound = [undefined, 10, 8].flatMap((maxStorageBuffers) => families.map((processor) => [processor, maxStorageBuffers] as const));

describe.each(bound)('%s kernels, %s buffers', (processor, maxStorageBuffers) => {
  const target = { processor, ...(maxStorageBuffers && { maxStorageBuffers }) };
  let results: Awaited<ReturnType<typeof extremeResults>>;
  beforeAll(async () => {
    const { engine, runtime } = await engineWith(target);
    results = await extremeResults((tensors) => readAll(tensors, { engine }));
    runtime.dispose();
  }, 300_000);

  test('norms that read their items twice read the old values, in a kernel that overwrites them', async () => {
    const { engine, runtime } = await engineWith(target);
    const step = compile(
      (x: Tensor, y: Tensor) => {
        const twice = mul(x, 2);
        return [twice, norm(twice, { axis: 1 }), norm(mul(x, y), { axis: 1 }), sum(twice, { axis: 1 })];
      },
      { donate: [0], engine, name: 'twice' },
    );
    const [rows, length] = [70, 65];
    // Every third row overflows when it is squared, every third one vanishes.
    const size = (row: number): number => [1, 1e20, 1e-25][row % 3];
    const data = Float32Array.from({ length: rows * length }, (_, i) => size(Math.floor(i / length)) * (1 + (i % 7)));
    const results = await readAll(await step(tensor(data, [rows, length]), tensor([1e5])), { engine });
    expect(lastProgram()!.dispatches).toHaveLength(1);
    for (let row = 0; row < rows; row++) {
      const items = Array.from(data.subarray(row * length, (row + 1) * length));
      const root = Math.sqrt(items.reduce((total, x) => total + x * x, 0));
      const expected = [2 * root, 1e5 * root, 2 * items.reduce((a, b) => a + b)];
      expected.forEach((want, i) =>
        noteError('extremes', 'norms that read their items twice', Math.abs(results[i + 1][row] - want), 2e-6 * want),
      );
      expected.forEach((want, i) => expect(Math.abs(results[i + 1][row] / want - 1)).toBeLessThan(2e-6));
      expect(results[0][row * length + 3]).toBe(2 * items[3]);
    }
    runtime.dispose();
  });

  test.each(extremes.map((golden) => [golden.name, golden] as const))('%s', (name, golden) => {
    expect(complaintAbout(golden, results.get(name)!, [4e-6, 2e-5, 4e-4])).toBe('');
  });
});
