/** Layers models of TensorFlow.js: files that TensorFlow.js wrote give its outputs. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadLayersModel, saveLayersModel } from '../../src/exchange/index.ts';
import { type Model, type Tensor, tensor } from '../../src/index.ts';

interface Numbers {
  readonly shape: number[];
  readonly values: number[];
}

interface Case {
  readonly model: { readonly modelTopology: object };
  readonly weights: string;
  readonly inputs: readonly Numbers[];
  readonly outputs: readonly Numbers[];
}

const cases = JSON.parse(readFileSync(new URL('../golden/tensorflowJs.json', import.meta.url), 'utf8')) as Record<string, Case>;
const filesOf = ({ model, weights }: Case) => ({ 'model.json': model, 'weights.bin': new Uint8Array(Buffer.from(weights, 'base64')) });

/** Largest difference between the outputs of a model and the expected ones. */
async function differenceOf(model: Model, { inputs, outputs }: Pick<Case, 'inputs' | 'outputs'>): Promise<number> {
  const given = inputs.map(({ shape, values }) => tensor(values, shape));
  const got = [await model.predict<Tensor | Tensor[]>(given.length > 1 ? given : given[0])].flat();
  expect(got.map(({ shape }) => shape)).toEqual(outputs.map(({ shape }) => shape));
  const differences = await Promise.all(
    got.map(async (y, i) => Math.max(...(await y.data()).map((value, j) => Math.abs(value - outputs[i].values[j])))),
  );
  return Math.max(...differences);
}

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
