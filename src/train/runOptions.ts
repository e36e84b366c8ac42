// Options of the methods of a model that run over data. Data themselves are checked when they are opened.
import { boolean, checkedLater, either, integer, listOf, number, objectWith, oneOf, positiveInteger, seed } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { ArgumentError } from '../core/errors.ts';
import type { Callback } from '../callbacks/index.ts';
import type { ArrayTree } from '../data/index.ts';
import type { AttackChoice } from './attacks.ts';
import type { ClassWeights } from './classWeights.ts';
import type { ValidationData } from './inputs.ts';

const weightOptions = {
  /** One weight per sample, for the loss and the weighted metrics. For several outputs also a list or record by output. */
  sampleWeight: /* @__PURE__ */ optional(checkedLater<ArrayTree>('an array, or a list or record of arrays')),
};

const classWeightOptions = {
  ...weightOptions,
  /**
   * Weight of each class in the loss: `{ 0: 1, 1: 5 }`, or 'balanced' in fit, which gives every class the same total weight. For several outputs by
   * name: `{ digit: { 0: 1, 1: 5 } }`.
   */
  classWeight: /* @__PURE__ */ optional(checkedLater<ClassWeights>("a record by class, or 'balanced'")),
};

const batchOptions = {
  /** Number of samples in a batch. The last batch holds the samples that are left. Datasets have their own. @default 32 */
  batchSize: /* @__PURE__ */ optional(positiveInteger),
};

const callbackList = /* @__PURE__ */ checkedLater<Callback | readonly Callback[]>('a callback or a list of callbacks');

export const fitOptions = declareOptions(
  'fit',
  {
    /** Number of passes over the data. @default 1 */
    epochs: optional(integer('at least 0'), 1),
    ...batchOptions,
    /** Data to validate with after each epoch: `[x, y]`, `[x, y, sampleWeight]`, `{ x, y }` or a dataset. */
    validationData: optional(checkedLater<ValidationData>('arrays or a dataset')),
    /** Fraction of the samples, the last ones before shuffling, that are validated with and not trained on. @default 0 */
    validationSplit: optional(number('0 to below 1'), 0),
    /** Batch size of validation. @default batchSize */
    validationBatchSize: optional(positiveInteger),
    /** Number of batches to validate with. All of them if absent. */
    validationSteps: optional(positiveInteger),
    /** Number of epochs from one validation to the next, or a list of the epochs to validate after, counted from 1. @default 1 */
    validationFreq: optional(either(positiveInteger, listOf(positiveInteger, 'epochs counted from 1')), 1),
    /**
     * Number of batches in an epoch. An epoch then continues in the data where the one before it stopped, and begins again at their end. An epoch
     * is one pass if it is absent. Datasets without end need it.
     */
    stepsPerEpoch: optional(positiveInteger),
    /** Another order of the samples for each pass. A dataset keeps its own order: use its shuffle(). @default true */
    shuffle: optional(boolean, true),
    /** Fixes the order of the samples and dropout. */
    seed: optional(seed),
    ...classWeightOptions,
    /** Trains on adversarial examples: an attack such as adversarial.fgsm({ epsilon: 0.1 }), or { method: 'fgsm', epsilon: 0.1 }. */
    adversarial: optional(checkedLater<AttackChoice>('an attack, or its name and options')),
    /** Called during the training, in order. */
    callbacks: optional(callbackList),
    /** 0 is silent, 1 shows a bar in a terminal and a line per epoch elsewhere, 2 a line per epoch. @default 1 */
    verbose: optional(oneOf(0, 1, 2), 1),
    /** Number of the first epoch: epochs before it count as done. @default 0 */
    initialEpoch: optional(integer('at least 0'), 0),
    /** Ends the training after the current batch. fit then resolves to the history so far. */
    signal: optional(objectWith<AbortSignal>('an AbortSignal', 'addEventListener')),
  },
  ({ validationData, validationSplit, ...rest }, where) => {
    if (validationData !== undefined && validationSplit) {
      throw new ArgumentError(`${where}: give validationData or validationSplit, not both`);
    }
    if (validationData !== undefined || validationSplit) return;
    const { validationBatchSize, validationSteps, validationFreq } = rest;
    const given = { validationBatchSize, validationSteps, validationFreq: validationFreq === 1 ? undefined : validationFreq };
    const unused = Object.entries(given).find(([, value]) => value !== undefined);
    if (unused) throw new ArgumentError(`${where}: ${unused[0]} without validation data; pass validationData or validationSplit`);
  },
);
export type FitOptions = OptionsOf<typeof fitOptions>;

export const evaluateOptions = declareOptions('evaluate', {
  ...batchOptions,
  ...weightOptions,
  /** Number of batches to evaluate. All of them if absent. */
  steps: optional(positiveInteger),
  /** 1 writes a line at the end. @default 0 */
  verbose: optional(oneOf(0, 1), 0),
});
export type EvaluateOptions = OptionsOf<typeof evaluateOptions>;

export const predictOptions = declareOptions('predict', {
  ...batchOptions,
  /** Number of batches to predict. All of them if absent. */
  steps: optional(positiveInteger),
});
export type PredictOptions = OptionsOf<typeof predictOptions>;

export const trainOnBatchOptions = declareOptions('trainOnBatch', classWeightOptions);
export type TrainOnBatchOptions = OptionsOf<typeof trainOnBatchOptions>;

export const testOnBatchOptions = declareOptions('testOnBatch', weightOptions);
export type TestOnBatchOptions = OptionsOf<typeof testOnBatchOptions>;

export const memoryPlanOptions = declareOptions('memoryPlan', { ...batchOptions, ...classWeightOptions });
export type MemoryPlanOptions = OptionsOf<typeof memoryPlanOptions>;
