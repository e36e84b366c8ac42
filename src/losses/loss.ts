// What a loss is: a function of targets and predictions whose terms are weighted and reduced as in Keras. Losses are graph functions;
// they know ops, not the compiler and not the devices.
import { ArgumentError, ShapeError, checkOptions } from '../core/errors.ts';
import { type Shape, formatShape, normalizeAxis, reducedShape } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { checkTensor } from '../ops/arguments.ts';
import { broadcastTo, cast, div, equal, expandDims, mean, notEqual, reshape, sum, where } from '../ops/index.ts';
import { productOrZero } from '../ops/zeroFlow.ts';
import type { Pair } from './align.ts';

/** How a loss's terms become its result: their mean over the batch, their sum, or one value per sample. */
export type Reduction = 'mean' | 'sum' | 'none';

export interface LossOptions {
  /** 'mean' divides by the number of samples whatever their weights (Keras's sum_over_batch_size). */
  reduction?: Reduction;
}

/**
 * What the targets hold, for those who check data before training: numbers, numbers in 0..1, one row of probabilities a sample, or the
 * index of a class.
 */
export type TargetKind = 'numbers' | 'probabilities' | 'oneHot' | 'classIndex';

/** A loss: (targets, predictions, sampleWeight?) => a scalar, or one value per sample with reduction 'none'. */
export interface Loss {
  (targets: Tensor, predictions: Tensor, sampleWeight?: Tensor): Tensor;
  readonly name: string;
  readonly reduction: Reduction;
  readonly targetKind: TargetKind;
  /** The class that counts for nothing, where there is one. */
  readonly ignoreClass?: number;
  /**
   * Number of samples that count (i32 scalar), or the sum of their class weights (f32 scalar): 'mean' divides by it. An epoch's mean weighs each
   * batch by it. Absent where every sample counts once.
   */
  readonly countSamples?: (targets: Tensor, predictions: Tensor) => Tensor;
}

/** What a loss works out, before weights and reduction. */
export interface LossTerms {
  readonly terms: Tensor;
  /** The terms of one sample lie along `axis` and are averaged or added; without `inner` each term is a sample of its own. */
  readonly inner?: 'mean' | 'sum';
}

export interface LossDefinition {
  readonly name: string;
  readonly targetKind: TargetKind;
  readonly ignoreClass?: number;
  /** The axis of the terms of one sample. @default -1 */
  readonly axis?: number;
  /** The targets of all samples decide together what they mean. */
  readonly judgesTargets?: boolean;
  terms(targets: Tensor, predictions: Tensor): LossTerms;
  /** Marks the samples that count (bool, the samples' shape). The mean is then taken over them alone. */
  valid?(targets: Tensor, predictions: Tensor): Tensor;
  /** What each sample adds to the divisor of the mean (f32, the samples' shape), instead of 1. */
  shares?(targets: Tensor, predictions: Tensor): Tensor;
}

export const lossOptions = ['reduction'] as const;

/** Checks the options every loss takes, and that no unknown one came. */
export function checkLossOptions(name: string, options: LossOptions, own: readonly string[] = []): void {
  checkOptions(`losses.${name}`, options, [...own, ...lossOptions]);
  const { reduction = 'mean' } = options;
  if (!['mean', 'sum', 'none'].includes(reduction)) {
    throw new ArgumentError(`losses.${name}: reduction is '${String(reduction)}'; use 'mean', 'sum' or 'none'`);
  }
}

/** Makes a loss of its terms. */
export function makeLoss(definition: LossDefinition, { reduction = 'mean' }: LossOptions): Loss {
  const { name, targetKind, ignoreClass, axis = -1 } = definition;
  const loss = (targets: Tensor, predictions: Tensor, sampleWeight?: Tensor): Tensor => {
    checkTensor(name, 'targets', targets);
    checkTensor(name, 'predictions', predictions);
    if (sampleWeight !== undefined) checkTensor(name, 'sampleWeight', sampleWeight);
    return withScope(name, () => {
      const valid = definition.valid?.(targets, predictions);
      const shape = targetKind === 'classIndex' ? predictions.shape : withTerms(predictions.shape);
      const along = shape.length === 0 ? 0 : normalizeAxis(name, axis, shape.length);
      const weight = weightOf(name, reducedShape(shape, [along], false), sampleWeight, valid);
      const masked = weight ? maskSamples(definition, targets, predictions, weight, along) : { targets, predictions };
      const terms = definition.terms(masked.targets, masked.predictions);
      const count = definition.shares || valid ? countOf(definition.shares?.(targets, predictions), valid) : undefined;
      return reduceTerms(terms, along, reduction, weight, count);
    });
  };
  const countSamples = (targets: Tensor, predictions: Tensor): Tensor =>
    withScope(name, () => countOf(definition.shares?.(targets, predictions), definition.valid?.(targets, predictions)));
  // A function's own name is not writable, but it is configurable.
  Object.defineProperty(loss, 'name', { value: name });
  return Object.assign(loss, {
    reduction,
    targetKind,
    ...(ignoreClass !== undefined && { ignoreClass }),
    ...((definition.valid ?? definition.shares) && { countSamples }),
  });
}

/** Shapes below rank 2 get axes of 1, as alignEqual does it: one for the samples, one for the terms of a sample. */
const withTerms = (shape: Shape): Shape => (shape.length < 2 ? [...shape, ...new Array<number>(2 - shape.length).fill(1)] : shape);

/** The weight of each sample, 0 where it does not count; undefined where all count once. */
function weightOf(name: string, samples: Shape, sampleWeight: Tensor | undefined, valid: Tensor | undefined): Tensor | undefined {
  const weight = sampleWeight && fitWeight(name, sampleWeight, samples);
  if (!valid) return weight;
  return weight ? where(valid, weight, 0) : cast(valid, 'f32');
}

/**
 * Predictions with 0 in the samples of weight 0: what is NaN or infinite there does not reach the gradient. Targets only where one sample's decide about
 * the others: one more masked input would cost weighted losses a kernel. Shapes that do not fit are left for the loss to refuse.
 */
function maskSamples(
  { targetKind, judgesTargets }: LossDefinition,
  targets: Tensor,
  predictions: Tensor,
  weight: Tensor,
  along: number,
): Pair {
  const aligned = targetKind === 'classIndex' ? predictions.shape : withTerms(predictions.shape);
  // Spread first: the comparison is then part of the kernel that reads predictions.
  const counts = notEqual(broadcastTo(expandDims(weight, along), aligned), 0);
  const masked = (x: Tensor): Tensor => (x.size === counts.size ? where(reshape(counts, x.shape), x, 0) : x);
  return { targets: judgesTargets ? masked(targets) : targets, predictions: masked(predictions) };
}

const countOf = (shares: Tensor | undefined, valid: Tensor | undefined): Tensor =>
  shares ? sum(valid ? where(valid, shares, 0) : shares) : sum(cast(valid!, 'i32'));

/** sum / count, and 0 where nothing counts. */
export function meanOfCounted(total: Tensor, count: Tensor): Tensor {
  const divisor = cast(count, 'f32');
  return div(total, where(equal(divisor, 0), 1, divisor));
}

/**
 * Each sample's terms are added up first: the compiler then does it in the kernel that makes them and their gradient.
 * With weights w and samples s: 'mean' is sum(w s) / number of samples, or sum(w s) / count. A weight of 0 gives 0 whatever the sample's value is.
 */
function reduceTerms({ terms, inner }: LossTerms, along: number, reduction: Reduction, weight?: Tensor, count?: Tensor): Tensor {
  if (reduction === 'none') {
    const values = inner === 'mean' ? mean(terms, { axis: along }) : inner === 'sum' ? sum(terms, { axis: along }) : terms;
    return weight ? productOrZero(weight, values) : values;
  }
  const perSample = inner ? sum(terms, { axis: along }) : terms;
  const weighted = weight ? productOrZero(weight, perSample) : perSample;
  const innerSize = inner === 'mean' ? terms.shape[along] : 1;
  if (reduction === 'sum') return innerSize === 1 ? sum(weighted) : div(sum(weighted), innerSize);
  if (count) return meanOfCounted(innerSize === 1 ? sum(weighted) : div(sum(weighted), innerSize), count);
  return div(sum(weighted), perSample.size * innerSize);
}

/**
 * Sample weights in the shape of the samples: [] and [n] spread over [n, t], [n, 1] fits [n].
 * @throws ShapeError where they do not fit.
 */
export function fitWeight(name: string, weight: Tensor, samples: readonly number[]): Tensor {
  const shape = [...weight.shape];
  while (shape.length > samples.length && shape[shape.length - 1] === 1) shape.pop();
  const fits = shape.length <= samples.length && shape.every((n, i) => n === samples[i] || n === 1);
  if (!fits) {
    throw new ShapeError(
      `${name}: sampleWeight ${formatShape(weight.shape)} does not fit losses of shape ${formatShape(samples)}; ` +
        `give one weight per sample${samples.length ? `, shape [${samples[0]}]` : ''}`,
    );
  }
  while (shape.length < samples.length) shape.push(1);
  return broadcastTo(reshape(cast(weight, 'f32'), shape), samples);
}
