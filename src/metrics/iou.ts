// Intersection over union of classes, mostly for segmentation: each pixel is a sample.
import type { Configured } from '../core/config.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { type Kind, boolean, integer, listOf, number } from '../core/optionKinds.ts';
import {
  type Declaration,
  type OptionTable,
  type OptionsOf,
  type SettingsOf,
  declareOptions,
  optional,
  required,
} from '../core/options.ts';
import { formatShape, normalizeAxis, sizeOf } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignEqual, fitWeight } from '../losses/index.ts';
import { add, argMax, cast, diagonal, gather, greater, greaterEqual, notEqual, reshape, sub, sum, tensor, where } from '../ops/index.ts';
import { countValue, noCount, ratio } from './accumulate.ts';
import { type MatrixState, classNumber, countLabels } from './confusionMatrix.ts';
import { type Metric, makeMetric, metricOptions } from './metric.ts';

const ids: Kind<readonly number[]> = /* @__PURE__ */ listOf(integer('at least 0'), 'class numbers', 1);

const classesTable = {
  /** Number of classes. */
  numClasses: /* @__PURE__ */ required(classNumber, 3),
};

const targetIds = {
  /** Classes whose values are averaged. */
  targetClassIds: /* @__PURE__ */ required(ids, [0, 1]),
};

const ignoreTable = {
  /** Class number of targets that do not count. */
  ignoreClass: /* @__PURE__ */ optional(integer()),
};

const sparseTable = {
  /** True if targets are class numbers, false if they are one-hot. @default true */
  sparseYTrue: /* @__PURE__ */ optional(boolean, true),
  /** True if predictions are class numbers, false if they are scores of all classes. @default true */
  sparseYPred: /* @__PURE__ */ optional(boolean, true),
};

const scoresTable = {
  /** True if predictions are class numbers, false if they are scores of all classes. @default false */
  sparseYPred: /* @__PURE__ */ optional(boolean, false),
};

const axisTable = {
  /** Axis of the classes in one-hot targets and scores. @default -1 */
  axis: /* @__PURE__ */ optional(integer(), -1),
  ...metricOptions,
};

interface Labelling {
  readonly numClasses: number;
  readonly ignoreClass?: number | undefined;
  readonly sparseYTrue: boolean;
  readonly sparseYPred: boolean;
  readonly axis: number;
}

/** Class numbers of targets or predictions. */
function classNumbers(
  name: string,
  what: 'targets' | 'predictions',
  x: Tensor,
  isSparse: boolean,
  { axis, numClasses }: Labelling,
): Tensor {
  if (isSparse) return cast(x, 'i32');
  const at = x.rank === 0 ? -1 : normalizeAxis(name, axis, x.rank);
  if (x.shape[at] === numClasses) return argMax(x, { axis: at });
  throw new ShapeError(
    `${name}: ${what} are ${formatShape(x.shape)}; axis ${axis} must have ${numClasses} classes, the value of numClasses`,
  );
}

/** Adds samples by their labels, which must be as many on both sides. */
function countPairs(
  name: string,
  state: MatrixState,
  targets: Tensor,
  predictions: Tensor,
  sampleWeight: Tensor | undefined,
  labelling: Labelling,
): MatrixState {
  const truth = classNumbers(name, 'targets', targets, labelling.sparseYTrue, labelling);
  const guess = classNumbers(name, 'predictions', predictions, labelling.sparseYPred, labelling);
  if (sizeOf(truth.shape) !== sizeOf(guess.shape)) {
    throw new ShapeError(
      `${name}: targets ${formatShape(targets.shape)} give ${sizeOf(truth.shape)} class numbers, and predictions ` +
        `${formatShape(predictions.shape)} give ${sizeOf(guess.shape)}; set sparseYTrue or sparseYPred to false for scores of all classes`,
    );
  }
  const samples = guess.rank === 0 ? [1] : guess.shape;
  const given = sampleWeight && fitWeight(name, sampleWeight, samples);
  const labels = { targets: reshape(truth, samples), predictions: reshape(guess, samples) };
  const { ignoreClass } = labelling;
  const counts = ignoreClass === undefined ? undefined : notEqual(labels.targets, ignoreClass);
  const weight = counts ? (given ? where(counts, given, 0) : cast(counts, 'f32')) : given;
  return countLabels(state, labels, labelling.numClasses, weight);
}

/** Mean of TP / (TP + FP + FN) over those classes that occur in targets or predictions. */
function meanOfClasses({ counts }: MatrixState, classes?: readonly number[]): Tensor {
  const matrix = countValue(counts);
  const both = diagonal(matrix);
  const either = sub(add(sum(matrix, { axis: 0 }), sum(matrix, { axis: 1 })), both);
  const pick = (x: Tensor): Tensor => (classes ? gather(x, tensor([...classes], [classes.length], 'i32')) : x);
  const occurring = cast(greater(either, 0), 'f32');
  return ratio(sum(pick(ratio(both, either))), sum(pick(occurring)));
}

function checkIds(
  { numClasses, targetClassIds }: { readonly numClasses: number; readonly targetClassIds: readonly number[] },
  where: string,
): void {
  const wrong = targetClassIds.find((id) => id >= numClasses);
  if (wrong === undefined) return;
  throw new ArgumentError(
    `${where}: targetClassIds has ${wrong}, but there are ${numClasses} classes; give numbers from 0 to ${numClasses - 1}`,
  );
}

type IouTable = OptionTable & typeof classesTable & typeof axisTable;

/** A metric over all classes or some. `fixed` are settings that the metric has no options for. */
function ofPairs<T extends IouTable>(
  declaration: Declaration<T>,
  options: OptionsOf<Declaration<T>>,
  fixed: Partial<Labelling>,
  classesOf: (settings: SettingsOf<Declaration<T>>) => readonly number[] | undefined = () => undefined,
): Configured<Metric<MatrixState>> {
  return makeMetric<Metric<MatrixState>, T>(declaration, options, (name, settings) => {
    const labelling = { ...settings, ...fixed } as unknown as Labelling;
    const { numClasses } = labelling;
    return {
      direction: 'max',
      init: () => ({ counts: noCount([numClasses, numClasses]) }),
      update: (state, targets, predictions, sampleWeight) =>
        withScope(name, () => countPairs(name, state, targets, predictions, sampleWeight, labelling)),
      result: (state) => meanOfClasses(state, classesOf(settings)),
    };
  });
}

export const iouOptions = declareOptions(
  'metrics.iou',
  { ...classesTable, ...targetIds, ...ignoreTable, ...sparseTable, ...axisTable },
  checkIds,
);
export type IouOptions = OptionsOf<typeof iouOptions>;

/**
 * Intersection over union, TP / (TP + FP + FN), as the mean over the classes `targetClassIds` that occur. Targets and predictions are class
 * numbers of one shape, or one-hot and scores with the classes along `axis`. (Keras's IoU.)
 *
 *     metrics.iou({ numClasses: 21, targetClassIds: [15], sparseYPred: false })
 */
export const iou = (options: IouOptions): Configured<Metric<MatrixState>> =>
  ofPairs(iouOptions, options, {}, ({ targetClassIds }) => targetClassIds);

export const meanIoUOptions = declareOptions('metrics.meanIoU', { ...classesTable, ...ignoreTable, ...sparseTable, ...axisTable });
export type MeanIoUOptions = OptionsOf<typeof meanIoUOptions>;

/** Intersection over union as the mean over all classes that occur. Shapes as iou. (Keras's MeanIoU.) */
export const meanIoU = (options: MeanIoUOptions): Configured<Metric<MatrixState>> => ofPairs(meanIoUOptions, options, {});

export const oneHotIoUOptions = declareOptions(
  'metrics.oneHotIoU',
  { ...classesTable, ...targetIds, ...ignoreTable, ...scoresTable, ...axisTable },
  checkIds,
);
export type OneHotIoUOptions = OptionsOf<typeof oneHotIoUOptions>;

/** iou for one-hot targets, and scores of all classes as predictions. (Keras's OneHotIoU.) */
export const oneHotIoU = (options: OneHotIoUOptions): Configured<Metric<MatrixState>> =>
  ofPairs(oneHotIoUOptions, options, { sparseYTrue: false }, ({ targetClassIds }) => targetClassIds);

export const oneHotMeanIoUOptions = declareOptions('metrics.oneHotMeanIoU', {
  ...classesTable,
  ...ignoreTable,
  ...scoresTable,
  ...axisTable,
});
export type OneHotMeanIoUOptions = OptionsOf<typeof oneHotMeanIoUOptions>;

/** meanIoU for one-hot targets, and scores of all classes as predictions. (Keras's OneHotMeanIoU.) */
export const oneHotMeanIoU = (options: OneHotMeanIoUOptions): Configured<Metric<MatrixState>> =>
  ofPairs(oneHotMeanIoUOptions, options, { sparseYTrue: false });

export const binaryIoUOptions = declareOptions(
  'metrics.binaryIoU',
  {
    /** Classes whose values are averaged: 0, 1 or both. @default [0,1] */
    targetClassIds: optional(ids, [0, 1]),
    /** Predictions of at least this value are class 1. Use 0 for logits. @default 0.5 */
    threshold: optional(number(), 0.5),
    ...metricOptions,
  },
  ({ targetClassIds }, where) => checkIds({ numClasses: 2, targetClassIds }, where),
);
export type BinaryIoUOptions = OptionsOf<typeof binaryIoUOptions>;

/**
 * Intersection over union of two classes: targets 0 or 1 of the predictions' shape, predictions in 0..1. (Keras's BinaryIoU.)
 *
 *     model.compile({ loss: 'binaryCrossentropy', metrics: [metrics.binaryIoU({ targetClassIds: [1] })] })
 */
export const binaryIoU = (options: BinaryIoUOptions = {}): Configured<Metric<MatrixState>> =>
  makeMetric<Metric<MatrixState>, (typeof binaryIoUOptions)['options']>(
    binaryIoUOptions,
    options,
    (name, { targetClassIds, threshold }) => ({
      direction: 'max',
      init: () => ({ counts: noCount([2, 2]) }),
      update: (state, targets, predictions, sampleWeight) =>
        withScope(name, () => {
          const pair = alignEqual(name, targets, predictions);
          const labels = { targets: cast(pair.targets, 'i32'), predictions: cast(greaterEqual(pair.predictions, threshold), 'i32') };
          return countLabels(state, labels, 2, sampleWeight && fitWeight(name, sampleWeight, pair.predictions.shape));
        }),
      result: (state) => meanOfClasses(state, targetClassIds),
    }),
  );
