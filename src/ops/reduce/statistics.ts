// Compositions of reductions: means, spreads, norms.
import type { Dtype } from '../../core/dtype.ts';
import { ArgumentError, checkOptions } from '../../core/errors.ts';
import { normalizeAxes, reducedShape, sizeOf } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkFlag, checkFinite, checkNotEmpty } from '../operands/arguments.ts';
import { abs, add, div, mul, pow, square, sub } from '../elementwise/arithmetic.ts';
import { cast } from '../elementwise/cast.ts';
import { equal, greater, isFinite, lessEqual } from '../elementwise/comparison.ts';
import { exp, log } from '../elementwise/exponential.ts';
import { type TensorLike, operand } from '../operands/operands.ts';
import { type ReduceOptions, euclideanNorm, max, min, sum } from './reduce.ts';
import { reciprocalScale, scaleByPower } from '../elementwise/scaling.ts';
import { where } from '../elementwise/select.ts';
import { broadcastTo, reshape, stopGradient } from '../shape/shape.ts';

function checkReduction(op: string, options: ReduceOptions, own: readonly string[]): void {
  checkOptions(op, options, ['axis', 'keepDims', ...own]);
  checkFlag(op, 'keepDims', options.keepDims);
}

/** Number of elements reduced to each result. */
function countOf(op: string, x: Tensor, { axis }: ReduceOptions): number {
  return sizeOf(normalizeAxes(op, axis, x.rank).map((a) => x.shape[a]));
}

/**
 * Arithmetic mean over axes, Σ x / n, always a float; NaN for no elements.
 *
 *     mean(tensor([1, 2, 3]))   // 2
 */
export function mean(x: TensorLike, options: ReduceOptions = {}): Tensor {
  checkReduction('mean', options, []);
  const t = operand('mean', x, 'float');
  const count = countOf('mean', t, options);
  // The sum of f16 elements may overflow although the mean does not.
  return cast(div(sum(cast(t, 'f32'), options), count), t.dtype);
}

export interface VarianceOptions extends ReduceOptions {
  /** Subtracted from the number of elements: 0 for the population variance, 1 for the sample variance. @default 0 */
  readonly correction?: number;
}

/**
 * x - mean(x) over axes, centred twice. In f32 the mean of many large values has an error; the mean of the differences does not (Chan,
 * Golub & LeVeque 1983, "Algorithms for Computing the Sample Variance", correct the same error after the sum). Exactly 0 if all x are
 * equal.
 */
export function deviations(x: Tensor, axis: ReduceOptions['axis']): Tensor {
  const centred = sub(x, mean(x, { axis, keepDims: true }));
  const rest = broadcastTo(mean(centred, { axis, keepDims: true }), x.shape);
  // For equal values only the rounding error of `rest` remains.
  const isRounding = lessEqual(abs(sub(centred, rest)), mul(abs(rest), 2 ** -19));
  // In exact arithmetic the subtracted value is 0 for every x, so gradients treat it as a constant.
  return sub(centred, stopGradient(where(isRounding, centred, rest)));
}

/** Deviations in f32, and the divisor of the sum of their squares. */
function spreadOf(op: string, x: TensorLike, options: VarianceOptions): { deviation: Tensor; divisor: number; dtype: Dtype } {
  checkReduction(op, options, ['correction']);
  const { correction = 0, axis } = options;
  checkFinite(op, 'correction', correction);
  const t = operand(op, x, 'float');
  // Checked first, so that an error about the axis has the op's own name.
  const divisor = Math.max(0, countOf(op, t, options) - correction);
  return { deviation: deviations(cast(t, 'f32'), axis), divisor, dtype: t.dtype };
}

/**
 * Variance over axes, Σ (x - mean)² / (n - correction).
 *
 *     variance(tensor([1, 2, 3, 4]))   // 1.25
 */
export function variance(x: TensorLike, options: VarianceOptions = {}): Tensor {
  const { deviation, divisor, dtype } = spreadOf('variance', x, options);
  const { axis, keepDims } = options;
  return cast(div(sum(square(deviation), { axis, keepDims }), divisor), dtype);
}

/**
 * Standard deviation over axes, √(Σ (x - mean)² / (n - correction)), also if the squares overflow f32. If all elements are equal, its
 * gradient is 0, as in PyTorch.
 */
export function std(x: TensorLike, options: VarianceOptions = {}): Tensor {
  const { deviation, divisor, dtype } = spreadOf('std', x, options);
  const { axis, keepDims } = options;
  return cast(div(euclideanNorm(deviation, { axis, keepDims }), Math.sqrt(divisor)), dtype);
}

/** root(x), or 0 with gradient 0 if x is 0, because the slope of a root at 0 is infinite. */
function rootOf(x: Tensor, root: (x: Tensor) => Tensor): Tensor {
  const isNull = equal(x, 0);
  return where(isNull, 0, root(where(isNull, 1, x)));
}

export interface NormOptions extends ReduceOptions {
  /** The p of (Σ |x|ᵖ)^(1/p). Infinity and -Infinity give the largest and smallest magnitude. @default 2 */
  readonly ord?: number;
}

/**
 * Vector norm over axes, (Σ |x|ᵖ)^(1/p). The gradient of an element that is 0 is 0, as in PyTorch, for every order.
 *
 * @throws ArgumentError for an order of 0 or NaN.
 *
 *     norm(tensor([3, 4]))   // 5
 */
export function norm(x: TensorLike, options: NormOptions = {}): Tensor {
  checkReduction('norm', options, ['ord']);
  const { ord = 2, axis, keepDims = false } = options;
  const t = operand('norm', x, 'float');
  const over = { axis: normalizeAxes('norm', axis, t.rank), keepDims };
  if (ord === 0 || typeof ord !== 'number' || Number.isNaN(ord)) {
    throw new ArgumentError(`norm: ord ${String(ord)} defines no norm; use a number other than 0, or Infinity`);
  }
  if (Math.abs(ord) === Infinity) checkNotEmpty('norm', t.shape, over.axis);
  if (ord === 1) return sum(abs(t), over);
  if (ord === Infinity) return max(abs(t), over);
  if (ord === -Infinity) return min(abs(t), over);
  const wide = cast(t, 'f32');
  return cast(ord === 2 || wide.size === 0 ? euclideanNorm(wide, over) : normOfOrder(wide, ord, over), t.dtype);
}

/**
 * (Σ |s x|ᵖ)^(1/p) / s with s = 1 / max |x|, or 1 / min |x| for p < 0, so that the largest power is 1. The result does not depend on s, so
 * gradients treat it as a constant.
 */
function normOfOrder(x: Tensor, ord: number, over: { readonly axis: readonly number[]; readonly keepDims: boolean }): Tensor {
  const dominating = stopGradient((ord > 0 ? max : min)(abs(x), { axis: over.axis, keepDims: true }));
  // Two steps, because the reciprocal of a small number may overflow f32.
  const scale = reciprocalScale(dominating);
  const near = scaleByPower(dominating, scale);
  const rest = where(greater(near, 0), where(isFinite(near), near, 1), 1);
  const powers = sum(powersOf(div(scaleByPower(x, scale), rest), ord), over);
  const back = reshape(scaleByPower(rest, reciprocalScale(scale)), powers.shape);
  return mul(
    rootOf(powers, (total) => pow(total, 1 / ord)),
    back,
  );
}

/** |x|ᵖ. Its derivatives at 0 are infinite for small p and are defined as 0 here. */
function powersOf(x: Tensor, ord: number): Tensor {
  if (ord >= 2) return pow(abs(x), ord);
  const isNull = equal(x, 0);
  return where(isNull, ord > 0 ? 0 : Infinity, pow(abs(where(isNull, 1, x)), ord));
}

export type LogSumExpOptions = ReduceOptions;

/**
 * log Σ eˣ over axes, without overflow: the largest element is subtracted first. -Infinity if all elements are.
 *
 * @throws ShapeError over an axis without elements.
 *
 *     logSumExp(tensor([1000, 1000]))   // 1000.6931
 */
export function logSumExp(x: TensorLike, options: LogSumExpOptions = {}): Tensor {
  checkReduction('logSumExp', options, []);
  const t = operand('logSumExp', x, 'float');
  const axis = normalizeAxes('logSumExp', options.axis, t.rank);
  checkNotEmpty('logSumExp', t.shape, axis);
  const largest = stopGradient(max(t, { axis, keepDims: true }));
  // An infinite shift would give Infinity - Infinity.
  const shift = where(isFinite(largest), largest, 0);
  const total = sum(exp(sub(t, shift)), { axis, keepDims: true });
  return reshape(add(log(total), shift), reducedShape(t.shape, axis, options.keepDims ?? false));
}
