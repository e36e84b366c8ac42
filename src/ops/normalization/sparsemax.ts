// sparsemax: the probabilities nearest to a row of scores. Small scores get exactly 0.
import { checkOptions } from '../../core/errors.ts';
import { normalizeAxis } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { arange } from '../create/create.ts';
import { relu } from '../elementwise/activations.ts';
import { add, div, maximum, mul, sub } from '../elementwise/arithmetic.ts';
import { cast } from '../elementwise/cast.ts';
import { greater, lessEqual } from '../elementwise/comparison.ts';
import { where } from '../elementwise/select.ts';
import { checkNotEmpty } from '../operands/arguments.ts';
import { type TensorLike, operand } from '../operands/operands.ts';
import { max, sum } from '../reduce/reduce.ts';
import { cumSum } from '../scan/scan.ts';
import { reshape, stopGradient } from '../shape/shape.ts';
import { sort } from '../sort/sort.ts';
import type { SoftmaxOptions } from './softmax.ts';

/**
 * sparsemax(x) = argmin over probabilities p of |p - x|², along an axis: pᵢ = max(xᵢ - τ, 0), with the τ that makes the sum 1. The gradient is
 * gᵢ minus the mean of g over the support where pᵢ > 0, otherwise 0, also at ties. Martins and Astudillo, From Softmax to Sparsemax, 2016.
 *
 * x [.., N, ..] -> same shape, at least 0, summing to 1 along the axis.
 * @throws ShapeError for an axis outside x or without elements.
 *
 *     sparsemax(tensor([0.5, 0.7, -1]))   // [0.4, 0.6, 0]
 */
export function sparsemax(x: TensorLike, options: SoftmaxOptions = {}): Tensor {
  checkOptions('sparsemax', options, ['axis']);
  const t = operand('sparsemax', x, 'float');
  const axis = normalizeAxis('sparsemax', options.axis ?? -1, t.rank);
  checkNotEmpty('sparsemax', t.shape, [axis]);
  const along = { axis, keepDims: true };
  // Scores relative to the largest one keep their digits in the sums. Those below -1 are never in the support. Half precision cannot count.
  const scores = cast(t, 'f32');
  const z = sub(scores, stopGradient(max(scores, along)));
  const tau = thresholdOf(stopGradient(maximum(z, -1)), axis);
  // The comparison is false for NaN, which so stays NaN.
  const isOutside = lessEqual(z, tau);
  // τ once more, from the support: its slope is 1 / |support| for each score in it.
  const count = sum(where(isOutside, 0, 1), along);
  const level = div(sub(sum(where(isOutside, 0, z), along), 1), count);
  return cast(where(isOutside, 0, relu(sub(z, level))), t.dtype);
}

/** τ of scores in [-1, 0], the largest of which is 0: the k largest are the support for the largest k with 1 + k zₖ > z₁ + … + zₖ. */
function thresholdOf(z: Tensor, axis: number): Tensor {
  const along = { axis, keepDims: true };
  const sorted = sort(z, { axis, descending: true });
  const ranks = reshape(
    arange(1, z.shape[axis] + 1, 1, 'f32'),
    z.shape.map((size, i) => (i === axis ? size : 1)),
  );
  const isSupport = greater(add(mul(sorted, ranks), 1), cumSum(sorted, { axis }));
  const total = sum(where(isSupport, sorted, 0), along);
  return div(sub(total, 1), cast(sum(isSupport, along), 'f32'));
}
