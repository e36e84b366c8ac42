// Losses at limits, with class weights and with a sample of NaN that does not count, on this device: the rows of the CPU's tests.
import { beforeAll, expect, test } from 'vitest';
import type { HostArray } from '../../src/core/dtype.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import golden from '../golden/losses.json';
import { noteVectors } from '../support/findings.ts';
import { complaintsAboutLoss, limitCases, weightCases } from '../tables/lossLimits.ts';

// Infinities take the same path. Of the losses of lossFamilies.json and lossRegions.json one limit each runs here, and none of their weights: they
// share that code, and compiling all kernels takes long on software Vulkan, those of ciou 5 s.
const older = (loss: string): boolean => golden.some(({ name }) => name === loss);
const cases = [
  ...limitCases.filter(({ loss }, i) => loss !== 'ciou' && (older(loss) || limitCases.findIndex((other) => other.loss === loss) === i)),
  ...weightCases.filter(({ name, loss }) => name.includes('NaN') && (older(loss) || name.startsWith('dice:'))),
];
const results: HostArray[][] = [];

beforeAll(async () => {
  await setDevice('webgpu');
  const batch = 20;
  for (let start = 0; start < cases.length; start += batch) {
    const part = cases.slice(start, start + batch).map(({ build }) => build());
    const read = await readAll(part.flat());
    for (const tensors of part) results.push(read.splice(0, tensors.length));
  }
}, 240_000);

test.each(cases.map((limit, i) => [limit.name, limit, i] as const))('%s', (_, limit, i) => {
  expect(complaintsAboutLoss(limit, results[i])).toEqual([]);
  if (limit.expected.length > 0) noteVectors(2);
});
