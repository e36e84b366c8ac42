// Batches for the device. They come from a Dataset, or are copied sample by sample from arrays into typed arrays that later batches reuse.
import { type HostArray, allocate } from '../core/dtype.ts';
import { DataError, ShapeError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { mapTree } from '../core/tree.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import type { Dataset } from './dataset.ts';
import { type BatchTree, type SampleTree, arraysGiven, arraysOf } from './sampleTree.ts';
import { type Samples, gatherSamples } from './samples.ts';

export interface Batch {
  readonly size: number;
  readonly x: BatchTree;
  readonly y?: BatchTree;
  readonly sampleWeight?: BatchTree;
}

/** Samples of inputs, targets and weights, equally many of each. */
export interface SampleTrees {
  readonly x: SampleTree;
  readonly y?: SampleTree;
  readonly sampleWeight?: SampleTree;
}

/** The source of batches of fit, evaluate and predict. */
export interface BatchSource {
  /** Number of samples of one pass; undefined if only the pass can say. */
  readonly samples: number | undefined;
  /** Number of batches of one pass; undefined if only the pass can say. */
  readonly batches: number | undefined;
  /** Samples of the source, or of its first batch: for their shapes and dtypes. */
  readonly example: SampleTrees;
  /** Number of samples in the first batch. */
  readonly firstSize: number;
  /** One pass, in the given order of the samples if the source can follow one. A batch is valid until the next one is drawn. */
  pass(order?: Uint32Array): AsyncIterable<Batch> | Iterable<Batch>;
  /** Closes the iteration that was opened for the first batch, if no pass has continued it. */
  close(): Promise<void>;
}

/** Number of samples: that of the first input. */
export const countOf = ({ x }: SampleTrees): number => arraysOf('x', x)[0].samples.count;

/** Applies a function to the trees that are there. */
export function mapTrees<T>(
  trees: SampleTrees,
  replace: (samples: Samples, path: string) => T,
): { x: unknown; y?: unknown; sampleWeight?: unknown } {
  const map = (tree: SampleTree | undefined, argument: string): unknown =>
    mapTree(tree, (leaf, path) => (leaf === undefined ? undefined : replace(leaf as Samples, argument + path)));
  return {
    x: map(trees.x, 'x'),
    ...(trees.y !== undefined && { y: map(trees.y, 'y') }),
    ...(trees.sampleWeight !== undefined && { sampleWeight: map(trees.sampleWeight, 'sampleWeight') }),
  };
}

export function arraySource(samples: SampleTrees, batchSize: number): BatchSource {
  const count = countOf(samples);
  const drawers = mapTrees(samples, drawer);
  return {
    samples: count,
    batches: Math.ceil(count / batchSize),
    example: samples,
    firstSize: Math.min(batchSize, count),
    close: async () => undefined,
    *pass(order) {
      for (let begin = 0; begin < count; begin += batchSize) {
        const size = Math.min(batchSize, count - begin);
        yield { size, ...(mapTree(drawers, (draw) => (draw as Draw | undefined)?.(order, begin, size)) as Omit<Batch, 'size'>) };
      }
    },
  };
}

type Draw = (order: Uint32Array | undefined, begin: number, size: number) => Tensor;

/** Draws a view of the data if there is no order and no conversion. Otherwise gathers into an array that is kept for batches of one size. */
function drawer(samples: Samples): Draw {
  const kept = new Map<number, HostArray>();
  const direct = samples.dtype === 'f32' ? samples.data instanceof Float32Array : samples.data instanceof Int32Array;
  return (order, begin, size) => {
    const type = { shape: [size, ...samples.shape], dtype: samples.dtype };
    if (direct && !order) return hostTensor(type, samples.data.subarray(begin * samples.size, (begin + size) * samples.size) as HostArray);
    let out = kept.get(size);
    if (!out) kept.set(size, (out = allocate(samples.dtype, size * samples.size)));
    if (order) gatherSamples(samples, order, begin, size, out);
    else out.set(samples.data.subarray(begin * samples.size, (begin + size) * samples.size));
    return hostTensor(type, out);
  };
}

/** Elements of a dataset as users give them. */
export interface RawElement {
  readonly x: unknown;
  readonly y?: unknown;
  readonly sampleWeight?: unknown;
}

/** Reads and checks an element of a dataset. */
export type ReadElement = (element: RawElement) => Promise<SampleTrees>;

/**
 * A dataset as a source. Its first batch is read before anything runs.
 * @throws DataError if it is empty, or if an element has no x.
 */
export async function datasetSource(where: string, dataset: Dataset<unknown>, read: ReadElement): Promise<BatchSource> {
  const iterator = dataset[Symbol.asyncIterator]();
  const first = await iterator.next();
  // The first pass continues after the first batch, so that no sample is drawn twice.
  let opened: { iterator: AsyncIterator<unknown>; first: IteratorResult<unknown> } | undefined = { iterator, first };
  if (first.done) {
    throw new DataError(
      `${where}: the dataset is empty; it needs one batch or more. A generator object that another pass has used up is empty, too: let ` +
        "data.fromGenerator's function make a new one at each call",
    );
  }
  let example: SampleTrees;
  try {
    example = await read(elementOf(where, first.value));
  } catch (error) {
    await iterator.return?.();
    throw error;
  }
  const shapes = inputShapes(example);
  return {
    samples: undefined,
    batches: dataset.size,
    example,
    firstSize: countOf(example),
    async close() {
      const unused = opened;
      opened = undefined;
      await unused?.iterator.return?.();
    },
    async *pass() {
      const { iterator, first } = opened ?? { iterator: dataset[Symbol.asyncIterator](), first: undefined };
      opened = undefined;
      try {
        for (let next = first ?? (await iterator.next()); !next.done; next = await iterator.next()) {
          const samples = next === first ? example : await read(elementOf(where, next.value));
          const found = inputShapes(samples);
          if (found !== shapes) {
            throw new ShapeError(`${where}: the dataset gave inputs of shape ${found} after ones of shape ${shapes}; they must be alike`);
          }
          yield* arraySource(samples, countOf(samples)).pass();
        }
      } finally {
        await iterator.return?.();
      }
    },
  };
}

const inputShapes = ({ x }: SampleTrees): string =>
  arraysOf('', x)
    .map(({ argument, samples }) => argument + (argument && ' ') + formatShape(samples.shape))
    .join(', ');

function elementOf(where: string, element: unknown): RawElement {
  if (typeof element !== 'object' || element === null || !('x' in element)) {
    throw new DataError(`${where}: an element of the dataset has no x; elements are objects { x, y }`);
  }
  const fields = element as RawElement;
  const arrays = [...arraysGiven('x', fields.x), ...arraysGiven('y', fields.y)];
  if (arrays.some(({ value }) => value instanceof Tensor && value.rank === 0)) {
    throw new ShapeError(`${where}: an element of the dataset is a single sample; group samples with .batch(n) first`);
  }
  return fields;
}
