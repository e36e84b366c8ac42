// Losses at limits and with class weights against PyTorch, and what samples of weight 0 may hold. The scripts lossLimits.py, lossFamilies.py and
// lossRegions.py wrote the numbers. Graphs are built here, so that every stack computes the same.
import { gradients } from '../../src/autodiff/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { type Loss, outputLosses } from '../../src/losses/index.ts';
import { alias } from '../../src/ops/index.ts';
import families from '../golden/lossFamilies.json';
import golden from '../golden/lossLimits.json';
import regions from '../golden/lossRegions.json';
import type { Word } from './kinks.ts';
import { numbersOf } from './kinks.ts';

interface Packed {
  readonly shape: readonly number[];
  readonly dtype: 'i32' | 'f32';
  readonly data: readonly Word[];
}

interface LossLimit {
  readonly loss: keyof typeof outputLosses;
  readonly note: string;
  readonly options: object;
  readonly targets: Packed;
  readonly predictions: Packed;
  readonly value: Word;
  readonly gradient: readonly Word[];
}

/** Tensors to compute, and the numbers that they must be. */
export interface LossCase {
  readonly name: string;
  readonly loss: keyof typeof outputLosses;
  readonly build: () => Tensor[];
  readonly expected: readonly (readonly number[])[];
}

const unpack = (packed: Packed): Tensor => {
  const values = numbersOf(packed);
  const { shape, dtype } = packed;
  return dtype === 'i32'
    ? hostTensor({ shape, dtype }, Int32Array.from(values))
    : alias(hostTensor({ shape, dtype }, Float32Array.from(values)));
};

const make = (name: keyof typeof outputLosses, options: object): Loss => (outputLosses[name] as (options: object) => Loss)(options);

export const limitCases: readonly LossCase[] = ([...golden, ...families.limits, ...regions.limits] as unknown as LossLimit[]).map(
  (limit) => ({
    name: `${limit.loss}: ${limit.note}`,
    loss: limit.loss,
    build: () => {
      const predictions = unpack(limit.predictions);
      const value = make(limit.loss, limit.options)(unpack(limit.targets), predictions);
      return [value, ...gradients(value, [predictions])];
    },
    expected: [numbersOf({ shape: [1], data: [limit.value] }), numbersOf({ shape: [], data: limit.gradient })],
  }),
);

/** Options under which a loss computes in another way; every loss is also tried without any. */
const forms: { readonly [name in keyof typeof outputLosses]?: readonly object[] } = {
  binaryCrossentropy: [{ fromLogits: true }, { fromLogits: true, posWeight: 2 }],
  categoricalCrossentropy: [{ fromLogits: true }, { fromLogits: true, labelSmoothing: 0.1 }, { classWeight: [1, 2, 0.5] }],
  sparseCategoricalCrossentropy: [{ fromLogits: true }, { ignoreClass: 1 }, { fromLogits: true, classWeight: [1, 2, 0.5] }],
  binaryFocalCrossentropy: [{ fromLogits: true }, { gamma: 0.5 }],
  categoricalFocalCrossentropy: [{ fromLogits: true }],
  poissonNll: [{ logInput: false, full: true }],
  nll: [{ classWeight: [1, 2, 0.5] }],
  polyLoss: [{ fromLogits: true }],
  categoricalGeneralizedCrossEntropy: [{ fromLogits: true }, { ignoreClass: 1 }],
  multiMargin: [{ p: 2, classWeight: [1, 2, 0.5] }],
  multiLabelSoftMargin: [{ classWeight: [1, 2, 0.5] }],
  dice: [{ axis: [1] }, { generalized: true }],
};

/** Columns of targets and predictions of losses that do not take any number. */
export const columnsOf: { readonly [name in keyof typeof outputLosses]?: readonly [targets: number, predictions: number] } = {
  gaussianNll: [3, 6],
  giou: [4, 4],
  ciou: [4, 4],
};

/** Losses of rows. The tests of the others are in lossCtc.test.ts and linearCrossEntropy.test.ts. */
export const rowLosses = (Object.keys(outputLosses) as (keyof typeof outputLosses)[]).filter(
  (name) => name !== 'ctc' && name !== 'linearCrossEntropy',
);

/** Losses whose targets are one class or label for each sample. */
export const hasLabels = (name: keyof typeof outputLosses): boolean =>
  name === 'circle' || outputLosses[name]().targetKind === 'classIndex';

const spoilt = [NaN, Infinity, -Infinity];

/** Two samples that count and one of weight 0 with numbers that are none: the value and the gradients are those of the two. */
function unweighted(name: keyof typeof outputLosses, options: object, bad: number): LossCase {
  const loss = make(name, { ...options, reduction: 'sum' });
  const isClass = hasLabels(name);
  const [wanted, columns] = columnsOf[name] ?? [3, 3];
  const cycle = (values: readonly number[], size: number): number[] => Array.from({ length: size }, (_, i) => values[i % values.length]);
  const good = {
    targets: isClass ? [0, 2] : cycle([1, 0, 0, 0, 0, 1], 2 * wanted),
    predictions: cycle([0.5, 0.25, 0.25, 0.125, 0.5, 0.375], 2 * columns),
  };
  const tensorOf = (values: readonly number[], n: number): Tensor =>
    isClass && values.length === n
      ? hostTensor({ shape: [n], dtype: 'i32' }, Int32Array.from(values))
      : alias(hostTensor({ shape: [n, values.length / n], dtype: 'f32' }, Float32Array.from(values)));
  const compute = (n: number, targets: readonly number[], predictions: readonly number[], weight: readonly number[]): Tensor[] => {
    const p = tensorOf(predictions, n);
    const value = loss(tensorOf(targets, n), p, hostTensor({ shape: [n], dtype: 'f32' }, Float32Array.from(weight)));
    return [value, ...gradients(value, [p])];
  };
  const text = Object.keys(options).length > 0 ? ` ${JSON.stringify(options)}` : '';
  return {
    name: `${name}${text}: ${String(bad)} at weight 0`,
    loss: name,
    build: () => [
      ...compute(
        3,
        [...good.targets, ...(isClass ? [1] : new Array<number>(wanted).fill(bad))],
        [...good.predictions, ...new Array<number>(columns).fill(bad)],
        [2, 1, 0],
      ),
      ...compute(2, good.targets, good.predictions, [2, 1]),
    ],
    expected: [],
  };
}

export const weightCases: readonly LossCase[] = rowLosses.flatMap((name) =>
  [{}, ...(forms[name] ?? [])].flatMap((options) => spoilt.map((bad) => unweighted(name, options, bad))),
);

const tolerance = 1e-5;

/** Describes an error in results of build(). Cases without expected numbers have two halves that must be equal, up to zeros at the end. */
export function complaintsAboutLoss({ expected }: LossCase, results: readonly ArrayLike<number>[]): string[] {
  const half = results.length / 2;
  const wanted = expected.length > 0 ? expected : results.slice(half).map((data) => Array.from(data));
  return wanted.flatMap((want, k) =>
    Array.from(results[k]).flatMap((got, i) => {
      const x = i < want.length ? want[i] : 0;
      const same = Number.isNaN(x)
        ? Number.isNaN(got) && expected.length > 0
        : got === x || Math.abs(got - x) <= tolerance * (1 + Math.abs(x));
      return same ? [] : [`${k === 0 ? 'value' : 'gradient'} ${i}: ${got} instead of ${x}`];
    }),
  );
}
