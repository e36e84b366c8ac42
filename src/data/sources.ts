// Sources of datasets: arrays and generators.
import { ArgumentError, DataError } from '../core/errors.ts';
import { isBigIntegers, nearestF32 } from '../core/dtype.ts';
import { type Tree, mapTree } from '../core/tree.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import { type Dataset, type Sample, makeDataset } from './dataset.ts';
import { type ArrayTree, type BatchTree, type SampleTree, arraysGiven, isArrayTree, readTree } from './sampleTree.ts';
import { type ArrayInput, Samples, isPlainArray, samplesOf, shapeOfInput } from './samples.ts';

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

/** One sample as a tensor: a view if the array has the dtype of the batches. */
export function tensorOfSample({ data, size, shape, dtype }: Samples, i: number): Tensor {
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
