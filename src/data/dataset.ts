// Datasets: lazy sequences of samples on the host, such as files or generators that do not fit in memory. Each step describes the next.
// fit, evaluate or a for-await loop starts an iteration, and every iteration starts from the beginning.
import { ArgumentError, DataError, ShapeError, checkOptions } from '../core/errors.ts';
import { allocate, isBigIntegers, nearestF32 } from '../core/dtype.ts';
import { RandomStream, foldKey, globalStream, keyFromSeed } from '../core/random.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { type Tree, leavesOf, mapTree } from '../core/tree.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import { type ArrayTree, type BatchTree, type SampleTree, arraysGiven, isArrayTree, readTree } from './sampleTree.ts';
import { type ArrayInput, Samples, isPlainArray, samplesOf, shapeOfInput } from './samples.ts';

/** One sample, or a batch of them along the first axis. Models with several inputs or outputs take lists or records of tensors. */
export interface Sample<X = Tensor, Y = Tensor> {
  readonly x: X;
  readonly y?: Y;
  readonly sampleWeight?: Y;
}

export interface ShuffleOptions {
  /** Fixes the order, independent of setSeed(). */
  seed?: number;
  /** A new order for each iteration (each epoch). @default true */
  reshuffleEachIteration?: boolean;
}

export interface BatchOptions {
  /** Leaves out a last batch that is smaller than the others. @default false */
  dropRemainder?: boolean;
}

export interface Dataset<T = Sample> extends AsyncIterable<T> {
  /** Number of elements, if it is known. */
  readonly size: number | undefined;
  /** A random order, drawn through a buffer of `bufferSize` elements. It is uniform if the buffer holds all of them. */
  shuffle(bufferSize: number, options?: ShuffleOptions): Dataset<T>;
  /** Stacks elements along a new first axis. */
  batch(batchSize: number, options?: BatchOptions): Dataset<T>;
  /** Applies fn to each element. fn may be async and may return lazy tensors. */
  map<U>(fn: (element: T) => U | Promise<U>): Dataset<U>;
  /** Draws up to `count` elements in advance. */
  prefetch(count: number): Dataset<T>;
  /** The first `count` elements. */
  take(count: number): Dataset<T>;
}

const marker = Symbol('ombre dataset');

export const isDataset = (value: unknown): value is Dataset<unknown> => typeof value === 'object' && value !== null && marker in value;

function makeDataset<T>(size: number | undefined, iterate: () => AsyncIterator<T>): Dataset<T> {
  const dataset: Dataset<T> & { [marker]: true } = {
    [marker]: true,
    size,
    [Symbol.asyncIterator]: iterate,
    shuffle(bufferSize, options = {}) {
      checkCount('shuffle', 'bufferSize', bufferSize);
      checkOptions('shuffle', options, ['seed', 'reshuffleEachIteration']);
      const { seed, reshuffleEachIteration = true } = options;
      const key = seed === undefined ? globalStream().nextKey() : keyFromSeed(seed);
      let iteration = 0;
      return makeDataset(size, () =>
        shuffled(dataset, bufferSize, new RandomStream(foldKey(key, reshuffleEachIteration ? iteration++ : 0))),
      );
    },
    batch(batchSize, options = {}) {
      checkCount('batch', 'batchSize', batchSize);
      checkOptions('batch', options, ['dropRemainder']);
      const { dropRemainder = false } = options;
      const batches = size === undefined ? undefined : dropRemainder ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
      return makeDataset(batches, () => batched(dataset, batchSize, dropRemainder));
    },
    map: (fn) => makeDataset(size, () => mapped(dataset, fn)),
    prefetch(count) {
      checkCount('prefetch', 'count', count);
      return makeDataset(size, () => prefetched(dataset, count));
    },
    take(count) {
      checkCount('take', 'count', count);
      return makeDataset(size === undefined ? undefined : Math.min(size, count), () => taken(dataset, count));
    },
  };
  return dataset;
}

function checkCount(where: string, argument: string, value: unknown): void {
  if (Number.isInteger(value) && (value as number) > 0) return;
  throw new ArgumentError(`${where}: ${argument} is ${String(value)}; it must be a positive integer`);
}

async function* shuffled<T>(source: AsyncIterable<T>, bufferSize: number, random: RandomStream): AsyncGenerator<T> {
  const buffer: T[] = [];
  /** Removes a random element from the buffer and puts `next` at its position. */
  const draw = (next?: T): T => {
    const i = Math.floor(random.uniform() * buffer.length);
    const drawn = buffer[i];
    buffer[i] = next === undefined ? buffer[buffer.length - 1] : next;
    if (next === undefined) buffer.pop();
    return drawn;
  };
  for await (const element of source) {
    if (buffer.length < bufferSize) buffer.push(element);
    else yield draw(element);
  }
  while (buffer.length) yield draw();
}

async function* batched<T>(source: AsyncIterable<T>, batchSize: number, dropRemainder: boolean): AsyncGenerator<T> {
  let elements: T[] = [];
  for await (const element of source) {
    elements.push(element);
    if (elements.length < batchSize) continue;
    yield await stackElements(elements);
    elements = [];
  }
  if (elements.length && !dropRemainder) yield await stackElements(elements);
}

/** Stacks trees of equal structure into one tree, leaf by leaf. */
async function stackElements<T>(elements: readonly T[]): Promise<T> {
  const leaves = elements.map((element) => leavesOf(element));
  const stacked: Tensor[] = [];
  for (let i = 0; i < leaves[0].length; i++) {
    const tensors = leaves.map((list) => list[i]?.value);
    const [first] = tensors;
    if (!(first instanceof Tensor)) throw new DataError(`batch: elements${leaves[0][i].path} are not tensors; map them to tensors first`);
    const data = allocate(first.dtype, first.size * tensors.length);
    for (const [position, tensor] of tensors.entries()) {
      if (!(tensor instanceof Tensor) || tensor.dtype !== first.dtype || !sameShape(tensor.shape, first.shape)) {
        throw new ShapeError(
          `batch: element 0${leaves[0][i].path} is ${first.dtype}${formatShape(first.shape)}, element ${position} is ` +
            `${tensor instanceof Tensor ? tensor.dtype + formatShape(tensor.shape) : typeof tensor}; elements of a batch must be alike`,
        );
      }
      data.set(tensor.value?.kind === 'host' ? tensor.value.data : await tensor.data(), position * first.size);
    }
    stacked.push(hostTensor({ shape: [tensors.length, ...first.shape], dtype: first.dtype }, data));
  }
  let next = 0;
  return mapTree(elements[0], () => stacked[next++]) as T;
}

async function* mapped<T, U>(source: AsyncIterable<T>, fn: (element: T) => U | Promise<U>): AsyncGenerator<U> {
  for await (const element of source) yield await fn(element);
}

async function* prefetched<T>(source: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  const ahead: Promise<IteratorResult<T>>[] = [];
  const draw = (): void => {
    const next = iterator.next();
    // A failure is reported when the result is awaited. Until then it must not count as unhandled.
    next.catch(() => undefined);
    ahead.push(next);
  };
  try {
    while (ahead.length < count) draw();
    for (;;) {
      const result = await ahead.shift()!;
      if (result.done) return;
      draw();
      yield result.value;
    }
  } finally {
    await iterator.return?.();
  }
}

async function* taken<T>(source: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let left = count;
  for await (const element of source) {
    yield element;
    if (--left === 0) return;
  }
}

/**
 * A dataset of the samples of arrays, which are borrowed: { x, y } pairs of tensors without a batch axis. For models with several inputs or
 * outputs, x and y are lists or records of arrays.
 *
 *     data.fromArrays(images, labels).shuffle(1000).batch(32)
 *     data.fromArrays({ image, age }, { digit, parity }).batch(32)
 *
 * @throws DataError if the arrays hold different numbers of samples.
 */
export function fromArrays(x: ArrayInput, y?: ArrayInput): Dataset;
export function fromArrays(x: ArrayTree, y?: ArrayTree): Dataset<Sample<Tree<Tensor>, Tree<Tensor>>>;
export function fromArrays(x: ArrayTree, y?: ArrayTree): Dataset<Sample<Tree<Tensor>, Tree<Tensor>>> {
  const where = 'data.fromArrays';
  const counts = [...arraysGiven('x', x), ...arraysGiven('y', y)].map(({ argument, value }) => ({
    argument,
    count: shapeOfInput(where, argument, value)[0],
  }));
  const [first] = counts as [(typeof counts)[number]?];
  if (!first) throw new DataError(`${where}: x has no array; give arrays of samples, such as data.fromArrays(images, labels)`);
  const other = counts.find(({ count }) => count !== first.count);
  if (other) {
    throw new DataError(
      `${where}: ${first.argument} holds ${first.count} samples and ${other.argument} ${other.count}; they must be the same`,
    );
  }
  return makeDataset(first.count, async function* () {
    const inputs = await readTree(where, 'x', x, undefined);
    const targets = y === undefined ? undefined : await readTree(where, 'y', y, undefined);
    for (let i = 0; i < first.count; i++) {
      yield targets === undefined ? { x: sampleOf(inputs, i) } : { x: sampleOf(inputs, i), y: sampleOf(targets, i) };
    }
  });
}

const sampleOf = (tree: SampleTree, i: number): BatchTree => mapTree(tree, (leaf) => tensorOfSample(leaf as Samples, i)) as BatchTree;

function tensorOfSample({ data, size, shape, dtype }: Samples, i: number): Tensor {
  const sample = data.subarray(i * size, (i + 1) * size);
  const array =
    dtype === 'f32'
      ? sample instanceof Float32Array
        ? sample
        : Float32Array.from(sample)
      : sample instanceof Int32Array
        ? sample
        : Int32Array.from(sample);
  return hostTensor({ shape, dtype }, array);
}

/** One value of a sample: an array or a number, or lists and records of them. */
export type LooseValue = ArrayInput | number | bigint | boolean | readonly LooseValue[] | { readonly [name: string]: LooseValue };

/** One sample that a generator yields: tensors, arrays, or plain numbers. */
export type LooseSample = Readonly<Record<string, LooseValue>>;

/**
 * A dataset of the objects { x, y } that a generator function yields, with tensors, arrays or numbers. The function is called for each
 * iteration. It must return a new iterator every time: an iterator that is used up ends the training, with a warning.
 *
 *     data.fromGenerator(function* () { for (;;) yield { x: [Math.random()], y: 1 }; }).take(1000).batch(32)
 */
export function fromGenerator(generator: () => Iterable<LooseSample> | AsyncIterable<LooseSample>): Dataset {
  const where = 'data.fromGenerator';
  if (typeof generator !== 'function')
    throw new ArgumentError(`${where}: takes a function that returns an iterator, such as function* () { … }`);
  return makeDataset<Sample>(undefined, async function* () {
    for await (const sample of generator()) {
      const fields = await tensorsOf(where, '', sample);
      if (!('x' in fields)) throw new DataError(`${where}: an element has ${Object.keys(fields).join(', ')} and no x; yield { x, y }`);
      yield fields as unknown as Sample;
    }
  });
}

/** The tensors of a list or record of values. */
async function tensorsOf(where: string, path: string, values: object): Promise<object> {
  const entries = Object.entries(values).map(async ([key, value]: [string, LooseValue]) => {
    const at = Array.isArray(values) ? `${path}[${key}]` : path ? `${path}.${key}` : key;
    return [key, isArrayTree(value) ? await tensorsOf(where, at, value as object) : await sampleTensor(where, at, value)] as const;
  });
  const read = await Promise.all(entries);
  return Array.isArray(values) ? read.map(([, tensor]) => tensor) : Object.fromEntries(read);
}

/**
 * Plain numbers, and integers that may not fit i32, become f32, whole or not: samples must not change their dtype within a batch. Losses read
 * f32 class indices as well.
 */
async function sampleTensor(where: string, name: string, value: LooseValue): Promise<Tensor> {
  if (value instanceof Tensor) return value;
  if (typeof value === 'number' || typeof value === 'boolean')
    return hostTensor({ shape: [], dtype: 'f32' }, Float32Array.of(Number(value)));
  if (typeof value === 'bigint') return hostTensor({ shape: [], dtype: 'f32' }, Float32Array.of(nearestF32(value)));
  if (!isPlainArray(value) && !Array.isArray(value)) {
    throw new DataError(`${where}: ${name} is ${typeof value}; yield tensors, arrays or numbers`);
  }
  const values = 'data' in value ? value.data : value;
  const mayExceedI32 = Array.isArray(values) || values instanceof Uint32Array || isBigIntegers(values);
  const { data, count, shape, dtype } = await samplesOf(where, name, value, mayExceedI32 ? 'f32' : undefined);
  return tensorOfSample(new Samples(data, 1, [count, ...shape], dtype), 0);
}
