// Data for models.
import { fromArrays, fromGenerator } from './dataset.ts';

/** Makers of datasets: `data.fromArrays(x, y).shuffle(1000).batch(32)`. */
export const data = { fromArrays, fromGenerator };

export type { BatchOptions, Dataset, LooseSample, LooseValue, Sample, ShuffleOptions } from './dataset.ts';
export type { ArrayTree } from './sampleTree.ts';
export type { ArrayInput, BigIntegerArray, NestedNumbers, NumericArray } from './samples.ts';
