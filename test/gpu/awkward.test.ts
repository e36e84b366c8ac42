// Ties, zeros, NaN and singular matrices on the GPU: the same numbers as on the CPU.
import { beforeAll, expect, test } from 'vitest';
import type { HostArray } from '../../src/core/dtype.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import { awkwardCases, complaintAbout } from '../tables/awkward.ts';

const built = awkwardCases.map(({ build }) => build());
let results: HostArray[];

beforeAll(async () => {
  await setDevice('webgpu');
  results = await readAll(built.flat());
});

test.each(awkwardCases.map((each, i) => [each.name, each, i] as const))('%s', (_, each, i) => {
  const start = built.slice(0, i).flat().length;
  expect(complaintAbout(each, results.slice(start, start + built[i].length))).toBe('');
});
