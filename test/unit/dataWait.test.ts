// The share of an epoch in which the device waits for data, with a clock and a device of the test. Then datasets that fail during a fit.
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import type { Batch } from '../../src/data/batches.ts';
import { setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { data, sequential } from '../../src/train/index.ts';
import { makeWaitMeter } from '../../src/train/dataWait.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(1));

interface Signal {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function signal(): Signal {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve: () => resolve() };
}

/** A clock in milliseconds, a device that settles by call, and a source that gives batches by call. */
function bench(): {
  meter: ReturnType<typeof makeWaitMeter>;
  readonly pass: (milliseconds: number) => Promise<void>;
  readonly settle: () => Promise<void>;
  readonly give: () => Promise<void>;
  readonly watches: number;
} {
  let time = 0;
  let watches = 0;
  let settled = signal();
  let requested = signal();
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  const meter = makeWaitMeter(
    () => (watches++, settled.promise),
    () => time,
  );
  async function* source(): AsyncGenerator<Batch> {
    for (;;) {
      await requested.promise;
      requested = signal();
      yield { size: 1, x: [] };
    }
  }
  meter.startEpoch();
  // A step takes no time on the host: the next batch is requested at once.
  void (async () => {
    for await (const _ of meter.measure(source())) await Promise.resolve();
  })();
  return {
    meter,
    async pass(milliseconds) {
      await turns();
      time += milliseconds;
    },
    async settle() {
      const { resolve } = settled;
      settled = signal();
      resolve();
      await turns();
    },
    async give() {
      requested.resolve();
      await turns();
    },
    get watches() {
      return watches;
    },
  };
}

describe('the share', () => {
  test('counts the time after the device has settled and before the batch', async () => {
    const { meter, pass, settle, give } = bench();
    await pass(10); // The device computes.
    await settle();
    await pass(30); // It waits.
    await give();
    await pass(60); // It computes the next step.
    await settle();
    meter.endEpoch();
    expect(meter.share()).toBeCloseTo(0.3, 12);
  });

  test('is 0 if the device is never idle, and watches it once', async () => {
    const run = bench();
    for (let i = 0; i < 20; i++) {
      await run.pass(10);
      await run.give();
    }
    run.meter.endEpoch();
    expect([run.meter.share(), run.watches]).toEqual([0, 1]);
  });

  test('begins again with an epoch; a device that fails counts as idle', async () => {
    let time = 0;
    const meter = makeWaitMeter(
      () => Promise.reject(new Error('lost')),
      () => time,
    );
    async function* source(): AsyncGenerator<Batch> {
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => setTimeout(resolve));
        time += 5;
        yield { size: 1, x: [] };
      }
    }
    for (const expected of [1, 1]) {
      meter.startEpoch();
      for await (const _ of meter.measure(source())) time += 0;
      meter.endEpoch();
      expect(meter.share()).toBe(expected);
    }
  });

  test('advises once, and only after enough batches and time', async () => {
    const { meter, pass, settle, give } = bench();
    const wait = async (batches: number, milliseconds: number): Promise<void> => {
      for (let i = 0; i < batches; i++) {
        await settle();
        await pass(milliseconds);
        await give();
      }
      meter.endEpoch();
    };
    await wait(9, 200);
    expect(meter.advice(0)).toBeUndefined();
    meter.startEpoch();
    await wait(20, 40);
    expect(meter.advice(1)).toBeUndefined();
    meter.startEpoch();
    await wait(20, 60);
    expect(meter.advice(2)).toBe(
      'the device waited for data in 100% of epoch 3; draw batches in advance by dataset.prefetch(2), keep them by dataset.cache(), or use larger batches',
    );
    expect(meter.advice(3)).toBeUndefined();
  });

  test('synchronous batches pass as they are', () => {
    const batches: Batch[] = [];
    expect(makeWaitMeter(() => Promise.resolve()).measure(batches)).toBe(batches);
  });
});

const makeModel = (): ReturnType<typeof sequential> => {
  const model = sequential([layers.dense({ units: 1 })]);
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  return model;
};
const samples = (n: number): { x: number[]; y: number }[] => Array.from({ length: n }, (_, i) => ({ x: [i / n], y: i / n }));

describe('fit', () => {
  test('history has a share for each epoch: above 0 for a slow dataset, 0 for arrays', async () => {
    const slow = data
      .fromGenerator(() => samples(4))
      .map(async (sample) => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        return sample;
      });
    const { dataWait } = await makeModel().fit(slow.batch(2), undefined, { epochs: 2, verbose: 0 });
    expect(dataWait).toHaveLength(2);
    for (const share of dataWait) expect(share > 0 && share <= 1).toBe(true);
    const arrays = await makeModel().fit(samples(4).map(({ x }) => x), samples(4).map(({ y }) => y), { epochs: 2, verbose: 0 }); // prettier-ignore
    expect(arrays.dataWait).toEqual([0, 0]);
  });

  test('a generator that throws in the middle ends the fit; the model stays usable', async () => {
    const model = makeModel();
    let closed = 0;
    const failing = data.fromGenerator(function* () {
      try {
        yield* samples(4);
        throw new Error('from the generator');
      } finally {
        closed++;
      }
    });
    await expect(model.fit(failing.batch(2), undefined, { verbose: 0 })).rejects.toThrow('from the generator');
    expect(closed).toBe(1);
    const before = await model.predict([[1]]).array();
    expect(before).toEqual(await model.predict([[1]]).array());
    const { history } = await model.fit(data.fromGenerator(() => samples(4)).batch(2), undefined, { verbose: 0 });
    expect(Number.isFinite(history.loss[0])).toBe(true);
  });

  test('a generator that ends early ends the training with a warning; the epochs before it count', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    try {
      const used = samples(4)[Symbol.iterator]();
      const { history, dataWait } = await makeModel().fit(data.fromGenerator(() => used).batch(2), undefined, { epochs: 3, verbose: 0 });
      expect([history.loss.length, dataWait.length]).toEqual([1, 1]);
      expect(warn.mock.calls.flat().join()).toContain('the dataset gave no batch in epoch 2 of 3');
    } finally {
      warn.mockRestore();
    }
  });
});
