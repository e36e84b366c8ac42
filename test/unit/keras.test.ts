/** Files of Keras: those that Keras wrote give its outputs, and those that the library writes are complete. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { strFromU8, unzipSync } from 'fflate';
import type { Configured } from '../../src/core/config.ts';
import { describe, expect, test } from 'vitest';
import { loadKerasModel, loadLayersModel, saveKerasModel } from '../../src/exchange/index.ts';
import { type Layer, initializers, layers, regularizers, sequential } from '../../src/index.ts';
import { type Expected, type KerasCase, differenceOf, filesOf, kerasCases, tensorFlowJsCases } from '../support/exchangeCases.ts';

/** Folder for files that scripts/golden/kerasModels.py verifies by Keras. */
const written = process.env.OMBRE_WRITTEN;

function keep(name: string, bytes: Uint8Array, { inputs, outputs }: Expected): void {
  if (!written) return;
  mkdirSync(written, { recursive: true });
  writeFileSync(join(written, `${name}.keras`), bytes);
  writeFileSync(join(written, `${name}.json`), JSON.stringify({ inputs, outputs }));
}

/** Bytes of a golden file. Those in HDF5 are packed. */
function bytesOf({ file }: KerasCase): Uint8Array {
  const bytes = readFileSync(new URL(`../golden/keras/${file}`, import.meta.url));
  return file.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

describe('files of Keras 3, and of Keras 2', () => {
  test.each(Object.keys(kerasCases))('%s gives the same outputs', async (name) => {
    const row = kerasCases[name];
    const model = await loadKerasModel(bytesOf(row));
    expect(await differenceOf(model, row)).toBeLessThan(2e-5);
  });

  /** Models with the hard sigmoid of Keras 2, which Keras 3 does not have. */
  const olderOnly = ['bidirectionalKeras2'];

  test.each(Object.keys(kerasCases))('%s is written, and read again with the same outputs', async (name) => {
    const row = kerasCases[name];
    const model = await loadKerasModel(bytesOf(row));
    if (olderOnly.includes(name)) return expect(saveKerasModel(model)).rejects.toThrow("recurrentActivation is 'keras.hardSigmoid'");
    const bytes = await saveKerasModel(model);
    keep(name, bytes, row);
    expect(await differenceOf(await loadKerasModel(bytes), row)).toBeLessThan(2e-5);
  });
});

/** Layers of a config, without the ops that Keras makes of masks. */
const layersOf = (bytes: Uint8Array): { readonly class_name: string; readonly name: string }[] => {
  const { config } = JSON.parse(strFromU8(unzipSync(bytes)['config.json'])) as {
    config: { layers: { module: string; class_name: string; name: string }[] };
  };
  return config.layers.filter(({ module }) => !module.startsWith('keras.src.ops'));
};

describe('files for Keras 3', () => {
  test('the archive has the members of Keras, stored as they are', async () => {
    const bytes = await saveKerasModel(await loadLayersModel(filesOf(tensorFlowJsCases.dense)));
    const members = unzipSync(bytes);
    expect(Object.keys(members)).toEqual(['metadata.json', 'config.json', 'model.weights.h5']);
    expect(bytes.length).toBeGreaterThan(Object.values(members).reduce((total, { length }) => total + length, 0));
    expect(await saveKerasModel(await loadLayersModel(filesOf(tensorFlowJsCases.dense)))).toEqual(bytes);
  });

  test.each(['nested', 'merges', 'attention', 'states', 'embedding'])('layers are in the order of Keras: %s', async (name) => {
    const given = bytesOf(kerasCases[name]);
    const names = (bytes: Uint8Array) => layersOf(bytes).map((layer) => `${layer.class_name} ${layer.name}`);
    expect(names(await saveKerasModel(await loadKerasModel(given)))).toEqual(names(given));
  });

  test('a layer that is frozen stays frozen, and options stay', async () => {
    const model = sequential([
      layers.dense({
        units: 4,
        inputShape: [3],
        activation: 'gelu',
        kernelRegularizer: regularizers.l1l2({ l1: 0.1, l2: 0.2 }),
        kernelConstraint: 'nonNeg',
      }),
      layers.batchNormalization({ momentum: 0.9, trainable: false }),
      layers.dense({
        units: 2,
        kernelInitializer: initializers.varianceScaling({ scale: 2, mode: 'fanOut', distribution: 'uniform', seed: 3 }),
      }),
    ]);
    const again = await loadKerasModel(await saveKerasModel(model));
    const configOf = (layer: Layer) => {
      const { kind, options } = (layer as Configured<Layer>).config;
      return { kind, options: { ...options, name: undefined } };
    };
    expect(again.layers.map(configOf)).toEqual(model.layers.map(configOf));
    expect(again.layers[1].trainable).toBe(false);
    expect(again.variables().map(({ path }) => path)).toEqual(model.variables().map(({ path }) => path));
  });
});
