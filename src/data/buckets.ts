// Batches of sequences with similar lengths.
import { ArgumentError } from '../core/errors.ts';
import type { SettingsOf } from '../core/options.ts';
import { shown } from '../core/shown.ts';
import { Tensor } from '../graph/tensor.ts';
import type { bucketByLengthOptions } from './datasetOptions.ts';
import { padAndStack } from './stack.ts';

const where = 'dataset.bucketByLength';

/** A full bucket becomes a batch. At the end, the shorter buckets come first. */
export async function* bucketed<T>(source: AsyncIterable<T>, settings: SettingsOf<typeof bucketByLengthOptions>): AsyncGenerator<T> {
  const { boundaries, batchSize, padToBoundary, value, dropRemainder } = settings;
  const lengthOf = (settings.lengthOf ?? lengthOfX) as (element: T) => number;
  const buckets: T[][] = Array.from({ length: boundaries.length + 1 }, () => []);
  const batchOf = (bucket: number): Promise<T> =>
    padAndStack(where, buckets[bucket].splice(0), { value, length: padToBoundary ? boundaries[bucket] : undefined });
  for await (const element of source) {
    const length = lengthOf(element);
    if (!(length >= 0)) throw new ArgumentError(`${where}: lengthOf gave ${shown(length)}; it must be a number of at least 0`);
    const found = boundaries.findIndex((boundary) => length <= boundary);
    const bucket = found < 0 ? boundaries.length : found;
    buckets[bucket].push(element);
    if (buckets[bucket].length === (typeof batchSize === 'number' ? batchSize : batchSize[bucket])) yield await batchOf(bucket);
  }
  if (dropRemainder) return;
  for (const bucket of buckets.keys()) if (buckets[bucket].length > 0) yield await batchOf(bucket);
}

function lengthOfX(element: unknown): number {
  const x = typeof element === 'object' && element !== null && 'x' in element ? element.x : element;
  if (x instanceof Tensor && x.rank > 0) return x.shape[0];
  throw new ArgumentError(`${where}: x of an element is no array with a first axis; give lengthOf, such as ({ x }) => x.tokens.shape[0]`);
}
