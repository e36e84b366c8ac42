// Memory that the WebGPU runtime keeps for programs: shared buffers for their uniforms, and a bounded number of pipelines.
import { expect, test } from 'vitest';
import type { Launch } from '../../src/compiler/index.ts';
import type { BufferPool } from '../../src/runtime/webgpu/memory.ts';
import { PipelineCache } from '../../src/runtime/webgpu/pipelines.ts';
import { Segments } from '../../src/runtime/webgpu/segments.ts';

test('segments are aligned, do not overlap, come back, and share buffers', () => {
  let created = 0;
  let destroyed = 0;
  const pool = {
    create: (size: number) => ({ number: created++, size }),
    destroy: () => destroyed++,
    maxBytes: 2 ** 28,
  };
  const segments = new Segments(pool as unknown as BufferPool);
  const taken = Array.from({ length: 500 }, (_, i) => segments.take(1 + ((i * 97) % 1500)));
  taken.forEach(({ offset, size, buffer }, i) => {
    expect(offset % 256).toBe(0);
    expect(offset + size).toBeLessThanOrEqual(buffer.size);
    expect(size).toBeGreaterThanOrEqual(1 + ((i * 97) % 1500));
  });
  const ranges = taken.map(({ buffer, offset, size }) => [(buffer as unknown as { number: number }).number * 2 ** 16 + offset, size]);
  ranges.sort(([a], [b]) => a - b);
  ranges.slice(1).forEach(([begin], i) => expect(begin).toBeGreaterThanOrEqual(ranges[i][0] + ranges[i][1]));
  expect(created).toBeLessThanOrEqual(12);
  const before = created;
  for (const segment of taken) segments.release(segment);
  taken.forEach((_, i) => segments.take(1 + ((i * 97) % 1500)));
  expect(created).toBe(before);
  // Large ones have a separate buffer, which is destroyed with them.
  segments.release(segments.take(2 ** 15));
  expect([created, destroyed]).toEqual([before + 1, 1]);
});

/** A cache on a device that builds pipelines by this function, and a request for the pipeline of that number. */
function cacheWith(build: (label: string) => Promise<unknown>): { cache: PipelineCache; launch: (n: number) => Launch } {
  const device = {
    features: new Set(),
    pushErrorScope: () => undefined,
    popErrorScope: () => Promise.resolve(null),
    createShaderModule: () => ({ getCompilationInfo: () => Promise.resolve({ messages: [] }) }),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createComputePipelineAsync: ({ label }: { label: string }) => build(label),
  };
  const launch = (n: number) => ({ label: String(n), wgsl: `const n = ${n};`, bindings: [], params: [] }) as unknown as Launch;
  return { cache: new PipelineCache(device as unknown as GPUDevice), launch };
}

test('a build that fails after its pipeline was built again does not remove the newer one', async () => {
  const builds: { fail: (error: Error) => void; succeed: (pipeline: object) => void }[] = [];
  const { cache, launch } = cacheWith(() => new Promise((succeed, fail) => builds.push({ fail, succeed })));
  const older = cache.get(launch(0));
  cache.forget(launch(0));
  const newer = cache.get(launch(0));
  builds[0].fail(new Error('too late'));
  await expect(older).rejects.toThrow('too late');
  builds[1].succeed({});
  await newer;
  expect(cache.get(launch(0))).toBe(newer);
  // One that fails while it is the newest is built again.
  const failing = cache.get(launch(1));
  builds[2].fail(new Error('at once'));
  await expect(failing).rejects.toThrow('at once');
  expect(cache.get(launch(1))).not.toBe(failing);
});

test('the 512 pipelines used last are kept', async () => {
  const built: string[] = [];
  const { cache, launch } = cacheWith((label) => Promise.resolve(built.push(label)));
  const get = (n: number): Promise<unknown> => cache.get(launch(n));
  for (let n = 0; n < 512; n++) await get(n);
  await get(0);
  expect(built).toHaveLength(512);
  await get(512); // takes the place of 1
  await get(0);
  await get(1);
  expect(built.slice(512)).toEqual(['512', '1']);
});
