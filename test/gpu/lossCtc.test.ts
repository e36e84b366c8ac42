// The CTC loss on this device: a row of the CPU's tests, with a mask.
import { beforeAll, expect, test } from 'vitest';
import { readAll, setDevice } from '../../src/engine/index.ts';
import { noteVectors } from '../support/findings.ts';
import { complaintsAboutCtc, ctcCases } from '../tables/lossCtc.ts';

beforeAll(() => setDevice('webgpu'), 60_000);

test('sequences of different lengths', async () => {
  const row = ctcCases.find(({ name }) => name === 'sequences of different lengths')!;
  expect(complaintsAboutCtc(row, await readAll(row.build('f32')), 1e-5)).toEqual([]);
  noteVectors(2);
}, 60_000);
