// Options of fit that count steps: stepsPerEpoch, validationSteps, validationFreq, stepsPerExecution. Data are chosen so that logs show them.
import { beforeAll, describe, expect, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { metrics } from '../../src/metrics/index.ts';
import { layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { type Callback, type Model, type ProgressInfo, callbacks, sequential } from '../../src/train/index.ts';

beforeAll(() => setDevice('cpu'));

/** A model without weights. `seen` in its logs is the sum of the samples. */
function spy(options: { stepsPerExecution?: number } = {}): Model {
  const model = sequential([layers.flatten({ inputShape: [1] })]);
  model.compile({ loss: 'meanSquaredError', metrics: [metrics.sum({ name: 'seen' })], ...options });
  return model;
}

/** Samples are powers of 2: a sum shows which samples are in it. */
const samples = [1, 2, 4, 8, 16].map((value) => [value]);
const settings = { batchSize: 1, shuffle: false, verbose: 0 } as const;

describe('stepsPerEpoch', () => {
  test('an epoch continues where the one before it stopped, and begins again at the end of the data', async () => {
    const { history } = await spy().fit(samples, samples, { ...settings, epochs: 4, stepsPerEpoch: 2 });
    expect(history.seen).toEqual([1 + 2, 4 + 8, 16 + 1, 2 + 4]);
  });

  test('an epoch may be longer than the data', async () => {
    const { history } = await spy().fit(samples, samples, { ...settings, stepsPerEpoch: 7 });
    expect(history.seen).toEqual([31 + 1 + 2]);
  });
});

describe('validation', () => {
  test.each([{ validationSteps: 2 }, { validationFreq: 2 }, { validationFreq: [1] }, { validationBatchSize: 4 }])(
    '%o without validation data is refused',
    async (option) => {
      await expect(spy().fit(samples, samples, { ...settings, ...option })).rejects.toThrow(
        `fit: ${Object.keys(option)[0]} without validation data; pass validationData or validationSplit`,
      );
    },
  );

  const validationData = [samples, samples] as const;

  test('validationSteps takes the first batches, in every epoch the same ones', async () => {
    const { history } = await spy().fit(samples, samples, { ...settings, epochs: 2, validationData, validationSteps: 3 });
    expect(history.val_seen).toEqual([7, 7]);
  });

  test.each([
    { validationFreq: 2, epochsWithValues: [2, 4] },
    { validationFreq: [1, 5], epochsWithValues: [1, 5] },
  ])('validationFreq $validationFreq validates after epochs $epochsWithValues', async ({ validationFreq, epochsWithValues }) => {
    const found: number[] = [];
    const callback: Callback = { onEpochEnd: (epoch, logs) => void ('val_seen' in logs && found.push(epoch + 1)) };
    await spy().fit(samples, samples, { ...settings, epochs: 5, validationData, validationFreq, callbacks: callback });
    expect(found).toEqual(epochsWithValues);
  });

  test('earlyStopping counts only epochs that have its value', async () => {
    const run = async (patience: number): Promise<number | undefined> => {
      const stopping = callbacks.earlyStopping({ monitor: 'val_loss', patience });
      await spy().fit(samples, samples, { ...settings, epochs: 12, validationData, validationFreq: 3, callbacks: stopping });
      return stopping.stoppedEpoch;
    };
    // Values exist after epochs 2, 5, 8 and 11, counted from 0. The loss never improves after the first of them.
    expect(await run(1)).toBe(5);
    expect(await run(2)).toBe(8);
    expect(await run(4)).toBeUndefined();
  });
});

describe('stepsPerExecution', () => {
  test('calls batch callbacks once per group, with the number of the last batch and the samples of the group', async () => {
    const begun: number[] = [];
    const ended: [number, number][] = [];
    const callback: Callback = {
      onBatchBegin: (batch) => void begun.push(batch),
      onBatchEnd: (batch, { size }) => void ended.push([batch, size]),
    };
    const { history } = await spy({ stepsPerExecution: 2 }).fit(samples, samples, { ...settings, callbacks: callback });
    expect(begun).toEqual([0, 2, 4]);
    expect(ended).toEqual([[1, 2], [3, 2], [4, 1]]); // prettier-ignore
    expect(history.seen).toEqual([31]);
  });

  test('stopTraining takes effect after the group', async () => {
    const model = spy({ stepsPerExecution: 2 });
    const { history } = await model.fit(samples, samples, {
      ...settings,
      epochs: 3,
      callbacks: { onBatchEnd: () => void (model.stopTraining = true) },
    });
    expect(history.seen).toEqual([1 + 2]);
  });

  test('progress counts batches, not groups', async () => {
    const seen: ProgressInfo[] = [];
    const progress = callbacks.progress({ onUpdate: (info) => void seen.push({ ...info }) });
    await spy({ stepsPerExecution: 2 }).fit(samples, samples, { ...settings, callbacks: progress });
    expect(seen.at(-1)).toMatchObject({ batch: 5, batches: 5, samples: 5, done: true });
  });
});
