// Options of the functions that read and write files: a wrong value is refused before the file is touched, with the option and the rule.
import { expect, test } from 'vitest';
import { ArgumentError } from '../../src/core/errors.ts';
import { loadKerasModel, loadLayersModel, openSafetensors, pytorch, readZip, shardSafetensors, writeNpz } from '../../src/exchange/index.ts'; // prettier-ignore
import { layers, loadModel, sequential } from '../../src/index.ts';

const model = sequential([layers.dense({ units: 1, inputShape: [2] })]);
const no = (): never => expect.unreachable('the file was touched');
const source = { getFile: no } as never;

const rows: Record<string, readonly [call: (options: never) => unknown, given: object, message: string]> = {
  'save: optimizer': [(options) => model.save(no, options), { optimizer: 'no' }, "save: optimizer is 'no'; it must be true or false"],
  'save: another name': [(options) => model.save(no, options), { optimiser: true }, "save: unknown option 'optimiser'; it takes optimizer; did you mean 'optimizer'?"],
  'saveWeights: optimizer': [(options) => model.saveWeights(no, options), { optimizer: 1 }, 'saveWeights: optimizer is 1; it must be true or false'],
  'saveWeights: only': [(options) => model.saveWeights(no, options), { only: 'lor' }, "saveWeights: only is 'lor'; it must be 'lora'"],
  'saveWeights: a map and the state': [(options) => model.saveWeights(no, options), { map: { rules: [] }, optimizer: true }, 'saveWeights: a file with a map holds only weights; leave out optimizer, or map'],
  'loadWeights: skipMismatch': [(options) => model.loadWeights(source, options), { skipMismatch: 'no' }, "loadWeights: skipMismatch is 'no'; it must be true or false"],
  'loadWeights: map and only': [(options) => model.loadWeights(source, options), { map: { rules: [] }, only: 'lora' }, 'loadWeights: only and map exclude each other'],
  'loadModel: compile': [(options) => loadModel(source, options), { compile: 'no' }, "loadModel: compile is 'no'; it must be true or false"],
  'loadModel: device': [(options) => loadModel(source, options), { device: 'gpu' }, "loadModel: device is 'gpu'; it must be 'auto', 'webgpu', 'wasm' or 'cpu'"],
  'openSafetensors: shard': [(options) => openSafetensors(source, options), { shard: 'x' }, "openSafetensors: shard is 'x'; it must be a function from the name of a file to its source"],
  'shardSafetensors: name': [(options) => [...shardSafetensors([], options)], { name: 'a/b' }, "shardSafetensors: name is 'a/b'; it must be a name of a file without folders"],
  'shardSafetensors: metadata': [(options) => [...shardSafetensors([], options)], { metadata: { a: 1 } }, 'shardSafetensors: metadata is { a: 1 }; it must be a record of texts'],
  'readZip: maxEntryBytes': [(options) => readZip(new Uint8Array(0), 'x', options), { maxEntryBytes: -1 }, 'readZip: maxEntryBytes is -1; it must be a number of bytes, at least 0'],
  'writeNpz: compress': [(options) => writeNpz([], options), { compress: 1 }, 'writeNpz: compress is 1; it must be true or false'],
  'pytorch: rules': [(options) => pytorch(model, options), { rules: [null] }, 'pytorch: rules is [null]; it must be a list of rules'],
  'pytorch: modules': [(options) => pytorch(model, options), { modules: 5 }, 'pytorch: modules is 5; it must be a list or a record of names'],
  'loadKerasModel: inputShapes': [(options) => loadKerasModel(source, options), { inputShapes: { x: [0] } }, 'loadKerasModel: inputShapes is { x: [0] }; it must be a record of shapes by the names of inputs'],
  'loadLayersModel: inputShapes': [(options) => loadLayersModel('absent', options), { inputShapes: { x: 5 } }, 'loadLayersModel: inputShapes is { x: 5 }; it must be a record of shapes by the names of inputs'],
}; // prettier-ignore

test.each(Object.entries(rows))('%s', async (_, [call, given, message]) => {
  const refusal = await Promise.resolve()
    .then(() => call(given as never))
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  expect(refusal).toBeInstanceOf(ArgumentError);
  expect((refusal as ArgumentError).message).toContain(message);
});
