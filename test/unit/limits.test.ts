// The CPU reference at special values, any angle, huge exponents and large quotients, against PyTorch.
import { expect, test } from 'vitest';
import { cast } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteVectors } from '../support/findings.ts';
import { complaintAbout, limitCases, tensorsOf } from '../tables/limits.ts';

test.each(limitCases.map((limit) => [limit.name, limit] as const))('%s', (_, limit) => {
  const [actual] = interpret([cast(limit.call(...tensorsOf(limit)), 'f32')]);
  expect(complaintAbout(limit, actual, false)).toBeUndefined();
  noteVectors(1);
});
