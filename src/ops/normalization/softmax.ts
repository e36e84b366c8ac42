// softmax and its logarithm: converts rows of scores to probabilities.
import { checkOptions } from '../../core/errors.ts';
import { normalizeAxis } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkNotEmpty } from '../operands/arguments.ts';
import { div, sub } from '../elementwise/arithmetic.ts';
import { exp, log } from '../elementwise/exponential.ts';
import { type TensorLike, operand } from '../operands/operands.ts';
import { max, sum } from '../reduce/reduce.ts';
import { stopGradient } from '../shape/shape.ts';

export interface SoftmaxOptions {
  /**
   * Axis along which the results sum to 1.
   * @default -1
   */
  readonly axis?: number;
}

interface Shifted {
  /** x minus its largest element along the axis. exp() then cannot overflow, and softmax does not change. */
  readonly z: Tensor;
  readonly axis: number;
}

function shifted(op: string, x: TensorLike, options: SoftmaxOptions): Shifted {
  checkOptions(op, options, ['axis']);
  const t = operand(op, x, 'float');
  const axis = normalizeAxis(op, options.axis ?? -1, t.rank);
  checkNotEmpty(op, t.shape, [axis]);
  return { z: sub(t, stopGradient(max(t, { axis, keepDims: true }))), axis };
}

/**
 * softmax(x)ᵢ = e^(xᵢ) / Σⱼ e^(xⱼ) along an axis.
 *
 * x [.., N, ..] -> same shape, positive, summing to 1 along the axis.
 * @throws ShapeError for an axis outside x or without elements.
 *
 *     softmax(tensor([0, Math.log(3)]))   // [0.25, 0.75]
 */
export function softmax(x: TensorLike, options: SoftmaxOptions = {}): Tensor {
  const { z, axis } = shifted('softmax', x, options);
  const powers = exp(z);
  return div(powers, sum(powers, { axis, keepDims: true }));
}

/**
 * log softmax(x) along an axis, x - log Σ eˣ, accurate even if a probability is too small for log(softmax(x)).
 *
 * x [.., N, ..] -> same shape, not above 0.
 * @throws ShapeError for an axis outside x or without elements.
 *
 *     logSoftmax(logits, { axis: -1 })
 */
export function logSoftmax(x: TensorLike, options: SoftmaxOptions = {}): Tensor {
  const { z, axis } = shifted('logSoftmax', x, options);
  return sub(z, log(sum(exp(z), { axis, keepDims: true })));
}
