// Callbacks that change the learning rate, end the training, write files, or validate with averages.
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type Callback, type FitInfo, type Model, callbacks, sequential } from '../../src/train/index.ts';

beforeAll(() => setDevice('cpu'));

const x = [[1], [2]];
const y = [[2], [4]];
const quiet = { verbose: 0, batchSize: 2 } as const;
const line = (learningRate = 0.1, emaDecay?: number): Model => {
  const model = sequential([layers.dense({ units: 1, inputShape: [1], kernelInitializer: 'zeros' })]);
  model.compile({ optimizer: optimizers.sgd({ learningRate, ...(emaDecay !== undefined && { emaDecay }) }), loss: 'meanSquaredError' });
  return model;
};

/** Learning rates that a callback sets while a value takes these numbers, one per epoch. */
async function ratesFor(
  callback: Callback,
  values: readonly number[],
  monitor = 'val_loss',
  mode: 'min' | 'max' = 'min',
): Promise<number[]> {
  const model = {
    ...{ stopTraining: false, learningRate: 1, getWeights: async () => [], setWeights: async () => undefined },
    ...{ setLearningRate: (rate: number) => void (model.learningRate = rate), swapAverages: async () => undefined },
    ...{
      snapshot: async () => async () => undefined,
      save: async () => undefined,
      saveWeights: async () => undefined,
      variables: () => [],
    },
  };
  const info: FitInfo = {
    ...{ model, epochs: 99, initialEpoch: 0, samples: 1, batches: 1, metrics: ['loss', monitor] },
    ...{ directions: { [monitor]: mode }, activeSeconds: () => 0, dataWait: () => 0 },
    ...{ signal: undefined, network: { root: layers.dense({ units: 1 }), inputs: undefined }, saveBackup: async () => undefined },
  };
  await callback.onTrainBegin!(info);
  const rates: number[] = [];
  for (const [epoch, value] of values.entries()) {
    await callback.onEpochEnd!(epoch, { loss: 0, [monitor]: value });
    rates.push(model.learningRate);
  }
  return rates;
}

describe('reduceLROnPlateau', () => {
  test('reduces after `patience` epochs without improvement, as Keras does', async () => {
    const plateau = callbacks.reduceLROnPlateau({ factor: 0.5, patience: 2 });
    expect(await ratesFor(plateau, [5, 4, 4, 4, 4, 4, 3, 3])).toEqual([1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25]);
    // A second fit starts again.
    expect(await ratesFor(plateau, [9, 9, 9])).toEqual([1, 1, 0.5]);
  });

  test('minDelta, cooldown, minLr and larger values', async () => {
    expect(await ratesFor(callbacks.reduceLROnPlateau({ factor: 0.5, patience: 1, minDelta: 0.5 }), [5, 4.6, 4.2])).toEqual([1, 0.5, 0.5]);
    expect(await ratesFor(callbacks.reduceLROnPlateau({ factor: 0.5, patience: 1, cooldown: 2 }), [1, 1, 1, 1, 1, 1])).toEqual([1, 0.5, 0.5, 0.25, 0.25, 0.125]); // prettier-ignore
    expect(await ratesFor(callbacks.reduceLROnPlateau({ factor: 0.1, patience: 1, minLr: 0.05 }), [1, 1, 1, 1])).toEqual([
      1, 0.1, 0.05, 0.05,
    ]);
    expect(await ratesFor(callbacks.reduceLROnPlateau({ factor: 0.5, patience: 1, monitor: 'val_accuracy' }), [0.1, 0.2, 0.2], 'val_accuracy', 'max')).toEqual([1, 1, 0.5]); // prettier-ignore
  });

  test('changes the rate of a model, and refuses a value that will not exist', async () => {
    const model = line(0.1);
    const plateau = callbacks.reduceLROnPlateau({ monitor: 'loss', factor: 0.5, patience: 1, minDelta: 100 });
    await model.fit(x, y, { ...quiet, epochs: 4, callbacks: plateau });
    expect(model.learningRate).toBeCloseTo(0.1 / 8, 6);
    await expect(model.fit(x, y, { ...quiet, callbacks: callbacks.reduceLROnPlateau() })).rejects.toThrow(
      "callbacks.reduceLROnPlateau: monitor 'val_loss' is none of the values loss; pass validationData",
    );
  });
});

test('learningRateScheduler sets the rate before each epoch', async () => {
  const model = line(0.1);
  const seen: number[] = [];
  const look: Callback = { onEpochEnd: () => void seen.push(model.learningRate) };
  const schedule = callbacks.learningRateScheduler({ schedule: (epoch, rate) => (epoch === 0 ? rate : rate / 2) });
  await model.fit(x, y, { ...quiet, epochs: 3, callbacks: [schedule, look] });
  expect(seen.map((rate) => Math.round(rate * 1e6) / 1e6)).toEqual([0.1, 0.05, 0.025]);
  const wrong = callbacks.learningRateScheduler({ schedule: () => NaN });
  await expect(model.fit(x, y, { ...quiet, callbacks: wrong })).rejects.toThrow(
    'callbacks.learningRateScheduler: schedule(0, …) returned NaN; it must be a number above 0',
  );
});

test('terminateOnNaN ends the training with a warning', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const model = line(1e30);
  const { history } = await model.fit(x, y, { ...quiet, epochs: 50, callbacks: callbacks.terminateOnNaN() });
  expect(history.loss.length).toBeLessThan(10);
  expect(Number.isFinite(history.loss[history.loss.length - 1])).toBe(false);
  expect(warn).toHaveBeenCalledOnce();
  expect(warn.mock.calls[0][0]).toContain('callbacks.terminateOnNaN: the loss is');
  warn.mockRestore();
});

test('timeLimit ends the training', async () => {
  const model = line();
  const { history } = await model.fit(x, y, { ...quiet, epochs: 100000, callbacks: callbacks.timeLimit({ seconds: 0.05 }) });
  expect(history.loss.length).toBeLessThan(100000);
});

test('csvLogger writes names and values, and leaves empty what an epoch does not have', async () => {
  let text = '';
  const write = (part: string): void => void (text += part);
  const model = line(1e-9);
  const settings = { ...quiet, validationData: [x, y] as const, validationFreq: 2 };
  await model.fit(x, y, { ...settings, epochs: 2, callbacks: callbacks.csvLogger({ write }) });
  await model.fit(x, y, { ...settings, epochs: 3, initialEpoch: 2, callbacks: callbacks.csvLogger({ write }) });
  const rows = text.trimEnd().split('\n').map((row) => row.split(',')); // prettier-ignore
  expect(rows[0]).toEqual(['epoch', 'loss', 'val_loss']);
  expect(rows.slice(1).map(([epoch, loss, validated]) => [epoch, Math.round(Number(loss)), validated === '' ? '' : Math.round(Number(validated))])).toEqual([['0', 10, ''], ['1', 10, 10], ['2', 10, '']]); // prettier-ignore
  let quoted = '';
  const semicolons = callbacks.csvLogger({ write: (part) => void (quoted += part), separator: ';' });
  await ratesFor(semicolons, [1], 'a;"b"');
  expect(quoted).toBe('epoch;loss;"a;""b"""\n0;0;1\n');
});

describe('swapEmaWeights', () => {
  const weight = async (model: Model): Promise<number> => (await (await model.getWeights())[0].data())[0];

  test.each([false, true])('validates with the averages; swapOnEpoch %s', async (swapOnEpoch) => {
    const [model, plain] = [line(0.01, 0.9), line(0.01)];
    const seen: number[] = [];
    const look: Callback = { onEpochEnd: async () => void seen.push(await weight(model)) };
    const settings = { ...quiet, epochs: 3, validationData: [x, y] as const, shuffle: false };
    const { history } = await model.fit(x, y, { ...settings, callbacks: [callbacks.swapEmaWeights({ swapOnEpoch }), look] });
    const { history: ofPlain } = await plain.fit(x, y, settings);
    // The weights that are trained are the same; the averages of the validation are worse.
    history.loss.forEach((loss, i) => expect(loss).toBeCloseTo(ofPlain.loss[i], 5));
    expect(history.val_loss[2]).toBeGreaterThan(ofPlain.val_loss[2] * 1.01);
    expect(await weight(model)).toBeCloseTo(seen[2], 6);
    if (!swapOnEpoch) expect(seen[2]).toBeCloseTo(await weight(plain), 6);
    else expect(seen[2]).toBeLessThan(await weight(plain));
  });
});

test('hooks of validation run around it', async () => {
  const order: string[] = [];
  const hooks = ['onEpochBegin', 'onBatchEnd', 'onValidationBegin', 'onValidationEnd', 'onEpochEnd'] as const;
  const spy = Object.fromEntries(hooks.map((name) => [name, () => void order.push(name)]));
  await line().fit(x, y, { ...quiet, validationData: [x, y], callbacks: callbacks.lambda(spy) });
  expect(order).toEqual(['onEpochBegin', 'onBatchEnd', 'onValidationBegin', 'onValidationEnd', 'onEpochEnd']);
});

test('callbacks.history records what fit returns, over several fits', async () => {
  const record = callbacks.history();
  const model = line();
  const first = await model.fit(x, y, { ...quiet, epochs: 2, callbacks: record });
  const second = await model.fit(x, y, { ...quiet, epochs: 3, initialEpoch: 2, callbacks: record });
  expect(record.epoch).toEqual([0, 1, 2]);
  expect(record.history).toEqual({ loss: [...first.history.loss, ...second.history.loss] });
});
