// Batches for the device. They come from a Dataset, or are copied sample by sample from arrays into typed arrays that later batches use again.
import { type HostArray, allocate } from '../core/dtype.ts';
import { DataError, ShapeError } from '../core/errors.ts';
import { type Shape, formatShape } from '../core/shape.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import type { Dataset } from './dataset.ts';
import { type SampleDtype, type Samples, gatherSamples, samplesOf } from './samples.ts';

export interface Batch {
  readonly size: number;
  readonly x: Tensor;
  readonly y?: Tensor;
  readonly sampleWeight?: Tensor;
}

/** What fit, evaluate and predict draw from. */
export interface BatchSource {
  /** Of one pass; undefined where only the pass itself will tell. */
  readonly samples: number | undefined;
  readonly batches: number | undefined;
  /** Shapes of one sample, and the dtype its targets arrive in. */
  readonly xShape: Shape;
  readonly yShape: Shape | undefined;
  readonly yDtype: SampleDtype;
  readonly weightShape: Shape | undefined;
  /** The size of the first batch. */
  readonly firstSize: number;
  /** One pass; in the given order of the samples where the source can follow one. A batch is valid until the next one is drawn. */
  pass(order?: Uint32Array): AsyncIterable<Batch> | Iterable<Batch>;
}

export interface ArraySamples {
  readonly x: Samples;
  readonly y?: Samples;
  readonly sampleWeight?: Samples;
}

export function arraySource({ x, y, sampleWeight }: ArraySamples, batchSize: number): BatchSource {
  const drawX = drawer(x);
  const drawY = y && drawer(y);
  const drawWeight = sampleWeight && drawer(sampleWeight);
  return {
    samples: x.count,
    batches: Math.ceil(x.count / batchSize),
    xShape: x.shape,
    yShape: y?.shape,
    yDtype: y?.dtype ?? 'f32',
    weightShape: sampleWeight?.shape,
    firstSize: Math.min(batchSize, x.count),
    *pass(order) {
      for (let begin = 0; begin < x.count; begin += batchSize) {
        const size = Math.min(batchSize, x.count - begin);
        yield {
          size,
          x: drawX(order, begin, size),
          ...(drawY && { y: drawY(order, begin, size) }),
          ...(drawWeight && { sampleWeight: drawWeight(order, begin, size) }),
        };
      }
    },
  };
}

type Draw = (order: Uint32Array | undefined, begin: number, size: number) => Tensor;

/** Without an order and a conversion a batch is a window onto the data; else it is gathered into an array kept for batches of its size. */
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

/** Checks and changes each batch of a dataset before it is used. */
export type Inspect = (batch: { x: Samples; y?: Samples; sampleWeight?: Samples }) => ArraySamples;

/** A dataset as a source; its first batch is looked at before anything runs. Throws where it holds none, or none with x. */
export async function datasetSource(where: string, dataset: Dataset<unknown>, xDtype: SampleDtype, inspect: Inspect): Promise<BatchSource> {
  const iterator = dataset[Symbol.asyncIterator]();
  const first = await iterator.next();
  // The first pass goes on where the look at the first batch left off, so that no sample is drawn twice.
  let opened: { iterator: AsyncIterator<unknown>; first: IteratorResult<unknown> } | undefined = { iterator, first };
  if (first.done) {
    throw new DataError(
      `${where}: the dataset is empty; it needs one batch or more. A generator object that another pass has used up is empty, too: let ` +
        "data.fromGenerator's function make a new one at each call",
    );
  }
  const { x, y, sampleWeight } = inspect(await fieldsOf(where, first.value, xDtype));
  const shape = formatShape(x.shape);
  return {
    samples: undefined,
    batches: dataset.size,
    xShape: x.shape,
    yShape: y?.shape,
    yDtype: y?.dtype ?? 'f32',
    weightShape: sampleWeight?.shape,
    firstSize: x.count,
    async *pass() {
      const { iterator, first } = opened ?? { iterator: dataset[Symbol.asyncIterator](), first: undefined };
      opened = undefined;
      try {
        for (let next = first ?? (await iterator.next()); !next.done; next = await iterator.next()) {
          const samples = inspect(await fieldsOf(where, next.value, xDtype));
          if (formatShape(samples.x.shape) !== shape) {
            throw new ShapeError(
              `${where}: the dataset gave inputs of shape ${formatShape(samples.x.shape)} after ones of shape ${shape}; they must be alike`,
            );
          }
          yield* arraySource(samples, samples.x.count).pass();
        }
      } finally {
        await iterator.return?.();
      }
    },
  };
}

async function fieldsOf(where: string, element: unknown, xDtype: SampleDtype): Promise<ArraySamples> {
  const fields = element as { x?: unknown; y?: unknown; sampleWeight?: unknown } | undefined;
  if (typeof fields !== 'object' || fields === null || !('x' in fields)) {
    throw new DataError(`${where}: an element of the dataset has no x; elements are objects { x, y }`);
  }
  if ([fields.x, fields.y].some((field) => field instanceof Tensor && field.rank === 0)) {
    throw new ShapeError(`${where}: an element of the dataset is a single sample; group samples with .batch(n) first`);
  }
  const { y, sampleWeight } = fields;
  return {
    x: await samplesOf(where, 'x', fields.x, xDtype),
    ...(y !== undefined && { y: await samplesOf(where, 'y', y) }),
    ...(sampleWeight !== undefined && { sampleWeight: await samplesOf(where, 'sampleWeight', sampleWeight, 'f32') }),
  };
}
