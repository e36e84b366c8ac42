// Methods of datasets beside those of data.test.ts: selection, combination, padding, buckets and cache.
import { beforeAll, describe, expect, test } from 'vitest';
import { ArgumentError, type OmbreError, ShapeError } from '../../src/core/errors.ts';
import { setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { type Dataset, data, sequential } from '../../src/train/index.ts';

beforeAll(() => setDevice('cpu'));

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const of = (n: number, start = 0): Dataset => data.fromArrays(count(n).map((i) => i + start));
const collect = async <T>(dataset: Dataset<T>): Promise<T[]> => {
  const elements: T[] = [];
  for await (const element of dataset) elements.push(element);
  return elements;
};
/** The x of all elements, as nested arrays. */
const xOf = async (dataset: Dataset): Promise<unknown[]> => Promise.all((await collect(dataset)).map(({ x }) => x.array()));

/** A dataset that counts its open iterations. */
function watched(n: number): { dataset: Dataset; opened: () => number; closed: () => number } {
  let [opened, closed] = [0, 0];
  const dataset = data.fromGenerator(function* () {
    opened++;
    try {
      for (const x of count(n)) yield { x };
    } finally {
      closed++;
    }
  });
  return { dataset, opened: () => opened, closed: () => closed };
}

describe('selection', () => {
  test.each<[string, Dataset, unknown[], number | undefined]>([
    ['skip', of(5).skip(2), [2, 3, 4], 3],
    ['skip none', of(2).skip(0), [0, 1], 2],
    ['skip more than there are', of(2).skip(3), [], 0],
    ['repeat', of(2).repeat(3), [0, 1, 0, 1, 0, 1], 6],
    ['repeat without end', of(2).repeat().take(5), [0, 1, 0, 1, 0], undefined],
    ['concatenate', of(2).concatenate(of(2, 10), of(1, 20)), [0, 1, 10, 11, 20], 5],
    ['shard', of(7).shard(3, 1), [1, 4], 2],
    ['shard of the rest', of(7).shard(3, 0), [0, 3, 6], 3],
    ['shard without an element', of(2).shard(3, 2), [], 0],
  ])('%s', async (_, dataset, values, size) => {
    expect(await xOf(dataset)).toEqual(values);
    expect(dataset.size).toBe(size);
  });

  test('filter keeps elements, also by an async function', async () => {
    const even = of(6).filter(async ({ x }) => (await x.data())[0] % 2 === 0);
    expect(await xOf(even)).toEqual([0, 2, 4]);
    expect(even.size).toBeUndefined();
  });

  test('zip joins elements until the shortest dataset ends, and closes the others', async () => {
    const long = watched(9);
    const zipped = of(2).zip(long.dataset, of(3, 5));
    const pairs = await Promise.all((await collect(zipped)).map((list) => Promise.all(list.map(({ x }) => x.array()))));
    expect(pairs).toEqual([[0, 0, 5], [1, 1, 6]]); // prettier-ignore
    expect(long.closed()).toBe(1);
    expect(of(2).zip(of(3)).size).toBe(2);
    expect(zipped.size).toBeUndefined();
  });

  test('repeat ends if the source is used up', async () => {
    const used = [{ x: 1 }][Symbol.iterator]();
    expect(await xOf(data.fromGenerator(() => used).repeat())).toEqual([1]);
  });

  test('repeat draws a new order in each iteration of a shuffle', async () => {
    const order = await xOf(of(20).shuffle(20, { seed: 1 }).repeat(2));
    expect(order.slice(0, 20)).not.toEqual(order.slice(20));
    expect(new Set(order.slice(20)).size).toBe(20);
  });

  test('interleave reads datasets in turn, as in the documentation of tf.data', async () => {
    const interleaved = of(5, 1).interleave(({ x }) => data.fromArrays([x.value!.kind === 'host' ? x.value!.data[0] : 0]).repeat(6), {
      cycleLength: 2,
      blockLength: 4,
    });
    expect(await xOf(interleaved)).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5]);
  });

  test.each<[string, (dataset: Dataset) => Dataset<unknown>]>([
    ['filter', (d) => d.filter(() => true)],
    ['skip', (d) => d.skip(1)],
    ['repeat', (d) => d.repeat()],
    ['concatenate', (d) => d.concatenate(of(1))],
    ['zip', (d) => d.zip(of(9))],
    ['shard', (d) => d.shard(1, 0)],
    ['cache', (d) => d.cache()],
    ['interleave', (d) => d.interleave((element) => data.fromGenerator(() => [element as never]))],
    ['paddedBatch', (d) => d.paddedBatch(1)],
    ['bucketByLength', (d) => d.bucketByLength({ boundaries: [4], batchSize: 1, lengthOf: () => 1 })],
  ])('%s closes its source when it is left early', async (_, method) => {
    const { dataset, opened, closed } = watched(9);
    for await (const _ of method(dataset)) break;
    expect([opened(), closed()]).toEqual([1, 1]);
  });
});

describe('cache', () => {
  test('reads the source once', async () => {
    const { dataset, opened } = watched(3);
    const cached = dataset.cache();
    expect([await xOf(cached), await xOf(cached), opened()]).toEqual([[0, 1, 2], [0, 1, 2], 1]);
  });

  test('an iteration that was left early keeps nothing', async () => {
    const { dataset, opened } = watched(3);
    const cached = dataset.cache();
    for await (const _ of cached) break;
    expect(await xOf(cached)).toEqual([0, 1, 2]);
    expect(opened()).toBe(2);
  });
});

const sequences = [[1], [2, 2], [3, 3, 3], [4], [5, 5, 5, 5]];
const ofSequences = (): Dataset => data.fromGenerator(() => sequences.map((x) => ({ x, y: x.length })));

describe('padding', () => {
  test('paddedBatch fills the ends to the longest sequence of each batch', async () => {
    const batches = await collect(ofSequences().paddedBatch(2));
    expect(await Promise.all(batches.map(({ x }) => x.array()))).toEqual([[[1, 0], [2, 2]], [[3, 3, 3], [4, 0, 0]], [[5, 5, 5, 5]]]); // prettier-ignore
    expect(await batches[0].y!.array()).toEqual([1, 2]);
  });

  test('paddedBatch takes values by field, a length and multiples', async () => {
    const fixed = ofSequences().paddedBatch(5, { length: 6, value: { x: -1, y: 7 } });
    expect((await xOf(fixed))[0]).toEqual(sequences.map((x) => [...x, -1, -1, -1, -1, -1, -1].slice(0, 6)));
    const multiple = await collect(ofSequences().paddedBatch(3, { multipleOf: 4, dropRemainder: true }));
    expect(multiple.map(({ x }) => x.shape)).toEqual([[3, 4]]);
    expect(ofSequences().paddedBatch(2).size).toBeUndefined();
    expect(of(5).paddedBatch(2).size).toBe(3);
  });

  test('paddedBatch fills every axis', async () => {
    const images = data.fromGenerator(() => [{ x: [[1, 2], [3, 4]] }, { x: [[5, 6, 7]] }]); // prettier-ignore
    expect((await xOf(images.paddedBatch(2, { value: 9 })))[0]).toEqual([
      [[1, 2, 9], [3, 4, 9]], // prettier-ignore
      [[5, 6, 7], [9, 9, 9]], // prettier-ignore
    ]);
  });

  test('bucketByLength groups sequences of similar length', async () => {
    const batches = await xOf(ofSequences().bucketByLength({ boundaries: [1, 3], batchSize: 2 }));
    expect(batches).toEqual([[[2, 2, 0], [3, 3, 3]], [[1], [4]], [[5, 5, 5, 5]]]); // prettier-ignore
    const padded = ofSequences().bucketByLength({ boundaries: [2, 6], batchSize: [2, 9, 1], padToBoundary: true, value: -1 });
    expect(await xOf(padded)).toEqual([
      [[1, -1], [2, 2]], // prettier-ignore
      [[4, -1]],
      [[3, 3, 3, -1, -1, -1], [5, 5, 5, 5, -1, -1]], // prettier-ignore
    ]);
    expect(await xOf(ofSequences().bucketByLength({ boundaries: [1], batchSize: 2, dropRemainder: true }))).toHaveLength(2);
    const byTarget = ofSequences().bucketByLength({
      boundaries: [3],
      batchSize: 9,
      lengthOf: ({ y }) => 4 - (y!.value as never as { data: number[] }).data[0],
    });
    expect(await xOf(byTarget)).toHaveLength(1);
  });

  test('fit takes padded sequences of one length', async () => {
    const model = sequential([layers.dense({ units: 1 })]);
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const { history } = await model.fit(ofSequences().paddedBatch(2, { length: 4 }), undefined, { verbose: 0 });
    expect(history.loss).toHaveLength(1);
  });

  test.each<[string, () => Promise<unknown>, typeof OmbreError, string]>([
    [
      'unequal lengths without padding',
      () => collect(ofSequences().batch(2)),
      ShapeError,
      'dataset.batch: element 0.x is f32[1], element 1 is f32[2]; elements of a batch must be alike: pad them by paddedBatch()',
    ],
    [
      'a sequence above the length',
      () => collect(ofSequences().paddedBatch(5, { length: 3 })),
      ShapeError,
      'dataset.paddedBatch: element 4.x has the length 4, more than length 3; shorten it or give a larger length',
    ],
    [
      'other ranks',
      () => collect(data.fromGenerator(() => [{ x: [1] }, { x: 1 }]).paddedBatch(2)),
      ShapeError,
      'dataset.paddedBatch: element 0.x is f32[1], element 1 is f32[]; elements of a batch must be alike in rank and dtype',
    ],
    [
      'a scalar without lengthOf',
      () => collect(of(2).bucketByLength({ boundaries: [2], batchSize: 2 })),
      ArgumentError,
      'dataset.bucketByLength: x of an element is no array with a first axis; give lengthOf',
    ],
    [
      'a length that is no number',
      () => collect(of(2).bucketByLength({ boundaries: [2], batchSize: 2, lengthOf: () => NaN })),
      ArgumentError,
      'dataset.bucketByLength: lengthOf gave NaN; it must be a number of at least 0',
    ],
    [
      'interleave without datasets',
      () => collect(of(2).interleave(() => [1] as never)),
      ArgumentError,
      'dataset.interleave: the result of fn is object; it must be a dataset',
    ],
  ])('error: %s', async (_, act, type, message) => {
    const error = await act().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toContain(message);
  });

  test.each<[string, () => unknown, string]>([
    ['skip', () => of(1).skip(-1), 'dataset.skip: count is -1; it must be an integer of at least 0'],
    ['repeat', () => of(1).repeat(0), 'dataset.repeat: count is 0; it must be a positive integer'],
    ['shard', () => of(1).shard(2, 2), 'dataset.shard: index is 2 of 2 shards; it must be from 0 to 1'],
    ['zip', () => of(1).zip([1] as never), 'dataset.zip: argument 0 is object; it must be a dataset'],
    ['concatenate', () => of(1).concatenate(1 as never), 'dataset.concatenate: argument 0 is number; it must be a dataset'],
    ['filter', () => of(1).filter(1 as never), 'dataset.filter: takes a function, got number'],
    ['map', () => of(1).map(1 as never), 'dataset.map: takes a function, got number'],
    ['missing', () => of(1).bucketByLength({ batchSize: 1 } as never), 'dataset.bucketByLength: boundaries is missing'],
    [
      'order',
      () => of(1).bucketByLength({ boundaries: [2, 2], batchSize: 1 }),
      'boundaries has 2 after 2; they must be in ascending order',
    ],
    ['sizes', () => of(1).bucketByLength({ boundaries: [2], batchSize: [1] }), 'batchSize has 1 entries for 2 buckets'],
    ['option', () => of(1).paddedBatch(1, { lenght: 2 } as never), "unknown option 'lenght'; it takes dropRemainder, value, length, multipleOf; did you mean 'length'?"], // prettier-ignore
  ])('error of arguments: %s', (_, act, message) => {
    expect(act).toThrow(ArgumentError);
    expect(act).toThrow(message);
  });
});
