// Models on the CPU through the real engine: they learn, keep their shapes and names, and give and take weights.
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ArgumentError, DeviceError, type OmbreError, ShapeError } from '../../src/core/errors.ts';
import { setSeed } from '../../src/core/random.ts';
import type * as Engine from '../../src/engine/index.ts';
import { setDevice } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { initializers, layers } from '../../src/nn/index.ts';
import { tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type Model, sequential } from '../../src/train/index.ts';

// Whether or not the machine has a GPU, here it has none.
vi.mock('../../src/engine/index.ts', async (original) => {
  const engine = await original<typeof Engine>();
  return {
    ...engine,
    engineFor: async (device: 'auto' | 'webgpu' | 'cpu') => {
      if (device === 'webgpu') throw new DeviceError('no WebGPU in this test');
      return engine.engineFor(device);
    },
  };
});

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(7));

const xor = { x: [[0, 0], [0, 1], [1, 0], [1, 1]], y: [0, 1, 1, 0] }; // prettier-ignore

const xorModel = (): Model =>
  sequential([layers.dense({ units: 8, activation: 'tanh', inputShape: [2] }), layers.dense({ units: 1, activation: 'sigmoid' })]);

const values = (tensors: readonly Tensor[]): Promise<number[][]> => Promise.all(tensors.map(async (t) => Array.from(await t.data())));

describe('learning', () => {
  test('xor', async () => {
    const model = xorModel();
    model.compile({ optimizer: optimizers.adam({ learningRate: 0.05 }), loss: 'binaryCrossentropy', metrics: ['accuracy'] });
    const { history, epoch } = await model.fit(xor.x, xor.y, { epochs: 150, batchSize: 4, verbose: 0 });
    expect(epoch.length).toBe(150);
    expect(history.loss[149]).toBeLessThan(0.05);
    expect(history.accuracy[149]).toBe(1);
    const { loss, accuracy } = await model.evaluate(xor.x, xor.y);
    expect(loss).toBeLessThan(0.05);
    expect(accuracy).toBe(1);
    const outputs = await model.predict(xor.x).array();
    expect((outputs as number[][]).map(([p]) => Math.round(p))).toEqual(xor.y);
  });

  test('a line, exactly, by plain gradient descent', async () => {
    const model = sequential([layers.dense({ units: 1, inputShape: [1], kernelInitializer: 'zeros' })]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: 'meanSquaredError' });
    // With w = b = 0 and y = 2 x + 1 at x = -1, 1: dL/dw = -mean(2 x y) = -4, dL/db = -2.
    const { loss } = await model.trainOnBatch([[-1], [1]], [-1, 3]);
    expect(loss).toBeCloseTo(5, 6);
    expect(await values(await model.getWeights())).toEqual([[expect.closeTo(0.4, 6)], [expect.closeTo(0.2, 6)]]);
    await model.fit([[-1], [1]], [-1, 3], { epochs: 60, batchSize: 2, verbose: 0 });
    expect(await values(await model.getWeights())).toEqual([[expect.closeTo(2, 4)], [expect.closeTo(1, 4)]]);
  });

  test('images by convolution and pooling: vertical or horizontal bars', async () => {
    const size = 8;
    const count = 48;
    const x = new Float32Array(count * size * size);
    const y = Int32Array.from({ length: count }, (_, i) => i % 2);
    for (let i = 0; i < count; i++) {
      const at = 1 + (Math.floor(i / 2) % 6);
      for (let k = 0; k < size; k++) x[i * size * size + (y[i] ? k * size + at : at * size + k)] = 1;
    }
    const model = sequential([
      layers.reshape({ targetShape: [size, size, -1], inputShape: [size * size] }),
      layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling2d(),
      layers.flatten(),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 2 }),
      layers.activation({ activation: 'softmax' }),
    ]);
    model.compile({ optimizer: optimizers.adam({ learningRate: 0.02 }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    const { history } = await model.fit({ data: x, shape: [count, size * size] }, y, { epochs: 12, batchSize: 12, verbose: 0 });
    expect(history.loss[11]).toBeLessThan(history.loss[0] / 2);
    expect((await model.evaluate({ data: x, shape: [count, size * size] }, y)).accuracy).toBe(1);
  });

  test('a loss of plain functions, one value per sample, is averaged', async () => {
    const model = sequential([layers.dense({ units: 1, inputShape: [1], kernelInitializer: 'zeros', useBias: false })]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.5 }), loss: (targets, predictions) => targets.sub(predictions).square() });
    expect((await model.trainOnBatch([[1], [2]], [[1], [2]])).loss).toBeCloseTo(2.5, 6);
  });

  test('a frozen layer keeps its weights, and learns again when thawed', async () => {
    const model = xorModel();
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    const [first] = model.layers;
    first.trainable = false;
    const before = await values(await model.getWeights());
    await model.fit(xor.x, xor.y, { epochs: 2, verbose: 0 });
    const frozen = await values(await model.getWeights());
    expect(frozen.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(frozen[2]).not.toEqual(before[2]);
    first.trainable = true;
    await model.fit(xor.x, xor.y, { epochs: 1, verbose: 0 });
    expect((await values(await model.getWeights()))[0]).not.toEqual(before[0]);
  });

  test('a model without parameters is evaluated and "trained" in peace', async () => {
    const model = sequential([layers.flatten()]);
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const { history } = await model.fit([[1], [2]], [[1], [4]], { verbose: 0 });
    expect(history.loss).toEqual([2]);
  });

  test('setLearningRate acts on the next step', async () => {
    const model = sequential([layers.dense({ units: 1, inputShape: [1], kernelInitializer: 'zeros', useBias: false })]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: 'meanSquaredError' });
    model.setLearningRate(0.25);
    await model.trainOnBatch([[1]], [[1]]);
    expect(await values(await model.getWeights())).toEqual([[0.5]]);
    model.setLearningRate(0.5);
    await model.trainOnBatch([[1]], [[1]]);
    expect(await values(await model.getWeights())).toEqual([[1]]);
    expect(() => model.setLearningRate(-1)).toThrow('setLearningRate: the learning rate is -1; it must be a positive number');
  });
});

describe('weights', () => {
  test('getWeights gives copies, setWeights takes them: equal predictions', async () => {
    const model = xorModel();
    model.compile({ loss: 'meanSquaredError' });
    const weights = await model.getWeights();
    expect(weights.map(({ shape }) => shape)).toEqual([[2, 8], [8], [8, 1], [1]]);
    const before = await model.predict(xor.x).array();
    await model.fit(xor.x, xor.y, { epochs: 3, verbose: 0 });
    expect(await model.predict(xor.x).array()).not.toEqual(before);
    await model.setWeights(weights);
    expect(await model.predict(xor.x).array()).toEqual(before);
    // Training takes over the model's tensors, not the ones it was given.
    await model.fit(xor.x, xor.y, { epochs: 1, verbose: 0 });
    expect((await weights[0].data()).length).toBe(16);
    const mine = (await weights[3].data()) as Float32Array;
    await model.setWeights([...weights.slice(0, 3), hostTensor({ shape: [1], dtype: 'f32' }, mine)]);
    mine.fill(100);
    expect((await values(await model.getWeights()))[3]).toEqual(Array.from(await weights[3].data()));
  });

  test('setWeights refuses what does not fit and changes nothing', async () => {
    const model = xorModel();
    const weights = await model.getWeights();
    await expect(model.setWeights(weights.slice(1))).rejects.toThrow(
      'setWeights: got 3 tensors, the model has 4 weights: dense_1/kernel, dense_1/bias, dense_2/kernel, dense_2/bias',
    );
    await expect(model.setWeights([tensor([1]), ...weights.slice(1)])).rejects.toThrow(
      'setWeights: tensor 0 is f32[1], but dense_1/kernel is f32[2,8]',
    );
    expect(await values(await model.getWeights())).toEqual(await values(weights));
  });

  test('parameters() is a tree by layer and weight', () => {
    expect(Object.entries(xorModel().parameters()).map(([name, tensors]) => [name, Object.keys(tensors)])).toEqual([
      ['dense_1', ['kernel', 'bias']],
      ['dense_2', ['kernel', 'bias']],
    ]);
  });

  test('one seed, one model: weights, shuffles and dropout', async () => {
    const run = async (setup: () => void, seed?: number, fitSeed?: number): Promise<number[][]> => {
      setup();
      const model = sequential([layers.dense({ units: 6, inputShape: [2] }), layers.dropout({ rate: 0.5 }), layers.dense({ units: 1 })]);
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError', seed });
      await model.fit(xor.x, xor.y, { epochs: 3, batchSize: 1, verbose: 0, seed: fitSeed });
      return values(await model.getWeights());
    };
    const bySetSeed = await run(() => setSeed(3));
    expect(await run(() => setSeed(3))).toEqual(bySetSeed);
    expect(await run(() => setSeed(4))).not.toEqual(bySetSeed);
    const nothing = (): void => undefined;
    const byCompile = await run(nothing, 11);
    expect(await run(nothing, 11)).toEqual(byCompile);
    expect(await run(nothing, 12)).not.toEqual(byCompile);
    expect(await run(nothing, 11, 5)).toEqual(await run(nothing, 11, 5));
    expect(await run(nothing, 11, 5)).not.toEqual(await run(nothing, 11, 6));
  });

  test('dropout draws new numbers at each step', async () => {
    const model = sequential([layers.dropout({ rate: 0.5, inputShape: [64] })]);
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const x = { data: new Float32Array(64).fill(1), shape: [1, 64] };
    const losses = new Set<number>();
    for (let i = 0; i < 5; i++) losses.add((await model.trainOnBatch(x, { data: new Float32Array(64), shape: [1, 64] })).loss);
    expect(losses.size).toBeGreaterThan(2);
    const zeros = { data: new Float32Array(64), shape: [1, 64] };
    const { history } = await model.fit(x, zeros, { epochs: 5, batchSize: 1, verbose: 0 });
    expect(new Set(history.loss).size).toBeGreaterThan(2);
    expect(await model.predict(x).array()).toEqual([new Array(64).fill(1)]);
  });
});

describe('building', () => {
  test('summary prints a table and returns it', () => {
    const model = sequential([
      layers.conv2d({ filters: 32, kernelSize: 3, inputShape: [28, 28, 1] }),
      layers.maxPooling2d(),
      layers.flatten(),
      layers.dense({ units: 10, trainable: false, name: 'head' }),
    ]);
    const printed: string[] = [];
    const table = model.summary({ print: (text) => printed.push(text) });
    expect(printed).toEqual([table]);
    expect(table).toMatchInlineSnapshot(`
      "──────────────────────────────────────────────────────────
      Layer (type)                    Output Shape       Param #
      ══════════════════════════════════════════════════════════
      conv2d_1 (conv2d)               [batch,26,26,32]       320
      maxPooling2d_1 (maxPooling2d)   [batch,13,13,32]         0
      flatten_1 (flatten)             [batch,5408]             0
      head (dense)                    [batch,10]          54,090
      ══════════════════════════════════════════════════════════
      Total params: 54,410 (212.54 KB)
      Trainable params: 320 (1.25 KB)
      Non-trainable params: 54,090 (211.29 KB)
      ──────────────────────────────────────────────────────────"
    `);
  });

  test('an unbuilt model says so, and is built by its first data', async () => {
    const model = sequential([layers.dense({ units: 3 })]);
    expect(model.summary({ print: () => undefined })).toContain('The model is not built: give its first layer an inputShape, or call fit.');
    expect(() => model.parameters()).toThrow('parameters: the model is not built: give its first layer an inputShape, or call fit first');
    await expect(model.getWeights()).rejects.toThrow(ShapeError);
    expect((await model.predict([[1, 2, 3, 4]])).shape).toEqual([1, 3]);
    expect(model.parameters().dense_1.kernel.shape).toEqual([4, 3]);
  });

  test('names count per kind and make way for given ones', () => {
    const model = sequential([
      layers.dense({ units: 1, name: 'dense_1', inputShape: [1] }),
      layers.dense({ units: 1 }),
      layers.flatten(),
      layers.dense({ units: 1 }),
    ]);
    expect(Object.keys(model.parameters())).toEqual(['dense_1', 'dense_2', 'flatten_1', 'dense_3']);
  });

  test.each<[string, () => unknown, typeof OmbreError, string]>([
    ['empty', () => sequential([]), ArgumentError, 'sequential: the list of layers is empty; a model needs one layer or more'],
    [
      'not a layer',
      () => sequential([layers.dense as never]),
      ArgumentError,
      'sequential: element 0 is not a layer; make layers with the factories, such as layers.dense({ units: 1 })',
    ],
    [
      'shapes that do not follow',
      () => sequential([layers.dense({ units: 4, inputShape: [3] }), layers.conv2d({ filters: 1, kernelSize: 3 })]),
      ShapeError,
      'conv2d_1: takes inputs [batch, height, width, channels], got inputs of shape [batch,4]; reshape the data or put a reshape layer in front',
    ],
    [
      'unknown compile option',
      () => xorModel().compile({ loss: 'meanSquaredError', optimiser: 'adam' } as never),
      ArgumentError,
      "compile: unknown option 'optimiser'; it takes optimizer, optimizers, trainStep, loss, lossWeights, metrics,",
    ],
    ['no loss', () => xorModel().compile({}), ArgumentError, 'compile: loss is missing; give a name such as'],
    ['a loss that is none', () => xorModel().compile({ loss: {} }), ArgumentError, 'compile: loss is object; give a name such as'],
    ['unknown loss', () => xorModel().compile({ loss: 'rmse' as never }), ArgumentError, "unknown loss 'rmse'; the names are"],
    [
      'unknown optimizer',
      () => xorModel().compile({ loss: 'meanSquaredError', optimizer: 'adamm' as never }),
      ArgumentError,
      "unknown optimizer 'adamm'; did you mean 'adam'?",
    ],
    [
      'unknown metric',
      () => xorModel().compile({ loss: 'meanSquaredError', metrics: ['acuracy' as never] }),
      ArgumentError,
      "unknown metric 'acuracy'; did you mean 'accuracy'?",
    ],
    [
      'metrics of one name',
      () => xorModel().compile({ loss: 'meanSquaredError', metrics: ['accuracy', 'accuracy'] }),
      ArgumentError,
      "compile: two values would be called 'accuracy' in the logs; give one metric another name: metrics.NAME({ name })",
    ],
    [
      'unknown device',
      () => xorModel().compile({ loss: 'meanSquaredError', device: 'tpu' as never }),
      ArgumentError,
      "compile: device is 'tpu'; it must be 'auto', 'webgpu', 'wasm' or 'cpu'",
    ],
    [
      'seed',
      () => xorModel().compile({ loss: 'meanSquaredError', seed: 0.5 }),
      ArgumentError,
      'compile: seed is 0.5; it must be an integer',
    ],
    [
      'initializer name',
      () => layers.dense({ units: 1, kernelInitializer: 'glorot' as never }),
      ArgumentError,
      "layers.dense: kernelInitializer is 'glorot'; it must be one of zeros, ones,",
    ],
    [
      'initializer result',
      () => layers.dense({ units: 2, kernelInitializer: () => tensor([1]) }).build([3]),
      ArgumentError,
      'layers.dense: kernelInitializer gave Tensor(f32[1]) for a parameter of shape [3,2]; it must return an f32 tensor of that shape made from values',
    ],
  ])('error: %s', (_, act, type, message) => {
    expect(act).toThrow(type);
    expect(act).toThrow(message);
  });

  test('a device that is not there: nothing runs', async () => {
    const model = xorModel();
    const before = await values(await model.getWeights());
    model.compile({ loss: 'meanSquaredError', device: 'webgpu' });
    await expect(model.fit(xor.x, xor.y, { verbose: 0 })).rejects.toThrow('no WebGPU in this test');
    await expect(model.evaluate(xor.x, xor.y)).rejects.toThrow(DeviceError);
    await expect(model.predict(xor.x)).rejects.toThrow(DeviceError);
    model.compile({ loss: 'meanSquaredError', device: 'cpu' });
    expect(await values(await model.getWeights())).toEqual(before);
    expect((await model.fit(xor.x, xor.y, { verbose: 0 })).history.loss.length).toBe(1);
  });

  test('initial weights follow the named initializers', async () => {
    const model = sequential([
      layers.dense({ units: 3, inputShape: [3], kernelInitializer: initializers.identity({ gain: 2 }), biasInitializer: 'ones' }),
    ]);
    expect(await model.predict([[1, 2, 3]]).array()).toEqual([[3, 5, 7]]);
  });
});
