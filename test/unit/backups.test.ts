// callbacks.backupAndRestore: a fit that was cut off goes on with the bits of one that never stopped.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ArgumentError, FormatError } from '../../src/core/errors.ts';
import { type BackupStore, backupStore } from '../../src/formats/backups.ts';
import { memoryStore } from '../support/memoryStore.ts';
import { type Callback, type FitOptions, type Model, callbacks, data, layers, losses, optimizers, sequential, tensor } from '../../src/index.ts'; // prettier-ignore

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ombre-backups-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const x = Array.from({ length: 22 }, (_, i) => [Math.sin(i), Math.cos(2 * i), i / 10]);
const y = x.map(([a, b]) => [a * b]);
const quiet = { verbose: 0, batchSize: 4 } as const;

function makeModel(units = 6, stepsPerExecution = 1): Model {
  const model = sequential([
    layers.dense({ units, activation: 'relu', inputShape: [3], name: 'hidden' }),
    layers.batchNormalization({ name: 'norm' }),
    layers.dropout({ rate: 0.3 }),
    layers.dense({ units: 1, name: 'out' }),
  ]);
  const optimizer = optimizers.adam({ learningRate: 0.05, emaDecay: 0.9 });
  model.compile({ optimizer, loss: losses.huber(), metrics: ['mae'], seed: 9, stepsPerExecution });
  return model;
}

const valuesOf = async (model: Model): Promise<number[][]> =>
  Promise.all((await model.getWeights()).map(async (weight) => Array.from(await weight.data())));

/** Ends the program, as far as a test can: after a batch of an epoch. */
const crashAt = (epoch: number, batch: number): Callback => {
  let current = -1;
  return {
    onEpochBegin: (number) => void (current = number),
    onBatchEnd(number) {
      if (current === epoch && number >= batch) throw new Error('crash');
    },
  };
};

type History = Readonly<Record<string, readonly number[]>>;
const lastOf = (history: History, epochs: number): History =>
  Object.fromEntries(Object.entries(history).map(([name, values]) => [name, values.slice(-epochs)]));

/** A whole fit, and one that is cut off and continued by another model. */
async function compare(
  saveFrequency: 'epoch' | number,
  crash: Callback,
  options: FitOptions = {},
  input: () => readonly unknown[] = () => [x, y],
  stepsPerExecution = 1,
): Promise<{ first: number; batch: number | undefined }> {
  const fit = (model: Model, more: FitOptions): ReturnType<Model['fit']> =>
    model.fit(...(input() as [typeof x, typeof y]), { ...quiet, epochs: 5, ...options, ...more });
  const whole = makeModel(6, stepsPerExecution);
  const { history } = await fit(whole, {});
  const target = memoryStore();
  const backup = (): Callback => callbacks.backupAndRestore({ target, saveFrequency });
  await expect(fit(makeModel(6, stepsPerExecution), { callbacks: [backup(), crash] })).rejects.toThrow('crash');
  expect(target.bytes).toBeDefined();
  const second = makeModel(6, stepsPerExecution);
  // The key of this fit would be another one than that of the whole fit.
  await fit(second, { epochs: 0 });
  let first: number | undefined;
  let batch: number | undefined;
  const seen: Callback = {
    onTrainBegin: ({ initialEpoch }) => void (first = initialEpoch),
    onBatchBegin: (number) => void (batch ??= number),
  };
  const continued = await fit(second, { callbacks: [backup(), seen] });
  expect(await valuesOf(second)).toEqual(await valuesOf(whole));
  expect(continued.epoch).toEqual([0, 1, 2, 3, 4].slice(first));
  expect(continued.history).toEqual(lastOf(history, continued.epoch.length));
  expect(target.bytes).toBeUndefined();
  return { first: first!, batch };
}

describe('a fit that was cut off has the bits of a whole one', () => {
  test('after an epoch, without a seed of fit', async () => {
    expect(await compare('epoch', crashAt(2, 1))).toEqual({ first: 2, batch: 0 });
  });

  test('within an epoch, with its running sums', async () => {
    expect(await compare(4, crashAt(2, 4), { seed: 3 })).toEqual({ first: 2, batch: 4 });
    expect(await compare(1, crashAt(1, 2))).toEqual({ first: 1, batch: 3 });
  });

  test('after the last batch of an epoch, before its end', async () => {
    expect(await compare(6, crashAt(1, 3))).toEqual({ first: 0, batch: 0 });
  });

  test('groups of batches, weights of samples, validation', async () => {
    const sampleWeight = x.map((_, i) => 1 + (i % 3));
    expect(await compare(3, crashAt(1, 3), { sampleWeight, validationSplit: 0.2 }, undefined, 2)).toEqual({ first: 1, batch: 2 });
  });

  test('epochs of a number of batches', async () => {
    expect(await compare('epoch', crashAt(3, 0), { stepsPerEpoch: 4 })).toEqual({ first: 3, batch: 0 });
    expect(await compare(3, crashAt(3, 3), { stepsPerEpoch: 4 })).toEqual({ first: 3, batch: 3 });
  });

  test('a dataset, known and unknown in size, whose done batches are left out', async () => {
    const known = (): readonly unknown[] => [data.fromArrays(tensor(x), tensor(y)).batch(4), undefined];
    expect(await compare(4, crashAt(2, 4), { batchSize: undefined }, known)).toEqual({ first: 2, batch: 4 });
    const batches = async function* (): AsyncGenerator<{ x: number[][]; y: number[][] }> {
      for (let i = 0; i < 20; i += 4) yield { x: x.slice(i, i + 4), y: y.slice(i, i + 4) };
    };
    const unknown = (): readonly unknown[] => [data.fromGenerator(batches as never), undefined];
    expect(await compare(2, crashAt(1, 3), { batchSize: undefined }, unknown)).toEqual({ first: 1, batch: 3 });
    expect(await compare(2, crashAt(1, 3), { batchSize: undefined, stepsPerEpoch: 5 }, unknown)).toEqual({ first: 1, batch: 3 });
  });
});

describe('the backup', () => {
  test('is a file in Node, which is removed when fit ends', async () => {
    const path = join(folder, 'backup.safetensors');
    const backup = callbacks.backupAndRestore({ target: path });
    await expect(makeModel().fit(x, y, { ...quiet, epochs: 3, callbacks: [backup, crashAt(1, 0)] })).rejects.toThrow('crash');
    expect(await readdir(folder)).toEqual(['backup.safetensors']);
    // Any model reads it as weights.
    await makeModel().loadWeights(path);
    const { epoch } = await makeModel().fit(x, y, { ...quiet, epochs: 3, callbacks: backup });
    expect(epoch).toEqual([1, 2]);
    expect(await readdir(folder)).toEqual([]);
  });

  test('stays with deleteCheckpoint: false, and a longer fit goes on', async () => {
    const target = memoryStore();
    const backup = callbacks.backupAndRestore({ target, deleteCheckpoint: false });
    const whole = makeModel();
    await whole.fit(x, y, { ...quiet, epochs: 3 });
    await makeModel().fit(x, y, { ...quiet, epochs: 2, callbacks: backup });
    const model = makeModel();
    expect((await model.fit(x, y, { ...quiet, epochs: 3, callbacks: backup })).epoch).toEqual([2]);
    expect(await valuesOf(model)).toEqual(await valuesOf(whole));
    expect((await makeModel().fit(x, y, { ...quiet, epochs: 3, callbacks: backup })).epoch).toEqual([]);
  });

  test('of a fit that its signal ends is of the batch that was the last', async () => {
    const whole = makeModel();
    const { history } = await whole.fit(x, y, { ...quiet, epochs: 3 });
    const target = memoryStore();
    const ending = new AbortController();
    const stop: Callback = { onBatchEnd: (batch) => (batch === 2 ? ending.abort() : undefined) };
    const backup = callbacks.backupAndRestore({ target });
    await makeModel().fit(x, y, { ...quiet, epochs: 3, signal: ending.signal, callbacks: [backup, stop] });
    const model = makeModel();
    const batches: number[] = [];
    const seen: Callback = { onBatchBegin: (batch) => void batches.push(batch) };
    const continued = await model.fit(x, y, { ...quiet, epochs: 3, callbacks: [backup, seen] });
    expect(batches[0]).toBe(3);
    expect(continued.history).toEqual(history);
    expect(await valuesOf(model)).toEqual(await valuesOf(whole));
  });

  test('in a file handle is emptied, because not every browser can remove it', async () => {
    let content = new Uint8Array(0);
    const handle = {
      getFile: async () => new Blob([content]),
      createWritable: async () => ({ write: async (bytes: Uint8Array<ArrayBuffer>) => void (content = bytes), close: async () => undefined }), // prettier-ignore
    };
    const place = backupStore(handle, 'test');
    expect(await place.read()).toBeUndefined();
    await place.write(Uint8Array.of(1, 2));
    expect(await place.read()).toEqual(Uint8Array.of(1, 2));
    await place.remove();
    expect(await place.read()).toBeUndefined();
  });

  test('in the storage of a page needs a page', () => {
    expect(() => callbacks.backupAndRestore({ target: 'opfs://x' })).toThrow('callbacks.backupAndRestore: opfs://x needs OPFS');
    expect(() => callbacks.backupAndRestore({ target: 'download://x' })).toThrow(
      "target is 'download://x', which a page cannot read again",
    );
  });

  test('at a path needs Node', () => {
    vi.stubGlobal('process', undefined);
    try {
      expect(() => callbacks.backupAndRestore({ target: 'x' })).toThrow(
        "callbacks.backupAndRestore: target is the path 'x', and paths are for Node; pass a name such as opfs://x, a file handle or { read, write, remove }",
      );
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('a backup that does not fit is refused, and the model is as it was', () => {
  const cutOff = async (saveFrequency: 'epoch' | number): Promise<ReturnType<typeof memoryStore>> => {
    const target = memoryStore();
    const backup = callbacks.backupAndRestore({ target, saveFrequency });
    await expect(makeModel().fit(x, y, { ...quiet, epochs: 3, callbacks: [backup, crashAt(1, 2)] })).rejects.toThrow('crash');
    return target;
  };
  const refused = async (model: Model, target: BackupStore, options: FitOptions = {}): Promise<unknown> => {
    const before = await valuesOf(model);
    const backup = callbacks.backupAndRestore({ target });
    const error: unknown = await model.fit(x, y, { ...quiet, epochs: 3, callbacks: backup, ...options }).catch((reason: unknown) => reason);
    expect(await valuesOf(model)).toEqual(before);
    return error;
  };

  test('of another model', async () => {
    const error = await refused(makeModel(5), await cutOff('epoch'));
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toMatch(/^fit: the backup holds the weights of another model; .*; remove the backup to begin again$/);
  });

  test('of another optimizer', async () => {
    const model = makeModel();
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    expect(String(await refused(model, await cutOff('epoch')))).toContain(
      "fit: the backup: the optimizer 'optimizer' was adam, and the model is compiled with sgd; remove the backup to begin again",
    );
  });

  test('from the middle of an epoch over other data; at the end of one they may differ', async () => {
    const middle = await cutOff(1);
    const error = await refused(makeModel(), middle, { batchSize: 5 });
    expect(error).toBeInstanceOf(ArgumentError);
    expect((error as Error).message).toBe(
      'fit: the backup is from the middle of an epoch over 6 batches with 22 samples, 4 in a batch, and this epoch has 5 batches with 22 samples, ' +
        '5 in a batch; pass the same data and batchSize, or remove the backup to begin again',
    );
    const target = await cutOff('epoch');
    await makeModel().fit(x, y, { ...quiet, batchSize: 5, epochs: 3, callbacks: callbacks.backupAndRestore({ target }) });
  });

  test('with other metrics in the middle of an epoch', async () => {
    const model = makeModel();
    model.compile({ optimizer: optimizers.adam({ emaDecay: 0.9 }), loss: losses.huber() });
    expect(String(await refused(model, await cutOff(1)))).toContain('fit: the backup: sums.metrics[0]');
  });

  test('that is a file of weights, or damaged', async () => {
    const path = join(folder, 'weights.safetensors');
    await makeModel().saveWeights(path);
    expect(String(await refused(makeModel(), backupStore(path, 'test')))).toContain(
      'fit: the backup has no place in a fit; remove the backup',
    );
    await makeModel().saveWeights(path, { optimizer: false });
    expect(String(await refused(makeModel(), backupStore(path, 'test')))).toContain('fit: the backup has no state of training');
    await writeFile(path, 'nothing');
    expect(await refused(makeModel(), backupStore(path, 'test'))).toBeInstanceOf(FormatError);
  });
});
