// Kinks, infinite slopes and limits on this device: the same rows as on the CPU, all evaluated at once.
import { beforeAll, expect, test } from 'vitest';
import type { HostArray } from '../../src/core/dtype.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import { noteGradients, noteVectors } from '../support/findings.ts';
import { complaintsAboutKink, kinkCases, kinkGraph, tensorsOf } from '../support/kinks.ts';

const graphs = kinkCases.map(kinkGraph);
const results: HostArray[][] = [];

beforeAll(async () => {
  await setDevice('webgpu');
  const batch = 24;
  for (let start = 0; start < graphs.length; start += batch) {
    const part = graphs.slice(start, start + batch).map(tensorsOf);
    const read = await readAll(part.flat());
    for (const tensors of part) results.push(read.splice(0, tensors.length));
  }
}, 240_000);

test.each(kinkCases.map((kink, i) => [kink.name, kink, i] as const))('%s', (_, kink, i) => {
  expect(complaintsAboutKink(kink, graphs[i], results[i])).toEqual([]);
  noteVectors(1 + graphs[i].gradients.length);
  noteGradients(graphs[i].gradients.length + graphs[i].zeros.length);
});
