// Losses whose epoch value is known for every batch size, custom losses, and losses that are not finite.
import { type LossName, losses } from '../../src/losses/index.ts';
import { layers } from '../../src/nn/index.ts';
import { abs, gather, logSoftmax, mean, oneHot, square, sub, tensor } from '../../src/ops/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type CompileOptions, type Logs, type LossFunction, type Model, sequential } from '../../src/train/index.ts';
import { type Metric, metrics } from '../../src/metrics/index.ts';
import '../../src/train/names.ts';
import { quiet } from './models.ts';

type Loss = LossFunction | LossName;
type Nested = number | readonly Nested[];

/** A model whose outputs are its inputs. */
export const identity = (inputShape: number[], loss: Loss, own: Partial<CompileOptions> = {}): Model => {
  const model = sequential([layers.activation({ activation: 'linear', inputShape })]);
  model.compile({ optimizer: 'sgd', loss, ...own });
  return model;
};

function sampleShape(x: readonly Nested[]): number[] {
  const shape: number[] = [];
  for (let level: Nested = x[0]; typeof level === 'object'; level = level[0]) shape.push(level.length);
  return shape;
}

export interface EpochRow {
  readonly name: string;
  readonly loss: Loss;
  readonly x: readonly Nested[];
  readonly y: readonly Nested[];
  readonly sampleWeight?: number[];
  readonly want: number;
}

const { sparseCategoricalCrossentropy, meanSquaredError, meanAbsoluteError } = losses;
/** -log softmax([a, b])[0]. */
const entropy = (a: number, b: number): number => Math.log1p(Math.exp(b - a));
const logits = [[1, 0], [3, 0], [0, 0], [0, 2], [5, 5]]; // prettier-ignore
const labels = [0, 0, -1, 0, -1];
const counted = (entropy(1, 0) + entropy(3, 0) + entropy(0, 2)) / 3;
/** Steps of sequences. Of 3 steps each, 2, 0, 1 and 3 count. */
const steps = [[[1, 0], [2, 0], [9, 9]], [[0, 0], [1, 1], [2, 2]], [[0, 1], [4, 0], [4, 0]], [[1, 0], [0, 1], [0, 3]]]; // prettier-ignore
const stepLabels = [[0, 0, 7], [7, 7, 7], [0, 7, 7], [0, 0, 0]]; // prettier-ignore
const stepMean = (entropy(1, 0) + entropy(2, 0) + 2 * entropy(0, 1) + entropy(1, 0) + entropy(0, 3)) / 6;
const numbers = [[1], [2], [3], [4], [5]];
const wanted = [0, 0, 1, 1, 1];
const weights = [1, 2, 0, 0.5, 4];
const errors = numbers.map(([v], i) => v - wanted[i]);
const average = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0) / of.length;

/** Each row is evaluated at each batch size, trained on with learning rate 0, and used for validation. */
export const epochRows: EpochRow[] = [
  { name: 'ignoreClass', loss: sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: -1 }), x: logits, y: labels, want: counted },
  { name: 'ignoreClass, reduction none', loss: sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: -1, reduction: 'none' }), x: logits, y: labels, want: counted }, // prettier-ignore
  { name: 'ignoreClass of sequences', loss: sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: 7 }), x: steps, y: stepLabels, want: stepMean }, // prettier-ignore
  { name: 'ignoreClass and weights', loss: sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: -1 }), x: logits, y: labels, sampleWeight: [2, 1, 5, 0.5, 3], want: (2 * entropy(1, 0) + entropy(3, 0) + 0.5 * entropy(0, 2)) / 3 }, // prettier-ignore
  { name: 'every sample ignored', loss: sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: 1 }), x: logits, y: [1, 1, 1, 1, 1], want: 0 }, // prettier-ignore
  { name: 'a plain loss', loss: meanSquaredError(), x: numbers, y: wanted, want: average(errors.map((e) => e * e)) },
  { name: 'weights divide by the number of samples', loss: meanAbsoluteError(), x: numbers, y: wanted, sampleWeight: weights, want: average(errors.map((e, i) => weights[i] * Math.abs(e))) }, // prettier-ignore
  { name: 'weights that are all 0', loss: meanAbsoluteError(), x: numbers, y: wanted, sampleWeight: [0, 0, 0, 0, 0], want: 0 },
  { name: 'reduction none', loss: meanSquaredError({ reduction: 'none' }), x: numbers, y: wanted, want: average(errors.map((e) => e * e)) },
  { name: 'custom, one value per sample', loss: (t, p) => abs(sub(p, t)), x: numbers, y: wanted, want: average(errors.map(Math.abs)) },
  { name: 'custom, a scalar, by batch size', loss: (t, p) => mean(square(sub(p, t))), x: numbers, y: wanted, want: average(errors.map((e) => e * e)) }, // prettier-ignore
  { name: 'custom, weighted by the caller', loss: (t, p) => abs(sub(p, t)), x: numbers, y: wanted, sampleWeight: weights, want: average(errors.map((e, i) => weights[i] * Math.abs(e))) }, // prettier-ignore
  { name: 'custom, weighted by itself', loss: (t, p, w) => (w ? abs(sub(p, t)).mul(w.reshape([-1, 1])) : abs(sub(p, t))), x: numbers, y: wanted, sampleWeight: weights, want: average(errors.map((e, i) => weights[i] * Math.abs(e))) }, // prettier-ignore
];

/** The losses of a row by batch size: from evaluate, fit, and fit's validation. */
export async function epochLosses({ loss, x, y, sampleWeight }: EpochRow, batchSize: number): Promise<number[]> {
  const data = [x as number[][], y as number[]] as const;
  const model = identity(sampleShape(x), loss);
  const evaluated = await model.evaluate(...data, { batchSize, sampleWeight });
  const validationData = sampleWeight ? ([...data, sampleWeight] as const) : data;
  const { history } = await model.fit(...data, { batchSize, sampleWeight, validationData, ...quiet });
  return [evaluated.loss, history.loss[0], history.val_loss[0]];
}

export interface OwnRow {
  readonly name: string;
  readonly loss: Loss;
  readonly x: readonly Nested[];
  readonly y: readonly Nested[] | { data: Float64Array; shape: number[] };
  readonly want: number;
}

const squares = (t: Parameters<typeof sub>[0], p: Parameters<typeof sub>[0]): ReturnType<typeof mean> => mean(square(sub(p, t)));
const column = (values: readonly number[]): number[][] => values.map((v) => [v]);
const picked = (entropy(1, 0) + entropy(0, 3)) / 2;

/** Arguments of a custom loss or metric. Targets get the shape and dtype of the predictions; class indices are unchanged. */
export const ownRows: OwnRow[] = [
  { name: '[n] against [n,1]', loss: squares, x: numbers, y: [3, 5, 7, 9, 11], want: 18 },
  { name: '[n,1] against [n,1]', loss: squares, x: numbers, y: column([3, 5, 7, 9, 11]), want: 18 },
  { name: '[n] in f64', loss: squares, x: numbers, y: { data: Float64Array.of(3, 5, 7, 9, 11), shape: [5] }, want: 18 },
  { name: '[n,t] against [n,t,1]', loss: squares, x: [[[1], [2]], [[3], [4]]], y: [[1, 2], [3, 6]], want: 1 }, // prettier-ignore
  { name: 'whole targets are floats: their squares do not wrap', loss: (t, p) => mean(sub(square(t), p)), x: [[0], [0]], y: [100000, 100000], want: 1e10 }, // prettier-ignore
  { name: 'a quotient of whole targets', loss: (t, p) => mean(sub(t.div(2), p)), x: [[0], [0]], y: [1, 3], want: 1 },
  { name: 'class indices [n] index', loss: (t, p) => logSoftmax(p).mul(oneHot(t, 2)).sum({ axis: -1 }).neg(), x: [[1, 0], [3, 0]], y: [0, 1], want: (entropy(1, 0) + entropy(0, 3)) / 2 }, // prettier-ignore
  { name: 'class indices [n] gather', loss: (t, p) => square(sub(gather(tensor([1, 10]), t), mean(p, { axis: -1 }))), x: [[1, 1], [3, 3]], y: [0, 1], want: 24.5 }, // prettier-ignore
  { name: 'class indices [n,1]', loss: (t, p) => logSoftmax(p).mul(oneHot(t.reshape([-1]), 2)).sum({ axis: -1 }).neg(), x: [[1, 0], [3, 0]], y: [[0], [1]], want: picked }, // prettier-ignore
];

/** A custom metric: the mean of a function over the batch. */
const ownMetric = (loss: Exclude<Loss, string>): Metric => {
  const inner = metrics.mean();
  return {
    name: 'own',
    init: () => inner.init(),
    update: (state, targets, predictions) => inner.update(state as ReturnType<typeof inner.init>, mean(loss(targets, predictions))),
    result: (state) => inner.result(state as ReturnType<typeof inner.init>),
  };
};

/** The values of a custom loss, and of the same function as a metric. */
export async function ownValues({ loss, x, y }: OwnRow): Promise<number[]> {
  const model = identity(sampleShape(x), loss, { metrics: [ownMetric(loss as Exclude<Loss, string>)] });
  const logs = await model.evaluate(x, y);
  return [logs.loss, logs.own];
}

/** Squares of errors of these sizes are infinite in f32, or undefined. */
const huge = 1e30;

export const nonFiniteRows: { name: string; x: number[]; loss: Loss; want: number }[] = [
  { name: 'an infinite loss', x: [huge, 1], loss: 'meanSquaredError', want: Infinity },
  { name: 'infinite, then finite', x: [huge, 1, 1, 1], loss: 'meanSquaredError', want: Infinity },
  { name: 'finite, then infinite', x: [1, 1, 1, huge], loss: 'meanSquaredError', want: Infinity },
  { name: 'twice infinite', x: [huge, 1, huge, 1], loss: 'meanSquaredError', want: Infinity },
  { name: '-Infinity', x: [1, huge, 1, 1], loss: (_, p) => square(p).neg(), want: -Infinity },
  { name: 'Infinity and -Infinity', x: [huge, 1, -huge, 1], loss: (_, p) => square(p).mul(p.sign()), want: NaN },
  // Infinity times 0 is NaN. A difference of two squares is not certain to be: a driver may fuse it and find -Infinity.
  { name: 'NaN', x: [1, huge, 1, 1], loss: (_, p) => square(p).mul(p.minimum(0)), want: NaN },
];

/** A non-finite loss and its metrics in every kind of log, with batches of one sample. */
export async function nonFiniteLogs(row: (typeof nonFiniteRows)[number]): Promise<Logs[]> {
  const model = sequential([layers.dense({ units: 1, useBias: false, kernelInitializer: 'ones', inputShape: [1] })]);
  const own = typeof row.loss === 'string' ? metrics[row.loss as 'meanSquaredError']({ name: 'own' }) : ownMetric(row.loss);
  model.compile({ optimizer: optimizers.sgd({ learningRate: 1e-45 }), loss: row.loss, metrics: [own] });
  const data = [column(row.x), row.x.map(() => 0)] as const;
  const evaluated = await model.evaluate(...data, { batchSize: 1 });
  const frozen = identity([1], row.loss, { metrics: [own] });
  const { history } = await frozen.fit(...data, { batchSize: 1, shuffle: false, validationData: data, ...quiet });
  return [evaluated, { loss: history.loss[0], own: history.own[0] }, { loss: history.val_loss[0], own: history.val_own[0] }];
}

/** Sums of these numbers in order, in the accumulators of the epoch. */
export const accumulatorRows: [name: string, summands: number[], want: number][] = [
  ['Infinity first', [Infinity, 1, 2], Infinity],
  ['Infinity last', [1, 2, Infinity], Infinity],
  ['Infinity after 0', [0, 0, Infinity, 0], Infinity],
  ['-Infinity', [1, -Infinity, 1e30], -Infinity],
  ['both', [Infinity, -Infinity], NaN],
  ['NaN', [1, NaN, 1], NaN],
  ['NaN after Infinity', [Infinity, NaN], NaN],
  ['beyond the largest f32', [3e38, 3e38], Infinity],
  ['finite', [1, 2, 3.5], 6.5],
];
