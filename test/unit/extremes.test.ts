// Norms, spreads and normalisations far from 1 on the CPU: over f32 as a user gets it, and in f64.
import { expect, test } from 'vitest';
import { interpret } from '../../src/runtime/cpu.ts';
import { complaintAbout, extremeResults, extremes } from '../tables/extremes.ts';

const inF32 = await extremeResults((tensors) => interpret(tensors));
const inF64 = await extremeResults((tensors) => interpret(tensors, { mode: 'f64' }));

test.each(extremes.map((golden) => [golden.name, golden] as const))('%s', (name, golden) => {
  expect(complaintAbout(golden, inF32.get(name)!, [2e-6, 1e-5, 2e-4])).toBe('');
  expect(complaintAbout(golden, inF64.get(name)!, [1e-8, 1e-8, 1e-7])).toBe('');
});
