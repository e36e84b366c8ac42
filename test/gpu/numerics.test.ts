// Numerically awkward arguments on this device: its own exponentials, its own order of sums.
import { beforeAll, expect, test } from 'vitest';
import type { HostArray } from '../../src/core/dtype.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import * as o from '../../src/ops/index.ts';
import { noteGradients } from '../support/findings.ts';
import { complaintAbout, detectable, detected, numericCases } from '../tables/numerics.ts';

let results: HostArray[];
let found: HostArray[];

beforeAll(async () => {
  await setDevice('webgpu');
  results = await readAll(numericCases.map(({ build }) => build()));
  const values = o.tensor(detectable);
  found = await readAll([o.isNaN(values), o.isInf(values), o.isFinite(values)]);
});

test.each(numericCases.map((numeric, i) => [numeric.name, numeric, i] as const))('%s', (_, numeric, i) => {
  expect(complaintAbout(numeric, results[i])).toBe('');
  if (numeric.name.startsWith('gradient of')) noteGradients(1);
});

test('NaN and infinities are told by their bits', () => {
  expect(found.map((data) => Array.from(data))).toEqual([detected.isNaN, detected.isInf, detected.isFinite]);
});
