// The design of size tests: nothing that it promises is left out.
import { expect, test } from 'vitest';
import { combinations, pairwise, sizesAround } from '../support/pairwise.ts';

test('every two values of two columns are in one row', () => {
  const columns = [sizesAround(8), sizesAround(64), ['', 'a', 'b', 'ab'], [true, false]] as const;
  const rows = pairwise(...columns);
  expect(rows.length).toBeLessThan(50);
  columns.forEach((a, i) =>
    columns.slice(i + 1).forEach((b, d) => {
      const met = new Set(rows.map((row) => `${row[i]} ${row[i + 1 + d]}`));
      expect(met.size).toBe(a.length * b.length);
    }),
  );
});

test('all combinations', () => {
  expect(combinations([1, 2], ['a', 'b'])).toEqual([
    [1, 'a'],
    [1, 'b'],
    [2, 'a'],
    [2, 'b'],
  ]);
});

test('sizes around a tile', () => {
  expect(sizesAround(16)).toEqual([1, 2, 15, 16, 17, 19]);
  expect(sizesAround(4)).toEqual([1, 2, 3, 4, 5, 7]);
  expect(sizesAround(2)).toEqual([1, 2, 3, 5]);
});
