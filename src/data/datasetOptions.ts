// Options of the methods of datasets.
import { boolean, callable, either, integer, kindOf, listOf, number, positiveInteger, seed } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../core/options.ts';
import { ArgumentError } from '../core/errors.ts';

export const shuffleOptions = declareOptions('dataset.shuffle', {
  /** Fixes the order, independent of setSeed(). */
  seed: optional(seed),
  /** A new order for each iteration (each epoch). @default true */
  reshuffleEachIteration: optional(boolean, true),
});
export type ShuffleOptions = OptionsOf<typeof shuffleOptions>;

const dropOptions = {
  /** Leaves out a last batch that is smaller than the others. @default false */
  dropRemainder: /* @__PURE__ */ optional(boolean, false),
};

export const batchOptions = declareOptions('dataset.batch', dropOptions);
export type BatchOptions = OptionsOf<typeof batchOptions>;

/** Value for padding: one number, or numbers by field of the elements. */
export type PaddingValue = number | Readonly<Record<string, number>>;

const isValueRecord = (value: unknown): value is Readonly<Record<string, number>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((entry) => typeof entry === 'number');

const paddingValue = /* @__PURE__ */ kindOf<PaddingValue>({
  rule: 'a number, or a record of numbers by field, such as { x: 0, y: -1 }',
  accepts: (value): value is PaddingValue => typeof value === 'number' || isValueRecord(value),
});

const paddingOptions = {
  ...dropOptions,
  /** Fills the ends of shorter arrays. A record has one value for each field of the elements; a field that is not named takes 0. @default 0 */
  value: /* @__PURE__ */ optional(paddingValue, 0),
};

export const paddedBatchOptions = declareOptions('dataset.paddedBatch', {
  ...paddingOptions,
  /** Length of the first axis of every array in a batch. A longer array is an error. @default the longest of the batch */
  length: optional(positiveInteger),
  /** Lengths become multiples of this number, so that fewer shapes must be compiled. @default 1 */
  multipleOf: optional(positiveInteger, 1),
});
export type PaddedBatchOptions = OptionsOf<typeof paddedBatchOptions>;

export const bucketByLengthOptions = declareOptions(
  'dataset.bucketByLength',
  {
    /** Largest lengths of the buckets, in ascending order. Longer elements go to one more bucket. */
    boundaries: required(listOf(positiveInteger, 'positive integers', 1), [16, 32, 64]),
    /** Number of elements in a batch, or a list with one number for each bucket. */
    batchSize: required(either(positiveInteger, listOf(positiveInteger, 'positive integers', 1)), 32),
    /** Length of an element. @default the size of the first axis of the element's x */
    lengthOf: optional(callable<(element: never) => number>()),
    /** Pads each batch to the boundary of its bucket, so that there is one shape for each bucket. @default false */
    padToBoundary: optional(boolean, false),
    ...paddingOptions,
  },
  ({ boundaries, batchSize, padToBoundary: _ }, where) => {
    const wrong = boundaries.findIndex((boundary, i) => i > 0 && boundary <= boundaries[i - 1]);
    if (wrong > 0) {
      throw new ArgumentError(
        `${where}: boundaries has ${boundaries[wrong]} after ${boundaries[wrong - 1]}; they must be in ascending order`,
      );
    }
    if (typeof batchSize === 'number' || batchSize.length === boundaries.length + 1) return;
    throw new ArgumentError(
      `${where}: batchSize has ${batchSize.length} entries for ${boundaries.length + 1} buckets; give one for each boundary and one for longer elements`,
    );
  },
);
/** Options of `dataset.bucketByLength`, for elements of type T. The type is written out, because `lengthOf` depends on T. */
export interface BucketByLengthOptions<T = never> {
  /** Largest lengths of the buckets, in ascending order. Longer elements go to one more bucket. */
  boundaries: readonly number[];
  /** Number of elements in a batch, or a list with one number for each bucket. */
  batchSize: number | readonly number[];
  /** Length of an element. @default the size of the first axis of the element's x */
  lengthOf?: (element: T) => number;
  /** Pads each batch to the boundary of its bucket, so that there is one shape for each bucket. @default false */
  padToBoundary?: boolean;
  /** Leaves out batches that are smaller than the others. @default false */
  dropRemainder?: boolean;
  /** Fills the ends of shorter arrays. A record has one value for each field of the elements; a field that is not named takes 0. @default 0 */
  value?: PaddingValue;
}

export const interleaveOptions = declareOptions('dataset.interleave', {
  /** Number of datasets that are read in turn. @default 4 */
  cycleLength: optional(positiveInteger, 4),
  /** Number of elements taken from one dataset before the next one. @default 1 */
  blockLength: optional(positiveInteger, 1),
});
export type InterleaveOptions = OptionsOf<typeof interleaveOptions>;

/** Numbers that methods take without a name. */
export const counts = {
  positive: positiveInteger,
  natural: /* @__PURE__ */ integer('at least 0'),
  share: /* @__PURE__ */ number('within 0 and 1'),
};
