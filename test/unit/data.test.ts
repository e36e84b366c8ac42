// Data on their way to a model: what counts as data, and datasets step by step.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ArgumentError, DataError, type OmbreError, ShapeError } from '../../src/core/errors.ts';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { layers } from '../../src/nn/index.ts';
import { tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type ArrayInput, type Dataset, data, sequential } from '../../src/train/index.ts';
import { arraySource } from '../../src/data/batches.ts';
import { samplesOf } from '../../src/data/samples.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(1));

const rows = (input: ArrayInput): ReturnType<typeof samplesOf> => samplesOf('test', 'x', input);
const numbers = async (value: Tensor): Promise<number[]> => Array.from(await value.data());
const collect = async <T>(dataset: Dataset<T>): Promise<T[]> => {
  const elements: T[] = [];
  for await (const element of dataset) elements.push(element);
  return elements;
};
const xOf = async (dataset: Dataset): Promise<number[][]> => Promise.all((await collect(dataset)).map(({ x }) => numbers(x)));
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('inputs', () => {
  test.each<[string, ArrayInput, number[], 'f32' | 'i32', number[]]>([
    ['nested integers', [[1, 2], [3, 4]], [2, 2], 'i32', [1, 2, 3, 4]], // prettier-ignore
    ['nested numbers', [[1], [0.5]], [2, 1], 'f32', [1, 0.5]],
    ['nested booleans', [true, false], [2], 'i32', [1, 0]],
    ['floats', Float32Array.of(1, 2), [2], 'f32', [1, 2]],
    ['doubles', Float64Array.of(0.5), [1], 'f32', [0.5]],
    ['bytes with a shape', { data: Uint8Array.of(1, 2, 3, 4), shape: [2, 2] }, [2, 2], 'i32', [1, 2, 3, 4]],
    ['a host tensor', tensor([[1.5], [2]]), [2, 1], 'f32', [1.5, 2]],
    ['a tensor of integers', tensor([1, 2], [2], 'i32'), [2], 'i32', [1, 2]],
  ])('%s', async (_, input, shape, dtype, values) => {
    const read = await rows(input);
    expect([read.count, ...read.shape]).toEqual(shape);
    expect(read.dtype).toBe(dtype);
    expect(Array.from(read.data)).toEqual(values);
  });

  test('a tensor that is still a graph is evaluated', async () => {
    expect(Array.from((await rows(tensor([1, 2]).mul(3))).data)).toEqual([3, 6]);
  });

  test('typed arrays are used without a copy', async () => {
    const array = new Float32Array(4);
    expect((await rows({ data: array, shape: [2, 2] })).data).toBe(array);
  });
});

describe('batches', () => {
  test('rows are gathered in order into arrays that are used again', async () => {
    const x = await samplesOf('test', 'x', { data: Uint8Array.from(count(10)), shape: [5, 2] }, 'f32');
    const source = arraySource({ x, y: await rows(count(5)) }, 2);
    const arrays: unknown[] = [];
    const seen: number[][] = [];
    for await (const { size, ...batch } of source.pass(Uint32Array.of(4, 2, 0, 1, 3))) {
      const [x, y] = [batch.x as Tensor, batch.y as Tensor];
      expect(x.dtype).toBe('f32');
      expect(x.shape).toEqual([size, 2]);
      arrays.push(x.value?.kind === 'host' && x.value.data);
      seen.push(await numbers(x), await numbers(y));
    }
    expect(seen).toEqual([[8, 9, 4, 5], [4, 2], [0, 1, 2, 3], [0, 1], [6, 7], [3]]); // prettier-ignore
    expect(arrays[0]).toBe(arrays[1]);
    expect(source.batches).toBe(3);
  });

  test('batches in the given order are windows onto the data', async () => {
    const array = Float32Array.from(count(6));
    const x = await rows({ data: array, shape: [3, 2] });
    for await (const batch of arraySource({ x }, 2).pass()) {
      const { value } = batch.x as Tensor;
      expect(value?.kind === 'host' && value.data.buffer).toBe(array.buffer);
    }
  });
});

describe('datasets', () => {
  test('fromArrays gives samples, batch stacks them, the last batch may be smaller', async () => {
    const dataset = data.fromArrays([[1, 2], [3, 4], [5, 6]], [7, 8, 9]); // prettier-ignore
    expect(dataset.size).toBe(3);
    expect((await collect(dataset)).map(({ x, y }) => [x.shape, y?.shape, y?.dtype])).toEqual(count(3).map(() => [[2], [], 'i32']));
    const batched = await collect(dataset.batch(2));
    expect(batched.map(({ x }) => x.shape)).toEqual([[2, 2], [1, 2]]); // prettier-ignore
    expect(await numbers(batched[0].y!)).toEqual([7, 8]);
    expect(dataset.batch(2).size).toBe(2);
    expect(await xOf(dataset.batch(2, { dropRemainder: true }))).toEqual([[1, 2, 3, 4]]);
    expect(dataset.batch(2, { dropRemainder: true }).size).toBe(1);
  });

  test('shuffle: all elements, another order each time, the same ones by seed', async () => {
    const shuffled = data.fromArrays(count(40)).shuffle(40, { seed: 3 });
    const [first, second] = [(await xOf(shuffled)).flat(), (await xOf(shuffled)).flat()];
    expect(first).not.toEqual(count(40));
    expect(second).not.toEqual(first);
    expect([...first].sort((a, b) => a - b)).toEqual(count(40));
    const again = data.fromArrays(count(40)).shuffle(40, { seed: 3 });
    expect((await xOf(again)).flat()).toEqual(first);
    const fixed = data.fromArrays(count(40)).shuffle(40, { reshuffleEachIteration: false });
    expect(await xOf(fixed)).toEqual(await xOf(fixed));
  });

  test('a small shuffle buffer moves elements no further ahead than its size', async () => {
    const order = (await xOf(data.fromArrays(count(50)).shuffle(4))).flat();
    expect([...order].sort((a, b) => a - b)).toEqual(count(50));
    order.forEach((value, position) => expect(value).toBeLessThanOrEqual(position + 4));
  });

  test('a shuffled dataset is uniform where the buffer holds it all', async () => {
    const places = new Array(4).fill(0) as number[];
    const dataset = data.fromArrays(count(4)).shuffle(4, { seed: 2 });
    for (let i = 0; i < 400; i++) places[(await xOf(dataset)).flat().indexOf(0)]++;
    for (const place of places) expect(Math.abs(place - 100)).toBeLessThan(40);
  });

  test('map may be async and return lazy tensors; take takes the first', async () => {
    const dataset = data.fromArrays(count(9)).map(async ({ x }) => ({ x: x.mul(10), square: x.mul(x) }));
    const elements = await collect(dataset.batch(2).take(2));
    expect(await numbers(elements[1].x)).toEqual([20, 30]);
    expect(await numbers(elements[1].square)).toEqual([4, 9]);
  });

  test('prefetch keeps the order and runs ahead', async () => {
    let drawn = 0;
    const source = data.fromGenerator(function* () {
      for (let i = 0; i < 6; i++) {
        drawn++;
        yield { x: i };
      }
    });
    const seen: number[] = [];
    for await (const { x } of source.prefetch(3)) {
      seen.push(...(await numbers(x)));
      if (seen.length === 1) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        expect(drawn).toBe(4);
      }
    }
    expect(seen).toEqual(count(6));
    expect(await xOf(data.fromArrays(count(2)).prefetch(5))).toEqual([[0], [1]]);
  });

  test('prefetch passes failures on, and closes a source that is left early', async () => {
    const failing = data.fromGenerator(function* () {
      yield { x: 1 };
      throw new Error('from the generator');
    });
    await expect(collect(failing.prefetch(2))).rejects.toThrow('from the generator');
    let closed = false;
    const source = data.fromGenerator(function* () {
      try {
        for (;;) yield { x: 1 };
      } finally {
        closed = true;
      }
    });
    for await (const _ of source.prefetch(2)) break;
    expect(closed).toBe(true);
  });

  test('a generator may yield numbers, arrays and tensors', async () => {
    const dataset = data.fromGenerator(async function* () {
      yield { x: [1, 2], y: 1, sampleWeight: 2 };
      yield { x: Float32Array.of(3, 4), y: tensor(0), sampleWeight: 1 };
    });
    const [batch] = await collect(dataset.batch(2));
    expect(await numbers(batch.x)).toEqual([1, 2, 3, 4]);
    expect(await numbers(batch.y!)).toEqual([1, 0]);
    expect(batch.sampleWeight?.shape).toEqual([2]);
  });

  test('fit, evaluate and predict take datasets', async () => {
    const x = count(12).map((i) => [i / 6 - 1]);
    const y = x.map(([v]) => 2 * v + 1);
    const model = sequential([layers.dense({ units: 1 })]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.2 }), loss: 'meanSquaredError' });
    let opened = 0;
    const dataset = data
      .fromArrays(x, y)
      .shuffle(12)
      .map((sample) => (opened++, sample))
      .batch(5)
      .prefetch(2);
    const { history } = await model.fit(dataset, undefined, { epochs: 40, verbose: 0 });
    expect(history.loss[39]).toBeLessThan(1e-3);
    // The look at the first batch is part of the first pass.
    expect(opened).toBe(480);
    const batches = data.fromArrays(x, y).batch(5);
    expect((await model.evaluate(batches)).loss).toBeCloseTo((await model.evaluate(x, y)).loss, 6);
    expect(await model.predict(batches).array()).toEqual(await model.predict(x, { batchSize: 5 }).array());
  });

  test.each<[string, () => unknown, typeof OmbreError, string]>([
    ['batch size', () => data.fromArrays([1]).batch(0), ArgumentError, 'batch: batchSize is 0; it must be a positive integer'],
    ['shuffle size', () => data.fromArrays([1]).shuffle(1.5), ArgumentError, 'shuffle: bufferSize is 1.5; it must be a positive integer'],
    [
      'option',
      () => data.fromArrays([1]).batch(1, { drop: true } as never),
      ArgumentError,
      "batch: unknown option 'drop'; it takes dropRemainder",
    ],
    ['counts', () => data.fromArrays([1, 2], [1]), DataError, 'data.fromArrays: x holds 2 samples and y 1; they must be the same'],
    ['empty', () => data.fromArrays([]), DataError, 'data.fromArrays: x is empty (shape [0]); it needs one sample or more'],
    ['generator', () => data.fromGenerator([] as never), ArgumentError, 'data.fromGenerator: takes a function that returns an iterator'],
  ])('error: %s', (_, act, type, message) => {
    expect(act).toThrow(type);
    expect(act).toThrow(message);
  });

  test.each<[string, () => Promise<unknown>, typeof OmbreError, string]>([
    [
      'elements of two shapes',
      () => collect(data.fromGenerator(() => [{ x: [1] }, { x: [1, 2] }]).batch(2)),
      ShapeError,
      'batch: element 0.x is f32[1], element 1 is f32[2]; elements of a batch must be alike',
    ],
    [
      'no x',
      () => collect(data.fromGenerator(() => [{ y: 1 }])),
      DataError,
      'data.fromGenerator: an element has y and no x; yield { x, y }',
    ],
    [
      'not tensors',
      () => collect(data.fromArrays([1, 2]).map(() => ({ x: 'a' })).batch(2)), // prettier-ignore
      DataError,
      'batch: elements.x are not tensors; map them to tensors first',
    ],
  ])('error: %s', async (_, act, type, message) => {
    await expect(act()).rejects.toThrow(type);
    await expect(act()).rejects.toThrow(message);
  });

  test('an empty dataset and one that changes its shape', async () => {
    const model = sequential([layers.dense({ units: 1 })]);
    model.compile({ loss: 'meanSquaredError' });
    await expect(model.fit(data.fromGenerator(() => []), undefined, { verbose: 0 })).rejects.toThrow('fit: the dataset is empty; it needs one batch or more'); // prettier-ignore
    const changing = data.fromGenerator(() => [{ x: [[1]], y: [[1]] }, { x: [[1, 2]], y: [[1]] }]); // prettier-ignore
    await expect(model.fit(changing, undefined, { verbose: 0 })).rejects.toThrow('fit: x has samples of shape [2], but dense_1 takes [1]');
  });
});
