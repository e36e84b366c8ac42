// The training loop on the CPU: results, callbacks and errors.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { losses } from '../../src/losses/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import {
  type Callback,
  type FitInfo,
  type FitOptions,
  type Logs,
  type Model,
  type ProgressInfo,
  callbacks,
  data,
  sequential,
} from '../../src/train/index.ts';
import { metrics } from '../../src/metrics/index.ts';
import { classifier, linear, points, quiet, targets, weightsOf } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(7));

/** A model that does not learn, whose loss says which samples it saw: sum of x. */
const spy = (seen: number[][]): { model: Model; callback: Callback } => {
  const model = sequential([layers.flatten({ inputShape: [1] })]);
  model.compile({ loss: 'meanSquaredError', metrics: [metrics.sum({ name: 'seen' })] });
  return { model, callback: { onEpochEnd: (_, logs) => void seen.push([logs.seen]) } };
};

describe('values', () => {
  test('loss and metrics of an epoch are exact over all samples, with a smaller last batch', async () => {
    const model = linear();
    model.compile({ optimizer: optimizers.sgd({ learningRate: 1e-30 }), loss: 'meanSquaredError', metrics: ['meanAbsoluteError'] });
    const outputs = (await model.predict(points).array()) as number[][];
    const errors = outputs.map(([p], i) => p - targets[i]);
    const expected = { loss: errors.reduce((s, e) => s + e * e, 0) / 10, mae: errors.reduce((s, e) => s + Math.abs(e), 0) / 10 };
    const { history } = await model.fit(points, targets, { batchSize: 4, ...quiet });
    expect(history.loss[0]).toBeCloseTo(expected.loss, 5);
    expect(history.meanAbsoluteError[0]).toBeCloseTo(expected.mae, 5);
    const evaluated = await model.evaluate(points, targets, { batchSize: 3 });
    expect(evaluated.loss).toBeCloseTo(expected.loss, 5);
    expect(evaluated.meanAbsoluteError).toBeCloseTo(expected.mae, 5);
  });

  test('fit without shuffling equals trainOnBatch of each batch', async () => {
    const start = await linear().getWeights();
    const [fitted, stepped] = [linear(), linear()];
    await fitted.setWeights(start);
    await stepped.setWeights(start);
    await fitted.fit(points, targets, { batchSize: 4, epochs: 2, shuffle: false, ...quiet });
    for (let epoch = 0; epoch < 2; epoch++) {
      for (const [a, b] of [[0, 4], [4, 8], [8, 10]]) await stepped.trainOnBatch(points.slice(a, b), targets.slice(a, b)); // prettier-ignore
    }
    expect(await weightsOf(fitted)).toEqual(await weightsOf(stepped));
  });

  test('shuffling shows every sample once an epoch, in another order each time', async () => {
    const seen: number[][] = [];
    const { model, callback } = spy(seen);
    const x = Array.from({ length: 16 }, (_, i) => [2 ** i]);
    await model.fit(x, x, { epochs: 3, batchSize: 5, callbacks: callback, ...quiet });
    expect(seen).toEqual([[65535], [65535], [65535]]);
    // The weights of a trained model depend on the order of the samples.
    const run = async (options: FitOptions): Promise<number[][]> => {
      const trained = linear();
      trained.compile({ optimizer: optimizers.sgd({ learningRate: 0.3 }), loss: 'meanSquaredError', seed: 1 });
      await trained.fit(points, targets, { batchSize: 1, ...quiet, ...options });
      return weightsOf(trained);
    };
    expect(await run({ seed: 1 })).toEqual(await run({ seed: 1 }));
    expect(await run({ seed: 1 })).not.toEqual(await run({ seed: 2 }));
    expect(await run({ shuffle: false, seed: 1 })).toEqual(await run({ shuffle: false, seed: 2 }));
  });

  test('validationSplit takes the last samples, before shuffling, and does not train on them', async () => {
    const seen: Logs[] = [];
    const { model } = spy([]);
    const x = Array.from({ length: 10 }, (_, i) => [2 ** i]);
    await model.fit(x, x, { validationSplit: 0.25, callbacks: { onEpochEnd: (_, logs) => void seen.push(logs) }, ...quiet });
    // floor(10 * 0.75) = 7 to train on
    expect(seen[0].seen).toBe(127);
    expect(seen[0].val_seen).toBe(1023 - 127);
  });

  test('validationData in all its forms', async () => {
    const model = linear();
    const start = await model.getWeights();
    const forms = [
      [points, targets] as const,
      { x: points, y: targets },
      [points, targets, new Float32Array(10).fill(1)] as const,
      data.fromArrays(points, targets).batch(3),
    ];
    const results: number[] = [];
    for (const validationData of forms) {
      await model.setWeights(start);
      const { history } = await model.fit(points, targets, { shuffle: false, validationData, ...quiet });
      expect(Object.keys(history)).toEqual(['loss', 'meanAbsoluteError', 'val_loss', 'val_meanAbsoluteError']);
      results.push(history.val_loss[0]);
    }
    for (const value of results) expect(value).toBeCloseTo(results[0], 6);
  });

  test('sampleWeight and classWeight weigh the loss', async () => {
    const weighted = async (options: FitOptions): Promise<number[][]> => {
      const model = classifier();
      model.compile({ optimizer: optimizers.sgd({ learningRate: 1 }), loss: 'sparseCategoricalCrossentropy', seed: 2 });
      await model.fit(points.slice(0, 4), [0, 1, 2, 0], { shuffle: false, ...quiet, ...options });
      return weightsOf(model);
    };
    const plain = await weighted({});
    const byClass = await weighted({ classWeight: { 0: 2, 1: 0.5 } });
    expect(byClass).not.toEqual(plain);
    expect(await weighted({ sampleWeight: [2, 0.5, 1, 2] })).toEqual(byClass);
    expect(await weighted({ sampleWeight: [4, 0.5, 1, 2], classWeight: { 0: 0.5 } })).toEqual(
      await weighted({ sampleWeight: [2, 0.5, 1, 1] }),
    );
    const model = linear();
    const { loss } = await model.evaluate(points, targets);
    expect((await model.evaluate(points, targets, { sampleWeight: new Float32Array(10).fill(3) })).loss).toBeCloseTo(3 * loss, 4);
  });

  test('classWeight reads one-hot targets too', async () => {
    const run = async (loss: 'categoricalCrossentropy' | 'sparseCategoricalCrossentropy', y: number[] | number[][]): Promise<number> => {
      const model = classifier();
      model.compile({ optimizer: 'sgd', loss, seed: 2 });
      return (await model.fit(points.slice(0, 3), y, { classWeight: { 2: 5 }, ...quiet })).history.loss[0];
    };
    const oneHot = await run('categoricalCrossentropy', [[1, 0, 0], [0, 1, 0], [0, 0, 1]]); // prettier-ignore
    expect(oneHot).toBeCloseTo(await run('sparseCategoricalCrossentropy', [0, 1, 2]), 5);
  });
});

describe('callbacks', () => {
  test('hooks in order, awaited, with what they need', async () => {
    const told: string[] = [];
    const note = (text: string) => async () => {
      await Promise.resolve();
      told.push(text);
    };
    const { history } = await linear().fit(points, targets, {
      epochs: 3,
      initialEpoch: 1,
      batchSize: 5,
      ...quiet,
      callbacks: callbacks.lambda({
        onTrainBegin: async ({ epochs, initialEpoch, samples, batches, metrics: names }) => {
          told.push(`begin ${epochs} ${initialEpoch} ${samples} ${batches} ${names.join()}`);
        },
        onEpochBegin: async (epoch) => note(`epoch ${epoch}`)(),
        onBatchBegin: async (batch) => note(`batch ${batch}`)(),
        onBatchEnd: async (batch, { size }) => note(`end ${batch} of ${size}`)(),
        onEpochEnd: async (epoch, logs) => note(`epoch ${epoch} ${Object.keys(logs).join()}`)(),
        onTrainEnd: async (logs) => note(`done ${Object.keys(logs).join()}`)(),
      }),
    });
    const epoch = (n: number): string[] => [
      `epoch ${n}`,
      'batch 0',
      'end 0 of 5',
      'batch 1',
      'end 1 of 5',
      `epoch ${n} loss,meanAbsoluteError`,
    ];
    expect(told).toEqual(['begin 3 1 10 2 loss,meanAbsoluteError', ...epoch(1), ...epoch(2), 'done loss,meanAbsoluteError']);
    expect(Object.keys(history)).toEqual(['loss', 'meanAbsoluteError']);
  });

  test('running values come a few times a second, and belong to their epoch', async () => {
    const logs: Logs[] = [];
    await linear().fit(points, targets, {
      batchSize: 1,
      ...quiet,
      callbacks: {
        onBatchBegin: () => new Promise((resolve) => setTimeout(resolve, 60)),
        onBatchEnd: (_, values) => void logs.push(values),
      },
    });
    expect(logs[0]).toEqual({ size: 1 });
    const withLoss = logs.filter(({ loss }) => loss !== undefined);
    expect(withLoss.length).toBeGreaterThan(2);
    expect(new Set(withLoss.map(({ loss }) => loss)).size).toBeLessThan(4);
  });

  test('stopTraining ends after the batch, a signal too; the history so far is kept', async () => {
    const model = linear();
    let batches = 0;
    const stopped = await model.fit(points, targets, {
      ...{ epochs: 5, batchSize: 1, ...quiet },
      callbacks: { onBatchEnd: () => void (++batches === 13 && (model.stopTraining = true)) },
    });
    expect(batches).toBe(13);
    expect(stopped.epoch).toEqual([0, 1]);
    const controller = new AbortController();
    batches = 0;
    const aborted = await model.fit(points, targets, {
      ...{ epochs: 5, batchSize: 1, ...quiet, signal: controller.signal },
      callbacks: { onBatchEnd: () => void (++batches === 3 && controller.abort()) },
    });
    expect(batches).toBe(3);
    expect(aborted.epoch).toEqual([0]);
    expect((await model.fit(points, targets, { signal: AbortSignal.abort(), ...quiet })).epoch).toEqual([]);
    expect((await model.fit(points, targets, quiet)).epoch).toEqual([0]);
  });

  test('a hook that waits pauses the training', async () => {
    const model = linear();
    let resume = (): void => undefined;
    let paused = false;
    const training = model.fit(points, targets, {
      ...{ batchSize: 5, ...quiet },
      callbacks: {
        onBatchBegin: (batch) =>
          batch === 1 ? new Promise<void>((resolve) => ((paused = true), (resume = resolve))) : undefined, // prettier-ignore
      },
    });
    while (!paused) await new Promise((resolve) => setTimeout(resolve, 5));
    const before = await weightsOf(model);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await weightsOf(model)).toEqual(before);
    resume();
    await training;
    expect(await weightsOf(model)).not.toEqual(before);
  });

  test('earlyStopping as in Keras: patience, best weights', async () => {
    const values = [5, 4, 4.5, 3, 3.5, 3.2, 3.1, 1];
    const model = linear();
    const stop = callbacks.earlyStopping({ monitor: 'loss', patience: 2, restoreBestWeights: true });
    const weights: number[][][] = [];
    const { epoch } = await model.fit(points, targets, {
      ...{ epochs: 8, ...quiet },
      callbacks: [
        { onEpochEnd: async () => void weights.push(await weightsOf(model)) },
        { ...stop, onEpochEnd: (at) => stop.onEpochEnd?.(at, { loss: values[at] }) },
      ],
    });
    expect(epoch).toEqual([0, 1, 2, 3, 4, 5]);
    expect(stop.bestEpoch).toBe(3);
    expect(stop.stoppedEpoch).toBe(5);
    expect(await weightsOf(model)).toEqual(weights[3]);
  });

  test.each<[object, number[], number | undefined]>([
    [{ patience: 0 }, [3, 2, 2, 1], 2],
    [{ minDelta: 0.5, patience: 1 }, [3, 2.8, 2], 1],
    [{ mode: 'max' }, [1, 2, 1], 2],
    [{ monitor: 'val_accuracy' }, [0.5, 0.6, 0.5], 2],
    [{ baseline: 1, patience: 2 }, [5, 4, 3, 2], undefined],
    [{ baseline: 1, patience: 2 }, [5, 5, 5, 2], 1],
    [{ startFromEpoch: 2 }, [1, 2, 3, 4], 3],
    [{ patience: 1 }, [NaN, NaN, NaN], 1],
    // A NaN counts as an epoch without improvement, the first one too.
    [{ patience: 2 }, [NaN, NaN, NaN, NaN], 1],
    [{ patience: 2 }, [NaN, 3, NaN, NaN], 3],
    [{ patience: 2 }, [NaN, 3, 2, 1], undefined],
    [{ baseline: 1, patience: 3 }, [NaN, 5, 5, 5], 2],
  ])('earlyStopping %j of %j stops after epoch %s', async (options, values, expected) => {
    const stop = callbacks.earlyStopping({ monitor: 'loss', ...options });
    const model = { stopTraining: false } as Model;
    const monitor = 'monitor' in options ? String(options.monitor) : 'loss';
    const directions = { loss: 'min', val_accuracy: 'max' };
    await stop.onTrainBegin?.({ model, metrics: [monitor], directions } as never);
    for (let epoch = 0; epoch < values.length && !model.stopTraining; epoch++) await stop.onEpochEnd?.(epoch, { [monitor]: values[epoch] });
    expect(stop.stoppedEpoch).toBe(expected);
  });

  test('mode auto takes the direction that metrics state', async () => {
    const model = linear();
    const own = { ...metrics.mean({ name: 'own' }), direction: 'max' as const };
    model.compile({ loss: 'mse', metrics: ['truePositives', 'falsePositives', 'mean', 'mae', own], weightedMetrics: ['truePositives'] });
    let directions: object = {};
    const note = { onTrainBegin: (info: FitInfo) => void (directions = info.directions) };
    await model.fit(points, targets, { validationSplit: 0.5, callbacks: note, ...quiet });
    const stated = { loss: 'min', truePositives: 'max', falsePositives: 'min', mae: 'min', own: 'max', weighted_truePositives: 'max' };
    expect(directions).toEqual({ ...stated, ...Object.fromEntries(Object.entries(stated).map(([name, best]) => [`val_${name}`, best])) });
    const watching = (options: object): unknown => model.fit(points, targets, { ...quiet, callbacks: callbacks.earlyStopping(options) });
    await expect(watching({ monitor: 'mean' })).rejects.toThrow(
      "callbacks.earlyStopping: mode is 'auto', but 'mean' does not state whether larger is better; pass mode: 'max' or mode: 'min', or give " +
        "the metric a direction: 'max' or 'min'",
    );
    await watching({ monitor: 'mean', mode: 'max' });
    expect(() => model.compile({ loss: 'mse', metrics: [{ ...own, direction: 'up' as never }] })).toThrow(
      "compile: direction of the metric 'own' is 'up'; it must be 'max' or 'min', or left out",
    );
  });

  test.each([
    ['truePositives', [1, 2, 1], 2, 1],
    ['falsePositives', [1, 2, 1], 1, 0],
  ] as const)('earlyStopping watches %s in its direction', async (name, values, stopped, best) => {
    const stop = callbacks.earlyStopping({ monitor: name });
    const model = { stopTraining: false } as Model;
    await stop.onTrainBegin?.({ model, metrics: [name], directions: { [name]: metrics[name]().direction } } as never);
    for (let epoch = 0; !model.stopTraining; epoch++) await stop.onEpochEnd?.(epoch, { [name]: values[epoch] });
    expect([stop.stoppedEpoch, stop.bestEpoch]).toEqual([stopped, best]);
  });

  test('progress shows batches, rate and values', async () => {
    const infos: ProgressInfo[] = [];
    await linear().fit(points, targets, {
      epochs: 2,
      batchSize: 5,
      callbacks: callbacks.progress({ onUpdate: (info) => void infos.push(info) }),
    });
    const ends = infos.filter(({ done }) => done);
    expect(
      ends.map(({ epoch, epochs, batch, batches, samples, totalSamples }) => [epoch, epochs, batch, batches, samples, totalSamples]),
    ).toEqual([
      [0, 2, 2, 2, 10, 10],
      [1, 2, 2, 2, 10, 10],
    ]);
    expect(ends[0].samplesPerSecond).toBeGreaterThan(0);
    expect(ends[0].secondsLeft).toBeGreaterThan(0);
    expect(ends[1].secondsLeft).toBe(0);
    expect(Object.keys(ends[1].logs)).toEqual(['loss', 'meanAbsoluteError']);
  });

  test('progress writes a line per epoch, and a bar where it can be rewritten', async () => {
    const written = async (isTTY: boolean): Promise<string> => {
      let text = '';
      const stream = { isTTY, columns: 200, write: (part: string) => (text += part) };
      await linear().fit(points, targets, { epochs: 2, callbacks: callbacks.progress({ stream }) });
      return text;
    };
    expect(await written(false)).toMatch(
      /^Epoch 1\/2 10\/10 {2}\d+ samples\/s {2}loss \d+\.\d{4} {2}meanAbsoluteError \d+\.\d{4}\nEpoch 2\/2 10\/10 .*\n$/,
    );
    expect(await written(true)).toMatch(/\rEpoch 1\/2 ░{24} 0\/10.*\rEpoch 1\/2 █{24} 10\/10 .*loss \d.*\n\rEpoch 2\/2/s);
  });

  test('an error in a callback ends fit and leaves a model that trains', async () => {
    const model = linear();
    const callback = { onBatchEnd: () => Promise.reject(new Error('from the callback')) };
    await expect(model.fit(points, targets, { callbacks: callback, ...quiet })).rejects.toThrow('from the callback');
    expect((await model.fit(points, targets, quiet)).epoch).toEqual([0]);
  });
});

describe('several things at once', () => {
  test('predict, evaluate and getWeights while fit is under way', async () => {
    const model = linear();
    const training = model.fit(points, targets, { epochs: 30, batchSize: 1, ...quiet });
    for (let i = 0; i < 5; i++) {
      expect((await model.predict(points)).shape).toEqual([10, 1]);
      expect((await model.evaluate(points, targets)).loss).toBeGreaterThanOrEqual(0);
      await model.getWeights();
      await new Promise((resolve) => setTimeout(resolve));
    }
    expect((await training).epoch.length).toBe(30);
  });

  test('a second fit and a compile are refused, and the first fit continues', async () => {
    const model = linear();
    const training = model.fit(points, targets, { epochs: 3, ...quiet });
    await expect(model.fit(points, targets, quiet)).rejects.toThrow(
      'fit: the model is being trained already; await the fit under way, or stop it with model.stopTraining = true',
    );
    expect(() => model.compile({ loss: 'meanSquaredError' })).toThrow('compile: the model is being trained; await fit first');
    expect((await training).epoch).toEqual([0, 1, 2]);
  });

  test('a step that fails leaves weights and optimizer as they were', async () => {
    const model = linear();
    let fail = false;
    model.compile({
      optimizer: 'adam',
      loss: (t, p) => {
        if (fail) throw new Error('from the loss');
        return losses.meanSquaredError()(t, p);
      },
    });
    await model.fit(points, targets, quiet);
    const before = await weightsOf(model);
    fail = true;
    // Another batch size is traced again.
    await expect(model.fit(points.slice(0, 7), targets.slice(0, 7), quiet)).rejects.toThrow('from the loss');
    fail = false;
    expect(await weightsOf(model)).toEqual(before);
    expect((await model.fit(points.slice(0, 7), targets.slice(0, 7), quiet)).epoch).toEqual([0]);
  });
});
