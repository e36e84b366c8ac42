// Datasets: lazy sequences of samples on the host, such as files or generators that do not fit in memory. Each step describes the next.
// fit, evaluate or a for-await loop starts an iteration, and every iteration starts from the beginning.
import { ArgumentError, requireFunction } from '../core/errors.ts';
import type { Kind } from '../core/optionKinds.ts';
import { RandomStream, foldKey, globalStream, keyFromSeed } from '../core/random.ts';
import type { Tensor } from '../graph/tensor.ts';
import { bucketed } from './buckets.ts';
import {
  type BatchOptions,
  type BucketByLengthOptions,
  type InterleaveOptions,
  type PaddedBatchOptions,
  type ShuffleOptions,
  batchOptions,
  bucketByLengthOptions,
  counts,
  interleaveOptions,
  paddedBatchOptions,
  shuffleOptions,
} from './datasetOptions.ts';
import { padAndStack, stackElements } from './stack.ts';
import * as stages from './stages.ts';

/** One sample, or a batch of them along the first axis. Models with several inputs or outputs take lists or records of tensors. */
export interface Sample<X = Tensor, Y = Tensor> {
  readonly x: X;
  readonly y?: Y;
  readonly sampleWeight?: Y;
}

export interface Dataset<T = Sample> extends AsyncIterable<T> {
  /** Number of elements, if it is known. Undefined also for a dataset without end. */
  readonly size: number | undefined;
  /** A random order, drawn through a buffer of `bufferSize` elements. It is uniform if the buffer holds all of them. */
  shuffle(bufferSize: number, options?: ShuffleOptions): Dataset<T>;
  /** Stacks elements along a new first axis. */
  batch(batchSize: number, options?: BatchOptions): Dataset<T>;
  /**
   * Stacks elements whose arrays have different sizes: each array is filled at its ends to the largest sizes of the batch. The method of
   * tf.data `padded_batch`. fit takes batches of one sample shape: give it a `length`.
   */
  paddedBatch(batchSize: number, options?: PaddedBatchOptions): Dataset<T>;
  /**
   * Padded batches of sequences with similar lengths, so that little padding is computed. A batch is given when its bucket is full. The
   * method of tf.data `bucket_by_sequence_length`.
   */
  bucketByLength(options: BucketByLengthOptions<T>): Dataset<T>;
  /** Applies fn to each element. fn may be async and may return lazy tensors. */
  map<U>(fn: (element: T) => U | Promise<U>): Dataset<U>;
  /** Keeps the elements for which fn returns true. fn may be async. */
  filter(fn: (element: T) => boolean | Promise<boolean>): Dataset<T>;
  /** Draws up to `count` elements in advance. */
  prefetch(count: number): Dataset<T>;
  /** The first `count` elements. */
  take(count: number): Dataset<T>;
  /** All elements but the first `count`. */
  skip(count: number): Dataset<T>;
  /** The elements `count` times, each time by a new iteration. Without a count there is no end: fit then needs stepsPerEpoch. */
  repeat(count?: number): Dataset<T>;
  /** The elements of this dataset, and then those of the others. */
  concatenate(...others: readonly Dataset<T>[]): Dataset<T>;
  /** Lists with one element of each dataset. It ends with the shortest one. */
  zip<Others extends readonly unknown[]>(...others: { readonly [K in keyof Others]: Dataset<Others[K]> }): Dataset<[T, ...Others]>;
  /** Every `count`-th element, from the element `index` on: the part of one of `count` workers. */
  shard(count: number, index: number): Dataset<T>;
  /** Keeps all elements in memory after the first whole iteration. Later iterations read them there. Call it before shuffle. */
  cache(): Dataset<T>;
  /** Reads the datasets that fn makes of the elements in turn, such as one dataset for each file name. The method of tf.data. */
  interleave<U>(fn: (element: T) => Dataset<U> | Promise<Dataset<U>>, options?: InterleaveOptions): Dataset<U>;
}

const marker = Symbol('ombre dataset');

export const isDataset = (value: unknown): value is Dataset<unknown> => typeof value === 'object' && value !== null && marker in value;

/** Applies fn to the size if it is known. */
const sized = (size: number | undefined, fn: (size: number) => number): number | undefined => (size === undefined ? undefined : fn(size));

/** A dataset of the elements that `iterate` gives. It is called for each iteration. */
export function makeDataset<T>(size: number | undefined, iterate: () => AsyncIterator<T>): Dataset<T> {
  const batchCount = (batchSize: number, dropRemainder: boolean): number | undefined =>
    sized(size, (n) => (dropRemainder ? Math.floor(n / batchSize) : Math.ceil(n / batchSize)));
  const dataset: Dataset<T> & { [marker]: true } = {
    [marker]: true,
    size,
    [Symbol.asyncIterator]: iterate,
    shuffle(bufferSize, options) {
      checkCount('shuffle', 'bufferSize', bufferSize);
      const { seed, reshuffleEachIteration } = shuffleOptions.read(options);
      const key = seed === undefined ? globalStream().nextKey() : keyFromSeed(seed);
      let iteration = 0;
      return makeDataset(size, () =>
        stages.shuffled(dataset, bufferSize, new RandomStream(foldKey(key, reshuffleEachIteration ? iteration++ : 0))),
      );
    },
    batch(batchSize, options) {
      checkCount('batch', 'batchSize', batchSize);
      const { dropRemainder } = batchOptions.read(options);
      return makeDataset(batchCount(batchSize, dropRemainder), () => stages.batched(dataset, batchSize, dropRemainder, stackElements));
    },
    paddedBatch(batchSize, options) {
      checkCount('paddedBatch', 'batchSize', batchSize);
      const { dropRemainder, ...padding } = paddedBatchOptions.read(options);
      const stack = (elements: readonly T[]): Promise<T> => padAndStack('dataset.paddedBatch', elements, padding);
      return makeDataset(batchCount(batchSize, dropRemainder), () => stages.batched(dataset, batchSize, dropRemainder, stack));
    },
    bucketByLength(options) {
      const settings = bucketByLengthOptions.read(options);
      return makeDataset(undefined, () => bucketed(dataset, settings));
    },
    map(fn) {
      requireFunction('dataset.map', fn, 'dataset.map((element) => …)');
      return makeDataset(size, () => stages.mapped(dataset, fn));
    },
    filter(fn) {
      requireFunction('dataset.filter', fn, 'dataset.filter((element) => …)');
      return makeDataset(undefined, () => stages.filtered(dataset, fn));
    },
    prefetch(count) {
      checkCount('prefetch', 'count', count);
      return makeDataset(size, () => stages.prefetched(dataset, count));
    },
    take(count) {
      checkCount('take', 'count', count);
      return makeDataset(
        sized(size, (n) => Math.min(n, count)),
        () => stages.taken(dataset, count),
      );
    },
    skip(count) {
      checkCount('skip', 'count', count, counts.natural);
      return makeDataset(
        sized(size, (n) => Math.max(n - count, 0)),
        () => stages.skipped(dataset, count),
      );
    },
    repeat(count) {
      if (count !== undefined) checkCount('repeat', 'count', count);
      return makeDataset(count === undefined ? undefined : sized(size, (n) => n * count), () =>
        stages.repeated(dataset, count ?? Infinity),
      );
    },
    concatenate(...others) {
      others.forEach((other, i) => checkDataset('concatenate', `argument ${i}`, other));
      const all = [dataset, ...others];
      const sizes = all.map((part) => part.size);
      return makeDataset(sizes.every((n) => n !== undefined) ? sizes.reduce((sum, n) => sum + n, 0) : undefined, () =>
        stages.concatenated(all),
      );
    },
    zip<Others extends readonly unknown[]>(...others: { readonly [K in keyof Others]: Dataset<Others[K]> }) {
      const list = others as readonly Dataset<unknown>[];
      list.forEach((other, i) => checkDataset('zip', `argument ${i}`, other));
      const all = [dataset, ...list];
      // An unknown size may be the smallest.
      const sizes = all.map((part) => part.size);
      const least = sizes.every((n) => n !== undefined) ? Math.min(...sizes) : undefined;
      return makeDataset(least, () => stages.zipped(all) as AsyncIterator<[T, ...Others]>);
    },
    shard(count, index) {
      checkCount('shard', 'count', count);
      checkCount('shard', 'index', index, counts.natural);
      if (index >= count) throw new ArgumentError(`dataset.shard: index is ${index} of ${count} shards; it must be from 0 to ${count - 1}`);
      return makeDataset(
        sized(size, (n) => Math.max(Math.ceil((n - index) / count), 0)),
        () => stages.sharded(dataset, count, index),
      );
    },
    cache() {
      const store: stages.Cache<T> = { elements: undefined };
      return makeDataset(size, () => stages.cached(dataset, store));
    },
    interleave<U>(fn: (element: T) => Dataset<U> | Promise<Dataset<U>>, options?: InterleaveOptions) {
      requireFunction('dataset.interleave', fn, 'dataset.interleave((name) => readFile(name))');
      const { cycleLength, blockLength } = interleaveOptions.read(options);
      const open = async (element: T): Promise<Dataset<U>> => {
        const made = await fn(element);
        checkDataset('interleave', 'the result of fn', made);
        return made;
      };
      return makeDataset(undefined, () => stages.interleaved(dataset, open, cycleLength, blockLength));
    },
  };
  return dataset;
}

function checkCount(method: string, argument: string, value: unknown, kind: Kind<number> = counts.positive): void {
  kind.read(value, `dataset.${method}: ${argument}`);
}

function checkDataset(method: string, argument: string, value: unknown): void {
  if (isDataset(value)) return;
  throw new ArgumentError(`dataset.${method}: ${argument} is ${typeof value}; it must be a dataset, such as data.fromArrays(x, y)`);
}
