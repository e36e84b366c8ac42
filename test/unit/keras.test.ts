/** Files of Keras: those that Keras wrote give its outputs, and those that the library writes are complete. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { loadLayersModel, saveKerasModel } from '../../src/exchange/index.ts';
import { tensorFlowJsCases, filesOf } from '../support/exchangeCases.ts';

/** Folder for files that scripts/golden/kerasModels.py verifies by Keras. */
const written = process.env.OMBRE_WRITTEN;

function keep(name: string, bytes: Uint8Array, row: object): void {
  if (!written) return;
  mkdirSync(written, { recursive: true });
  writeFileSync(join(written, `${name}.keras`), bytes);
  writeFileSync(join(written, `${name}.json`), JSON.stringify(row));
}

describe('files for Keras 3', () => {
  test.each(Object.keys(tensorFlowJsCases))('a model of TensorFlow.js is written: %s', async (name) => {
    const row = tensorFlowJsCases[name];
    const bytes = await saveKerasModel(await loadLayersModel(filesOf(row)));
    expect(Object.keys(unzipSync(bytes))).toEqual(['metadata.json', 'config.json', 'model.weights.h5']);
    keep(name, bytes, { inputs: row.inputs, outputs: row.outputs });
  });
});
