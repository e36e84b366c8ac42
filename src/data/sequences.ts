// Sequences as arrays: padding, windows of time series, and windows of token ids.
import { DataError, ShapeError } from '../core/errors.ts';
import { allocate, fitsI32 } from '../core/dtype.ts';
import { anyNumber, checkedLater, integer, oneOf, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../core/options.ts';
import { type Shape, formatShape, sizeOf } from '../core/shape.ts';
import { type Tensor, hostTensor } from '../graph/tensor.ts';
import { type Dataset, type Sample, makeDataset } from './dataset.ts';
import {
  type ArrayInput,
  type NestedNumbers,
  type NumericArray,
  Samples,
  describe,
  isNumericArray,
  samplesOf,
  shapeOfInput,
} from './samples.ts';
import { tensorOfSample } from './sources.ts';

export const padSequencesOptions = declareOptions('data.padSequences', {
  /** Length of every result. @default the longest sequence */
  length: optional(positiveInteger),
  /** End that shorter sequences are filled at. @default 'pre' */
  padding: optional(oneOf('pre', 'post'), 'pre'),
  /** End that longer sequences are cut at. @default 'pre' */
  truncating: optional(oneOf('pre', 'post'), 'pre'),
  /** Fills shorter sequences. @default 0 */
  value: optional(anyNumber, 0),
});
export type PadSequencesOptions = OptionsOf<typeof padSequencesOptions>;

/** A sequence of numbers, or of arrays of one shape. It may be empty. */
export type Sequence = NestedNumbers | NumericArray;

interface Steps {
  readonly length: number;
  /** Shape of one step. Undefined for an empty sequence. */
  readonly shape: Shape | undefined;
  readonly data: ArrayLike<number>;
}

/**
 * Sequences of different lengths as one tensor [sequences, length, …]: i32 if all values are integers within i32, else f32. The function
 * pad_sequences of Keras, with its defaults.
 *
 *     data.padSequences([[1, 2, 3], [4]], { padding: 'post' }); // [[1, 2, 3], [4, 0, 0]]
 *
 * @throws ShapeError if steps have different shapes, DataError without a sequence or if all of them are empty and there is no length.
 */
export async function padSequences(sequences: readonly Sequence[], options?: PadSequencesOptions): Promise<Tensor> {
  const where = 'data.padSequences';
  const { length, padding, truncating, value } = padSequencesOptions.read(options);
  if (!Array.isArray(sequences) || sequences.length === 0) {
    throw new DataError(`${where}: sequences is ${Array.isArray(sequences) ? 'empty' : describe(sequences)}; give a list of sequences`);
  }
  const read = await Promise.all(Array.from(sequences as readonly unknown[], (sequence, i) => stepsOf(where, `sequences[${i}]`, sequence)));
  const shape = read.find((steps) => steps.shape)?.shape ?? [];
  const odd = read.findIndex((steps) => steps.shape && formatShape(steps.shape) !== formatShape(shape));
  if (odd >= 0) {
    throw new ShapeError(
      `${where}: sequences[${odd}] has steps of shape ${formatShape(read[odd].shape!)}, others have ${formatShape(shape)}; they must be the same`,
    );
  }
  const longest = length ?? Math.max(...read.map((steps) => steps.length));
  if (longest === 0) throw new DataError(`${where}: all sequences are empty; give a length`);
  const isWhole = fitsI32(value) && read.every(({ data }) => Array.prototype.every.call(data, fitsI32));
  const dtype = isWhole ? 'i32' : 'f32';
  const size = sizeOf(shape);
  const out = allocate(dtype, read.length * longest * size);
  if (value !== 0) out.fill(value);
  read.forEach(({ data, length: steps }, i) => {
    const kept = Math.min(steps, longest);
    const from = truncating === 'pre' ? steps - kept : 0;
    const to = i * longest + (padding === 'pre' ? longest - kept : 0);
    for (let k = 0; k < kept * size; k++) out[to * size + k] = data[from * size + k];
  });
  return hostTensor({ shape: [read.length, longest, ...shape], dtype }, out);
}

async function stepsOf(where: string, argument: string, sequence: unknown): Promise<Steps> {
  const isEmpty = (Array.isArray(sequence) || isNumericArray(sequence)) && sequence.length === 0;
  if (isEmpty) return { length: 0, shape: undefined, data: [] };
  const { data, count, shape } = await samplesOf(where, argument, sequence);
  return { length: count, shape, data };
}

export const timeseriesOptions = declareOptions('data.timeseries', {
  /** Number of steps in a window. */
  sequenceLength: required(positiveInteger, 10),
  /** Steps from the start of one window to the start of the next. @default 1 */
  sequenceStride: optional(positiveInteger, 1),
  /** Steps from one value of a window to the next. @default 1 */
  samplingRate: optional(positiveInteger, 1),
  /** Targets by the first step of a window: the window that starts at step i has targets[i]. Give values of later steps to forecast. */
  targets: optional(checkedLater<ArrayInput>('an array with one target per step')),
  /** First step that windows use. @default 0 */
  startIndex: optional(integer('at least 0'), 0),
  /** Step after the last one that windows use. @default the number of steps */
  endIndex: optional(positiveInteger),
});
export type TimeseriesOptions = OptionsOf<typeof timeseriesOptions>;

/**
 * Windows of a time series [steps, …]: a dataset of { x } or { x, y } with x [sequenceLength, …]. The function
 * timeseries_dataset_from_array of Keras, without its batches.
 *
 *     // 24 values, and the one after them.
 *     data.timeseries(series, { sequenceLength: 24, targets: series.subarray(24) }).shuffle(1000).batch(32)
 *
 * Windows without gaps are views of the array.
 * @throws DataError if the array is too short for one window.
 */
export function timeseries(series: ArrayInput, options: TimeseriesOptions): Dataset {
  const where = 'data.timeseries';
  const { sequenceLength, sequenceStride, samplingRate, targets, startIndex, endIndex } = timeseriesOptions.read(options);
  const { length: steps } = lengthsOf(where, 'series', series);
  const end = endIndex ?? steps;
  if (end > steps || startIndex >= end) {
    throw new DataError(`${where}: startIndex ${startIndex} and endIndex ${end} do not fit a series of ${steps} steps`);
  }
  const span = (sequenceLength - 1) * samplingRate + 1;
  const limit = targets === undefined ? Infinity : lengthsOf(where, 'targets', targets).length - startIndex;
  const starts = Math.min(end - startIndex - span + 1, limit);
  if (starts <= 0) {
    const short =
      limit <= 0 ? `targets has no value for the step ${startIndex}` : `a window needs ${span} steps, but there are ${end - startIndex}`;
    throw new DataError(`${where}: ${short}; give more steps or a smaller sequenceLength`);
  }
  const count = Math.ceil(starts / sequenceStride);
  return makeDataset<Sample>(count, async function* () {
    const samples = await samplesOf(where, 'series', series);
    const labels = targets === undefined ? undefined : await samplesOf(where, 'targets', targets);
    for (let i = 0; i < count; i++) {
      const start = startIndex + i * sequenceStride;
      const x = windowOf(samples, start, sequenceLength, samplingRate);
      yield labels === undefined ? { x } : { x, y: tensorOfSample(labels, start) };
    }
  });
}

function windowOf({ data, size, shape, dtype }: Samples, start: number, length: number, rate: number): Tensor {
  const type = [length, ...shape];
  if (rate === 1) return tensorOfSample(new Samples(data.subarray(start * size, (start + length) * size), 1, type, dtype), 0);
  const out = allocate(dtype, length * size);
  for (let k = 0; k < length; k++) out.set(data.subarray((start + k * rate) * size, (start + k * rate + 1) * size), k * size);
  return hostTensor({ shape: type, dtype }, out);
}

export const tokenWindowsOptions = declareOptions('data.tokenWindows', {
  /** Tokens from the start of one window to the start of the next. @default length */
  stride: optional(positiveInteger),
});
export type TokenWindowsOptions = OptionsOf<typeof tokenWindowsOptions>;

/**
 * Windows of token ids for a language model: a dataset of { x, y } with x i32 [length] and y i32 [length], the tokens one step later. Tokens
 * after the last whole window are left out.
 *
 *     data.tokenWindows(tokenizer.encode(text), 128).shuffle(1000).batch(16)
 *
 * @throws DataError if there are fewer than length + 1 tokens, or if an id is no integer.
 */
export function tokenWindows(ids: ArrayInput, length: number, options?: TokenWindowsOptions): Dataset {
  const where = 'data.tokenWindows';
  positiveInteger.read(length, `${where}: length`);
  const { stride = length } = tokenWindowsOptions.read(options);
  const { length: tokens, rank } = lengthsOf(where, 'ids', ids);
  if (rank !== 1) throw new ShapeError(`${where}: ids has rank ${rank}; it must be one list of token ids`);
  if (tokens <= length) {
    throw new DataError(`${where}: ids has ${tokens} tokens; a window of ${length} and its targets need ${length + 1}`);
  }
  const count = Math.floor((tokens - 1 - length) / stride) + 1;
  return makeDataset<Sample>(count, async function* () {
    const { data } = await samplesOf(where, 'ids', ids, 'i32');
    const whole = data instanceof Int32Array ? data : Int32Array.from(data);
    const type = { shape: [length], dtype: 'i32' } as const;
    for (let start = 0; start + length < tokens; start += stride) {
      yield {
        x: hostTensor(type, whole.subarray(start, start + length)),
        y: hostTensor(type, whole.subarray(start + 1, start + 1 + length)),
      };
    }
  });
}

/** Number of samples and rank of an array. */
function lengthsOf(where: string, argument: string, array: ArrayInput): { length: number; rank: number } {
  const shape = shapeOfInput(where, argument, array);
  return { length: shape[0], rank: shape.length };
}
