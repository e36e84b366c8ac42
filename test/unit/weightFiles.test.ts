// Files of weights: places of files, and training that resumes with the same bits.
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import {
  type Model,
  callbacks,
  layers,
  loadModel,
  losses,
  mean,
  optimizers,
  removeStored,
  sequential,
  square,
  storedFiles,
  sub,
} from '../../src/index.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ombre-files-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const x = Array.from({ length: 10 }, (_, i) => [Math.sin(i), Math.cos(2 * i), i / 10]);
const y = x.map(([a, b]) => [a * b]);
const fitOptions = { batchSize: 4, verbose: 0, seed: 5 } as const;

function makeModel(optimizer: 'adam' | 'momentum' | 'lookahead' = 'adam', units = 6): Model {
  const model = sequential([
    layers.dense({ units, activation: 'relu', inputShape: [3], name: 'hidden' }),
    layers.batchNormalization({ name: 'norm' }),
    layers.dropout({ rate: 0.3 }),
    layers.dense({ units: 1, name: 'out' }),
  ]);
  const rate = 0.05;
  const chosen = {
    adam: () => optimizers.adam({ learningRate: rate, emaDecay: 0.9 }),
    momentum: () => optimizers.sgd({ learningRate: rate, momentum: 0.9, gradientAccumulationSteps: 2 }),
    lookahead: () => optimizers.lookahead({ optimizer: optimizers.nadam({ learningRate: rate }) }),
  }[optimizer]();
  model.compile({ optimizer: chosen, loss: losses.huber(), seed: 9 });
  return model;
}

const saved = async (model: Model, options?: { optimizer?: boolean }): Promise<Uint8Array<ArrayBuffer>> => {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  await model.saveWeights((written) => void (bytes = written), options);
  return bytes!;
};
const valuesOf = async (model: Model): Promise<number[][]> =>
  Promise.all((await model.getWeights()).map(async (tensor) => Array.from(await tensor.data())));

describe('training that resumes', () => {
  test.each(['adam', 'momentum', 'lookahead'] as const)(
    '%s: 3 epochs, a file and 3 epochs give the bits of 6 epochs',
    async (optimizer) => {
      const whole = makeModel(optimizer);
      await whole.fit(x, y, { ...fitOptions, epochs: 6 });
      const first = makeModel(optimizer);
      await first.fit(x, y, { ...fitOptions, epochs: 3 });
      const path = join(folder, `${optimizer}.safetensors`);
      await first.saveWeights(path);
      const second = makeModel(optimizer);
      await second.loadWeights(path);
      await second.fit(x, y, { ...fitOptions, epochs: 6, initialEpoch: 3 });
      expect(await valuesOf(second)).toEqual(await valuesOf(whole));
      // Without the optimizer's state the numbers are others.
      const third = makeModel(optimizer);
      await third.loadWeights(path, { optimizer: false });
      await third.fit(x, y, { ...fitOptions, epochs: 6, initialEpoch: 3 });
      expect(await valuesOf(third)).not.toEqual(await valuesOf(whole));
    },
  );

  test('a rate that was set, frozen layers and the loss scale come back', async () => {
    const make = (): Model => {
      const model = makeModel('adam');
      model.compile({ optimizer: optimizers.adam(), loss: 'mse', dtypePolicy: 'mixedFloat16', seed: 2 });
      return model;
    };
    const first = make();
    // The scale of the first step overflows f16, and is halved.
    await first.fit(x, y.map(([one]) => [one * 1e6]), { ...fitOptions, epochs: 1 }); // prettier-ignore
    const { scale } = (await first.lossScale())!;
    expect(scale).toBeLessThan(2 ** 15);
    first.setLearningRate(0.03);
    first.getLayer('hidden').trainable = false;
    await first.fit(x, y, { ...fitOptions, epochs: 2, initialEpoch: 1 });
    const second = make();
    await second.loadWeights(await saved(first));
    expect(second.learningRate).toBe(0.03);
    expect(await second.lossScale()).toEqual(await first.lossScale());
    for (const model of [first, second]) {
      model.getLayer('hidden').trainable = true;
      await model.fit(x, y, { ...fitOptions, epochs: 3, initialEpoch: 2 });
    }
    expect(await valuesOf(second)).toEqual(await valuesOf(first));
  });
});

describe('optimizer state', () => {
  test('before the first step is none: a trained model begins again, at the rate that was set', async () => {
    const model = makeModel();
    model.setLearningRate(0.2);
    const start = await saved(model);
    const first = await model.fit(x, y, { ...fitOptions, epochs: 2 });
    model.setLearningRate(0.7);
    await model.loadWeights(start);
    expect(model.learningRate).toBeCloseTo(0.2, 6);
    expect((await model.fit(x, y, { ...fitOptions, epochs: 2 })).history).toEqual(first.history);
  });

  test('has no slots of frozen parameters that LoRA has replaced', async () => {
    const model = makeModel();
    await model.fit(x, y, fitOptions);
    model.getLayer('hidden').trainable = false;
    await model.fit(x, y, fitOptions);
    model.getLayer('hidden').enableLora({ rank: 2 });
    await model.fit(x, y, fitOptions);
    const bytes = await saved(model);
    expect([...readSafetensors(bytes).tensors.keys()].filter((name) => /aside.*hidden.kernel/.test(name))).toEqual([]);
    await model.loadWeights(bytes);
  });
});

describe('places', () => {
  test('a path, a file address, bytes, a Blob, a handle and a function', async () => {
    const model = makeModel();
    const path = join(folder, 'places.safetensors');
    await model.saveWeights(path);
    const bytes = new Uint8Array(await readFile(path));
    let written: Uint8Array | undefined;
    const handle = {
      getFile: () => Promise.resolve(new Blob([bytes])),
      createWritable: () => Promise.resolve({ write: (data: Uint8Array<ArrayBuffer>) => Promise.resolve(void (written = data)), close: () => Promise.resolve() }),
    }; // prettier-ignore
    await model.saveWeights(handle);
    expect(written).toEqual(bytes);
    for (const source of [path, pathToFileURL(path), pathToFileURL(path).href, bytes, bytes.buffer, new Blob([bytes]), handle]) {
      const other = makeModel();
      await other.loadWeights(source);
      expect(await valuesOf(other)).toEqual(await valuesOf(model));
    }
  });

  test('a write that fails leaves the old file and no other', async () => {
    const path = join(folder, 'kept', '..', 'absent', 'x.safetensors');
    await expect(makeModel().saveWeights(path)).rejects.toThrow(
      /x\.safetensors' cannot be written: its folder does not exist; make the folder first \(ENOENT/,
    );
    const directory = join(folder, 'directory');
    await mkdir(join(directory, 'x'), { recursive: true });
    await expect(makeModel().saveWeights(join(directory, 'x'))).rejects.toThrow(
      /x' cannot be written: it is a folder; add the name of a file \((EISDIR|ENOTEMPTY)/,
    );
    expect(await readdir(directory)).toEqual(['x']);
  });

  test('others are refused', async () => {
    await expect(makeModel().saveWeights(5 as never)).rejects.toThrow('saveWeights: target is 5; it must be a path, a file handle or a function of the bytes');
    await expect(makeModel().loadWeights({} as never)).rejects.toThrow('loadWeights: source is {}; it must be a path, an address, bytes, a Blob or a file handle');
    await expect(makeModel().loadWeights(new Uint8Array(3), { optimiser: true } as never)).rejects.toThrow("did you mean 'optimizer'?");
    // Node has no storage of a page.
    await expect(makeModel().saveWeights('indexeddb://x')).rejects.toThrow('saveWeights: indexeddb://x needs IndexedDB, which pages and workers with https or localhost have; use another place here');
    await expect(makeModel().loadWeights('opfs://x')).rejects.toThrow('loadWeights: opfs://x needs OPFS');
    await expect(makeModel().saveWeights('download://x')).rejects.toThrow('saveWeights: download://x needs a page');
    await expect(storedFiles()).rejects.toThrow('storedFiles: there is no IndexedDB and no OPFS here; in Node, list a folder with node:fs');
    await expect(removeStored('x.safetensors')).rejects.toThrow("removeStored: name is 'x.safetensors'; it must begin with indexeddb:// or opfs://");
  }); // prettier-ignore
});

describe('weights that do not fit', () => {
  test('are listed, and nothing changes', async () => {
    const model = makeModel('adam', 5);
    const before = await valuesOf(model);
    const other = sequential([layers.dense({ units: 6, inputShape: [3], name: 'hidden' }), layers.dense({ units: 2, name: 'last' })]);
    const bytes = await saved(other);
    await expect(model.loadWeights(bytes)).rejects.toThrow(FormatError);
    await expect(model.loadWeights(bytes)).rejects.toThrow(
      'loadWeights: bytes holds the weights of another model; missing: norm/gamma f32[5], norm/beta f32[5], norm/movingMean f32[5], norm/movingVariance f32[5], out/kernel f32[5,1], out/bias f32[1]; ' +
        'of another type or shape: hidden/kernel is F32[3,6] in the file and f32[3,5] in the model, hidden/bias is F32[6] in the file and f32[5] in the model; ' +
        'not in the model: last/bias F32[2], last/kernel F32[6,2]; pass { skipMismatch: true } to load those that fit',
    );
    expect(await valuesOf(model)).toEqual(before);
    const fitting = sequential([layers.dense({ units: 5, inputShape: [3], name: 'hidden' })]);
    await model.loadWeights(await saved(fitting), { skipMismatch: true });
    expect(await valuesOf(model)).toEqual([...(await valuesOf(fitting)), ...before.slice(2)]);
  });

  test('a state of another optimizer, and states that were changed', async () => {
    const first = makeModel('adam');
    await first.fit(x, y, { ...fitOptions, epochs: 1 });
    const bytes = await saved(first);
    const model = makeModel('momentum');
    const before = await valuesOf(model);
    await expect(model.loadWeights(bytes)).rejects.toThrow("the optimizer 'optimizer' was adam, and the model is compiled with sgd; pass { optimizer: false }");
    expect(await valuesOf(model)).toEqual(before);

    const { tensors, metadata } = readSafetensors(bytes);
    const withData = (change: (data: Record<string, never>) => void): Uint8Array => {
      const data = JSON.parse(metadata.ombre) as Record<string, never>;
      change(data);
      return writeSafetensors(tensors, { ombre: JSON.stringify(data) });
    };
    type Changed = { version: number; optimizers: { optimizer: { state: Record<string, unknown>; layers: unknown; calls: unknown; learningRate: unknown; aside: unknown } } };
    const changes: [string, (data: Changed) => void][] = [
      ['the state of training has the version 2', (data) => (data.version = 2)],
      ['the state of training has no optimizers', (data) => (data.optimizers = null as never)],
      ['was for other layers', (data) => (data.optimizers.optimizer.layers = ['__proto__'])],
      ["the learning rate '0.5'", (data) => (data.optimizers.optimizer.learningRate = '0.5')],
      ['aside.hidden is F32[3,6]; the model needs none', (data) => (data.optimizers.optimizer.aside = { hidden: 'hidden/kernel' })],
      ['has the step count -1', (data) => (data.optimizers.optimizer.calls = -1)],
      ['firstMoment.hidden.kernel is missing', (data) => delete ((data.optimizers.optimizer.state.firstMoment as Record<string, Record<string, unknown>>).hidden.kernel)],
      ['state.step is F32[3,6]', (data) => (data.optimizers.optimizer.state.step = 'hidden/kernel')],
      ['state.more is no tensor', (data) => (data.optimizers.optimizer.state.more = 'absent')],
    ];
    const target = makeModel('adam');
    const untouched = await valuesOf(target);
    for (const [message, change] of changes) await expect(target.loadWeights(withData(change as never)), message).rejects.toThrow(message);
    expect(await valuesOf(target)).toEqual(untouched);
    await expect(target.loadWeights(writeSafetensors(tensors, { ombre: '{' }))).rejects.toThrow('the state of training is no JSON');
  }); // prettier-ignore
});

test('a file without a state of training, such as one of another program', async () => {
  const model = makeModel();
  const path = join(folder, 'plain.safetensors');
  await writeFile(path, await saved(model, { optimizer: false }));
  expect(readSafetensors(new Uint8Array(await readFile(path))).metadata).toEqual({});
  const other = makeModel();
  await other.loadWeights(path);
  expect(await valuesOf(other)).toEqual(await valuesOf(model));
});

describe('modelCheckpoint', () => {
  const fit = (filepath: string, options: object = {}, epochs = 4) =>
    makeModel().fit(x, y, {
      ...fitOptions,
      epochs,
      validationData: [x.slice(0, 4), y.slice(0, 4)],
      callbacks: [callbacks.modelCheckpoint({ filepath: join(folder, 'checkpoints', filepath), ...options })],
    });
  beforeAll(() => mkdir(join(folder, 'checkpoints')));
  const written = async (begin: string): Promise<string[]> => (await readdir(join(folder, 'checkpoints'))).filter((name) => name.startsWith(begin)).sort(); // prettier-ignore

  test('a fit goes on from the file of an epoch', async () => {
    await fit('each-{epoch}.st');
    expect(await written('each')).toEqual(['each-1.st', 'each-2.st', 'each-3.st', 'each-4.st']);
    const model = makeModel();
    await model.loadWeights(join(folder, 'checkpoints', 'each-2.st'));
    await model.fit(x, y, { ...fitOptions, epochs: 4, initialEpoch: 2 });
    const last = makeModel();
    await last.loadWeights(join(folder, 'checkpoints', 'each-4.st'));
    expect(await valuesOf(model)).toEqual(await valuesOf(last));
  });

  test('a file is the whole model, which a new model is made of', async () => {
    let bytes = new Uint8Array();
    const filepath = () => (written: Uint8Array<ArrayBuffer>) => void (bytes = written);
    const trained = makeModel();
    const whole = makeModel();
    await whole.fit(x, y, { ...fitOptions, epochs: 4 });
    await trained.fit(x, y, { ...fitOptions, epochs: 2, callbacks: [callbacks.modelCheckpoint({ filepath })] });
    const model = await loadModel(bytes);
    expect(await valuesOf(model)).toEqual(await valuesOf(trained));
    await model.fit(x, y, { ...fitOptions, epochs: 4, initialEpoch: 2 });
    expect(await valuesOf(model)).toEqual(await valuesOf(whole));
  });

  test('a loss of your own needs saveWeightsOnly', async () => {
    const own = (saveWeightsOnly: boolean): Promise<unknown> => {
      const model = sequential([layers.dense({ units: 1, inputShape: [1] })]);
      model.compile({ loss: (targets, predictions) => mean(square(sub(targets, predictions))) });
      const filepath = join(folder, 'checkpoints', 'own.st');
      return model.fit([[1]], [[2]], { verbose: 0, callbacks: [callbacks.modelCheckpoint({ filepath, saveWeightsOnly })] });
    };
    await expect(own(false)).rejects.toThrow(
      /^callbacks\.modelCheckpoint: save: .*; or pass \{ saveWeightsOnly: true \}, which writes the weights$/,
    );
    expect(await written('own')).toEqual([]);
    await own(true);
    expect(await written('own')).toEqual(['own.st']);
  });

  test('every second epoch, with a value in the name, and without the state of the optimizer', async () => {
    const { history } = await fit('second-{epoch}-{val_loss:.3f}.st', { saveFreq: 2, saveWeightsOnly: true });
    const names = [2, 4].map((epoch) => `second-${epoch}-${history.val_loss[epoch - 1].toFixed(3)}.st`);
    expect(await written('second')).toEqual(names);
    expect(readSafetensors(new Uint8Array(await readFile(join(folder, 'checkpoints', names[0])))).metadata).toEqual({});
  });

  test('only the best epochs', async () => {
    const { history } = await fit('best-{epoch}.st', { saveBestOnly: true }, 6);
    let best = Infinity;
    const better = history.val_loss.flatMap((loss, i) => (loss < best ? ((best = loss), [`best-${i + 1}.st`]) : []));
    expect(better.length).toBeLessThan(6);
    expect(await written('best')).toEqual(better);
    await fit('none-{epoch}.st', { saveBestOnly: true, initialValueThreshold: 0 });
    expect(await written('none')).toEqual([]);
  });

  test('refuses values that an epoch does not have', async () => {
    await expect(fit('{accuracy}.st')).rejects.toThrow("names 'accuracy'; epoch 1 has epoch, loss, val_loss");
    await expect(fit('x.st', { saveBestOnly: true, monitor: 'val_acc' })).rejects.toThrow("callbacks.modelCheckpoint: monitor 'val_acc' is none of the values loss, val_loss");
  }); // prettier-ignore
});
