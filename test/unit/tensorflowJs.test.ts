/** Layers models of TensorFlow.js: files that TensorFlow.js wrote give its outputs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadLayersModel, saveLayersModel } from '../../src/exchange/index.ts';
import { tensorFlowJsCases as cases, differenceOf, filesOf } from '../support/exchangeCases.ts';

describe('files of TensorFlow.js', () => {
  test.each(Object.keys(cases))('%s gives the same outputs', async (name) => {
    const model = await loadLayersModel(filesOf(cases[name]));
    expect(await differenceOf(model, cases[name])).toBeLessThan(2e-5);
  });
});

/** Folder for files that scripts/golden/tensorflowJs.mjs verifies by TensorFlow.js. */
const written = process.env.OMBRE_WRITTEN;

describe('files for TensorFlow.js', () => {
  test.each(Object.keys(cases))('%s is written, and read again with the same outputs', async (name) => {
    const model = await loadLayersModel(filesOf(cases[name]));
    const saved = await saveLayersModel(model);
    const again = await loadLayersModel({ ...saved });
    expect(await differenceOf(again, cases[name])).toBeLessThan(2e-5);
    if (!written) return;
    mkdirSync(written, { recursive: true });
    const files = { 'model.json': saved['model.json'], 'weights.bin': Buffer.from(saved['weights.bin']).toString('base64') };
    writeFileSync(join(written, `${name}.json`), JSON.stringify({ files, inputs: cases[name].inputs, outputs: cases[name].outputs }));
  });
});
