// All-pairs test design: every two values of two different columns appear together in a row, with far fewer rows than the full product.

/** Returns rows with one value from each column. Every pair of values from two columns occurs. Deterministic. */
export function pairwise<T extends readonly (readonly unknown[])[]>(...columns: T): { -readonly [K in keyof T]: T[K][number] }[] {
  const missing = new Set<string>();
  columns.forEach((a, i) => columns.forEach((b, j) => i < j && a.forEach((_, x) => b.forEach((_, y) => missing.add(pair(i, x, j, y))))));
  const rows: number[][] = [];
  while (missing.size > 0) {
    const row: number[] = new Array<number>(columns.length).fill(-1);
    const [i, x, j, y] = [...missing][0].split(' ').map(Number);
    row[i] = x;
    row[j] = y;
    columns.forEach((values, column) => {
      if (row[column] >= 0) return;
      // The value that covers the most missing pairs with the values chosen already.
      const gain = (value: number): number =>
        row.filter((other, at) => other >= 0 && missing.has(ordered(at, other, column, value))).length;
      const gains = values.map((_, value) => gain(value));
      row[column] = gains.indexOf(Math.max(...gains));
    });
    row.forEach((value, at) => row.forEach((other, next) => at < next && missing.delete(pair(at, value, next, other))));
    rows.push(row);
  }
  return rows.map((row) => row.map((value, column) => columns[column][value])) as { -readonly [K in keyof T]: T[K][number] }[];
}

const pair = (i: number, x: number, j: number, y: number): string => `${i} ${x} ${j} ${y}`;
const ordered = (i: number, x: number, j: number, y: number): string => (i < j ? pair(i, x, j, y) : pair(j, y, i, x));

/** Rows of values, one from each column: all combinations. */
export const combinations = <T extends readonly (readonly unknown[])[]>(...columns: T): { -readonly [K in keyof T]: T[K][number] }[] =>
  columns.reduce<unknown[][]>((rows, values) => rows.flatMap((row) => values.map((value) => [...row, value])), [[]]) as {
    -readonly [K in keyof T]: T[K][number];
  }[];

/** Sizes 1, 2, tile - 1, tile, tile + 1, and a prime above it. */
export function sizesAround(tile: number): number[] {
  const isPrime = (n: number): boolean =>
    n > 1 && Array.from({ length: Math.floor(Math.sqrt(n)) - 1 }, (_, i) => i + 2).every((d) => n % d !== 0);
  let prime = tile + 2;
  while (!isPrime(prime)) prime++;
  return [...new Set([1, 2, tile - 1, tile, tile + 1, prime])].filter((n) => n > 0).sort((a, b) => a - b);
}
