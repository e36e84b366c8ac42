// tune: searches over small functions and small models.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ArgumentError, FormatError, OmbreError } from '../../src/core/errors.ts';
import { globalStream } from '../../src/core/random.ts';
import { memoryStore } from '../support/memoryStore.ts';
import {
  type Callback,
  type Model,
  type TrialRecord,
  type TuneOptions,
  callbacks,
  layers,
  optimizers,
  samplers,
  sequential,
  setDevice,
  setSeed,
  space,
  tune,
} from '../../src/index.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(5));

const quiet = { verbose: 0 } as const;
const x = Array.from({ length: 24 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
const y = x.map(([a, b]) => [a - 2 * b]);

const declared = { learningRate: space.logUniform(1e-3, 1), units: space.int(2, 6, { step: 2 }) };
const build = ({ learningRate, units }: { learningRate: number; units: number }): Model => {
  const model = sequential([layers.dense({ units, activation: 'tanh', inputShape: [2] }), layers.dropout({ rate: 0.1 }), layers.dense({ units: 1 })]); // prettier-ignore
  model.compile({ optimizer: optimizers.sgd({ learningRate }), loss: 'mse', metrics: ['mae'] });
  return model;
};
const fit = { x, y, epochs: 4, batchSize: 8, validationSplit: 0.25 };
type Declared = typeof declared;
const small = (options: Partial<TuneOptions<Declared>> = {}): TuneOptions<Declared> => ({
  ...{ space: declared, build, fit, trials: 6, seed: 3, ...quiet },
  ...options,
});

/** Without measured values. */
const plain = (trials: readonly TrialRecord[]): unknown[] => trials.map(({ seconds: _, compilations: __, ...rest }) => rest);

describe('trials', () => {
  test('the same seed gives the same trials, another seed others; the global stream is as before', async () => {
    setSeed(8);
    const before = globalStream();
    const first = await tune(small());
    expect(globalStream()).toBe(before);
    setSeed(9);
    expect(plain((await tune(small())).trials)).toEqual(plain(first.trials));
    expect((await tune(small({ seed: 4 }))).trials[0].parameters).not.toEqual(first.trials[0].parameters);
    expect(first.trials.map(({ state }) => state)).toEqual(Array.from({ length: 6 }, () => 'complete'));
    expect(first.best.value).toBe(Math.min(...first.trials.map(({ value }) => value!)));
    expect(JSON.parse(JSON.stringify(first.trials[0]))).toEqual({ ...first.trials[0], message: undefined });
  });

  test('the value is the best of any epoch, and the direction is that of the metric', async () => {
    const values = [0.2, 0.9, 0.4];
    const run = (_: unknown, trial: { report(epoch: number, value: number): void }): void =>
      values.forEach((value, epoch) => trial.report(epoch, value));
    const options = { space: { a: space.uniform(0, 1) }, run, trials: 1, ...quiet };
    expect((await tune({ ...options, objective: 'score', direction: 'max' })).best).toMatchObject({ value: 0.9, epoch: 1 });
    expect((await tune(options)).best).toMatchObject({ value: 0.2, epoch: 0 });
    await expect(tune({ ...options, objective: 'score' })).rejects.toThrow("tune: direction is 'auto', but 'score' does not state");
    const accuracy = await tune({
      ...{ space: { units: space.int(1, 3) }, trials: 2, seed: 1, objective: 'val_accuracy', ...quiet },
      build: ({ units }) => {
        const model = sequential([layers.dense({ units, inputShape: [2] }), layers.dense({ units: 1, activation: 'sigmoid' })]);
        model.compile({ optimizer: 'adam', loss: 'binaryCrossentropy', metrics: ['accuracy'] });
        return model;
      },
      fit: { x, y: y.map(([value]) => [value > 0 ? 1 : 0]), epochs: 2, validationSplit: 0.5 },
    });
    expect(accuracy.direction).toBe('max');
    expect(accuracy.best.value).toBe(Math.max(...accuracy.trials.map(({ value }) => value!)));
  });

  test('a wrong objective ends the search at once, with the near name', async () => {
    const counted = vi.fn(build);
    await expect(tune(small({ objective: 'valLoss', build: counted }))).rejects.toThrow(
      "tune: objective 'valLoss' is none of the values loss, mae, val_loss, val_mae; did you mean 'val_loss'?",
    );
    expect(counted).toHaveBeenCalledTimes(1);
    await expect(tune(small({ fit: { x, y, epochs: 1 } }))).rejects.toThrow('pass validationData or validationSplit to fit');
    await expect(tune(small({ build: () => 5 as never }))).rejects.toThrow(
      'tune: build returned 5; it must return a model that is compiled',
    );
    await expect(tune(small({ fit: { epochs: 3 } as never }))).rejects.toThrow('tune: fit is { epochs: 3 }; it must be an object with x');
    await expect(tune({ space: declared, trials: 1 })).rejects.toThrow('tune: give build and fit');
    await expect(tune(small({ fit: () => ({ ...fit, callbacks: [] as Callback[] }), trials: 1 }))).resolves.toBeDefined();
  });

  test('a trial that fails is recorded and does not end the search', async () => {
    const options = small({
      trials: 5,
      build: (parameters) => {
        if (parameters.units === 2) throw new Error('two units');
        return build(parameters);
      },
    });
    const { trials } = await tune(options);
    const failed = trials.filter(({ state }) => state === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(5);
    for (const { parameters, message, value } of failed) expect([parameters.units, message, value]).toEqual([2, 'two units', undefined]);
    await expect(tune({ ...options, failures: 'throw' })).rejects.toThrow('two units');
    await expect(tune({ ...options, build: () => Promise.reject(new Error('none')) })).rejects.toThrow(
      new OmbreError('tune: all 5 trials failed; the first one: none'),
    );
  });

  test('a loss that is not finite fails the trial; its model can be used afterwards', async () => {
    const models: Model[] = [];
    const { trials } = await tune({
      ...{ space: { learningRate: space.choice([0.01, 1e18]) }, trials: 4, sampler: 'grid', ...quiet },
      build: ({ learningRate }) => {
        models.push(build({ learningRate, units: 4 }));
        return models[models.length - 1];
      },
      fit,
    });
    expect(trials.map(({ state }) => state)).toEqual(['complete', 'failed']);
    expect(trials[1].message).toMatch(/^loss is (NaN|Infinity) after epoch \d$/);
    await models[1].fit(x, y, { epochs: 1, ...quiet });
  });

  test('own loops report, stop when they are pruned, or return a value', async () => {
    const reached: number[] = [];
    const result = await tune({
      ...{ space: { a: space.choice([1, 2, 3, 4, 5, 6]) }, sampler: 'grid', scheduler: 'asha', seed: 1, ...quiet },
      run: ({ a }, trial) => {
        for (let epoch = 0; epoch < 9 && !trial.shouldStop; epoch++) trial.report(epoch, a - epoch / 10);
        reached.push(trial.shouldStop ? 0 : a);
      },
    });
    expect(result.trials.map(({ state }) => state)).toEqual(['complete', 'pruned', 'pruned', 'pruned', 'pruned', 'pruned']);
    expect(reached).toEqual([1, 0, 0, 0, 0, 0]);
    expect(result.trials.map(({ reports }) => reports.length)).toEqual([9, 1, 1, 1, 1, 1]);
    const returned = await tune({ space: { a: space.uniform(-1, 1) }, run: ({ a }) => a ** 2, trials: 3, ...quiet });
    expect(returned.best.value).toBe(returned.best.parameters.a ** 2);
    await expect(returned.bestModel()).rejects.toThrow('tune: bestModel() is for a search with build and fit');
    const nothing = tune({ space: { a: space.uniform(-1, 1) }, run: () => undefined, trials: 1, ...quiet });
    await expect(nothing).rejects.toThrow('run returned no value, and did not call trial.report(epoch, value)');
    const twice = tune({ space: { a: space.uniform(0, 1) }, run: (_, trial) => (trial.report(0, 1), trial.report(0, 1)), trials: 1, ...quiet }); // prettier-ignore
    await expect(twice).rejects.toThrow('trial.report: epoch is 0; it must be an integer above 0, the epoch of the last report');
  });

  test('a pruned fit stops at the end of an epoch', async () => {
    const { trials } = await tune(small({ trials: 8, scheduler: 'asha', fit: { ...fit, epochs: 9 } }));
    const pruned = trials.filter(({ state }) => state === 'pruned');
    expect(pruned.length).toBeGreaterThan(3);
    for (const { reports } of pruned) expect([1, 3]).toContain(reports.length);
    expect(trials.filter(({ state }) => state === 'complete').every(({ reports }) => reports.length === 9)).toBe(true);
  });

  test('lines, onTrial and the signal', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    const controller = new AbortController();
    const seen: number[] = [];
    const result = await tune(
      small({
        verbose: 1,
        signal: controller.signal,
        onTrial: async ({ number }) => {
          seen.push(number);
          if (number === 1) controller.abort(new Error('enough'));
        },
      }),
    );
    expect(seen).toEqual([0, 1]);
    expect([result.isAborted, result.trials.length]).toEqual([true, 2]);
    expect(log.mock.calls[1][0]).toMatch(/^Trial 2\/6 {2}complete {2}val_loss \S+ after epoch \d {2}best \S+ in trial \d$/);
    log.mockRestore();
    // A trial that the signal ends does not count.
    const late = new AbortController();
    const stopping = tune(
      small({ signal: late.signal, fit: { ...fit, callbacks: { onEpochBegin: () => late.abort(new Error('stop')) } } }),
    );
    await expect(stopping).rejects.toThrow('stop');
  });
});

describe('the best model', () => {
  const evaluate = async (model: Model): Promise<number> =>
    (await model.evaluate(x.slice(18), y.slice(18), { batchSize: 8, ...quiet })).loss;

  test('has the weights of the best epoch; kept and trained again they are equal', async () => {
    // The rate is too high at the end, so that the best epoch is not the last one.
    const fitting = {
      ...fit,
      epochs: 6,
      callbacks: callbacks.learningRateScheduler({ schedule: (epoch, rate) => (epoch < 3 ? rate : 1) }),
    };
    const kept = await tune(small({ fit: fitting }));
    const again = await tune(small({ fit: fitting, keepBest: false }));
    expect(again.best.epoch).toBeLessThan(5);
    const [first, second] = [await kept.bestModel(), await again.bestModel()];
    expect(await evaluate(first)).toBeCloseTo(kept.best.value, 6);
    for (const [i, weight] of (await first.getWeights()).entries()) {
      expect(await weight.data()).toEqual(await (await second.getWeights())[i].data());
    }
    expect(await kept.bestModel()).toBe(first);
  });

  test('a layer that was made before the search keeps its weights', async () => {
    const base = sequential([layers.dense({ units: 3, inputShape: [2] })]);
    base.compile({ loss: 'mse' });
    const before = await (await base.getWeights())[0].data();
    for (const layer of base.layers) layer.trainable = false;
    const result = await tune({
      ...{ space: { learningRate: space.logUniform(0.01, 0.1) }, trials: 3, ...quiet, fit },
      build: ({ learningRate }) => {
        const model = sequential([base.asLayer, layers.dense({ units: 1 })]);
        model.compile({ optimizer: optimizers.sgd({ learningRate }), loss: 'mse' });
        return model;
      },
    });
    expect(result.trials.every(({ state }) => state === 'complete')).toBe(true);
    expect(await (await base.getWeights())[0].data()).toEqual(before);
  });
});

describe('storage', () => {
  let folder = '';
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'ombre-tune-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(['tpe', 'random', 'grid'] as const)('a search that was cut off goes on with the same trials: %s', async (name) => {
    const sampler = name === 'tpe' ? samplers.tpe({ startupTrials: 2 }) : name;
    const options = small({ sampler, scheduler: 'median', trials: 7 });
    const whole = await tune(options);
    const storage = join(folder, `${name}.json`);
    const crash = {
      ...options,
      storage,
      onTrial: ({ number }: { number: number }) => (number === 3 ? Promise.reject(new Error('crash')) : undefined),
    };
    await expect(tune(crash as TuneOptions<Declared>)).rejects.toThrow('crash');
    const counted = vi.fn(build);
    const rest = await tune({ ...options, storage, build: counted });
    expect(counted).toHaveBeenCalledTimes(3);
    expect(plain(rest.trials)).toEqual(plain(whole.trials));
    const [first, second] = [await whole.bestModel(), await rest.bestModel()];
    expect(await (await second.getWeights())[0].data()).toEqual(await (await first.getWeights())[0].data());
    // More trials go on from there; without a seed it is that of the file.
    const more = await tune({ ...options, storage, seed: undefined, trials: name === 'grid' ? 7 : 8 });
    expect(plain(more.trials).slice(0, 7)).toEqual(plain(whole.trials));
  });

  test('refuses files that are damaged or are no search', async () => {
    const storage = memoryStore();
    await tune(small({ storage, trials: 2 }));
    const good = storage.bytes!;
    const text = new TextDecoder().decode(good);
    const refused = async (bytes: Uint8Array | string): Promise<string> => {
      storage.bytes = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
      const error: unknown = await tune(small({ storage, trials: 3 })).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(FormatError);
      return (error as FormatError).message;
    };
    expect(await refused(good.slice(0, 200))).toContain('is not JSON, so tune did not write it, or it is cut off');
    expect(await refused('{"format":"other"}')).toContain('is JSON, but no search of tune; remove it to begin a new search');
    expect(await refused(text.replace('"version":1', '"version":2'))).toContain('has version 2');
    expect(await refused(text.replace(/"value":(\d)/, (_, digit) => `"value":${(Number(digit) + 1) % 10}`))).toContain(
      'its checksum differs',
    );
    expect(await refused(new Uint8Array([0xff, 0xfe, 0]))).toContain('is not JSON');
    expect(await refused('')).toContain('is not JSON');
  });

  test('names the first difference of another space, seed, sampler or objective', async () => {
    const storage = join(folder, 'identity.json');
    const options = { space: { a: space.uniform(0, 1), b: space.choice(['x', 'y']) }, run: ({ a }: { a: number }) => a, trials: 2, seed: 7, storage, ...quiet }; // prettier-ignore
    await tune(options);
    const written = await readFile(storage, 'utf8');
    const other = (parts: object): object => ({ space: { ...options.space, ...parts } });
    const expectError = async (more: object, message: string): Promise<void> => {
      const error: unknown = await tune({ ...options, ...more } as never).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ArgumentError);
      expect((error as Error).message).toContain(message);
    };
    await expectError(
      other({ a: space.uniform(0, 2) }),
      'another space: a was uniform(0, 1) and is uniform(0, 2) now; pass the same space',
    );
    await expectError(other({ c: 1 }), 'another space: c is 1 and was missing then');
    await expectError({ space: { a: options.space.a } }, "another space: b was choice(['x','y']) and is missing now");
    await expectError({ seed: 8 }, 'the search in storage has seed 7, and this call has 8; pass the same seed');
    await expectError({ sampler: 'random' }, 'pass the same sampler');
    await expectError({ objective: 'other_loss' }, 'has objective val_loss, and this call has other_loss');
    expect(await readFile(storage, 'utf8')).toBe(written);
  });
});
