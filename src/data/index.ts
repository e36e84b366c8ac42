// Data for models.
import { balanced, oversample } from './sampling.ts';
import { padSequences, timeseries, tokenWindows } from './sequences.ts';
import { fromArrays, fromGenerator } from './sources.ts';
import { kFold, split } from './split.ts';

/** Makers of datasets, such as `data.fromArrays(x, y).shuffle(1000).batch(32)`, and functions that prepare arrays for a training. */
export const data = { fromArrays, fromGenerator, split, kFold, oversample, balanced, padSequences, timeseries, tokenWindows };

export type { Dataset, Sample } from './dataset.ts';
export type {
  BatchOptions,
  BucketByLengthOptions,
  InterleaveOptions,
  PaddedBatchOptions,
  PaddingValue,
  ShuffleOptions,
} from './datasetOptions.ts';
export type { Labels } from './labels.ts';
export type { BalancedOptions, OversampleOptions } from './sampling.ts';
export type { PadSequencesOptions, Sequence, TimeseriesOptions, TokenWindowsOptions } from './sequences.ts';
export type { LooseSample, LooseValue } from './sources.ts';
export type { DataPart, Fold, KFoldOptions, SplitOptions, SplitParts } from './split.ts';
export type { ArrayTree } from './sampleTree.ts';
export type { ArrayInput, BigIntegerArray, NestedNumbers, NumericArray } from './samples.ts';
