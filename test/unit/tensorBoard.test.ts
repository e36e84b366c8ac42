// Event files of TensorBoard, read by a parser of their format. TensorBoard 2.21 reads the same files.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { crc32c, histogramOf, summaryRecord, versionRecord } from '../../src/formats/tensorBoard.ts';
import { layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { zeros } from '../../src/ops/index.ts';
import { type Model, callbacks, sequential, summaryWriter } from '../../src/train/index.ts';
import { type Event, type Field, eventsOf } from '../support/eventFiles.ts';
import { quiet } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
afterEach(() => vi.unstubAllGlobals());

const doublesIn = (bytes: Field): number[] => Array.from({ length: (bytes as Buffer).length / 8 }, (_, i) => (bytes as Buffer).readDoubleLE(8 * i)); // prettier-ignore

describe('the format', () => {
  test('CRC-32C of the published vectors', () => {
    const crc = (bytes: number[]): string => crc32c(Uint8Array.from(bytes)).toString(16);
    expect(crc32c(new TextEncoder().encode('123456789')).toString(16)).toBe('e3069283');
    // RFC 3720, B.4.
    expect(crc(new Array<number>(32).fill(0))).toBe('8a9136aa');
    expect(crc(new Array<number>(32).fill(255))).toBe('62a8ab43');
    expect(crc(Array.from({ length: 32 }, (_, i) => i))).toBe('46dd794e');
  });

  test('a version, scalars of any size, and large steps', () => {
    expect(eventsOf(versionRecord(1.5))).toEqual([{ time: 1.5, step: 0, version: 'brain.Event:2', values: [] }]);
    for (const step of [0, 127, 128, 16384]) expect(eventsOf(summaryRecord(1, step, []))[0].step).toBe(step);
    const values = [{ tag: 'a/ü', scalar: 0.5 }, { tag: 'x'.repeat(300), scalar: NaN }, { tag: 'b', scalar: Infinity }]; // prettier-ignore
    expect(eventsOf(summaryRecord(1e9, 2 ** 40 + 5, values))).toEqual([{ time: 1e9, step: 2 ** 40 + 5, values }]);
  });

  test('histograms of finite values', () => {
    expect(histogramOf([])).toBeUndefined();
    expect(histogramOf([NaN])).toBeUndefined();
    expect(histogramOf([2, 2])).toEqual({ min: 2, max: 2, count: 2, sum: 4, sumOfSquares: 8, limits: [2], buckets: [2] });
    const { limits, buckets, ...moments } = histogramOf([0, 3, 1.45, NaN, 3, -Infinity])!;
    expect(moments).toEqual({ min: 0, max: 3, count: 4, sum: 7.45, sumOfSquares: 18 + 1.45 ** 2 });
    expect([limits.length, limits[0], limits[29]]).toEqual([30, 0.1, 3]);
    expect(buckets.flatMap((n, i) => (n ? [[i, n]] : []))).toEqual([[0, 1], [14, 1], [29, 2]]); // prettier-ignore
  });
});

const model = (): Model => {
  const made = sequential([layers.dense({ units: 2, inputShape: [1], name: 'hidden' }), layers.dense({ units: 1 })]);
  made.compile({ optimizer: optimizers.sgd({ learningRate: 0.03125 }), loss: 'mse', metrics: ['meanAbsoluteError'] });
  return made;
};
const [x, y] = [[[1], [2], [3]], [[2], [4], [7]]]; // prettier-ignore
const run = { ...quiet, epochs: 3, batchSize: 2, validationData: [x, y] as const, validationFreq: 2 };
const scalarsOf = (events: Event[]): (string | number)[][] => events.flatMap(({ step, values }) => values.flatMap(({ tag, scalar, histogram }) => (histogram ? [] : [[tag, step, scalar!]]))); // prettier-ignore

describe('tensorBoard', () => {
  test('writes the values of epochs to the disk, in the folders and with the tags of Keras', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ombre-'));
    const logDir = `${folder}/run`;
    try {
      const callback = callbacks.tensorBoard({ logDir, histogramFreq: 2 });
      const one = model();
      const { history } = await one.fit(x, y, { ...run, callbacks: callback });
      const read = (part: string): Event[] => {
        const [name, ...more] = readdirSync(join(logDir, part));
        expect([more.length, /^events\.out\.tfevents\.\d{10}\.ombre\.\d+\.v2$/.test(name)]).toEqual([0, true]);
        return eventsOf(readFileSync(join(logDir, part, name)));
      };
      const [train, validation] = [read('train'), read('validation')];
      expect(train[0].version).toBe('brain.Event:2');
      expect(Math.abs(train[1].time - Date.now() / 1000)).toBeLessThan(60);
      const values = (prefix: string, epochs: number[]): (string | number)[][] => epochs.flatMap((epoch, i) => ['loss', 'meanAbsoluteError'].map((name) => [`epoch_${name}`, epoch, Math.fround(history[prefix + name][i])])); // prettier-ignore
      expect(scalarsOf(train).filter(([tag]) => tag !== 'epoch_learning_rate')).toEqual(values('', [0, 1, 2]));
      expect(scalarsOf(train).filter(([tag]) => tag === 'epoch_learning_rate')).toEqual([0, 1, 2].map((epoch) => ['epoch_learning_rate', epoch, 0.03125])); // prettier-ignore
      expect(scalarsOf(validation)).toEqual(values('val_', [1]));
      const histograms = train.flatMap(({ step, values: all }) => all.flatMap(({ tag, histogram }) => (histogram ? [{ tag, step, histogram }] : []))); // prettier-ignore
      expect(histograms.map(({ tag, step }) => `${tag} ${step}`)).toEqual([0, 2].flatMap((step) => one.variables().map(({ path }) => `${path}/histogram ${step}`))); // prettier-ignore
      const [weights] = await Promise.all((await one.getWeights()).slice(0, 1).map((weight) => weight.data()));
      const of = new Map(histograms[4].histogram);
      expect([of.get(1), of.get(2), of.get(3)]).toEqual([Math.min(...weights), Math.max(...weights), 2]);
      expect(of.get(4)).toBeCloseTo(weights[0] + weights[1], 6);
      expect(doublesIn(of.get(6)!)).toHaveLength(30);
      expect(doublesIn(of.get(7)!).reduce((a, b) => a + b, 0)).toBe(2);
      expect(callback.files).toEqual({});
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('in a page the bytes are kept; running values of batches', async () => {
    vi.stubGlobal('process', undefined);
    const callback = callbacks.tensorBoard({ logDir: 'a/', updateFreq: 2 });
    vi.unstubAllGlobals();
    await model().fit(x, y, { ...quiet, epochs: 3, batchSize: 2, callbacks: callback });
    const [path, ...more] = Object.keys(callback.files);
    expect([more.length, path.startsWith('a/train/events.out.tfevents.')]).toEqual([0, true]);
    const scalars = scalarsOf(eventsOf(callback.files[path]));
    expect(scalars.filter(([tag]) => tag === 'batch_loss').map(([, step]) => step)).toEqual([2, 4, 6]);
    const at = (tag: string): (string | number)[] => scalars.find(([name]) => name === tag)!;
    expect(at('batch_loss')[2]).toBe(at('epoch_loss')[2]);
  });

  test('write gets the bytes, and a second fit continues in the same file', async () => {
    const parts = new Map<string, Buffer>();
    const write = (path: string, bytes: Uint8Array): void =>
      void parts.set(path, Buffer.concat([parts.get(path) ?? Buffer.alloc(0), bytes]));
    const callback = callbacks.tensorBoard({ write });
    const one = model();
    await one.fit(x, y, { ...quiet, epochs: 1, callbacks: callback });
    await one.fit(x, y, { ...quiet, epochs: 2, initialEpoch: 1, callbacks: callback });
    const [[path, bytes], ...more] = [...parts];
    expect([more.length, path.startsWith('logs/train/')]).toEqual([0, true]);
    const events = eventsOf(bytes);
    expect(events.map(({ version }) => version)).toEqual(['brain.Event:2', undefined, undefined, undefined]);
    // A viewer shows one graph for each run.
    expect(events.map(({ graph }) => graph !== undefined)).toEqual([false, true, false, false]);
    expect(scalarsOf(events).filter(([tag]) => tag === 'epoch_loss').map(([, step]) => step)).toEqual([0, 1]); // prettier-ignore
  });
});

describe('summaryWriter', () => {
  const written = (): { writer: ReturnType<typeof summaryWriter>; bytes: () => number } => {
    let total = 0;
    const write = (_: string, part: Uint8Array): void => void (total += part.length);
    return { writer: summaryWriter({ write }), bytes: () => total };
  };

  test('refuses wrong values before anything is written', async () => {
    const { writer, bytes } = written();
    const image = zeros([2, 2, 5]);
    const cases: readonly [() => Promise<void>, string][] = [
      [() => writer.addScalar('', 1, 0), "addScalar: tag is ''; it must be a text that is not empty"],
      [() => writer.addScalar('a', 1, 0.5), 'addScalar: step is 0.5; it must be an integer of at least 0'],
      [() => writer.addScalar('a', zeros([]) as unknown as number, 0), "addScalar: the value of 'a' is a Tensor; it must be a number; read it by await tensor.item()"], // prettier-ignore
      [() => writer.addImage('a', image, 0), 'addImage: got a tensor [2,2,5]; it must be [height, width] or [height, width, channels], with 1 to 4 channels and no size 0'], // prettier-ignore
      [() => writer.addImage('a', zeros([1, 2, 2, 3]), 0), 'addImage: got a tensor [1,2,2,3]'],
      [() => writer.addImages('a', zeros([2, 2, 3]), 0), 'addImages: got a tensor [2,2,3]; it must be [count, height, width, channels], with 1 to 4 channels and no size 0'], // prettier-ignore
      [() => writer.addImage('a', { width: 2, height: 2, data: new Uint8ClampedArray(12) }, 0), 'it must be a tensor, or { width, height, data } with 4 bytes for each pixel'], // prettier-ignore
      [() => writer.addText('a', [['x'], ['y', 'z']], 0), 'it must be a text, a list of texts, or rows of as many texts each'],
      [() => writer.addGraph({} as unknown as Model), 'addGraph: model is {}; it must be a model, such as sequential([...])'],
      [() => writer.addHparams({ units: [1] } as never), 'addHparams: hparams is { units: [1] }; it must be an object of texts, numbers and booleans by name'], // prettier-ignore
      [() => writer.addHparams({ units: 1 }, { accuracy: 'high' as unknown as number }), "addHparams: the value of 'accuracy' is 'high'; it must be a number"], // prettier-ignore
      [() => writer.addHparams({ units: 1 }, {}, { run: 'a' } as never), "addHparams: unknown option 'run'; it takes runName"],
    ];
    for (const [add, message] of cases) {
      const error = await add().then(() => undefined, (thrown: unknown) => thrown as Error); // prettier-ignore
      expect(error?.name, message).toBe('ArgumentError');
      expect(error!.message).toContain(message);
    }
    expect(bytes()).toBe(0);
    // The writer is usable afterwards.
    await writer.addHparams({ units: 1 });
    await expect(writer.addHparams({ units: 2 })).rejects.toThrow('addHparams: this run has hyperparameters already; give runName');
    expect(() => callbacks.tensorBoard({ hparams: [] as never })).toThrow('it must be an object of texts, numbers and booleans by name');
  });

  test('nothing is written for a histogram without finite values', async () => {
    const { writer, bytes } = written();
    await writer.addHistogram('a', [NaN, Infinity], 0);
    expect(bytes()).toBe(0);
  });

  test('a value that cannot be written is an error of its call; the next one is written', async () => {
    const parts: Uint8Array[] = [];
    let isFull = true;
    const writer = summaryWriter({
      logDir: 'a',
      write(_, bytes) {
        if (isFull) throw new Error('no space');
        parts.push(bytes);
      },
    });
    await expect(writer.addScalar('a', 1, 0)).rejects.toThrow('no space');
    isFull = false;
    await writer.addScalar('a', 2, 1);
    expect(eventsOf(Buffer.concat(parts)).map(({ version, step }) => [version, step])).toEqual([['brain.Event:2', 0], [undefined, 1]]); // prettier-ignore
  });

  test('in a page the files are kept', async () => {
    vi.stubGlobal('process', undefined);
    const writer = summaryWriter({ logDir: 'runs/' });
    vi.unstubAllGlobals();
    await Promise.all([writer.addScalar('a', 1, 0), writer.addHparams({ units: 1 }, { loss: 2 }, { runName: 'trial' })]);
    expect(Object.keys(writer.files).map((path) => path.replace(/\/[^/]*$/, ''))).toEqual(['runs', 'runs/trial']);
  });
});
