// Losses over all outputs of a model at once, such as a triplet loss over { anchor, positive, negative }.
import { ArgumentError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import type { Tree } from '../core/tree.ts';
import type { Tensor } from '../graph/tensor.ts';

/** One tensor, or lists and records of tensors, in the form of a model's outputs. */
export type TensorTree = Tree<Tensor>;

const marker = Symbol('ombre joint loss');

/** Something that model.compile() takes as one loss over all outputs. */
export interface OverOutputs {
  readonly [marker]: true;
}

/** A loss over all outputs of a model, made by jointLoss(). */
export interface JointLoss<T = Tree<Tensor> | undefined, P = Tree<Tensor>> extends OverOutputs {
  (targets: T, predictions: P, sampleWeight?: Tree<Tensor>): Tensor;
}

/**
 * Declares that a function is one loss over all outputs of a model, and not a loss of each output. Targets and predictions are trees: records,
 * lists or a tensor, as `y` and the model's outputs are given. Targets are undefined if `y` is. The function returns a scalar, or one value
 * per sample [batch], whose mean is taken.
 *
 *     const loss = jointLoss((_, { anchor, positive, negative }: Record<string, Tensor>) =>
 *       relu(sum(square(anchor.sub(positive)), { axis: -1 }).sub(sum(square(anchor.sub(negative)), { axis: -1 })).add(1)));
 *     model.compile({ optimizer: 'adam', loss });
 *
 * @throws ArgumentError if it is not given a function.
 */
export function jointLoss<T, P>(fn: (targets: T, predictions: P, sampleWeight?: Tree<Tensor>) => Tensor): JointLoss<T, P> {
  if (typeof fn !== 'function') {
    throw new ArgumentError(`jointLoss: takes a function (targets, predictions) => tensor; got ${shown(fn)}`);
  }
  // A new function: the user may also give fn itself as a loss of each output.
  const joint = (targets: T, predictions: P, ...weight: [sampleWeight?: TensorTree]): Tensor => fn(targets, predictions, ...weight);
  Object.defineProperty(joint, 'name', { value: fn.name });
  return Object.assign(joint, { [marker]: true } as const);
}

export const isJointLoss = (loss: unknown): loss is JointLoss => typeof loss === 'function' && marker in loss;
