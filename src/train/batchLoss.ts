// The loss of a batch: the losses of the outputs, weighted and summed, and the penalties of the layers.
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { topological } from '../graph/graph.ts';
import { withoutReads } from '../graph/reads.ts';
import { withScope } from '../graph/scope.ts';
import { Tensor, tensorsIn } from '../graph/tensor.ts';
import { type JointLoss, type Loss, alignTargets, fitMask, fitWeight, meanOfCounted } from '../losses/index.ts';
import type { NetworkResult, Tensors } from '../nn/index.ts';
import { add, cast, mean, mul, ones, sum, where } from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { inWords } from '../ops/operands/arguments.ts';
import type { NamedOutput, Objectives, OutputObjective } from './objectives.ts';
import type { OutputLoss } from './trainingSetup.ts';

/** Targets and weights of a batch, as trees in the form of the outputs. */
export interface Supervision {
  readonly y?: Tensors;
  readonly sampleWeight?: Tensors;
}

/** Tensors of one output for one batch. */
export interface OutputBatch {
  readonly predictions: Tensor;
  /** In the predictions' shape if they fit it. */
  readonly targets: Tensor | undefined;
  readonly sampleWeight: Tensor | undefined;
  /** Steps that count (bool). Undefined if all do. */
  readonly mask: Tensor | undefined;
}

export interface BatchLoss {
  /** The scalar that is trained on: weighted losses and penalties. */
  readonly loss: Tensor;
  /** Losses of the outputs in `objectives.parts`, without their weights. */
  readonly parts: readonly Tensor[];
  /** Sum of the penalties of layers, or undefined if there are none. */
  readonly penalty: Tensor | undefined;
}

/** Tensor of a tree at a path of leavesOf. */
function leafAt(tree: unknown, path: string): Tensor | undefined {
  const leaf = leavesOf(tree).find((found) => found.path === path)?.value;
  return leaf instanceof Tensor ? leaf : undefined;
}

/** Tensors of an output, found by its path in each tree. */
export function outputBatch({ path }: NamedOutput, result: NetworkResult, { y, sampleWeight }: Supervision): OutputBatch {
  const predictions = leafAt(result.outputs, path)!;
  const targets = leafAt(y, path);
  return {
    predictions,
    targets: targets && alignTargets(targets, predictions),
    sampleWeight: leafAt(sampleWeight, path),
    mask: leafAt(result.mask, path),
  };
}

/** The targets of an output. @throws ArgumentError if the batch has none. */
export function targetsOf({ path }: NamedOutput, { targets }: OutputBatch, user: string): Tensor {
  if (targets) return targets;
  throw new ArgumentError(`${user} has no targets: y${path} is missing; give targets for the output`);
}

/** A loss as messages name it. */
export const nameOfLoss = ({ name }: { readonly name: string }): string => (name && name !== 'loss' ? `loss '${name}'` : 'the loss');

/** Loss of a batch as a scalar, with its parts. */
export function batchLoss(objectives: Objectives, result: NetworkResult, batch: Supervision): BatchLoss {
  const { outputs, joint, parts } = objectives;
  return withScope('loss', () => {
    const penalty = penaltyOf(result);
    if (joint) {
      const loss = jointLossOf(joint, result, batch);
      return { loss: penalty ? add(loss, penalty) : loss, parts: [], penalty };
    }
    const trained = outputs.filter(({ loss }) => loss);
    if (trained.length === 0 && !penalty) {
      throw new ArgumentError('the model was compiled without a loss; compile it with one for step.loss(), evaluate() and validation');
    }
    const values = trained.map((output) => outputLoss(output, outputBatch(output, result, batch)));
    const terms = values.map((value, i) => (trained[i].lossWeight === 1 ? value : mul(value, trained[i].lossWeight)));
    const loss = [...terms, ...(penalty ? [penalty] : [])].reduce((total, term) => add(total, term));
    return { loss, parts: parts.length ? values : [], penalty };
  });
}

/** Loss of each output by its name, without its weight and without penalties. @throws ArgumentError if there are none. */
export function lossesByOutput({ outputs, joint }: Objectives, result: NetworkResult, batch: Supervision): Record<string, Tensor> {
  const trained = outputs.filter(({ loss }) => loss);
  if (trained.length === 0) {
    const why = joint ? `${nameOfLoss(joint)} is one loss over all outputs` : 'the model was compiled without a loss';
    throw new ArgumentError(`step.losses: ${why}; compile it with a loss for each output: loss: { NAME: 'meanSquaredError' }`);
  }
  return withScope('loss', () =>
    Object.fromEntries(trained.map((output) => [output.name, outputLoss(output, outputBatch(output, result, batch))])),
  );
}

/** Sum of the penalties that layers return. */
function penaltyOf({ losses = [] }: NetworkResult): Tensor | undefined {
  for (const { rank, shape } of losses) {
    if (rank === 0) continue;
    throw new ShapeError(`losses: a layer returned a loss of shape ${formatShape(shape)}; it must be a scalar: take its sum or mean`);
  }
  return losses.length ? losses.reduce((total, loss) => add(total, loss)) : undefined;
}

/** Whether a loss is one of the library, which applies weights and masks itself. */
const isLibraryLoss = (loss: OutputLoss): loss is Loss => 'targetKind' in loss;

/**
 * Loss of one output as a scalar. A function that gives one value per sample is averaged here, over the samples that count.
 * @throws ArgumentError for a function that returns no tensor, or no weighted loss if weights are given.
 */
function outputLoss(output: OutputObjective, batch: OutputBatch): Tensor {
  const fn = output.loss!;
  const { predictions, sampleWeight, mask } = batch;
  const targets = targetsOf(output, batch, nameOfLoss(fn));
  if (isLibraryLoss(fn)) {
    const value = withoutReads(nameOfLoss(fn), () =>
      mask ? fn.masked(mask, targets, predictions, sampleWeight) : fn(targets, predictions, sampleWeight),
    );
    if (value.rank === 0) return value;
    const counted = fn.countSamples(targets, predictions, mask);
    return counted ? meanOfCounted(sum(value), counted) : mean(value);
  }
  const weight = mask ? maskedWeight(nameOfLoss(fn), mask, sampleWeight) : sampleWeight;
  const value = withoutReads(nameOfLoss(fn), () => (weight ? fn(targets, predictions, weight) : fn(targets, predictions)));
  requireTensor(fn, value);
  const weighted = weight && !uses(value, [weight]) ? applyWeight(fn, value, weight) : value;
  if (weighted.rank === 0) return weighted;
  return mask ? meanOfCounted(sum(weighted), sum(cast(fitMask(nameOfLoss(fn), mask, weighted.shape), 'i32'))) : mean(weighted);
}

/** Loss over all outputs as a scalar. */
function jointLossOf(joint: JointLoss, result: NetworkResult, { y, sampleWeight }: Supervision): Tensor {
  const masks = mapTree(result.outputs, (_, path) => leafAt(result.mask, path));
  const isMasked = leavesOf(masks).some(({ value }) => value);
  const weights = isMasked
    ? (mapTree(result.outputs, (leaf, path) => {
        const mask = leafAt(result.mask, path);
        const weight = leafAt(sampleWeight, path);
        return mask ? maskedWeight(nameOfLoss(joint), mask, weight) : (weight ?? onesFor(leaf as Tensor));
      }) as Tensors)
    : sampleWeight;
  const value = withoutReads(nameOfLoss(joint), () =>
    weights === undefined ? joint(y, result.outputs) : joint(y, result.outputs, weights),
  );
  requireTensor(joint, value);
  const leaves = tensorsIn(weights);
  if (leaves.length === 0 || uses(value, leaves)) return value.rank === 0 ? value : mean(value);
  if (leaves.length > 1) {
    throw new ArgumentError(
      `${nameOfLoss(joint)} does not use the weights of the outputs; apply its third argument, sampleWeight, which has the form of the outputs`,
    );
  }
  return mean(applyWeight(joint, value, leaves[0]));
}

const onesFor = ({ shape: [size] }: Tensor): Tensor => ones([size]);

function requireTensor(loss: { readonly name: string }, value: unknown): asserts value is Tensor {
  if (value instanceof Tensor) return;
  throw new ArgumentError(
    `${nameOfLoss(loss)} returned ${inWords(value)}; a loss takes (targets, predictions) and returns a tensor: a scalar or one value per sample`,
  );
}

/** Whether a value is computed from any of these weights. A function may leave its third argument unused. */
const uses = (value: Tensor, weights: readonly Tensor[]): boolean =>
  topological([value]).some(({ inputs }) => inputs.some((input) => weights.includes(input)));

/** Multiplies values per sample by weights that the loss's function has not used. */
function applyWeight(loss: { readonly name: string }, value: Tensor, weight: Tensor): Tensor {
  if (value.rank > 0) return productOrZero(fitWeight(nameOfLoss(loss), weight, value.shape), value);
  throw new ArgumentError(
    `${nameOfLoss(loss)} returned a scalar without use of the weights; return one value per sample, or apply the third argument, sampleWeight`,
  );
}

/** Weights that are 0 for masked steps, in the shape of the larger of both. */
export function maskedWeight(name: string, mask: Tensor, sampleWeight: Tensor | undefined): Tensor {
  if (!sampleWeight) return cast(mask, 'f32');
  const shape = sampleWeight.rank > mask.rank ? sampleWeight.shape : mask.shape;
  return where(fitMask(name, mask, shape), fitWeight(name, sampleWeight, shape), 0);
}

/** Number of samples whose mean the loss of an output is: the weight of the batch in the epoch's mean. */
export function samplesCounted({ loss }: OutputObjective, { predictions, targets, mask, sampleWeight }: OutputBatch): number | Tensor {
  if (loss && isLibraryLoss(loss)) {
    const counted = loss.reduction !== 'sum' && targets ? loss.countSamples(targets, predictions, mask, sampleWeight) : undefined;
    return counted ?? predictions.shape[0];
  }
  return mask ? sum(cast(mask, 'i32')) : predictions.shape[0];
}
