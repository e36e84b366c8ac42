// The pool of GPU buffers over a device that only counts: what is reused, what is given back to the device and when.
import { expect, test } from 'vitest';
import { BufferPool, sizeClass } from '../../src/runtime/webgpu/memory.ts';

interface Counted {
  readonly size: number;
  alive: boolean;
}

function poolOver(): { pool: BufferPool; made: Counted[] } {
  const made: Counted[] = [];
  const device = {
    limits: { maxBufferSize: 2 ** 30 },
    pushErrorScope: () => undefined,
    popErrorScope: () => Promise.resolve(null),
    createBuffer: ({ size }: { size: number }) => {
      const buffer = { size, alive: true, destroy: () => void (buffer.alive = false) };
      made.push(buffer);
      return buffer;
    },
  };
  return { pool: new BufferPool(device as unknown as GPUDevice), made };
}

const MiB = 2 ** 20;

test('a buffer given back serves the next value of its size class', () => {
  const { pool, made } = poolOver();
  const first = pool.acquire(70_000);
  pool.release(first);
  expect(pool.info()).toMatchObject({ bytes: sizeClass(70_000), buffers: 1 });
  expect(pool.acquire(69_999)).toBe(first);
  pool.acquire(70_000);
  expect(made).toHaveLength(2);
});

test('idle buffers stay up to 64 MiB and a quarter of what is in use; beyond that all go', () => {
  const { pool, made } = poolOver();
  const used = pool.acquire(64 * MiB);
  const idle = Array.from({ length: 6 }, () => pool.acquire(16 * MiB));
  // Allowed unused bytes: 64 MiB + (64 MiB + the rest of them) / 4.
  for (const buffer of idle.slice(0, 5)) pool.release(buffer);
  expect(made.filter(({ alive }) => !alive)).toHaveLength(0);
  expect(pool.info()).toMatchObject({ bytes: 160 * MiB, buffers: 7 });
  pool.release(idle[5]);
  expect(made.filter(({ alive }) => !alive)).toHaveLength(6);
  expect(pool.info()).toEqual({ bytes: 64 * MiB, buffers: 1, peakBytes: 160 * MiB });
  // A destroyed buffer is not handed out again.
  expect(pool.acquire(16 * MiB)).not.toBe(idle[0]);
  expect(made).toHaveLength(8);
  pool.destroy(used);
  expect(pool.info()).toMatchObject({ bytes: 16 * MiB, buffers: 1 });
});
