// Kinks, infinite slopes and limits on the CPU, in f32 as a user gets it; and that every op with a gradient has a row or a reason for none.
import { expect, test } from 'vitest';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteGradients, noteVectors } from '../support/findings.ts';
import { functions } from '../support/opAnatomy.ts';
import { complaintsAboutKink, goldenKinks, kinkCases, kinkGraph, tensorsOf } from '../support/kinks.ts';
import { kinkReasons } from '../tables/kinkReasons.ts';
import { numbersOf } from '../tables/kinks.ts';

test.each(kinkCases.map((kink) => [kink.name, kink] as const))('%s', (_, kink) => {
  const graph = kinkGraph(kink);
  const results = interpret(tensorsOf(graph));
  expect(complaintsAboutKink(kink, graph, results)).toEqual([]);
  noteVectors(1 + graph.gradients.length);
  noteGradients(graph.gradients.length + graph.zeros.length);
});

test('the rows of PyTorch and of the table are the same', () => {
  expect(kinkCases.map(({ name }) => name).sort()).toEqual(Object.keys(goldenKinks).sort());
});

test('every op with a gradient has a row at its kinks, or a reason for none', () => {
  const tested = new Set(kinkCases.map(({ name }) => name.split(' ')[0]));
  const sloped = functions.filter(({ slope }) => slope.kind === 'gradient').map(({ name }) => name);
  const missing = sloped.filter((name) => !tested.has(name) && !(name in kinkReasons));
  expect(missing, 'add a row to scripts/golden-kinks.py and test/tables/kinks.ts, or a reason to test/tables/kinkReasons.ts').toEqual([]);
  expect(Object.keys(kinkReasons).filter((name) => !sloped.includes(name) || (tested.has(name) && name !== 'where'))).toEqual([]);
  expect([...tested].filter((name) => !sloped.includes(name))).toEqual([]);
});

test('a difference from PyTorch has a reason and is one', () => {
  for (const { name, golden, row } of kinkCases) {
    if (!row.differs) continue;
    expect(row.differs.reason.length, name).toBeGreaterThan(10);
    const { value, gradients } = row.differs;
    expect([value ?? numbersOf(golden.value), ...(gradients ?? golden.gradients.map(numbersOf))], name).not.toEqual(
      [golden.value, ...golden.gradients].map(numbersOf),
    );
  }
});
