// Losses: functions of targets and predictions, by name. A new loss is a function in a family's file and a name in outputLosses.ts or jointLosses.ts.
import { lookUp } from '../core/names.ts';
import * as jointLosses from './jointLosses.ts';
import type { Loss } from './loss.ts';
import * as losses from './losses.ts';
import * as outputLosses from './outputLosses.ts';
import type { SeveralLoss } from './several.ts';

/** Loss factories by name: `losses.huber({ delta: 2 })`. Those of one output each, and those over several outputs at once. */
export { losses, outputLosses, jointLosses };

/** Keras's short names; they may also be written in capitals. */
const shortNames = {
  mse: 'meanSquaredError',
  mae: 'meanAbsoluteError',
  mape: 'meanAbsolutePercentageError',
  msle: 'meanSquaredLogarithmicError',
  bce: 'binaryCrossentropy',
  kld: 'klDivergence',
} as const;

export type ShortLossName = keyof typeof shortNames | Uppercase<keyof typeof shortNames>;

/** The names that model.compile({ loss }) accepts. */
export type LossName = keyof typeof losses | ShortLossName;

/** The full name of a loss, or of a metric that is its mean. */
export function fullLossName(name: string): string {
  const short = name === name.toUpperCase() ? name.toLowerCase() : name;
  return Object.hasOwn(shortNames, short) ? shortNames[short as keyof typeof shortNames] : name;
}

/**
 * The loss of that name, or short name, with its default options.
 * @throws ArgumentError listing the names.
 */
export const lossByName = (name: string): Loss | SeveralLoss => lookUp<() => Loss | SeveralLoss>('loss', fullLossName(name), 'losses')();

export { type Loss, type LossOptions, type Reduction, type TargetKind, fitMask, fitWeight, meanOfCounted } from './loss.ts';
export { type JointLoss, type OverOutputs, type TensorTree, isJointLoss, jointLoss } from './joint.ts';
export type { HuberOptions, SmoothL1Options, CosineSimilarityOptions } from './regression.ts';
export type { BinaryCrossentropyOptions, CategoricalCrossentropyOptions, SparseCrossentropyOptions } from './crossentropy.ts';
export type { LinearCrossEntropyOptions } from './linearCrossEntropy.ts';
export type { BinaryFocalOptions, FocalOptions } from './focal.ts';
export type { CharbonnierOptions, QuantileLossOptions, TukeyBiweightOptions } from './robust.ts';
export type { GaussianNllOptions, PoissonNllOptions } from './likelihood.ts';
export type { GeneralizedCrossEntropyOptions, NllOptions, PolyLossOptions } from './nll.ts';
export type { MultiLabelSoftMarginOptions, MultiMarginOptions } from './multiMargin.ts';
export type { ContrastiveOptions, HingeEmbeddingOptions } from './distances.ts';
export type { RankingOptions } from './ranking.ts';
export type { DiceOptions, FocalTverskyOptions, TverskyOptions } from './region.ts';
export type { BoxLossOptions } from './boxes.ts';
export type { DistillationOptions, KlDivergenceOptions } from './divergence.ts';
export type { CtcOptions } from './ctc.ts';
export type { CircleOptions } from './circle.ts';
export type { BarlowTwinsOptions, InfoNceOptions, NtXentOptions, VicRegOptions } from './selfSupervised.ts';
export type { SeveralLoss } from './several.ts';
export type { CosineEmbeddingOptions, MarginRankingOptions, TripletMarginOptions, TripletMarginWithDistanceOptions } from './triplet.ts';
export { crossentropyOptions } from './crossentropy.ts';
export { alignClasses, alignEqual, alignTargets } from './align.ts';
export type { Distance } from './triplet.ts';
