// More samples of rare classes.
import { ArgumentError, DataError } from '../core/errors.ts';
import { boolean, kindOf, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { RandomStream, foldKey } from '../core/random.ts';
import { type Tree, mapTree } from '../core/tree.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Dataset, type Sample, makeDataset } from './dataset.ts';
import { type Labels, classesOf, labelsKind, seedOption, streamOf } from './labels.ts';
import { inOrder } from './portions.ts';
import { type ArrayTree, arraysGiven } from './sampleTree.ts';
import { type ArrayInput, type Samples, shapeOfInput } from './samples.ts';
import { tensorOfSample } from './sources.ts';
import { type DataPart, openData, partOf } from './split.ts';

const samplingOptions = {
  ...seedOption,
  /** One label per sample. @default y */
  labels: /* @__PURE__ */ optional(labelsKind),
};

export const oversampleOptions = declareOptions('data.oversample', {
  ...samplingOptions,
  /** Returns the samples in a random order. False appends the copies at the end. @default true */
  shuffle: optional(boolean, true),
});
export type OversampleOptions = OptionsOf<typeof oversampleOptions>;

type ClassShares = Readonly<Record<string, number>>;

const classShares = /* @__PURE__ */ kindOf<ClassShares>({
  rule: 'a record of numbers above 0 by class, such as { 0: 1, 1: 3 }',
  accepts: (value): value is ClassShares =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).length > 0 &&
    Object.values(value).every((weight) => typeof weight === 'number' && weight > 0 && weight < Infinity),
});

export const balancedOptions = declareOptions('data.balanced', {
  ...samplingOptions,
  /** Relative frequency of each class in the draws: `{ 0: 1, 1: 3 }`. A class without an entry is not drawn. @default equal for all classes */
  weights: optional(classShares),
  /** Number of samples in one iteration. @default the number of samples */
  count: optional(positiveInteger),
});
export type BalancedOptions = OptionsOf<typeof balancedOptions>;

function labelsFor(where: string, labels: Labels | undefined, y: ArrayTree | undefined): Labels {
  if (labels !== undefined) return labels;
  if (y === undefined || arraysGiven('y', y).length !== 1) {
    throw new ArgumentError(`${where}: labels is missing; without it, y must be one array with the class of each sample`);
  }
  return y as Labels;
}

/**
 * Arrays in which every class has as many samples as the largest one: each sample of a smaller class is copied equally often, and random ones
 * of it once more. Oversample only the samples to train on, after data.split.
 *
 *     const more = await data.oversample(train.x, train.y, { seed: 1 });
 *     await model.fit(more.x, more.y);
 *
 * @throws DataError if there is not one label per sample.
 */
export function oversample(x: ArrayInput, y?: ArrayInput, options?: OversampleOptions): Promise<DataPart>;
export function oversample(x: ArrayTree, y?: ArrayTree, options?: OversampleOptions): Promise<DataPart<Tree<Tensor>, Tree<Tensor>>>;
export async function oversample(x: ArrayTree, y?: ArrayTree, options?: OversampleOptions): Promise<DataPart<Tree<Tensor>, Tree<Tensor>>> {
  const where = 'data.oversample';
  const { seed, labels, shuffle } = oversampleOptions.read(options);
  const open = await openData(where, x, y);
  const random = streamOf(seed);
  const classes = [...(await classesOf(where, labels === undefined ? 'y' : 'labels', labelsFor(where, labels, y), open.count)).values()];
  const most = Math.max(...classes.map((list) => list.length));
  const copies = classes.flatMap((list) => {
    const whole = new Array(Math.floor(most / list.length) - 1).fill(list).flat() as number[];
    return [...whole, ...inOrder(list, random).slice(0, most % list.length)];
  });
  const all = [...Array.from({ length: open.count }, (_, i) => i), ...copies];
  return partOf(open, shuffle ? inOrder(all, random) : all);
}

/**
 * A dataset of random samples, with replacement: first a class is drawn, by `weights`, and then one of its samples. Each iteration draws other
 * samples. Like WeightedRandomSampler of PyTorch.
 *
 *     data.balanced(x, y, { seed: 1 }).batch(32)
 *
 * @throws DataError at the first iteration if weights names a class that no sample has.
 */
export function balanced(x: ArrayInput, y?: ArrayInput, options?: BalancedOptions): Dataset;
export function balanced(x: ArrayTree, y?: ArrayTree, options?: BalancedOptions): Dataset<Sample<Tree<Tensor>, Tree<Tensor>>>;
export function balanced(x: ArrayTree, y?: ArrayTree, options?: BalancedOptions): Dataset<Sample<Tree<Tensor>, Tree<Tensor>>> {
  const where = 'data.balanced';
  const { seed, labels, weights, count } = balancedOptions.read(options);
  const given = labelsFor(where, labels, y);
  const [first] = arraysGiven('x', x);
  const samples = first && shapeOfInput(where, first.argument, first.value)[0];
  const { key } = streamOf(seed);
  let iteration = 0;
  return makeDataset(count ?? samples, async function* () {
    const random = new RandomStream(foldKey(key, iteration++));
    const open = await openData(where, x, y);
    const classes = await classesOf(where, labels === undefined ? 'y' : 'labels', given, open.count);
    const absent = weights && Object.keys(weights).find((name) => !classes.has(name));
    if (absent !== undefined) {
      throw new DataError(
        `${where}: weights has the class ${absent}, which no sample has; the classes are ${[...classes.keys()].join(', ')}`,
      );
    }
    const drawn = [...classes].filter(([name]) => !weights || name in weights);
    const total = drawn.reduce((sum, [name]) => sum + (weights?.[name] ?? 1), 0);
    const chosen = (): readonly number[] => {
      let left = random.uniform() * total;
      return (drawn.find(([name]) => (left -= weights?.[name] ?? 1) < 0) ?? drawn[drawn.length - 1])[1];
    };
    for (let i = 0; i < (count ?? open.count); i++) {
      const list = chosen();
      const sample = list[Math.floor(random.uniform() * list.length)];
      const at = (tree: typeof open.x): Tree<Tensor> => mapTree(tree, (leaf) => tensorOfSample(leaf as Samples, sample)) as Tree<Tensor>;
      yield open.y === undefined ? { x: at(open.x) } : { x: at(open.x), y: at(open.y) };
    }
  });
}
