// Every example at its small size, on the CPU, with the result that it promises.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Figures } from '../../examples/example.ts';
import { examples } from '../../examples/index.ts';
import { deviceInfo, setDevice } from '../../src/index.ts';

beforeAll(() => setDevice('cpu'));
afterAll(() => expect(deviceInfo().kind).toBe('cpu'));

/** Bounds of each figure: [smallest, largest]. */
const expected: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>> = {
  regression: { slope: [2.9, 3.1], intercept: [1.9, 2.1], loss: [0, 0.015] },
  mnist: { accuracy: [0.8, 1] },
};

test('every example has an expected result', () => {
  expect(Object.keys(expected)).toEqual(Object.keys(examples));
});

describe.each(Object.keys(examples))('%s', (name) => {
  test('reaches its figures at the small size, and prints lines', async () => {
    const lines: string[] = [];
    const example = await examples[name].load();
    const figures: Figures = await example({ isSmall: true, print: (line) => lines.push(line) });
    expect(Object.keys(figures)).toEqual(Object.keys(expected[name]));
    for (const [figure, [smallest, largest]] of Object.entries(expected[name])) {
      expect(figures[figure], figure).toBeGreaterThanOrEqual(smallest);
      expect(figures[figure], figure).toBeLessThanOrEqual(largest);
    }
    expect(lines.length).toBeGreaterThan(0);
  });
});
