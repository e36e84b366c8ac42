// Parts of arrays: for training, validation and tests, and the folds of a cross-validation.
import { ArgumentError, DataError } from '../core/errors.ts';
import { allocate } from '../core/dtype.ts';
import { boolean, integer, kindOf, number } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { type Tree, mapTree } from '../core/tree.ts';
import { type Tensor, hostTensor } from '../graph/tensor.ts';
import { type Classes, classesOf, labelsKind, seedOption, streamOf } from './labels.ts';
import { assignGroups, dealFolds, holdBack, inOrder, splitBorder } from './portions.ts';
import { type ArrayTree, type SampleTree, arraysOf, readTree } from './sampleTree.ts';
import { type ArrayInput, type Samples, gatherSamples } from './samples.ts';

/** One part of the samples. */
export interface DataPart<X = Tensor, Y = Tensor> {
  readonly x: X;
  /** Undefined if no y was given. */
  readonly y: Y;
  /** Numbers of the samples in the arrays that were given. */
  readonly indices: Int32Array;
}

/** Parts of data. */
export interface SplitParts<X = Tensor, Y = Tensor> {
  readonly train: DataPart<X, Y>;
  readonly validation: DataPart<X, Y>;
  /** Empty unless the option test is given. */
  readonly test: DataPart<X, Y> | undefined;
}

/** One fold of a cross-validation. */
export interface Fold<X = Tensor, Y = Tensor> {
  /** From 0. */
  readonly fold: number;
  readonly train: DataPart<X, Y>;
  readonly validation: DataPart<X, Y>;
}

const partOptions = {
  ...seedOption,
  /** One label per sample: every part has the same shares of them. Classes of two or more samples are in both parts. */
  stratify: /* @__PURE__ */ optional(labelsKind),
  /** One value per sample: samples with one value, such as those of one patient, are in one part. */
  groups: /* @__PURE__ */ optional(labelsKind),
};

const openShare = /* @__PURE__ */ number('within 0 and 1');
const share = /* @__PURE__ */ kindOf<number>({
  rule: 'a share above 0 and below 1, or a number of samples',
  accepts: (value): value is number => openShare.accepts(value) || (Number.isInteger(value) && (value as number) > 0),
});

export const splitOptions = declareOptions('data.split', {
  /** Share of the samples for validation, or their number. @default 0.2 */
  validation: optional(share, 0.2),
  /** Share of the samples for a test, or their number. There is no such part if it is absent. */
  test: optional(share),
  /** Takes the samples in a random order. False holds back the last ones. @default true */
  shuffle: optional(boolean, true),
  ...partOptions,
});
export type SplitOptions = OptionsOf<typeof splitOptions>;

export const kFoldOptions = declareOptions(
  'data.kFold',
  {
    /** Number of folds, 2 or more. @default 5 */
    folds: optional(integer('above 0'), 5),
    /** Takes the samples in a random order. False makes folds of neighbouring samples. @default true */
    shuffle: optional(boolean, true),
    ...partOptions,
  },
  ({ folds }, where) => {
    if (folds < 2) throw new ArgumentError(`${where}: folds is ${folds}; a cross-validation needs 2 or more`);
  },
);
export type KFoldOptions = OptionsOf<typeof kFoldOptions>;

interface OpenData {
  readonly count: number;
  readonly x: SampleTree;
  readonly y: SampleTree | undefined;
}

/** Reads arrays of equally many samples. */
export async function openData(where: string, x: unknown, y: unknown): Promise<OpenData> {
  const inputs = await readTree(where, 'x', x, undefined);
  const targets = y === undefined ? undefined : await readTree(where, 'y', y, undefined);
  const [first, ...others] = [...arraysOf('x', inputs), ...arraysOf('y', targets)];
  if (!first) throw new DataError(`${where}: x has no array; give arrays of samples, such as ${where}(images, labels)`);
  const { count } = first.samples;
  const odd = others.find(({ samples }) => samples.count !== count);
  if (odd) {
    throw new DataError(
      `${where}: ${first.argument} holds ${count} samples and ${odd.argument} ${odd.samples.count}; they must be the same`,
    );
  }
  return { count, x: inputs, y: targets };
}

/** Copies samples into new tensors. */
export function partOf({ x, y }: OpenData, indices: readonly number[]): DataPart<Tree<Tensor>, Tree<Tensor>> {
  const gather = (tree: SampleTree): Tree<Tensor> =>
    mapTree(tree, (leaf) => {
      const samples = leaf as Samples;
      const data = allocate(samples.dtype, indices.length * samples.size);
      gatherSamples(samples, indices, 0, indices.length, data);
      return hostTensor({ shape: [indices.length, ...samples.shape], dtype: samples.dtype }, data);
    }) as Tree<Tensor>;
  return { x: gather(x), y: y === undefined ? (undefined as never) : gather(y), indices: Int32Array.from(indices) };
}

const allSamples = (count: number): Classes => new Map([['', Array.from({ length: count }, (_, i) => i)]]);

/** Number of samples of a part, rounded up as in Keras and scikit-learn. */
const heldOf = (count: number, given: number): number => (given < 1 ? count - splitBorder(count, given) : given);

function checkHeld(where: string, option: string, given: number, held: number, count: number): void {
  if (held >= 1 && held < count) return;
  throw new DataError(
    `${where}: ${option} ${given} of ${count} samples leaves none to ${held < 1 ? 'validate with' : 'train on'}; change it or give more samples`,
  );
}

/**
 * Splits arrays into parts for training, validation and, with the option test, a test: copies on the host, in a random order.
 *
 * With `stratify` the parts have the shares of the classes, rounded by largest remainder. Like train_test_split of scikit-learn, with parts of
 * one sample and with groups.
 *
 *     const { train, validation } = await data.split(x, y, { validation: 0.2, stratify: y, seed: 1 });
 *     await model.fit(train.x, train.y, { validationData: validation });
 *
 * @throws DataError if a part would be empty, or if arrays have different numbers of samples.
 */
export function split(x: ArrayInput, y?: ArrayInput, options?: SplitOptions): Promise<SplitParts>;
export function split(x: ArrayTree, y?: ArrayTree, options?: SplitOptions): Promise<SplitParts<Tree<Tensor>, Tree<Tensor>>>;
export async function split(x: ArrayTree, y?: ArrayTree, options?: SplitOptions): Promise<SplitParts<Tree<Tensor>, Tree<Tensor>>> {
  const where = 'data.split';
  const { validation, test, shuffle, seed, stratify, groups } = splitOptions.read(options);
  const open = await openData(where, x, y);
  const { count } = open;
  const validated = heldOf(count, validation);
  const tested = test === undefined ? 0 : heldOf(count, test);
  checkHeld(where, 'validation', validation, validated, count);
  if (test !== undefined) {
    checkHeld(where, 'test', test, tested, count);
    checkHeld(where, 'validation and test', validated + tested, validated + tested, count);
  }
  const random = shuffle ? streamOf(seed) : undefined;
  const classes = stratify === undefined ? allSamples(count) : await classesOf(where, 'stratify', stratify, count);
  const sizes = [count - validated - tested, validated, ...(tested ? [tested] : [])];
  const parts =
    groups === undefined
      ? splitSamples(classes, validated, tested, random)
      : assignGroups(
          await classesOf(where, 'groups', groups, count),
          classes,
          sizes.map((size) => size / count),
          random,
        );
  const empty = parts.findIndex((part) => part.length === 0);
  if (empty >= 0) {
    throw new DataError(
      `${where}: ${['train', 'validation', 'test'][empty]} has no sample; ${groups === undefined ? 'stratify has too many classes of one sample' : 'there are too few groups'}: change the shares`,
    );
  }
  const [train, held, last] = parts.map((part) => partOf(open, groups === undefined ? part : inOrder(part, random)));
  return { train, validation: held, test: last };
}

function splitSamples(
  classes: Classes,
  validated: number,
  tested: number,
  random: ReturnType<typeof streamOf> | undefined,
): readonly (readonly number[])[] {
  const [rest, last] = tested ? holdBack(classes, tested, random) : [undefined, undefined];
  if (!rest) return holdBack(classes, validated, random);
  const left = new Set(rest);
  const remaining = new Map([...classes].map(([key, list]) => [key, list.filter((sample) => left.has(sample))] as const));
  return [...holdBack(new Map([...remaining].filter(([, list]) => list.length > 0)), validated, random), last];
}

/**
 * Folds of a cross-validation: each sample is validated with in one fold, and trained on in the others. Parts are copied when a fold is drawn.
 * Like KFold, StratifiedKFold and StratifiedGroupKFold of scikit-learn.
 *
 *     for await (const { train, validation } of data.kFold(x, y, { folds: 5, stratify: y, seed: 1 })) {
 *       const model = makeModel();
 *       await model.fit(train.x, train.y, { validationData: validation });
 *     }
 *
 * @throws DataError if there are fewer samples or groups than folds.
 */
export function kFold(x: ArrayInput, y?: ArrayInput, options?: KFoldOptions): AsyncIterable<Fold>;
export function kFold(x: ArrayTree, y?: ArrayTree, options?: KFoldOptions): AsyncIterable<Fold<Tree<Tensor>, Tree<Tensor>>>;
export function kFold(x: ArrayTree, y?: ArrayTree, options?: KFoldOptions): AsyncIterable<Fold<Tree<Tensor>, Tree<Tensor>>> {
  const settings = kFoldOptions.read(options);
  const random = settings.shuffle ? streamOf(settings.seed) : undefined;
  return foldsOf(x, y, settings, random);
}

async function* foldsOf(
  x: ArrayTree,
  y: ArrayTree | undefined,
  { folds, stratify, groups }: ReturnType<typeof kFoldOptions.read>,
  random: ReturnType<typeof streamOf> | undefined,
): AsyncGenerator<Fold<Tree<Tensor>, Tree<Tensor>>> {
  const where = 'data.kFold';
  const open = await openData(where, x, y);
  const { count } = open;
  const classes = stratify === undefined ? allSamples(count) : await classesOf(where, 'stratify', stratify, count);
  const grouped = groups === undefined ? undefined : await classesOf(where, 'groups', groups, count);
  const available = grouped ? grouped.size : count;
  if (available < folds) {
    throw new DataError(`${where}: folds is ${folds} for ${available} ${grouped ? 'groups' : 'samples'}; give fewer folds or more data`);
  }
  const equal = new Array<number>(folds).fill(1 / folds);
  const parts = grouped ? assignGroups(grouped, classes, equal, random) : dealFolds(classes, folds, random);
  for (const [fold, held] of parts.entries()) {
    if (held.length === 0) throw new DataError(`${where}: fold ${fold} has no sample; give fewer folds`);
    const isHeld = new Set(held);
    const rest = Array.from({ length: count }, (_, i) => i).filter((i) => !isHeld.has(i));
    yield { fold, train: partOf(open, rest), validation: partOf(open, held) };
  }
}
