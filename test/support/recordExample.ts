// A run of an example at its small size that keeps what the example shows.
import { expect } from 'vitest';
import { type Host, type Row, type Run, runOn } from '../../examples/example.ts';
import { pixelsOf } from '../../examples/pixels.ts';
import { readBook } from '../../scripts/book.ts';
import { readReviews } from '../../scripts/reviews.ts';

export interface ExampleRecord {
  readonly run: Run;
  readonly lines: readonly string[];
  /** Rows of each chart, by its title. */
  readonly curves: ReadonlyMap<string, readonly Row[]>;
  /** Titles of the pictures, which are all valid. */
  readonly pictures: readonly string[];
}

export function recordExample(given: Partial<Host> = {}): ExampleRecord {
  const lines: string[] = [];
  const curves = new Map<string, Row[]>();
  const pictures: string[] = [];
  const run = runOn({
    isSmall: true,
    print: (line) => lines.push(line),
    plot: (title, row) => void curves.set(title, [...(curves.get(title) ?? []), row]),
    async show(title, picture) {
      pictures.push(title);
      if (typeof picture === 'function') {
        for (const theme of ['light', 'dark'] as const) expect(picture(theme), title).toMatch(/^<svg[^]*<\/svg>$/);
        return;
      }
      const { shape } = picture;
      const values = Array.from(await picture.data(), Number);
      expect(Math.min(...values), title).toBeGreaterThanOrEqual(0);
      expect(Math.max(...values), title).toBeLessThanOrEqual(1);
      const images = await pixelsOf(picture);
      expect(images.map(({ width, height }) => [height, width])).toEqual(images.map(() => [shape[1], shape[2]]));
    },
    mnist: () => Promise.reject(new Error('the small size of an example uses the digits of the library')),
    book: readBook,
    reviews: readReviews,
    ...given,
  });
  return { run, lines, curves, pictures };
}
