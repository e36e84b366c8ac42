// Activations of lines and parabolas between thresholds, and squareplus. All are compositions that the fuser makes into one kernel.
import { ArgumentError, checkOptions } from '../../core/errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkFinite, inWords } from '../operands/arguments.ts';
import { type TensorLike, operand } from '../operands/operands.ts';
import { abs, add, div, mul, square, sub } from './arithmetic.ts';
import { greater, greaterEqual, less, lessEqual } from './comparison.ts';
import { sqrt } from './exponential.ts';
import { clip, where } from './select.ts';

/**
 * x itself, in its own dtype: the activation of a layer without one.
 *
 *     linear(tensor([-1, 2]))   // [-1, 2]
 */
export const linear = (x: TensorLike): Tensor => operand('linear', x);

export interface ShrinkOptions {
  /** Largest absolute value that becomes 0; at least 0. @default 0.5 */
  readonly threshold?: number;
}

function thresholdOf(op: string, options: ShrinkOptions): number {
  checkOptions(op, options, ['threshold']);
  const { threshold: bound = 0.5 } = options;
  if (Number.isFinite(bound) && bound >= 0) return bound;
  throw new ArgumentError(`${op}: threshold is ${inWords(bound)}; it must be a number from 0 on`);
}

/**
 * x for |x| > threshold, otherwise 0. NaN stays NaN. The gradient is 0 at the thresholds, as in PyTorch. Keras's hard_shrink.
 *
 * x of any shape -> same shape.
 * @throws ArgumentError for a threshold below 0.
 *
 *     hardShrink(tensor([-1, 0.5, 2]))   // [-1, 0, 2]
 */
export function hardShrink(x: TensorLike, options: ShrinkOptions = {}): Tensor {
  const bound = thresholdOf('hardShrink', options);
  const t = operand('hardShrink', x, 'float');
  return where(lessEqual(abs(t), bound), 0, t);
}

/**
 * x - threshold for x > threshold, x + threshold for x < -threshold, otherwise 0. NaN stays NaN. The gradient is 0 at the thresholds, as in
 * PyTorch. Keras's soft_shrink.
 *
 * x of any shape -> same shape.
 * @throws ArgumentError for a threshold below 0.
 *
 *     softShrink(tensor([-1, 0.5, 2]))   // [-0.5, 0, 1.5]
 */
export function softShrink(x: TensorLike, options: ShrinkOptions = {}): Tensor {
  const bound = thresholdOf('softShrink', options);
  const t = operand('softShrink', x, 'float');
  return sub(t, clip(t, -bound, bound));
}

export interface ThresholdOptions {
  /** Largest number that is replaced. @default 0 */
  readonly threshold?: number;
  /** Number that replaces it. @default 0 */
  readonly value?: number;
}

/**
 * x for x > threshold, otherwise value. NaN stays NaN. The gradient is 0 at the threshold. The names are PyTorch's, which has no defaults;
 * Keras calls value default_value. The defaults give relu.
 *
 * x of any shape -> same shape.
 * @throws ArgumentError for a threshold or value that is not finite.
 *
 *     threshold(tensor([-1, 0.5, 2]), { threshold: 1, value: 20 })   // [20, 20, 2]
 */
export function threshold(x: TensorLike, options: ThresholdOptions = {}): Tensor {
  checkOptions('threshold', options, ['threshold', 'value']);
  const { threshold: bound = 0, value = 0 } = options;
  checkFinite('threshold', 'threshold', bound);
  checkFinite('threshold', 'value', value);
  const t = operand('threshold', x, 'number');
  return where(lessEqual(t, bound), value, t);
}

export interface SquareplusOptions {
  /** Width of the bend at 0: the value there is √b / 2. Above 0. @default 4 */
  readonly b?: number;
}

/**
 * (x + √(x² + b)) / 2, a smooth relu without exponentials. Accurate for large x of either sign. Barron, Squareplus: A Softplus-Like
 * Algebraic Rectifier, 2021.
 *
 * x of any shape -> same shape.
 * @throws ArgumentError for a b that is not above 0.
 *
 *     squareplus(tensor([-1.5, 0, 1.5]))   // [0.5, 1, 2]
 */
export function squareplus(x: TensorLike, options: SquareplusOptions = {}): Tensor {
  checkOptions('squareplus', options, ['b']);
  const { b = 4 } = options;
  if (!(Number.isFinite(b) && b > 0)) throw new ArgumentError(`squareplus: b is ${inWords(b)}; it must be a number above 0`);
  const t = div(operand('squareplus', x, 'float'), Math.sqrt(b));
  // Squares of larger numbers overflow. There √(t² + 1) is |t| in every digit.
  const limit = t.dtype === 'f16' ? 2 ** 7 : 2 ** 62;
  const near = clip(t, -limit, limit);
  const root = add(sqrt(add(square(near), 1)), sub(abs(t), abs(near)));
  // The sum t + r cancels for t < 0. There (t + r) / 2 = 1 / (2 (r - t)), because r² - t² = 1.
  const isBelow = less(t, 0);
  const below = div(0.5, sub(root, where(isBelow, t, 0)));
  return mul(where(isBelow, below, add(mul(t, 0.5), mul(root, 0.5))), Math.sqrt(b));
}

/**
 * 0 for x ≤ -1, (x + 1)² / 4 between, x for x ≥ 1: the smooth relu whose slope is sparseSigmoid. NaN stays NaN. Keras's sparse_plus.
 *
 * x of any shape -> same shape.
 *
 *     sparsePlus(tensor([-2, 0, 2]))   // [0, 0.25, 2]
 */
export function sparsePlus(x: TensorLike): Tensor {
  const t = operand('sparsePlus', x, 'float');
  return where(greater(t, 1), t, mul(square(add(clip(t, -1, 1), 1)), 0.25));
}

/**
 * 0 for x ≤ -1, (x + 1) / 2 between, 1 for x ≥ 1: the first probability of sparsemax of the scores [x, 0]. Its gradient is 0 at ±1. NaN
 * stays NaN. Keras's sparse_sigmoid. Martins and Astudillo, From Softmax to Sparsemax, 2016.
 *
 * x of any shape -> same shape.
 *
 *     sparseSigmoid(tensor([-2, 0, 0.5]))   // [0, 0.5, 0.75]
 */
export function sparseSigmoid(x: TensorLike): Tensor {
  const t = operand('sparseSigmoid', x, 'float');
  return where(lessEqual(t, -1), 0, where(greaterEqual(t, 1), 1, mul(add(t, 1), 0.5)));
}
