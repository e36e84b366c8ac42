/** Every layer of the library is written for Keras and TensorFlow.js, or refused by its name. Other programs verify the files: see the scripts in scripts/golden. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ArgumentError } from '../../src/core/errors.ts';
import { loadLayersModel, saveKerasModel, saveLayersModel } from '../../src/exchange/index.ts';
import { type Model, type Tensor, createModel, input } from '../../src/index.ts';
import { type Expected, differenceOf, outputsOf } from '../support/exchangeCases.ts';
import { type LayerCase, layerCases, makeCase, titleOf } from '../support/layerCases.ts';

/** Folder for files that scripts/golden verifies by Keras and TensorFlow.js. */
const written = process.env.OMBRE_WRITTEN;

function keep(folder: string, name: string, data: Uint8Array | string): void {
  if (!written) return;
  mkdirSync(join(written, folder), { recursive: true });
  writeFileSync(join(written, folder, name), data);
}

/** A model of one layer with the inputs and parameters of a case, and its outputs. */
async function modelOf(one: LayerCase): Promise<{ model: Model; row: Expected }> {
  const { layer, inputs, parameters } = makeCase(one, Float32Array);
  const entries = inputs.map(({ shape }, i) => input({ shape: shape.slice(1), name: `in_${i}` }));
  const outputs = layer.apply(entries.length > 1 ? entries : entries[0]);
  const model = createModel({ inputs: entries.length > 1 ? entries : entries[0], outputs });
  const weights = model.variables().map(({ path, tensor: drawn }) => parameters[path.slice(path.lastIndexOf('/') + 1)] ?? drawn);
  await model.setWeights(weights);
  const listed = async (x: Tensor) => ({ shape: [...x.shape], values: [...(await x.data())] });
  const row = { inputs: await Promise.all(inputs.map(listed)), outputs: [] };
  return { model, row: { ...row, outputs: await Promise.all((await outputsOf(model, row)).map(listed)) } };
}

/** Layers and options that a program does not have, by the text of the error. */
const refused = {
  keras: /has no layer|counterpart|does not have|have only|must be|computes only|in different ways|cannot hold/,
  tensorFlowJs:
    /has no layer|counterpart|does not have|have only|has only|must be|has other corners|in different ways|computes only|does not compute|cannot hold/,
};

const cases = layerCases.filter(({ training }) => !training);

describe('files of every layer', () => {
  test.each(cases.map((one, i) => [titleOf(one), one, i] as const))('%s', async (_, one, i) => {
    const { model, row } = await modelOf(one);
    const name = `${one.name}${i}`;
    try {
      keep('keras', `${name}.keras`, await saveKerasModel(model));
      keep('keras', `${name}.json`, JSON.stringify(row));
    } catch (error) {
      expect(error).toBeInstanceOf(ArgumentError);
      expect((error as Error).message).toMatch(refused.keras);
      keep('refused', `${name}.keras.txt`, (error as Error).message);
    }
    try {
      const saved = await saveLayersModel(model);
      const files = { 'model.json': saved['model.json'], 'weights.bin': Buffer.from(saved['weights.bin']).toString('base64') };
      keep('tensorFlowJs', `${name}.json`, JSON.stringify({ files, ...row }));
      expect(await differenceOf(await loadLayersModel({ ...saved }), row)).toBeLessThan(1e-5);
    } catch (error) {
      expect((error as Error).message).toMatch(refused.tensorFlowJs);
      keep('refused', `${name}.tensorFlowJs.txt`, (error as Error).message);
    }
  });
});
