// A search on a GPU: its models free their memory, and trials of equal shapes share their kernels.
import { beforeAll, expect, test } from 'vitest';
import { memory, setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type Model, sequential } from '../../src/train/index.ts';
import { space, tune } from '../../src/tune/index.ts';
import { values } from '../support/graphs.ts';

// Without autotuning, which builds pipelines and holds buffers at times of its own.
beforeAll(() => setDevice('webgpu', { tuning: false }));

const x = { data: Float32Array.from(values(64 * 32, 3)), shape: [64, 32] };
const y = Int32Array.from({ length: 64 }, (_, i) => i % 4);
const fit = { x, y, epochs: 2, batchSize: 32, validationSplit: 0.5 };

/**
 * A running loss that is read while the next step runs may need a buffer that earlier searches did not: 2,048 bytes with its guard zone. It
 * depends on the clock. Every model takes more, so a leak of models would be larger.
 */
const readBytes = 2048;

const classifier = (learningRate: number, units: number): Model => {
  const model = sequential([
    layers.dense({ units, activation: 'relu', inputShape: [32] }),
    layers.dense({ units: 4, activation: 'softmax' }),
  ]);
  model.compile({ optimizer: optimizers.adam({ learningRate }), loss: 'sparseCategoricalCrossentropy' });
  return model;
};

test('50 trials of equal shapes hold the memory of one, and compile no kernel after the first', { timeout: 400_000 }, async () => {
  const bytes: number[] = [];
  const buffers: number[] = [];
  const result = await tune({
    ...{ space: { learningRate: space.logUniform(1e-4, 1e-1) }, trials: 50, seed: 1, sampler: 'random', verbose: 0 },
    build: ({ learningRate }) => classifier(learningRate, 256),
    fit,
    onTrial() {
      bytes.push(memory().bytes);
      buffers.push(memory().buffers);
    },
  });
  const { trials } = result;
  // Parameters and moments of a model are 256 * 36 floats each: 37 kB. The best model so far is kept.
  console.log(`memory after trials 2, 25 and 50: ${[bytes[1], bytes[24], bytes[49]].join(', ')} bytes; kernels: ${trials[0].compilations}`);
  expect(bytes[49]).toBeLessThanOrEqual(bytes[4] + readBytes);
  expect(buffers[49]).toBeLessThanOrEqual(buffers[4] + 1);
  expect(trials[0].compilations).toBeGreaterThan(5);
  expect(trials.slice(1).map(({ compilations }) => compilations)).toEqual(Array.from({ length: 49 }, () => 0));
  await (await result.bestModel()).evaluate(x, y, { verbose: 0 });
});

test('without the best model everything is freed; other shapes share the kernels that do not depend on them', async () => {
  const run = (seed: number) =>
    tune({
      ...{ space: { units: space.int(64, 256, { step: 64 }) }, trials: 4, sampler: 'grid', keepBest: false, verbose: 0, seed },
      build: ({ units }) => classifier(0.01, units),
      fit,
    });
  const first = await run(1);
  const before = memory();
  const second = await run(2);
  expect(memory().bytes).toBeLessThanOrEqual(before.bytes + readBytes);
  expect(second.trials.map(({ compilations }) => compilations)).toEqual([0, 0, 0, 0]);
  expect(first.trials.map(({ parameters }) => parameters.units)).toEqual([64, 128, 192, 256]);
});

test('a search that ends with an error frees its models', async () => {
  const broken = { prunes: (): never => { throw new Error('no rule'); }, config: { kind: 'schedulers.none', options: {} } }; // prettier-ignore
  const end = (): never => {
    throw new Error('end');
  };
  const bytesAfter = async (more: { scheduler?: typeof broken; onTrial?: typeof end }, message: string): Promise<number> => {
    const search = tune({
      ...{ space: { learningRate: space.logUniform(1e-4, 1e-1) }, trials: 3, verbose: 0, seed: 1, fit },
      build: ({ learningRate }) => classifier(learningRate, 256),
      ...more,
    });
    await expect(search).rejects.toThrow(message);
    return memory().bytes;
  };
  for (const [more, message] of [
    [{ scheduler: broken }, 'no rule'],
    [{ onTrial: end }, 'end'],
  ] as const) {
    const bytes: number[] = [];
    for (let i = 0; i < 4; i++) bytes.push(await bytesAfter(more, message));
    expect(bytes[3]).toBeLessThanOrEqual(bytes[0]);
  }
});
