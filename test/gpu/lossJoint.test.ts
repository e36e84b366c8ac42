// Losses over several outputs and the circle loss on this device: the rows of the CPU's tests.
import { beforeAll, expect, test } from 'vitest';
import type { HostArray } from '../../src/core/dtype.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import { noteVectors } from '../support/findings.ts';
import { compareJoint, jointCases } from '../tables/lossJoint.ts';

// The losses whose kernels differ most: compiling those of all takes long on software Vulkan.
const chosen = ['tripletMargin', 'infoNce', 'vicReg', 'circle'];
const cases = chosen.map((name) => jointCases.find(({ loss }) => loss === name)!);
const results: HostArray[][] = [];

beforeAll(async () => {
  await setDevice('webgpu');
  const built = cases.map(({ build }) => build('f32'));
  const read = await readAll(built.flat());
  for (const tensors of built) results.push(read.splice(0, tensors.length));
}, 120_000);

test.each(cases.map((row, i) => [row.name, row, i] as const))('%s', (_, row, i) => {
  const { complaints, worst } = compareJoint(row, results[i], 2e-5);
  expect(complaints).toEqual([]);
  expect(worst).toBeLessThanOrEqual(2e-5);
  noteVectors(row.expected.length);
});
