// The contract of losses: functions of targets and predictions whose terms are weighted and reduced as in Keras. Losses are graph
// functions. They use ops, and neither the compiler nor the devices.
import type { Config, Configured } from '../core/config.ts';
import { ShapeError } from '../core/errors.ts';
import { oneOf } from '../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, nameOf, optional, withConfig } from '../core/options.ts';
import { type Shape, formatShape, normalizeAxis, reducedShape } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { checkTensor } from '../ops/operands/arguments.ts';
import { broadcastTo, cast, div, equal, logicalAnd, mean, notEqual, reshape, sum, where } from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { type Pair, alignEqual } from './align.ts';

/** Keras's fuzz factor: keeps divisions and logarithms of zero finite. */
export const epsilon = 1e-7;

/** The result that a loss makes of its terms: a mean over the batch, their sum, or one value per sample. */
export type Reduction = 'mean' | 'sum' | 'none' | 'meanWithSampleWeight';

/** The reductions by name. */
export const reductionKind = /* @__PURE__ */ oneOf('mean', 'sum', 'none', 'meanWithSampleWeight');

/** Fields of every loss's declaration. */
export const lossOptions = {
  /**
   * 'mean' divides by the number of samples, for any weights (Keras's sum_over_batch_size). 'meanWithSampleWeight' divides by the sum of the
   * weights. 'none' gives one value per sample. @default 'mean'
   */
  reduction: /* @__PURE__ */ optional(reductionKind, 'mean'),
};

/** Options that every loss takes. */
export type LossOptions = OptionsOf<Declaration<typeof lossOptions>>;

/**
 * Contents of the targets, for checks of data before training: numbers, numbers of at least 0, numbers in 0..1, probabilities of all classes, a class
 * index, or signs: -1 and 1, or 0 and 1.
 */
export type TargetKind = 'numbers' | 'counts' | 'probabilities' | 'oneHot' | 'classIndex' | 'signs';

/** A loss: (targets, predictions, sampleWeight?) => a scalar, or one value per sample with reduction 'none'. */
export interface Loss {
  (targets: Tensor, predictions: Tensor, sampleWeight?: Tensor): Tensor;
  readonly name: string;
  readonly config?: Config;
  readonly reduction: Reduction;
  readonly targetKind: TargetKind;
  /** The class whose samples are ignored, if there is one. */
  readonly ignoreClass?: number;
  /** The same for samples of which some do not count: their mask (bool) is false. The mean is taken over the others. */
  readonly masked: (mask: Tensor, targets: Tensor, predictions: Tensor, sampleWeight?: Tensor) => Tensor;
  /**
   * Number of samples that count (i32 scalar), or the sum of their class weights (f32 scalar): 'mean' divides by it. For 'meanWithSampleWeight' it is
   * the sum of the sample weights. An epoch's mean weighs each batch by it. Undefined if every sample counts once.
   */
  readonly countSamples: (targets: Tensor, predictions: Tensor, mask?: Tensor, sampleWeight?: Tensor) => Tensor | undefined;
}

/** Result of a loss before weights and reduction. */
export interface LossTerms {
  readonly terms: Tensor;
  /** The terms of one sample are along `axis` and are averaged or added. Without `inner` each term is a separate sample. */
  readonly inner?: 'mean' | 'sum';
}

export interface LossDefinition {
  readonly targetKind: TargetKind;
  readonly ignoreClass?: number;
  /** The axis of the terms of one sample. @default -1 */
  readonly axis?: number;
  /**
   * Axes of the sums of one value, instead of `axis`. If the batch axis is one of them, the definition weighs the terms itself: `weight` then
   * has the predictions' shape without the last axis.
   */
  axes?(rank: number): readonly number[];
  /** True if the terms read the mask, which otherwise marks the samples that count. */
  readonly readsMask?: boolean;
  /** True if `terms` gets the predictions of samples of weight 0 as they are, and keeps their NaN away from values and gradients. */
  readonly masksItself?: boolean;
  /** True if the meaning of the targets depends on the targets of all samples. */
  readonly judgesTargets?: boolean;
  /** `weight` is 0 for samples that do not count. It is undefined if all samples have the weight 1. */
  terms(targets: Tensor, predictions: Tensor, weight?: Tensor, mask?: Tensor): LossTerms;
  /** Marks the counted samples (bool, the samples' shape). The mean is then over these samples only. */
  valid?(targets: Tensor, predictions: Tensor): Tensor;
  /** Contribution of each sample to the divisor of the mean (f32, the samples' shape), instead of 1. */
  shares?(targets: Tensor, predictions: Tensor, weight?: Tensor): Tensor;
}

/** Makes a loss of its terms. */
export function makeLoss<T extends OptionTable & typeof lossOptions>(
  declaration: Declaration<T>,
  settings: SettingsOf<Declaration<T>>,
  definition: LossDefinition,
): Configured<Loss> {
  const name = nameOf(declaration);
  const { reduction } = settings as SettingsOf<Declaration<typeof lossOptions>>;
  const { targetKind, ignoreClass, axis = -1 } = definition;
  /** Axis of the terms of a sample, shape of the samples, and whether the definition weighs them. */
  const axesOf = (predictions: Tensor): { along: number; samples: Shape; isOver: boolean; spread: Shape } => {
    const shape = targetKind === 'classIndex' ? predictions.shape : withTerms(predictions.shape);
    const along = shape.length === 0 ? 0 : normalizeAxis(name, axis, shape.length);
    const axes = definition.axes?.(shape.length);
    const isOver = axes?.includes(0) ?? false;
    const over = isOver ? [shape.length - 1] : (axes ?? [along]);
    return { along, samples: reducedShape(shape, over, false), isOver, spread: reducedShape(shape, over, true) };
  };
  /** Samples that count, of those that the mask leaves. */
  const validOf = (targets: Tensor, predictions: Tensor, mask: Tensor | undefined): Tensor | undefined => {
    const valid = definition.valid?.(targets, predictions);
    if (!mask || definition.readsMask) return valid;
    const unmasked = fitMask(name, mask, axesOf(predictions).samples);
    return valid ? logicalAnd(valid, unmasked) : unmasked;
  };
  const masked = (mask: Tensor | undefined, targets: Tensor, predictions: Tensor, sampleWeight?: Tensor): Tensor => {
    checkTensor(name, 'targets', targets);
    checkTensor(name, 'predictions', predictions);
    if (sampleWeight !== undefined) checkTensor(name, 'sampleWeight', sampleWeight);
    if (mask !== undefined) checkTensor(name, 'mask', mask);
    return withScope(name, () => {
      const valid = validOf(targets, predictions, mask);
      const { along, samples, isOver, spread } = axesOf(predictions);
      const weight = weightOf(name, samples, sampleWeight, valid);
      const pair =
        weight && !definition.masksItself ? maskSamples(definition, targets, predictions, weight, spread) : { targets, predictions };
      const terms = definition.terms(pair.targets, pair.predictions, weight, mask);
      if (isOver) return reduceTerms(terms, along, reduction);
      const shares = definition.shares?.(pair.targets, pair.predictions, weight);
      return reduceTerms(terms, along, reduction, weight, divisorOf(reduction, shares, valid, weight));
    });
  };
  const loss = (targets: Tensor, predictions: Tensor, sampleWeight?: Tensor): Tensor =>
    masked(undefined, targets, predictions, sampleWeight);
  const countSamples = (targets: Tensor, predictions: Tensor, mask?: Tensor, sampleWeight?: Tensor): Tensor | undefined =>
    withScope(name, () => {
      const valid = validOf(targets, predictions, mask);
      const { samples, isOver } = axesOf(predictions);
      if (isOver) return undefined;
      const weight = weightOf(name, samples, reduction === 'meanWithSampleWeight' ? sampleWeight : undefined, valid);
      return divisorOf(reduction, definition.shares?.(targets, predictions, weight), valid, weight);
    });
  // A function's own name is not writable, but it is configurable.
  Object.defineProperty(loss, 'name', { value: name });
  const made: Loss = Object.assign(loss, {
    reduction,
    targetKind,
    ...(ignoreClass !== undefined && { ignoreClass }),
    masked,
    countSamples,
  });
  return withConfig(made, declaration, settings);
}

/** A loss whose term is a function of one target and one prediction. The loss of a sample is the mean of its terms. */
export function termwise<T extends OptionTable & typeof lossOptions>(
  declaration: Declaration<T>,
  options: OptionsOf<Declaration<T>>,
  term: (target: Tensor, prediction: Tensor, settings: SettingsOf<Declaration<T>>) => Tensor,
  rules: Partial<Pick<LossDefinition, 'targetKind' | 'judgesTargets'>> = {},
): Configured<Loss> {
  const settings = declaration.read(options);
  return makeLoss(declaration, settings, {
    targetKind: 'numbers',
    ...rules,
    terms(targets, predictions) {
      const pair = alignEqual(nameOf(declaration), targets, predictions);
      return { terms: term(pair.targets, pair.predictions, settings), inner: 'mean' };
    },
  });
}

/** Shapes below rank 2 get axes of 1, as in alignEqual: one for the samples, one for the terms of a sample. */
const withTerms = (shape: Shape): Shape => (shape.length < 2 ? [...shape, ...new Array<number>(2 - shape.length).fill(1)] : shape);

/** The weight of each sample, 0 if it is ignored. Undefined if all have the weight 1. */
function weightOf(name: string, samples: Shape, sampleWeight: Tensor | undefined, valid: Tensor | undefined): Tensor | undefined {
  const weight = sampleWeight && fitWeight(name, sampleWeight, samples);
  if (!valid) return weight;
  return weight ? where(valid, weight, 0) : cast(valid, 'f32');
}

/**
 * Predictions with 0 in the samples of weight 0: NaN and infinity there do not reach the gradient. Targets are masked only if the targets
 * of one sample affect the others: one more masked input would cost weighted losses a kernel. The loss reports shapes that do not fit.
 */
function maskSamples(
  { targetKind, judgesTargets }: LossDefinition,
  targets: Tensor,
  predictions: Tensor,
  weight: Tensor,
  spread: Shape,
): Pair {
  const aligned = targetKind === 'classIndex' ? predictions.shape : withTerms(predictions.shape);
  // Broadcast first: the comparison is then part of the kernel that reads predictions.
  const counts = notEqual(broadcastTo(reshape(weight, spread), aligned), 0);
  const masked = (x: Tensor): Tensor => (x.size === counts.size ? where(reshape(counts, x.shape), x, 0) : x);
  return { targets: judgesTargets ? masked(targets) : targets, predictions: masked(predictions) };
}

/** Divisor of a mean. Undefined if every sample counts once. */
function divisorOf(
  reduction: Reduction,
  shares: Tensor | undefined,
  valid: Tensor | undefined,
  weight: Tensor | undefined,
): Tensor | undefined {
  if (reduction === 'meanWithSampleWeight' && weight) return sum(shares ? productOrZero(weight, shares) : weight);
  if (shares) return sum(valid ? where(valid, shares, 0) : shares);
  return valid && sum(cast(valid, 'i32'));
}

/** sum / count, and 0 if the count is 0. */
export function meanOfCounted(total: Tensor, count: Tensor): Tensor {
  const divisor = cast(count, 'f32');
  return div(total, where(equal(divisor, 0), 1, divisor));
}

/**
 * The terms of each sample are added up first. The compiler then adds them in the kernel that makes them and their gradient. With weights w
 * and samples s: a mean is sum(w s) / number of samples, or sum(w s) / count. A weight of 0 gives 0 for every value of the sample.
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
 * Sample weights in the shape of the samples: [] and [n] broadcast to [n, t], [n, 1] fits [n].
 * @throws ShapeError if they do not fit.
 */
export function fitWeight(name: string, weight: Tensor, samples: Shape): Tensor {
  const fitted = fitTo(cast(weight, 'f32'), samples);
  if (fitted) return fitted;
  throw new ShapeError(
    `${name}: sampleWeight ${formatShape(weight.shape)} does not fit losses of shape ${formatShape(samples)}; ` +
      `give one weight per sample${samples.length ? `, shape [${samples[0]}]` : ''}`,
  );
}

/**
 * A mask (bool) in the shape of the samples: [n] spreads over [n, t].
 * @throws ShapeError if it does not fit.
 */
export function fitMask(name: string, mask: Tensor, samples: Shape): Tensor {
  const fitted = fitTo(mask, samples);
  if (fitted) return fitted;
  throw new ShapeError(
    `${name}: the mask ${formatShape(mask.shape)} of the output does not fit losses of shape ${formatShape(samples)}; ` +
      'keep the time axis up to the output, or let the layer that removes it drop the mask',
  );
}

/** A tensor with trailing axes of 1 dropped or added, spread over the samples; undefined if it does not fit. */
function fitTo(x: Tensor, samples: Shape): Tensor | undefined {
  const shape = [...x.shape];
  while (shape.length > samples.length && shape[shape.length - 1] === 1) shape.pop();
  if (shape.length > samples.length || !shape.every((n, i) => n === samples[i] || n === 1)) return undefined;
  while (shape.length < samples.length) shape.push(1);
  return broadcastTo(reshape(x, shape), samples);
}
