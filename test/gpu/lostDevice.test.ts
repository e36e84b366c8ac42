// A lost device: all pending promises reject, nothing hangs, and the same models and functions work on the next device.
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import {
  DeviceLostError,
  type Tensor,
  compile,
  deviceInfo,
  evaluate,
  layers,
  memory,
  mul,
  profile,
  sequential,
  setDevice,
  square,
  sum,
  tensor,
  tuned,
} from '../../src/index.ts';
import { defaultEngine } from '../../src/engine/index.ts';
import { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { webgpuOnly } from '../support/planDevice.ts';

const neverLost = 'it is never lost';

const x = Array.from({ length: 64 }, (_, i) => [i / 64]);

async function lose(): Promise<void> {
  const { runtime } = await defaultEngine();
  if (!(runtime instanceof WebGpuRuntime)) throw new Error('not on a GPU');
  runtime.context.device.destroy();
}

/** Result of a promise in time: its value, its error, or 'hangs'. */
const outcome = async (promise: Promise<unknown>): Promise<unknown> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, 20_000, 'hangs')));
  const settled = promise.catch((error: unknown) => error);
  return Promise.race([settled, late]).finally(() => clearTimeout(timer));
};

const regression = (): ReturnType<typeof sequential> => {
  const model = sequential([layers.dense({ units: 1, inputShape: [1] })]);
  model.compile({ optimizer: 'adam', loss: 'mse' });
  return model;
};

beforeEach(() => setDevice('webgpu'));
afterAll(() => setDevice('webgpu'));

describe('the loss of the device rejects', () => {
  webgpuOnly(neverLost);

  const pending = (): Tensor => square(tensor(x));
  test.each<[string, () => Promise<unknown>]>([
    ['a read under way', () => pending().data()],
    ['a read of a value', async () => { const y = await evaluate(pending()); const read = y.data(); await lose(); return read; }], // prettier-ignore
    ['a compiled function, read', async () => (await compile(square)(tensor(x))).data()],
    ['predict', () => regression().predict(x)],
    ['evaluate', () => regression().evaluate(x, x)],
    ['fit', () => regression().fit(x, x, { epochs: 1000, verbose: 0 })],
    ['profile', () => profile(async () => { for (;;) await (await compile(square)(tensor(x))).data(); })], // prettier-ignore
    ['many reads', () => Promise.all(Array.from({ length: 20 }, () => pending().data()))],
  ])('%s', async (_, run) => {
    const running = outcome(run());
    await lose();
    expect(await running).toBeInstanceOf(DeviceLostError);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['evaluate', () => evaluate(pending())],
    ['a read', () => pending().data()],
    ['a compiled function', () => compile(square)(tensor(x))],
    ['profile', () => profile(() => pending().data())],
    ['fit', () => regression().fit(x, x, { verbose: 0 })],
  ])('%s that begins afterwards', async (_, run) => {
    await evaluate(pending());
    await lose();
    await outcome(pending().data());
    expect(await outcome(run())).toBeInstanceOf(DeviceLostError);
  });

  test('and memory(), deviceInfo() and tuned() answer', async () => {
    await evaluate(pending());
    await lose();
    await outcome(pending().data());
    expect(memory().bytes).toBeGreaterThan(0);
    expect(deviceInfo().kind).toBe('webgpu');
    expect(await outcome(tuned())).not.toBe('hangs');
  });
});

describe('after the loss and setDevice()', () => {
  webgpuOnly(neverLost);

  test('a trained model says what to do, takes weights, predicts, evaluates and trains', async () => {
    const model = regression();
    let batches = 0;
    const fit = model.fit(x, x, { epochs: 1000, verbose: 0, callbacks: { onBatchEnd: () => (++batches === 5 ? lose() : undefined) } });
    expect(await outcome(fit)).toBeInstanceOf(DeviceLostError);
    await setDevice('webgpu');
    const remedy = /weights were lost with their device; call model.setWeights\(\)/;
    await expect(model.predict(x)).rejects.toThrow(remedy);
    await expect(model.getWeights()).rejects.toThrow(remedy);
    await expect(model.fit(x, x, { verbose: 0 })).rejects.toThrow(remedy);
    await model.setWeights([tensor([[2]]), tensor([1])]);
    expect(await model.predict([[3]]).array()).toEqual([[7]]);
    expect(await model.evaluate([[3]], [[7]])).toEqual({ loss: 0 });
    const { history } = await model.fit(x, x, { epochs: 3, verbose: 0 });
    expect(history.loss[2]).toBeLessThan(history.loss[0]);
  });

  test('a model that was never trained works as it is', async () => {
    const model = regression();
    await model.setWeights([tensor([[2]]), tensor([1])]);
    expect(await model.predict([[3]]).array()).toEqual([[7]]);
    await lose();
    await setDevice('webgpu');
    expect(await model.predict([[3]]).array()).toEqual([[7]]);
  });

  test('weights that were set before the loss was noticed are kept', async () => {
    const model = regression();
    await model.trainOnBatch(x, x);
    await lose();
    await model.setWeights([tensor([[2]]), tensor([1])]);
    await setDevice('webgpu');
    model.setLearningRate(0.01);
    await model.trainOnBatch(x, x);
    expect((await model.getWeights())[0].shape).toEqual([1, 1]);
  });

  test('compiled functions trace again; what they captured on the lost device is named', async () => {
    const w = tensor([2, 3]);
    const resident = await evaluate(square(w));
    const own = compile((v: Tensor) => sum(mul(v, w)));
    const captures = compile((v: Tensor) => sum(mul(v, resident)));
    expect(await (await own(tensor([1, 1]))).item()).toBe(5);
    expect(await (await captures(tensor([1, 1]))).item()).toBe(13);
    await lose();
    await setDevice('webgpu');
    expect(await (await own(tensor([1, 1]))).item()).toBe(5);
    await expect(captures(tensor([1, 1]))).rejects.toThrow(/f32\[2\] was lost with its device; make it again with tensor\(\)/);
    await expect(evaluate(square(resident))).rejects.toThrow(DeviceLostError);
    await expect(resident.data()).rejects.toThrow(DeviceLostError);
  });
});

describe('a model moves to the device of setDevice()', () => {
  test('to the CPU and back, with its optimizer state', async () => {
    const train = async (devices: readonly ('cpu' | 'webgpu')[]): Promise<number[]> => {
      const model = sequential([layers.dense({ units: 1, inputShape: [1], kernelInitializer: 'ones' })]);
      model.compile({ optimizer: 'adam', loss: 'mse' });
      for (const device of devices) {
        await setDevice(device);
        await model.trainOnBatch(x, x.map(([v]) => [3 * v])); // prettier-ignore
      }
      const [kernel, bias] = await Promise.all((await model.getWeights()).map((w) => w.data()));
      return [...kernel, ...bias];
    };
    const moved = await train(['webgpu', 'cpu', 'webgpu', 'cpu']);
    const stayed = await train(['cpu', 'cpu', 'cpu', 'cpu']);
    moved.forEach((value, i) => expect(value).toBeCloseTo(stayed[i], 5));
  });

  test('with several calls at once', async () => {
    const model = regression();
    await model.trainOnBatch(x, x);
    const before = await model.predict([[3]]).item();
    await setDevice('cpu');
    const values = await Promise.all([model.predict([[3]]).item(), model.predict([[3]]).item(), model.getWeights()]);
    expect(values[0]).toBeCloseTo(before, 5);
    expect(values[1]).toBeCloseTo(before, 5);
  });

  test('from a callback; fit continues on the device where it began', async () => {
    const model = regression();
    const predictions: number[] = [];
    await model.fit(x, x, {
      ...{ epochs: 2, batchSize: 16, verbose: 0 },
      callbacks: {
        onBatchEnd: async (batch) => {
          await setDevice(batch % 2 ? 'webgpu' : 'cpu');
          predictions.push(await model.predict([[3]]).item());
        },
      },
    });
    expect(predictions).toHaveLength(8);
    await setDevice('webgpu');
    expect(await model.predict([[3]]).item()).toBeCloseTo(predictions[7], 5);
  });
});
