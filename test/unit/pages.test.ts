// Pages of small results over a pool that only counts.
import { expect, test } from 'vitest';
import { BufferPool } from '../../src/runtime/webgpu/memory.ts';
import { Pages } from '../../src/runtime/webgpu/pages.ts';

function pagesOver(): { pages: Pages; pool: BufferPool } {
  const device = {
    limits: { maxBufferSize: 2 ** 30 },
    pushErrorScope: () => undefined,
    popErrorScope: () => Promise.resolve(null),
    createBuffer: ({ size }: { size: number }) => ({ size, destroy: () => undefined }),
  };
  const pool = new BufferPool(device as unknown as GPUDevice);
  return { pages: new Pages(pool), pool };
}

const pageBytes = 2 ** 18;

test('pieces do not overlap, whatever comes back in between', () => {
  const { pages, pool } = pagesOver();
  const held = new Map<ReturnType<Pages['take']>, number>();
  let state = 7;
  const next = (n: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % n;
  for (let i = 0; i < 3000; i++) {
    if (held.size > 200 && next(2)) {
      const [room] = [...held][next(held.size)];
      held.delete(room);
      room.giveBack();
    } else {
      const bytes = 4 * next(65);
      held.set(pages.take(bytes), bytes);
    }
  }
  const rooms = [...held].map(([room, bytes]) => ({ room, bytes })).sort((a, b) => a.room.offset - b.room.offset);
  for (const [i, { room, bytes }] of rooms.entries()) {
    expect([room.isShared, room.offset % 4, room.buffer]).toEqual([true, 0, rooms[0].room.buffer]);
    expect(room.offset + bytes).toBeLessThanOrEqual(rooms[i + 1]?.room.offset ?? pageBytes);
  }
  expect(pool.info()).toMatchObject({ buffers: 1, bytes: pageBytes });
});

test('65,536 numbers lie in one page, the next begins another', () => {
  const { pages, pool } = pagesOver();
  const rooms = Array.from({ length: pageBytes / 4 }, () => pages.take(4));
  expect(pool.info().buffers).toBe(1);
  pages.take(4);
  expect(pool.info().buffers).toBe(2);
  rooms[5].giveBack();
  expect(pages.take(4)).toBe(rooms[5]);
});

test('what is not small has a buffer of its own', () => {
  const { pages, pool } = pagesOver();
  const room = pages.take(257);
  expect(room).toMatchObject({ isShared: false, offset: 0 });
  room.giveBack();
  expect(pool.acquire(300)).toBe(room.buffer);
  expect(pages.take(256).isShared).toBe(true);
});

test('pages that hold nothing go where memory ran out, with their free pieces', () => {
  const { pages, pool } = pagesOver();
  const full = Array.from({ length: pageBytes / 256 }, () => pages.take(256));
  const other = pages.take(256);
  full[0].giveBack();
  other.discard();
  pages.trim();
  expect(pool.info()).toMatchObject({ buffers: 1, bytes: pageBytes });
  expect(pages.take(256)).toBe(full[0]);
  expect(pages.take(256).buffer).not.toBe(other.buffer);
});
