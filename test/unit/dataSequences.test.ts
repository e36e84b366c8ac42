// Sequences as arrays. The expected values are those of pad_sequences and timeseries_dataset_from_array of Keras, written out.
import { describe, expect, test } from 'vitest';
import { ArgumentError, DataError, type OmbreError, ShapeError } from '../../src/core/errors.ts';
import '../../src/ops/methods.ts';
import { type ArrayInput, type Dataset, data } from '../../src/train/index.ts';

type Pad = Parameters<typeof data.padSequences>;
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const rows = async (dataset: Dataset): Promise<unknown[]> => {
  const found: unknown[] = [];
  for await (const { x, y } of dataset) found.push(y ? [await x.array(), await y.array()] : await x.array());
  return found;
};

describe('padSequences', () => {
  test.each<[string, Pad[0], Pad[1], unknown]>([
    ['the default', [[1], [2, 3], [4, 5, 6]], {}, [[0, 0, 1], [0, 2, 3], [4, 5, 6]]], // prettier-ignore
    ['another value', [[1], [2, 3], [4, 5, 6]], { value: -1 }, [[-1, -1, 1], [-1, 2, 3], [4, 5, 6]]], // prettier-ignore
    ['at the end', [[1], [2, 3], [4, 5, 6]], { padding: 'post' }, [[1, 0, 0], [2, 3, 0], [4, 5, 6]]], // prettier-ignore
    ['cut at the beginning', [[1], [2, 3], [4, 5, 6]], { length: 2 }, [[0, 1], [2, 3], [5, 6]]], // prettier-ignore
    ['cut at the end', [[1], [2, 3], [4, 5, 6]], { length: 2, truncating: 'post', padding: 'post' }, [[1, 0], [2, 3], [4, 5]]], // prettier-ignore
    ['an empty sequence', [[], new Uint8Array(0), [7]], { length: 2 }, [[0, 0], [0, 0], [0, 7]]], // prettier-ignore
    ['steps of vectors', [[[1, 2]], [[3, 4], [5, 6]]], { padding: 'post' }, [[[1, 2], [0, 0]], [[3, 4], [5, 6]]]], // prettier-ignore
    ['typed arrays', [Float32Array.of(0.5), Int32Array.of(1, 2)], {}, [[0, 0.5], [1, 2]]], // prettier-ignore
  ])('%s', async (_, sequences, options, expected) =>
    expect(await (await data.padSequences(sequences, options)).array()).toEqual(expected),
  );

  test('integers are i32, other numbers f32', async () => {
    expect((await data.padSequences([[1], [2, 3]])).dtype).toBe('i32');
    expect((await data.padSequences([[1.5], [2, 3]])).dtype).toBe('f32');
    expect((await data.padSequences([[1], [2, 3]], { value: NaN })).dtype).toBe('f32');
  });

  test.each<[string, Pad[0], Pad[1], typeof OmbreError, string]>([
    ['none', [], {}, DataError, 'data.padSequences: sequences is empty; give a list of sequences'],
    ['no list', 3 as never, {}, DataError, 'data.padSequences: sequences is a number; give a list of sequences'],
    ['all empty', [[], []], {}, DataError, 'data.padSequences: all sequences are empty; give a length'],
    ['steps', [[1], [[2, 3]]], {}, ShapeError, 'sequences[1] has steps of shape [2], others have []; they must be the same'],
    ['option', [[1]], { padding: 'left' as never }, ArgumentError, "data.padSequences: padding is 'left'; it must be 'pre' or 'post'"],
  ])('error: %s', async (_, sequences, options, type, message) => {
    const error = await data.padSequences(sequences, options).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toContain(message);
  });
});

describe('timeseries', () => {
  test('windows of the documentation of Keras: sampling rate 2, stride 3, length 10 of 99 steps', async () => {
    const dataset = data.timeseries(count(99), { sequenceLength: 10, samplingRate: 2, sequenceStride: 3 });
    const windows = await rows(dataset);
    expect(windows.slice(0, 3)).toEqual([0, 3, 6].map((start) => count(10).map((k) => start + 2 * k)));
    expect(windows.at(-1)).toEqual(count(10).map((k) => 78 + 2 * k));
    expect(dataset.size).toBe(windows.length);
    expect(windows).toHaveLength(27);
  });

  test('targets belong to the first step of a window', async () => {
    const series = Float32Array.from(count(6));
    expect(await rows(data.timeseries(series, { sequenceLength: 3, targets: series.subarray(3) }))).toEqual([
      [[0, 1, 2], 3],
      [[1, 2, 3], 4],
      [[2, 3, 4], 5],
    ]);
    const limited = data.timeseries(count(9), { sequenceLength: 2, targets: count(9).map((i) => 10 * i), startIndex: 2, endIndex: 5 });
    expect(await rows(limited)).toEqual([[[2, 3], 20], [[3, 4], 30]]); // prettier-ignore
  });

  test('several values per step', async () => {
    const series = count(4).map((i) => [i, -i]);
    expect((await rows(data.timeseries(series, { sequenceLength: 2, samplingRate: 2 })))[1]).toEqual([[1, -1], [3, -3]]); // prettier-ignore
  });

  test.each<[string, () => unknown, typeof OmbreError, string]>([
    ['missing', () => data.timeseries([1], {} as never), ArgumentError, 'data.timeseries: sequenceLength is missing'],
    [
      'short',
      () => data.timeseries(count(4), { sequenceLength: 3, samplingRate: 2 }),
      DataError,
      'a window needs 5 steps, but there are 4',
    ],
    [
      'range',
      () => data.timeseries(count(4), { sequenceLength: 1, endIndex: 5 }),
      DataError,
      'startIndex 0 and endIndex 5 do not fit a series of 4 steps',
    ],
    [
      'targets',
      () => data.timeseries(count(4), { sequenceLength: 1, targets: [1], startIndex: 1 }),
      DataError,
      'targets has no value for the step 1',
    ],
  ])('error: %s', (_, act, type, message) => {
    expect(act).toThrow(type);
    expect(act).toThrow(message);
  });
});

describe('tokenWindows', () => {
  test.each<[string, number, object, unknown]>([
    ['whole windows', 3, {}, [[[0, 1, 2], [1, 2, 3]], [[3, 4, 5], [4, 5, 6]]]], // prettier-ignore
    ['overlapping ones', 4, { stride: 2 }, [[[0, 1, 2, 3], [1, 2, 3, 4]], [[2, 3, 4, 5], [3, 4, 5, 6]]]], // prettier-ignore
    ['one window', 7, {}, [[count(7), count(8).slice(1)]]],
  ])('%s', async (_, length, options, expected) => {
    const dataset = data.tokenWindows(Uint16Array.from(count(8)), length, options);
    expect(await rows(dataset)).toEqual(expected);
    expect(dataset.size).toBe((expected as unknown[]).length);
  });

  test.each<[string, ArrayInput, number, typeof OmbreError, string]>([
    ['few', count(4), 4, DataError, 'data.tokenWindows: ids has 4 tokens; a window of 4 and its targets need 5'],
    ['rank', [[1, 2]], 1, ShapeError, 'data.tokenWindows: ids has rank 2; it must be one list of token ids'],
    ['length', [1, 2], 0, ArgumentError, 'data.tokenWindows: length is 0; it must be a positive integer'],
  ])('error: %s', (_, ids, length, type, message) => {
    expect(() => data.tokenWindows(ids, length)).toThrow(type);
    expect(() => data.tokenWindows(ids, length)).toThrow(message);
  });
});
