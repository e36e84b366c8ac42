// What a loss is: a function of targets and predictions whose terms are weighted and reduced as in Keras. Losses are graph functions;
// they know ops, not the compiler and not the devices.
import { ArgumentError, ShapeError, checkOptions } from '../core/errors.ts';
import { formatShape, normalizeAxis, reducedShape, sizeOf } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { checkTensor } from '../ops/arguments.ts';
import { broadcastTo, cast, div, maximum, mean, mul, reshape, sum } from '../ops/index.ts';

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
   * Number of samples that count (i32 scalar), for losses that leave some out: 'mean' divides by it. An epoch's mean weighs each batch by
   * it. Absent where every sample counts.
   */
  readonly countSamples?: (targets: Tensor, predictions: Tensor) => Tensor;
}

/** What a loss works out, before weights and reduction. */
export interface LossTerms {
  readonly terms: Tensor;
  /** The terms of one sample lie along `axis` and are averaged or added; without `inner` each term is a sample of its own. */
  readonly inner?: 'mean' | 'sum';
  /** -1 unless said otherwise. */
  readonly axis?: number;
}

export interface LossDefinition {
  readonly name: string;
  readonly targetKind: TargetKind;
  readonly ignoreClass?: number;
  terms(targets: Tensor, predictions: Tensor): LossTerms;
  /** Marks the samples that count (bool, the samples' shape). The mean is then taken over them alone. */
  valid?(targets: Tensor, predictions: Tensor): Tensor;
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
  const { name, targetKind, ignoreClass } = definition;
  const loss = (targets: Tensor, predictions: Tensor, sampleWeight?: Tensor): Tensor => {
    checkTensor(name, 'targets', targets);
    checkTensor(name, 'predictions', predictions);
    if (sampleWeight !== undefined) checkTensor(name, 'sampleWeight', sampleWeight);
    return withScope(name, () =>
      reduceTerms(name, definition.terms(targets, predictions), reduction, sampleWeight, definition.valid?.(targets, predictions)),
    );
  };
  const countSamples = (targets: Tensor, predictions: Tensor): Tensor =>
    withScope(name, () => countValid(definition.valid!(targets, predictions)));
  // A function's own name is not writable, but it is configurable.
  Object.defineProperty(loss, 'name', { value: name });
  return Object.assign(loss, {
    reduction,
    targetKind,
    ...(ignoreClass !== undefined && { ignoreClass }),
    ...(definition.valid && { countSamples }),
  });
}

const countValid = (valid: Tensor): Tensor => sum(cast(valid, 'i32'));

/** sum / count. max(count, 1): a batch in which nothing counts has loss 0, not NaN. */
export const meanOfCounted = (total: Tensor, count: Tensor): Tensor => div(total, maximum(cast(count, 'f32'), 1));

/**
 * Each sample's terms are added up first: the compiler then does it in the kernel that makes them and their gradient.
 * With weights w and samples s: 'mean' is sum(w s) / number of samples. With `valid` only the samples that it marks are added and counted.
 */
export function reduceTerms(
  name: string,
  { terms, inner, axis = -1 }: LossTerms,
  reduction: Reduction,
  sampleWeight?: Tensor,
  valid?: Tensor,
): Tensor {
  const along = inner ? normalizeAxis(name, axis, terms.rank) : -1;
  const samples = inner ? reducedShape(terms.shape, [along], false) : terms.shape;
  let weight = sampleWeight && fitWeight(name, sampleWeight, samples);
  if (valid) weight = weight ? mul(weight, cast(valid, 'f32')) : cast(valid, 'f32');
  if (reduction === 'none') {
    const values = inner === 'mean' ? mean(terms, { axis: along }) : inner === 'sum' ? sum(terms, { axis: along }) : terms;
    return weight ? mul(values, weight) : values;
  }
  const perSample = inner ? sum(terms, { axis: along }) : terms;
  const weighted = weight ? mul(perSample, weight) : perSample;
  const innerSize = inner === 'mean' ? terms.shape[along] : 1;
  if (reduction === 'sum') return innerSize === 1 ? sum(weighted) : div(sum(weighted), innerSize);
  if (valid) return meanOfCounted(innerSize === 1 ? sum(weighted) : div(sum(weighted), innerSize), countValid(valid));
  return div(sum(weighted), sizeOf(samples) * innerSize);
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
