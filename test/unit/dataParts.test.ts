// Parts of arrays: splits, folds and samples of rare classes.
import { beforeEach, describe, expect, test } from 'vitest';
import { ArgumentError, DataError, type OmbreError, ShapeError } from '../../src/core/errors.ts';
import { setSeed } from '../../src/core/random.ts';
import { heldByClass } from '../../src/data/portions.ts';
import '../../src/ops/methods.ts';
import { data } from '../../src/train/index.ts';

beforeEach(() => setSeed(1));

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const times = (label: number, n: number): number[] => new Array<number>(n).fill(label);
const countsOf = (labels: ArrayLike<number>): Record<string, number> => {
  const found: Record<string, number> = {};
  for (const label of Array.from(labels)) found[label] = (found[label] ?? 0) + 1;
  return found;
};
const refused = async (act: () => Promise<unknown>, type: typeof OmbreError, message: string): Promise<void> => {
  const error = await act().catch((error: unknown) => error);
  expect(error).toBeInstanceOf(type);
  expect((error as Error).message).toContain(message);
};

describe('largest remainder', () => {
  test.each<[string, number[], number, number[]]>([
    ['whole shares', [60, 40], 20, [12, 8]],
    ['the larger remainder takes the rest', [6, 4], 2, [1, 1]],
    ['three classes', [5, 3, 2], 3, [1, 1, 1]],
    ['47 of 100', [50, 30, 20], 47, [24, 14, 9]],
    ['a rare class is in both parts', [98, 2], 10, [9, 1]],
    ['a rare class keeps a sample to train on', [10, 2], 11, [9, 1]],
    ['a class of one sample is not held back', [9, 1], 2, [2, 0]],
    ['more classes than places', [2, 2, 2], 1, [1, 1, 1]],
  ])('%s', (_, sizes, held, expected) => expect(heldByClass(sizes, held)).toEqual(expected));
});

describe('split', () => {
  test('without a shuffle the last samples are held back', async () => {
    const x = count(10).map((i) => [i, -i]);
    const { train, validation, test } = await data.split(x, count(10), { validation: 0.2, test: 3, shuffle: false });
    expect([...train.indices]).toEqual([0, 1, 2, 3, 4]);
    expect(await validation.x.array()).toEqual([[5, -5], [6, -6]]); // prettier-ignore
    expect(await test!.y.array()).toEqual([7, 8, 9]);
    expect([validation.x.dtype, validation.x.shape]).toEqual(['i32', [2, 2]]);
  });

  test('a shuffle keeps pairs together, follows the seed, and takes each sample once', async () => {
    const first = await data.split(Float32Array.from(count(50)), count(50), { validation: 0.3, seed: 4 });
    expect(await first.train.x.array()).toEqual(await first.train.y.array());
    expect(first.train.x.dtype).toBe('f32');
    const all = [...first.train.indices, ...first.validation.indices];
    expect(all.slice().sort((a, b) => a - b)).toEqual(count(50));
    expect(first.validation.indices).toHaveLength(15);
    expect(all).not.toEqual(count(50));
    const again = await data.split(count(50), undefined, { validation: 0.3, seed: 4 });
    expect(again.validation.indices).toEqual(first.validation.indices);
    expect(again.train.y).toBeUndefined();
  });

  test('stratify keeps the shares of classes in every part', async () => {
    const y = [...times(0, 70), ...times(1, 20), ...times(2, 10)];
    const { train, validation, test } = await data.split(count(100), y, { validation: 0.2, test: 0.1, stratify: y, seed: 2 });
    expect(countsOf(await validation.y.data())).toEqual({ 0: 14, 1: 4, 2: 2 });
    expect(countsOf(await test!.y.data())).toEqual({ 0: 7, 1: 2, 2: 1 });
    expect(countsOf(await train.y.data())).toEqual({ 0: 49, 1: 14, 2: 7 });
  });

  test('stratify takes texts and one-hot rows, and a class of two samples is in both parts', async () => {
    const texts = [...new Array<string>(8).fill('cat'), 'dog', 'dog'];
    const byText = await data.split(count(10), undefined, { stratify: texts, shuffle: false });
    expect([...byText.validation.indices]).toEqual([7, 9]);
    const oneHot = texts.map((name) => (name === 'cat' ? [1, 0] : [0, 1]));
    const byRow = await data.split(count(10), oneHot, { stratify: oneHot, shuffle: false });
    expect(byRow.validation.indices).toEqual(byText.validation.indices);
  });

  test('groups are in one part', async () => {
    const groups = count(40).map((i) => Math.floor(i / 4));
    const { train, validation } = await data.split(count(40), undefined, { groups, seed: 3 });
    expect(validation.indices).toHaveLength(8);
    const trained = new Set([...train.indices].map((i) => groups[i]));
    expect([...validation.indices].filter((i) => trained.has(groups[i]))).toEqual([]);
  });

  test('groups with stratify: parts of groups have the shares of the classes', async () => {
    const groups = count(60).map((i) => Math.floor(i / 6));
    const y = groups.map((group) => (group < 5 ? 0 : 1));
    const { validation } = await data.split(count(60), y, { groups, stratify: y, seed: 3 });
    expect(countsOf(await validation.y.data())).toEqual({ 0: 6, 1: 6 });
  });

  test('records of arrays', async () => {
    const { train } = await data.split({ image: count(4).map((i) => [i]), age: count(4) }, { digit: count(4) }, { shuffle: false });
    expect(await (train.x as unknown as { age: { array(): unknown } }).age.array()).toEqual([0, 1, 2]);
  });

  test('errors', async () => {
    await refused(() => data.split([1]), DataError, 'data.split: validation 0.2 of 1 samples leaves none to train on');
    await refused(
      () => data.split([1, 2], undefined, { validation: 2 }),
      DataError,
      'data.split: validation 2 of 2 samples leaves none to train on',
    );
    await refused(
      () => data.split(count(4), undefined, { validation: 2, test: 2 }),
      DataError,
      'validation and test 4 of 4 samples leaves none',
    );
    await refused(() => data.split([1, 2], undefined, { validation: 1.5 }), ArgumentError, 'data.split: validation is 1.5; it must be a share above 0 and below 1, or a number of samples'); // prettier-ignore
    await refused(() => data.split([1, 2], [1]), DataError, 'data.split: x holds 2 samples and y 1; they must be the same');
    await refused(() => data.split([1, 2], undefined, { stratify: [1] }), DataError, 'stratify has 1 labels for 2 samples');
    await refused(() => data.split([1, 2], undefined, { stratify: [1, 2] }), DataError, 'validation has no sample; stratify has too many classes of one sample'); // prettier-ignore
    await refused(() => data.split([1, 2], undefined, { groups: [1, 1] }), DataError, 'validation has no sample; there are too few groups');
    await refused(() => data.split([1, 2], undefined, { stratify: [0, NaN] }), DataError, 'stratify holds NaN for sample 1');
    await refused(() => data.split([1, 2], undefined, { stratify: [[[0]], [[1]]] }), ShapeError, 'stratify has labels of shape [1,1]');
    await refused(() => data.split([1, 2], undefined, { stratified: [1, 2] } as never), ArgumentError, "did you mean 'stratify'?");
  });
});

const foldsOf = async (...args: Parameters<typeof data.kFold>): Promise<number[][]> => {
  const parts: number[][] = [];
  for await (const { fold, train, validation } of data.kFold(...args)) {
    expect(fold).toBe(parts.length);
    const all = [...train.indices, ...validation.indices].sort((a, b) => a - b);
    expect(all).toEqual(count(all.length));
    parts.push([...validation.indices]);
  }
  return parts;
};

describe('kFold', () => {
  test('without a shuffle, folds are ranges and the first ones are larger', async () => {
    expect(await foldsOf(count(7), undefined, { folds: 3, shuffle: false })).toEqual([[0, 1, 2], [3, 4], [5, 6]]); // prettier-ignore
  });

  test('each sample is validated with once, and the seed fixes the folds', async () => {
    const folds = await foldsOf(count(20), undefined, { seed: 5 });
    expect(folds.flat().sort((a, b) => a - b)).toEqual(count(20));
    expect(folds.map((fold) => fold.length)).toEqual([4, 4, 4, 4, 4]);
    expect(await foldsOf(count(20), undefined, { seed: 5 })).toEqual(folds);
    expect(await foldsOf(count(20), undefined, { seed: 6 })).not.toEqual(folds);
  });

  test('stratified folds have the same number of each class, or one more', async () => {
    const y = [...times(0, 11), ...times(1, 4)];
    const folds = await foldsOf(count(15), y, { folds: 3, stratify: y, seed: 1 });
    expect(folds.map((fold) => fold.length)).toEqual([5, 5, 5]);
    for (const fold of folds) {
      const { 0: common, 1: rare } = countsOf(fold.map((i) => y[i]));
      expect([3, 4]).toContain(common);
      expect([1, 2]).toContain(rare);
    }
  });

  test('groups are in one fold', async () => {
    const groups = count(12).map((i) => i % 4);
    const folds = await foldsOf(count(12), undefined, { folds: 2, groups });
    expect(folds.map((fold) => fold.length)).toEqual([6, 6]);
    for (const fold of folds) expect(new Set(fold.map((i) => groups[i])).size).toBe(2);
  });

  test('errors', async () => {
    expect(() => data.kFold([1], undefined, { folds: 1 })).toThrow('data.kFold: folds is 1; a cross-validation needs 2 or more');
    await refused(() => foldsOf([1, 2], undefined, { folds: 3 }), DataError, 'data.kFold: folds is 3 for 2 samples');
    await refused(() => foldsOf(count(4), undefined, { folds: 3, groups: [1, 1, 2, 2] }), DataError, 'folds is 3 for 2 groups');
  });
});

describe('rare classes', () => {
  const y = [0, 0, 0, 0, 0, 1, 1, 2];

  test('oversample copies samples until all classes have equally many', async () => {
    const { x, y: labels, indices } = await data.oversample(count(8).map((i) => [i]), y, { seed: 1, shuffle: false }); // prettier-ignore
    expect(countsOf(await labels.data())).toEqual({ 0: 5, 1: 5, 2: 5 });
    expect([...indices.slice(0, 8)]).toEqual(count(8));
    expect(countsOf(indices)[7]).toBe(5);
    expect([countsOf(indices)[5], countsOf(indices)[6]].sort()).toEqual([2, 3]);
    expect(await x.array()).toEqual(Array.from(indices, (i) => [i]));
    expect((await data.oversample(count(8), y, { seed: 1 })).indices).not.toEqual(indices);
  });

  test('balanced draws classes equally often, or by weights, and others in each iteration', async () => {
    const labelsOf = async (dataset: AsyncIterable<{ y?: { array(): unknown } }>): Promise<number[]> => {
      const found: number[] = [];
      for await (const { y } of dataset) found.push((await y!.array()) as number);
      return found;
    };
    const equal = data.balanced(count(8), y, { seed: 1, count: 900 });
    expect(equal.size).toBe(900);
    const first = await labelsOf(equal);
    for (const n of Object.values(countsOf(first))) expect(Math.abs(n - 300)).toBeLessThan(60);
    expect(await labelsOf(equal)).not.toEqual(first);
    const weighted = countsOf(await labelsOf(data.balanced(count(8), y, { seed: 1, count: 400, weights: { 1: 1, 2: 3 } })));
    expect(Object.keys(weighted)).toEqual(['1', '2']);
    expect(Math.abs(weighted[2] - 300)).toBeLessThan(40);
    expect(data.balanced(count(8), y).size).toBe(8);
  });

  test('errors', async () => {
    await refused(() => data.oversample([1, 2]), ArgumentError, 'data.oversample: labels is missing; without it, y must be one array');
    await refused(() => data.oversample([1, 2], [1, 2], { labels: [1] }), DataError, 'labels has 1 labels for 2 samples');
    const absent = data.balanced([1, 2], [0, 1], { weights: { 0: 1, 7: 1 } });
    await refused(async () => { for await (const _ of absent); }, DataError, 'data.balanced: weights has the class 7, which no sample has; the classes are 0, 1'); // prettier-ignore
    expect(() => data.balanced([1, 2], [0, 1], { weights: { 0: 0 } })).toThrow(
      'data.balanced: weights is { 0: 0 }; it must be a record of numbers above 0',
    );
  });
});
