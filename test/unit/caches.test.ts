import { describe, expect, test, vi } from 'vitest';
import { CachedPromise } from '../../src/core/cachedPromise.ts';
import { LruCache } from '../../src/core/lruCache.ts';

describe('LruCache', () => {
  const filled = (onDrop?: (value: string) => void): LruCache<string> => {
    const cache = new LruCache<string>(2, onDrop);
    cache.get('a', () => 'A');
    cache.get('b', () => 'B');
    return cache;
  };

  test('makes a value once', () => {
    const make = vi.fn(() => 'other');
    expect(filled().get('a', make)).toBe('A');
    expect(make).not.toHaveBeenCalled();
  });

  test('drops the entry unused for longest', () => {
    const dropped: string[] = [];
    const cache = filled((value) => dropped.push(value));
    cache.get('a', () => 'unused');
    cache.get('c', () => 'C');
    expect(dropped).toEqual(['B']);
    expect(cache.get('b', () => 'B again')).toBe('B again');
    expect(dropped).toEqual(['B', 'A']);
  });

  test('stores nothing if make throws', () => {
    const cache = filled();
    expect(() =>
      cache.get('c', () => {
        throw new Error('no value');
      }),
    ).toThrow('no value');
    expect(cache.get('c', () => 'C')).toBe('C');
  });

  test('remove() removes an entry only if it has the value', () => {
    const cache = filled();
    expect(cache.remove('a', 'other')).toBe(false);
    expect(cache.remove('a', 'A')).toBe(true);
    expect(cache.get('a', () => 'A again')).toBe('A again');
  });

  test('delete() does not call onDrop', () => {
    const dropped: string[] = [];
    const cache = filled((value) => dropped.push(value));
    cache.delete('a');
    cache.get('c', () => 'C');
    expect(dropped).toEqual([]);
  });
});

describe('CachedPromise', () => {
  test('calls make once, also while it is pending', async () => {
    const cached = new CachedPromise<number>();
    const make = vi.fn(() => Promise.resolve(7));
    expect(cached.current).toBeUndefined();
    expect(await Promise.all([cached.get(make), cached.get(make)])).toEqual([7, 7]);
    expect(await cached.get(make)).toBe(7);
    expect(await cached.current).toBe(7);
    expect(make).toHaveBeenCalledTimes(1);
  });

  test('tries again after a failure', async () => {
    const cached = new CachedPromise<number>();
    await expect(cached.get(() => Promise.reject(new Error('busy')))).rejects.toThrow('busy');
    expect(cached.current).toBeUndefined();
    expect(await cached.get(() => Promise.resolve(8))).toBe(8);
  });
});
