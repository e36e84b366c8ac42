// Aligns targets with predictions: targets [n] fit predictions [n, 1], and integers become floats. Any other difference is an error.
import { isFloat } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { cast, reshape } from '../ops/index.ts';

export interface Pair {
  readonly targets: Tensor;
  readonly predictions: Tensor;
}

/** Losses are computed in f32, for every dtype of the model, because their sums and logarithms need the range. */
export const toFloat = (x: Tensor): Tensor => cast(x, 'f32');

/**
 * Targets and predictions as f32 of one shape with at least one axis for the batch and one for the terms of a sample: [n] becomes [n, 1].
 * Keras would broadcast other shapes silently, which almost always hides a mistake.
 * @throws ShapeError if they differ by more than a last axis of 1.
 */
export function alignEqual(name: string, targets: Tensor, predictions: Tensor): Pair {
  const shape = predictions.rank < 2 ? [...predictions.shape, ...new Array<number>(2 - predictions.rank).fill(1)] : predictions.shape;
  if (!sameShape(dropLastOne(targets.shape), dropLastOne(predictions.shape))) {
    throw new ShapeError(
      `${name}: targets ${formatShape(targets.shape)} do not fit predictions ${formatShape(predictions.shape)}; both must have one shape ` +
        `(targets [n] also fit predictions [n,1]); ${fixFor(targets, predictions)}`,
    );
  }
  return { targets: reshapeTo(toFloat(targets), shape), predictions: reshapeTo(toFloat(predictions), shape) };
}

/**
 * Targets as they are passed to a user's loss or metric. Targets of the predictions' shape, up to a last axis of 1, take that shape;
 * integers become f32. All others, class indices for instance, are unchanged. Keras squeezes or expands in the same cases.
 */
export function alignTargets(targets: Tensor, predictions: Tensor): Tensor {
  if (!sameShape(dropLastOne(targets.shape), dropLastOne(predictions.shape))) return targets;
  return reshapeTo(isFloat(predictions.dtype) && !isFloat(targets.dtype) ? toFloat(targets) : targets, predictions.shape);
}

/** [n, 1] and [n] hold the same samples; deeper axes of 1 are kept. */
const dropLastOne = (shape: readonly number[]): readonly number[] =>
  shape.length > 1 && shape[shape.length - 1] === 1 ? shape.slice(0, -1) : shape;

const reshapeTo = (x: Tensor, shape: readonly number[]): Tensor => (sameShape(x.shape, shape) ? x : reshape(x, shape));

function fixFor(targets: Tensor, predictions: Tensor): string {
  const last = predictions.shape[predictions.rank - 1];
  if (sameShape(dropLastOne(targets.shape), predictions.shape.slice(0, -1))) {
    return `one-hot encode the targets (oneHot(targets, ${last})), use sparseCategoricalCrossentropy for class indices, or give the last layer 1 unit`;
  }
  if (targets.rank === predictions.rank && targets.shape[0] === predictions.shape[0]) {
    return `give the last layer ${targets.shape[targets.rank - 1]} units, or reshape the targets`;
  }
  return 'reshape one of them';
}

/**
 * Class indices as i32 in the shape of the predictions without their last axis; [n, 1] fits predictions [n, classes] too.
 * @throws ShapeError if they do not fit, or if there is only one class.
 */
export function alignClasses(name: string, targets: Tensor, predictions: Tensor): Pair {
  const classes = predictions.shape[predictions.rank - 1];
  const samples = predictions.shape.slice(0, -1);
  if (predictions.rank === 0 || classes < 2) throw tooFewClasses(name, predictions);
  const given = targets.rank === predictions.rank && targets.shape[targets.rank - 1] === 1 ? targets.shape.slice(0, -1) : targets.shape;
  if (!sameShape(given, samples)) {
    const oneHot = sameShape(targets.shape, predictions.shape);
    const fix = name.startsWith('sparse')
      ? 'for one-hot targets use the categorical form without "sparse"'
      : 'take the classes of one-hot targets: argMax(targets, { axis: -1 })';
    throw new ShapeError(
      `${name}: targets ${formatShape(targets.shape)} do not fit predictions ${formatShape(predictions.shape)}; targets are class indices of shape ` +
        `${formatShape(samples)}; ${oneHot ? fix : 'reshape the targets'}`,
    );
  }
  return { targets: reshapeTo(cast(targets, 'i32'), samples), predictions: toFloat(predictions) };
}

export function tooFewClasses(name: string, predictions: Tensor): ShapeError {
  return new ShapeError(
    `${name}: predictions ${formatShape(predictions.shape)} have no axis of two or more classes; give the last layer one unit per class, ` +
      'or use the binary form for one unit',
  );
}
