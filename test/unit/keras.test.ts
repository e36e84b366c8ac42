/** Files of Keras: those that Keras wrote give its outputs, and those that the library writes are complete. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { loadKerasModel, loadLayersModel, saveKerasModel } from '../../src/exchange/index.ts';
import { type Expected, differenceOf, filesOf, kerasCases, tensorFlowJsCases } from '../support/exchangeCases.ts';

/** Folder for files that scripts/golden/kerasModels.py verifies by Keras. */
const written = process.env.OMBRE_WRITTEN;

function keep(name: string, bytes: Uint8Array, { inputs, outputs }: Expected): void {
  if (!written) return;
  mkdirSync(written, { recursive: true });
  writeFileSync(join(written, `${name}.keras`), bytes);
  writeFileSync(join(written, `${name}.json`), JSON.stringify({ inputs, outputs }));
}

const pathOf = (file: string): string => fileURLToPath(new URL(`../golden/keras/${file}`, import.meta.url));

describe('files of Keras 3, and of Keras 2', () => {
  test.each(Object.keys(kerasCases))('%s gives the same outputs', async (name) => {
    const row = kerasCases[name];
    const model = await loadKerasModel(pathOf(row.file));
    expect(await differenceOf(model, row)).toBeLessThan(2e-5);
  });

  test.each(Object.keys(kerasCases))('%s is written, and read again with the same outputs', async (name) => {
    const row = kerasCases[name];
    const bytes = await saveKerasModel(await loadKerasModel(readFileSync(pathOf(row.file))));
    keep(name, bytes, row);
    expect(await differenceOf(await loadKerasModel(bytes), row)).toBeLessThan(2e-5);
  });
});

describe('files for Keras 3', () => {
  test('the archive has the members of Keras, stored as they are', async () => {
    const bytes = await saveKerasModel(await loadLayersModel(filesOf(tensorFlowJsCases.dense)));
    const members = unzipSync(bytes);
    expect(Object.keys(members)).toEqual(['metadata.json', 'config.json', 'model.weights.h5']);
    expect(bytes.length).toBeGreaterThan(Object.values(members).reduce((total, { length }) => total + length, 0));
    expect(await saveKerasModel(await loadLayersModel(filesOf(tensorFlowJsCases.dense)))).toEqual(bytes);
  });
});
