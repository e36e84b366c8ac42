// Slabs of small results over a pool that only counts.
import { expect, test } from 'vitest';
import { BufferPool } from '../../src/runtime/webgpu/memory.ts';
import { Slabs } from '../../src/runtime/webgpu/slabs.ts';

function slabsOver(): { slabs: Slabs; pool: BufferPool } {
  const device = {
    limits: { maxBufferSize: 2 ** 30 },
    pushErrorScope: () => undefined,
    popErrorScope: () => Promise.resolve(null),
    createBuffer: ({ size }: { size: number }) => ({ size, destroy: () => undefined }),
  };
  const pool = new BufferPool(device as unknown as GPUDevice);
  return { slabs: new Slabs(pool), pool };
}

const slabBytes = 2 ** 18;

test('pieces do not overlap when others are released in between', () => {
  const { slabs, pool } = slabsOver();
  const held = new Map<ReturnType<Slabs['take']>, number>();
  let state = 7;
  const next = (n: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % n;
  for (let i = 0; i < 3000; i++) {
    if (held.size > 200 && next(2)) {
      const [range] = [...held][next(held.size)];
      held.delete(range);
      range.release();
    } else {
      const bytes = 4 * next(65);
      held.set(slabs.take(bytes), bytes);
    }
  }
  const ranges = [...held].map(([range, bytes]) => ({ range, bytes })).sort((a, b) => a.range.offset - b.range.offset);
  for (const [i, { range, bytes }] of ranges.entries()) {
    expect([range.isShared, range.offset % 4, range.buffer]).toEqual([true, 0, ranges[0].range.buffer]);
    expect(range.offset + bytes).toBeLessThanOrEqual(ranges[i + 1]?.range.offset ?? slabBytes);
  }
  expect(pool.info()).toMatchObject({ buffers: 1, bytes: slabBytes });
});

test('65,536 numbers are in one slab, the next one begins another', () => {
  const { slabs, pool } = slabsOver();
  const ranges = Array.from({ length: slabBytes / 4 }, () => slabs.take(4));
  expect(pool.info().buffers).toBe(1);
  slabs.take(4);
  expect(pool.info().buffers).toBe(2);
  ranges[5].release();
  expect(slabs.take(4)).toBe(ranges[5]);
});

test('a result that is not small has a whole buffer', () => {
  const { slabs, pool } = slabsOver();
  const range = slabs.take(257);
  expect(range).toMatchObject({ isShared: false, offset: 0 });
  range.release();
  expect(pool.acquire(300)).toBe(range.buffer);
  expect(slabs.take(256).isShared).toBe(true);
});

test('trim() destroys slabs without pieces in use, and drops their free pieces', () => {
  const { slabs, pool } = slabsOver();
  const full = Array.from({ length: slabBytes / 256 }, () => slabs.take(256));
  const other = slabs.take(256);
  full[0].release();
  other.discard();
  slabs.trim();
  expect(pool.info()).toMatchObject({ buffers: 1, bytes: slabBytes });
  expect(slabs.take(256)).toBe(full[0]);
  expect(slabs.take(256).buffer).not.toBe(other.buffer);
});
