// Fourier transforms. There is no complex dtype: a complex number is a pair (real, imaginary) along a trailing axis of size 2.
import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { formatShape, normalizeAxis } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkTensor, inWords, refuseBatchAxis } from '../operands/arguments.ts';
import { mul } from '../elementwise/arithmetic.ts';
import { cast } from '../elementwise/cast.ts';
import { concat } from '../shape/concat.ts';
import { tensor } from '../create/create.ts';
import { fourier, lengthened } from './transform.ts';
import { operand } from '../operands/operands.ts';
import { expandDims, squeeze } from '../shape/shape.ts';
import { flip, sliceAxis } from '../shape/slice.ts';

export interface FourierOptions {
  /**
   * Axis of the transform, not counting the axis of pairs. Negative values count from the end.
   * @default -1
   */
  readonly axis?: number;
  /** Length of the transform. x is cut to it, or padded with zeros. @default size of the axis */
  readonly n?: number;
  /**
   * Scaled direction: 'backward' scales the inverse by 1 / n, 'forward' the forward transform by 1 / n, 'ortho' both by 1 / √n.
   * @default 'backward'
   */
  readonly norm?: 'backward' | 'ortho' | 'forward';
}

interface Checked {
  readonly t: Tensor;
  readonly axis: number;
  readonly n: number;
  /** Factor of the sums. */
  readonly scale: number;
}

/** Checks and resolves the tensor in f32 and the options; `lengthOf` gives the default length. */
function checked(
  op: string,
  x: Tensor,
  options: FourierOptions,
  { isComplex, inverse, lengthOf = (size) => size }: { isComplex: boolean; inverse: boolean; lengthOf?: (size: number) => number },
): Checked {
  const t = operand(op, checkTensor(op, 'x', x), 'float');
  checkOptions(op, options, ['axis', 'n', 'norm']);
  if (isComplex && t.shape[t.rank - 1] !== 2) {
    throw new ShapeError(`${op}: x is ${formatShape(t.shape)}; its last axis must hold (real, imaginary), stack them or use rfft`);
  }
  const axis = normalizeAxis(op, options.axis ?? -1, isComplex ? t.rank - 1 : t.rank);
  const n = options.n ?? lengthOf(t.shape[axis]);
  if (options.n !== undefined && (!Number.isInteger(n) || n < 1)) {
    throw new ArgumentError(`${op}: n is ${inWords(options.n)}; it must be a whole number from 1 on`);
  }
  refuseBatchAxis(op, n);
  if (n < 1 || t.shape[axis] === 0) {
    throw new ShapeError(`${op}: axis ${axis} of ${formatShape(t.shape)} makes a transform of no elements; check for empty input first`);
  }
  const { norm = 'backward' } = options;
  if (norm !== 'backward' && norm !== 'ortho' && norm !== 'forward') {
    throw new ArgumentError(`${op}: norm is ${inWords(norm)}; it must be 'backward', 'ortho' or 'forward'`);
  }
  const isScaled = norm === (inverse ? 'backward' : 'forward');
  return { t: cast(t, 'f32'), axis, n, scale: norm === 'ortho' ? 1 / Math.sqrt(n) : isScaled ? 1 / n : 1 };
}

/** Cuts x to a length along an axis, or pads it with zeros. */
function fitted(x: Tensor, axis: number, n: number): Tensor {
  const size = x.shape[axis];
  if (size === n) return x;
  return size > n ? sliceAxis(x, axis, 0, n) : lengthened(x, axis, n);
}

const scaled = (x: Tensor, scale: number): Tensor => (scale === 1 ? x : mul(x, scale));
const asGiven = (y: Tensor, x: Tensor): Tensor => (x.dtype === 'f16' ? cast(y, 'f16') : y);

function complexTransform(op: string, x: Tensor, options: FourierOptions, inverse: boolean): Tensor {
  const { t, axis, n, scale } = checked(op, x, options, { isComplex: true, inverse });
  return asGiven(scaled(fourier(fitted(t, axis, n), axis, inverse), scale), x);
}

/**
 * Discrete Fourier transform, y[k] = Σ x[j] e^(-2πi jk/n). Complex numbers are pairs along a trailing axis of size 2. Any length takes O(n
 * log n) steps: prime factors up to 13 directly, others by Bluestein's algorithm. The gradient is the transform in the other direction.
 *
 * x [.., n, .., 2] -> f32 [.., n, .., 2].
 * @throws ShapeError if the last axis is no pair or the axis is empty, ArgumentError for another norm or length. (numpy.fft.fft.)
 *
 *     fft(tensor([[1, 0], [0, 0]]))              // [[1, 0], [1, 0]]
 *     fft(x, { axis: 0, norm: 'ortho' })         // [8,3,2] -> [8,3,2]
 */
export const fft = (x: Tensor, options: FourierOptions = {}): Tensor => complexTransform('fft', x, options, false);

/**
 * Inverse of fft, y[j] = 1/n Σ x[k] e^(2πi jk/n). Complex numbers are pairs along a trailing axis of size 2.
 *
 * x [.., n, .., 2] -> f32 [.., n, .., 2].
 * @throws ShapeError if the last axis is no pair or the axis is empty, ArgumentError for another norm or length. (numpy.fft.ifft.)
 *
 *     ifft(fft(x))   // x
 */
export const ifft = (x: Tensor, options: FourierOptions = {}): Tensor => complexTransform('ifft', x, options, true);

/**
 * Discrete Fourier transform of real numbers: the first n/2 + 1 values of fft, which determine the others. The result has pairs along a new trailing
 * axis of size 2.
 *
 * x [.., n, ..] -> f32 [.., floor(n / 2) + 1, .., 2].
 * @throws ShapeError for an axis that x does not have or that is empty, ArgumentError for another norm or length. (numpy.fft.rfft.)
 *
 *     rfft(tensor([1, 2, 3, 4]))   // [[10, 0], [-2, 2], [-2, 0]]
 */
export function rfft(x: Tensor, options: FourierOptions = {}): Tensor {
  const { t, axis, n, scale } = checked('rfft', x, options, { isComplex: false, inverse: false });
  const complex = fitted(expandDims(fitted(t, axis, n), -1), t.rank, 2);
  return asGiven(scaled(sliceAxis(fourier(complex, axis, false), axis, 0, Math.floor(n / 2) + 1), scale), x);
}

/**
 * Inverse of rfft: the n real numbers whose transform begins with x. The imaginary parts of x[0] and, for an even n, of x[n/2] are ignored.
 *
 * x [.., floor(n / 2) + 1, .., 2] -> f32 [.., n, ..]; n is 2 (size - 1) unless given.
 * @throws ShapeError if the last axis is no pair or the axis is empty, ArgumentError for another norm or length. (numpy.fft.irfft.)
 *
 *     irfft(rfft(x), { n: x.size })   // x [5] -> [5]
 */
export function irfft(x: Tensor, options: FourierOptions = {}): Tensor {
  const { t, axis, n, scale } = checked('irfft', x, options, { isComplex: true, inverse: true, lengthOf: (size) => 2 * (size - 1) });
  const head = fitted(t, axis, Math.floor(n / 2) + 1);
  const missing = n - head.shape[axis];
  // x[n - k] is the conjugate of x[k].
  const tail = mul(flip(sliceAxis(head, axis, 1, missing), axis), tensor([1, -1]));
  const whole = missing > 0 ? concat([head, tail], axis) : head;
  const y = fourier(sliceAxis(whole, axis, 0, n), axis, true);
  return asGiven(scaled(squeeze(sliceAxis(y, t.rank - 1, 0, 1), -1), scale), x);
}
