// A written module with separate weights runs in a Node program that has the package `webgpu`, but not the library.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { layers, sequential, setDevice, setSeed } from '../../src/index.ts';
import { exportStandalone } from '../../src/standalone/index.ts';
import { disguised } from './library.ts';

let folder = '';
beforeAll(async () => {
  await setDevice('webgpu');
  folder = await mkdtemp(join(tmpdir(), 'ombre-module-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await setDevice('auto');
});

const dawn = pathToFileURL(createRequire(import.meta.url).resolve('webgpu')).href;

const program = `
import { create } from '${dawn}';
import { load } from './model.mjs';
const missing = await load().catch(({ name, message }) => name + ': ' + message);
const model = await load(create([]));
const { data, shape } = await model.run([[1, 2, 3], [4, 5, 6]]);
model.destroy();
const after = await model.run([[1, 2, 3], [4, 5, 6]]).catch(({ message }) => message);
console.log(JSON.stringify({ missing, data: [...data], shape, after }));
`;

test('a module with separate weights', async () => {
  setSeed(4);
  const model = sequential([layers.dense({ units: 5, activation: 'tanh', inputShape: [3] }), layers.dense({ units: 2 })]);
  const expected = await model.predict([[1, 2, 3], [4, 5, 6]]).data(); // prettier-ignore
  await exportStandalone(model, { batchSize: 2, weights: 'separate', target: join(folder, 'model.mjs') });
  await writeFile(join(folder, 'program.mjs'), program);
  const { stdout } = await promisify(execFile)(process.execPath, [...disguised, join(folder, 'program.mjs')], { cwd: folder });
  const found = JSON.parse(stdout) as { missing: string; data: number[]; shape: number[]; after: string };
  expect(found.shape).toEqual([2, 2]);
  for (const [i, x] of found.data.entries()) expect(Math.abs(x - expected[i])).toBeLessThan(2e-6 * (1 + Math.abs(expected[i])));
  expect(found.missing).toContain('DeviceError: model: there is no WebGPU here');
  expect(found.after).toBe('model: run: destroy() was called');
});
