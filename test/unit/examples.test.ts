// Every example at its small size, on the CPU, with the result that it promises.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examples } from '../../examples/index.ts';
import { deviceInfo, setDevice } from '../../src/index.ts';
import { exampleBounds } from '../support/exampleBounds.ts';
import { recordExample } from '../support/recordExample.ts';

beforeAll(() => setDevice('cpu'));
afterAll(() => expect(deviceInfo().kind).toBe('cpu'));

test('every example has an expected result', () => {
  expect(Object.keys(exampleBounds)).toEqual(Object.keys(examples));
});

describe.each(Object.keys(examples))('%s', (name) => {
  test('reaches its figures at the small size, and shows something', async () => {
    const record = recordExample();
    const example = await examples[name].load();
    const figures = await example(record.run);
    expect(Object.keys(figures)).toEqual(Object.keys(exampleBounds[name]));
    for (const [figure, [smallest, largest]] of Object.entries(exampleBounds[name])) {
      expect(figures[figure], figure).toBeGreaterThanOrEqual(smallest);
      expect(figures[figure], figure).toBeLessThanOrEqual(largest);
    }
    expect(record.lines.length).toBeGreaterThan(0);
    expect(record.curves.size).toBeGreaterThan(0);
    for (const [title, rows] of record.curves) {
      expect(rows.length, title).toBeGreaterThan(1);
      const [axis] = Object.keys(rows[0]);
      const places = rows.map((row) => row[axis]);
      expect(places, title).toEqual(places.toSorted((a, b) => a - b));
      for (const row of rows) for (const value of Object.values(row)) expect(value, title).toSatisfy(Number.isFinite);
    }
  }, 180_000);
});
