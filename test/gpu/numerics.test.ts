// Numerically awkward arguments on this device: its own exponentials, its own order of sums.
import { beforeAll, expect, test } from 'vitest';
import type { HostArray } from '../../src/core/dtype.ts';
import { defaultEngine, readAll, setDevice } from '../../src/engine/index.ts';
import * as o from '../../src/ops/index.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { noteGradients } from '../support/findings.ts';
import { complaintAbout, detectable, detected, numericCases } from '../tables/numerics.ts';

let results: (HostArray | undefined)[];
let found: HostArray[];

beforeAll(async () => {
  await setDevice('webgpu');
  const { runtime } = await defaultEngine();
  const { shaderF16 } = (runtime as WebGpuRuntime).target;
  const possible = numericCases.filter(({ half }) => shaderF16 || !half);
  const read = await readAll(possible.map(({ build }) => build()));
  results = numericCases.map((numeric) => read[possible.indexOf(numeric)]);
  const values = o.tensor(detectable);
  found = await readAll([o.isNaN(values), o.isInf(values), o.isFinite(values)]);
});

test.for(numericCases.map((numeric, i) => [numeric.name, numeric, i] as const))('%s', ([, numeric, i], { skip }) => {
  const result = results[i] ?? skip('this adapter has no shader-f16');
  expect(complaintAbout(numeric, result)).toBe('');
  if (numeric.name.startsWith('gradient of')) noteGradients(1);
});

test('NaN and infinities are recognised by their bits', () => {
  expect(found.map((data) => Array.from(data))).toEqual([detected.isNaN, detected.isInf, detected.isFinite]);
});
