// Bad input around a training: each is refused in words, the model can train afterwards, and no part of a file is left.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { FileError } from '../../src/core/errors.ts';
import { setDevice } from '../../src/engine/index.ts';
import '../../src/ops/methods.ts';
import { csvDataset, imageFolder, readCsv } from '../../src/tables/index.ts';
import { type Model, callbacks, data } from '../../src/train/index.ts';
import { space, tune } from '../../src/tune/index.ts';
import { classifier, quiet, weightsOf } from '../support/models.ts';

const { PNG } = createRequire(import.meta.url)('pngjs') as { PNG: { sync: { write(image: object): Uint8Array } } };

const folder = mkdtempSync(join(tmpdir(), 'ombre-'));
const x = [[1, 2], [3, 4], [5, 6], [7, 8]]; // prettier-ignore
const y = [0, 1, 2, 0];
const run = { ...quiet, epochs: 2, batchSize: 2 };
let model: Model;

beforeAll(() => setDevice('cpu'));
beforeEach(() => {
  model = classifier();
});
afterAll(() => rmSync(folder, { recursive: true }));

const isUsable = async (): Promise<void> => expect((await model.fit(x, y, run)).history.loss.every(Number.isFinite)).toBe(true);

describe('classWeight', () => {
  test.each([
    ['a class that the model has not', { 7: 2 }, 'fit: classWeight names class 7, but the model has 3 outputs; its classes are 0 to 2'],
    ['a negative weight', { 1: -2 }, 'fit: classWeight has 1: -2; it maps class indices to numbers of at least 0'],
    ['a class below 0', { '-1': 2 }, 'fit: classWeight has -1: 2; it maps class indices to numbers of at least 0'],
  ])('%s is refused', async (_, classWeight, message) => {
    const before = await weightsOf(model);
    await expect(model.fit(x, y, { ...run, classWeight })).rejects.toThrow(message);
    expect(await weightsOf(model)).toEqual(before);
    await isUsable();
  });

  test('a class without a sample changes nothing, and has no part in balanced weights', async () => {
    const twice = [0, 1, 0, 1];
    const lossesOf = async (classWeight: Record<number, number> | 'balanced' | undefined): Promise<readonly number[]> => {
      const fresh = classifier();
      await fresh.setWeights(await model.getWeights());
      return (await fresh.fit(x, twice, { ...run, shuffle: false, classWeight })).history.loss;
    };
    const plain = await lossesOf(undefined);
    expect(await lossesOf({ 2: 5 })).toEqual(plain);
    expect(await lossesOf('balanced')).toEqual(plain);
  });
});

describe('validation', () => {
  test.each([
    ['an empty validation set', { validationData: [[], []] as never }, 'fit (validationData): x is empty (shape [0])'],
    ['a split that leaves nothing to train on', { validationSplit: 0.99 }, 'validationSplit 0.99 of 4 samples leaves none to train on'],
  ])('%s is refused', async (_, options, message) => {
    await expect(model.fit(x, y, { ...run, ...options })).rejects.toThrow(message);
    await isUsable();
  });
});

describe('generators', () => {
  const samples = (count: number, error?: Error) =>
    data.fromGenerator(function* () {
      for (let i = 0; i < count; i++) yield { x: x[i], y: y[i] };
      if (error) throw error;
    });

  test('an error of the generator comes out of fit as it is', async () => {
    const error = new Error('the file broke');
    await expect(model.fit(samples(3, error).batch(2), undefined, { ...quiet, epochs: 2 })).rejects.toBe(error);
    await isUsable();
    await expect(model.fit(x, y, { ...run, validationData: samples(3, error).batch(2) })).rejects.toBe(error);
    await isUsable();
    await expect(model.evaluate(samples(3, error).batch(2), undefined, quiet)).rejects.toBe(error);
    await isUsable();
  });

  test('an empty one is refused', async () => {
    await expect(model.fit(samples(0).batch(2), undefined, quiet)).rejects.toThrow('fit: the dataset is empty; it needs one batch or more');
    await isUsable();
  });

  test('one that ends before stepsPerEpoch goes on with its next pass; one that is used up ends the training with a warning', async () => {
    expect((await model.fit(samples(3).batch(2), undefined, { ...quiet, epochs: 3, stepsPerEpoch: 5 })).history.loss.length).toBe(3);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const once = samples(3)[Symbol.asyncIterator]();
    const used = data.fromGenerator(() => ({ [Symbol.asyncIterator]: () => once }) as AsyncIterable<{ x: number[]; y: number }>);
    expect((await model.fit(used.batch(2), undefined, { ...quiet, epochs: 3 })).history.loss.length).toBe(1);
    expect(warn.mock.calls.join()).toContain('the dataset gave no batch in epoch 2 of 3, so the training ends');
    warn.mockRestore();
    await isUsable();
  });
});

describe('files to read', () => {
  const csv = (content: string): string => {
    writeFileSync(join(folder, 'a.csv'), content);
    return join(folder, 'a.csv');
  };
  const columns = { a: 'number', b: 'number' } as const;

  test.each([
    ['a missing column', 'a,c\n1,2\n', "line 1: the column 'b' is missing; the file has a, c"],
    ['a word in a column of numbers', 'a,b\n1,2\n3,x\n', "line 3, column 'b': 'x' is not a number"],
    ['a short row', 'a,b\n1,2\n3\n', 'line 3: has 1 cells instead of 2'],
  ])('%s: line and column are named', async (_, content, message) => {
    await expect(readCsv(csv(content), { columns })).rejects.toThrow(message);
    const read = async (): Promise<void> => {
      for await (const row of csvDataset(csv(content), { columns, target: 'b' })) void row;
    };
    await expect(read()).rejects.toThrow(message);
  });

  test('images of several sizes', async () => {
    mkdirSync(join(folder, 'images', 'one'), { recursive: true });
    const image = (width: number): Uint8Array => PNG.sync.write({ width, height: 4, data: Buffer.alloc(16 * width) });
    writeFileSync(join(folder, 'images/one/a.png'), image(4));
    writeFileSync(join(folder, 'images/one/b.png'), image(5));
    const { dataset } = await imageFolder(join(folder, 'images'));
    const read = async (): Promise<void> => {
      for await (const sample of dataset) void sample;
    };
    await expect(read()).rejects.toThrow('imageFolder: one/b.png has 4 x 5 pixels, and one/a.png has 4 x 4; give a size to resize to');
  });
});

test('a space with an unknown distribution is refused before the first trial', async () => {
  const build = vi.fn(classifier);
  const given = { rate: space.uniform(0, 1), units: { distribution: 'gaussian', mean: 0 } };
  await expect(tune({ space: given as never, build, fit: { x, y }, trials: 2 })).rejects.toThrow(
    "tune: space.units has the unknown distribution 'gaussian'; the names are uniform, logUniform, int, quantized, normal, choice",
  );
  expect(build).not.toHaveBeenCalled();
});

describe('files that cannot be written', () => {
  const files = join(folder, 'files');
  beforeEach(() => {
    rmSync(files, { recursive: true, force: true });
    mkdirSync(files);
    writeFileSync(join(files, 'file'), 'text');
  });
  const failing = (name: string) => ({
    createWritable: () =>
      Promise.resolve({
        write: () => Promise.reject(new DOMException('The quota is used up.', name)),
        close: () => Promise.resolve(),
        abort: () => Promise.resolve(),
      }),
  });
  const checkpoint = (filepath: string | (() => ReturnType<typeof failing>)) => () =>
    model.fit(x, y, { ...run, callbacks: callbacks.modelCheckpoint({ filepath, monitor: 'loss' }) });

  test.each([
    ['a checkpoint below a file', checkpoint(join(files, 'file/m.safetensors')), 'a part of its path is a file; choose another place'],
    ['a checkpoint in no folder', checkpoint(join(files, 'none/m.safetensors')), 'its folder does not exist; make the folder first'],
    ['a checkpoint over a folder', checkpoint(folder), 'it is a folder; add the name of a file'],
    ['a checkpoint without space', checkpoint(() => failing('QuotaExceededError')), 'no space is left; free some, or choose another place'],
    [
      'a checkpoint that is read-only',
      checkpoint(() => failing('NoModificationAllowedError')),
      'it may not be written; choose another place',
    ],
    ['a backup in no folder', () => model.fit(x, y, { ...run, callbacks: callbacks.backupAndRestore({ target: join(files, 'none/b') }) }), 'its folder does not exist'], // prettier-ignore
    ['a log of TensorBoard below a file', () => model.fit(x, y, { ...run, callbacks: callbacks.tensorBoard({ logDir: join(files, 'file') }) }), 'a part of its path is a file'], // prettier-ignore
  ])('%s', async (_, write, message) => {
    const error = await write().then(() => undefined, (thrown: unknown) => thrown as FileError); // prettier-ignore
    expect(error).toBeInstanceOf(FileError);
    expect(error!.message).toContain(`cannot be written: ${message}`);
    expect(error!.cause).toBeInstanceOf(Error);
    // No file, no draft, and the old file is whole.
    expect(readdirSync(files)).toEqual(['file']);
    expect(readFileSync(join(files, 'file'), 'utf8')).toBe('text');
    await isUsable();
  });

  // Linux has a device that is always full.
  const isDevice = process.platform === 'linux' && statSync('/dev/full', { throwIfNoEntry: false })?.isCharacterDevice() === true;
  if (!isDevice) console.warn('no test of a full disk: there is no device /dev/full here');
  test.runIf(isDevice)('a full disk; a device keeps its name', async () => {
    await expect(model.save('/dev/full')).rejects.toThrow("save: '/dev/full' cannot be written: no space is left; free some, or choose");
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
    await isUsable();
  });
});
