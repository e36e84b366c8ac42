// Ties, zeros, NaN and singular matrices on the CPU, in f32 as a user gets it.
import { expect, test } from 'vitest';
import { interpret } from '../../src/runtime/cpu.ts';
import { awkwardCases, complaintAbout } from '../tables/awkward.ts';

test.each(awkwardCases.map((each) => [each.name, each] as const))('%s', (_, each) => {
  expect(complaintAbout(each, interpret(each.build()))).toBe('');
});
