/** Layers models of TensorFlow.js: files that TensorFlow.js wrote give its outputs. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

describe('places of files', () => {
  let folder = '';
  let server: Server;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ombre-tfjs-'));
    const files = filesOf(cases.dense);
    const bytes = files['weights.bin'];
    // Two shards, cut in the middle of a number.
    const model = { ...files['model.json'], weightsManifest: [{ ...cases.dense.model.weightsManifest[0], paths: ['a.bin', 'b.bin'] }] };
    writeFileSync(join(folder, 'model.json'), JSON.stringify(model));
    writeFileSync(join(folder, 'a.bin'), bytes.subarray(0, 31));
    writeFileSync(join(folder, 'b.bin'), bytes.subarray(31));
    server = createServer((request, response) => {
      const path = join(folder, request.url!.slice('/models/'.length));
      if (existsSync(path)) response.end(readFileSync(path));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  test('a path, and an address of a file', async () => {
    expect(await differenceOf(await loadLayersModel(join(folder, 'model.json')), cases.dense)).toBeLessThan(2e-5);
    expect(await differenceOf(await loadLayersModel(pathToFileURL(join(folder, 'model.json'))), cases.dense)).toBeLessThan(2e-5);
  });

  test('an address of a server', async () => {
    const { port } = server.address() as AddressInfo;
    expect(await differenceOf(await loadLayersModel(`http://127.0.0.1:${port}/models/model.json`), cases.dense)).toBeLessThan(2e-5);
    await expect(loadLayersModel(`http://127.0.0.1:${port}/models/other.json`)).rejects.toThrow('gave the status 404; check the address');
  });

  test('float16, and an input of open size', async () => {
    const layer = { class_name: 'Dense', config: { name: 'd', units: 1, batch_input_shape: [null, null, 2] } };
    const weights = [
      { name: 'd/kernel', shape: [2, 1], dtype: 'float32', quantization: { dtype: 'float16', original_dtype: 'float32' } },
      { name: 'd/bias', shape: [1], dtype: 'float32', quantization: { dtype: 'float16', original_dtype: 'float32' } },
    ];
    const model = {
      modelTopology: { class_name: 'Sequential', config: { name: 's', layers: [layer] } },
      weightsManifest: [{ paths: ['w'], weights }],
    };
    // 1.5, -2 and 0.25 as F16.
    const files = { 'model.json': model, w: Uint8Array.of(0x00, 0x3e, 0x00, 0xc0, 0x00, 0x34) };
    const loaded = await loadLayersModel(files, { inputShapes: { d: [3, 2] } });
    const x = { shape: [1, 3, 2], values: [1, 0, 0, 1, 2, 2] };
    expect(await differenceOf(loaded, { inputs: [x], outputs: [{ shape: [1, 3, 1], values: [1.75, -1.75, -0.75] }] })).toBe(0);
  });
});
