/** Damaged files of Keras and TensorFlow.js: a reader gives a model or a FormatError, and nothing else. OMBRE_FUZZ sets the number of files. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { unzipSync, zipSync } from 'fflate';
import { beforeAll, expect, test } from 'vitest';
import { ArgumentError, FormatError } from '../../src/core/errors.ts';
import { loadKerasModel, loadLayersModel } from '../../src/exchange/index.ts';
import { kerasCases, tensorFlowJsCases } from '../support/exchangeCases.ts';

const runs = Number(process.env.OMBRE_FUZZ ?? 500);
const seconds = (count: number): number => 30_000 + count * 100;

async function isRefused(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof ArgumentError)) throw error;
  }
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
}

type Data = unknown;
const isBranch = (value: Data): value is Record<string, Data> => typeof value === 'object' && value !== null;

/** Places of a tree of JSON. */
function placesOf(tree: Data): [Record<string, Data>, string][] {
  if (!isBranch(tree)) return [];
  return Object.entries(tree).flatMap(([name, child]) => [[tree, name] as [Record<string, Data>, string], ...placesOf(child)]);
}

const names = [
  '__proto__',
  'constructor',
  'toString',
  'class_name',
  'config',
  'layers',
  'units',
  'Dense',
  'LSTM',
  'relu',
  'x',
  '',
  'channels_first',
];
const value = fc.oneof(
  fc.constantFrom<Data>(null, true, false, 0, 1, -1, 2, 3, 2 ** 31, 1e300, -0.5, [], {}, [null, 3], [[null]], {
    class_name: 'Dense',
    config: {},
  }),
  fc.constantFrom<Data>(...names),
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom('{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}').map((text) => JSON.parse(text) as Data),
);
const change = fc.record({
  at: fc.nat(),
  how: fc.constantFrom('set', 'delete', 'rename', 'copy'),
  value,
  from: fc.nat(),
  name: fc.constantFrom(...names),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** A tree of JSON with some places changed. */
function changed(tree: Data, changes: readonly Change[]): Data {
  const copy = structuredClone(tree);
  for (const { at, how, value: given, from, name } of changes) {
    const places = placesOf(copy);
    if (places.length === 0) return given;
    const [branch, key] = places[at % places.length];
    const [other, otherKey] = places[from % places.length];
    const set = (into: string, content: Data): void =>
      void Object.defineProperty(branch, into, { value: content, enumerable: true, configurable: true, writable: true });
    if (how === 'set') set(key, given);
    else if (how === 'copy') set(key, structuredClone(other[otherKey]));
    else if (Array.isArray(branch)) branch.splice(Number(key), 1);
    else {
      const before = branch[key];
      delete branch[key];
      if (how === 'rename') set(name, before);
    }
  }
  return copy;
}

const changes = fc.array(change, { minLength: 1, maxLength: 3 });

test('model.json of TensorFlow.js', { timeout: seconds(runs) }, async () => {
  const sources = ['dense', 'nested', 'cells', 'merges', 'bidirectional', 'conv2d', 'distributedModel', 'uint8'].map(
    (name) => tensorFlowJsCases[name],
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(), changes, async (i, list) => {
      const source = sources[i % sources.length];
      const model = JSON.parse(JSON.stringify(changed(source.model, list))) as object;
      await isRefused(loadLayersModel({ 'model.json': model, 'weights.bin': new Uint8Array(Buffer.from(source.weights, 'base64')) }));
    }),
    { numRuns: runs },
  );
});

let archives: Record<string, Uint8Array>[];
let legacy: Uint8Array[];
beforeAll(() => {
  const bytesOf = (file: string): Uint8Array => new Uint8Array(readFileSync(new URL(`../golden/keras/${file}`, import.meta.url)));
  const files = Object.values(kerasCases).map(({ file }) => file);
  archives = files.filter((file) => file.endsWith('.keras')).map((file) => unzipSync(bytesOf(file)));
  legacy = files.filter((file) => file.endsWith('.gz')).map((file) => gunzipSync(bytesOf(file)));
});

test('config.json of Keras', { timeout: seconds(runs) }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), changes, async (i, list) => {
      const members = archives[i % archives.length];
      const config = changed(JSON.parse(new TextDecoder().decode(members['config.json'])), list);
      const bytes = zipSync({ ...members, 'config.json': new TextEncoder().encode(JSON.stringify(config)) }, { level: 0 });
      await isRefused(loadKerasModel(bytes));
    }),
    { numRuns: runs },
  );
});

const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });

/** Bytes with some of them changed, and perhaps cut off. */
function edited(bytes: Uint8Array, list: readonly (readonly [number, number])[], length: number): Uint8Array {
  const copy = bytes.slice(0, length % 5 === 0 ? length % bytes.length : bytes.length);
  for (const [at, byte] of list) if (copy.length) copy[at % copy.length] = byte;
  return copy;
}

test('HDF5 in archives', { timeout: seconds(runs) }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), edits, fc.nat(), async (i, list, length) => {
      const members = archives[i % archives.length];
      await isRefused(
        loadKerasModel(zipSync({ ...members, 'model.weights.h5': edited(members['model.weights.h5'], list, length) }, { level: 0 })),
      );
    }),
    { numRuns: runs },
  );
});

test('HDF5 files of Keras 2', { timeout: seconds(runs) }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), edits, fc.nat(), async (i, list, length) =>
      isRefused(loadKerasModel(edited(legacy[i % legacy.length], list, length))),
    ),
    { numRuns: runs },
  );
});

test('zip archives', { timeout: seconds(runs) }, async () => {
  const packed = archives.map((members) => zipSync(members));
  await fc.assert(
    fc.asyncProperty(fc.nat(), edits, fc.nat(), async (i, list, length) =>
      isRefused(loadKerasModel(edited(packed[i % packed.length], list, length))),
    ),
    { numRuns: runs },
  );
});
