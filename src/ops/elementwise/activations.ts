// Activation functions. relu is a primitive; the others are compositions that the fuser makes into one kernel.
import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { formatShape, normalizeAxis } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkFinite, checkFlag } from '../operands/arguments.ts';
import { abs, add, div, mul, pow, sub } from './arithmetic.ts';
import { greater, greaterEqual } from './comparison.ts';
import { unary } from './elementwise.ts';
import { erfc } from './errorFunction.ts';
import { expm1, sigmoid, softplus } from './exponential.ts';
import { type TensorLike, matchOperands, operand } from '../operands/operands.ts';
import { clip, where } from './select.ts';
import { split } from '../shape/rearrange.ts';
import { tanh } from './trigonometric.ts';

/** Rectified linear unit: x for x > 0, otherwise 0; NaN stays NaN. Its gradient at 0 is 0. */
export const relu = unary({
  name: 'relu',
  takes: 'number',
  scalar: {
    loop: (out, x) => {
      for (let i = 0; i < out.length; i++) out[i] = x[i] <= 0 ? 0 : x[i];
    },
  },
  // Tests bits: -0 to -Infinity become 0, and a NaN of either sign stays. Drivers turn select(x, 0.0, x < 0.0) into max(x, 0), which drops
  // NaN.
  wgsl: {
    f32: (x) => `select(${x}, 0.0, (bitcast<u32>(${x}) - 0x80000000u) <= 0x7f800000u)`,
    i32: (x) => `max(${x}, 0)`,
    u32: (x) => x,
  },
  // d relu(x) = [x > 0] dx. Testing relu(x) instead of x is equivalent, and the next layer keeps relu(x) in any case.
  derivatives: [(g, y) => where(greater(y, 0), g, 0)],
});

/** min(relu(x), 6). */
export function relu6(x: TensorLike): Tensor {
  const t = operand('relu6', x, 'number');
  return where(greaterEqual(t, 6), 6, relu(t));
}

/** x for x > 0, otherwise negativeSlope · x. */
export function leakyRelu(x: TensorLike, options: { readonly negativeSlope?: number } = {}): Tensor {
  checkOptions('leakyRelu', options, ['negativeSlope']);
  const { negativeSlope = 0.2 } = options;
  checkFinite('leakyRelu', 'negativeSlope', negativeSlope);
  return prelu(operand('leakyRelu', x, 'float'), negativeSlope);
}

/** x for x > 0, otherwise alpha · x, with a trainable alpha that broadcasts (He et al. 2015). */
export function prelu(x: TensorLike, alpha: TensorLike): Tensor {
  const [t, slope] = matchOperands('prelu', [x, alpha], 'float');
  return where(greater(t, 0), t, mul(t, slope));
}

/** e^x - 1 for x < 0, otherwise 0. The exponential of a large x must not reach a gradient. */
function negativeExpm1(x: Tensor): Tensor {
  return expm1(where(greater(x, 0), 0, x));
}

/** Exponential linear unit: x for x > 0, otherwise alpha (eˣ - 1) (Clevert et al. 2015). */
export function elu(x: TensorLike, options: { readonly alpha?: number } = {}): Tensor {
  checkOptions('elu', options, ['alpha']);
  const { alpha = 1 } = options;
  checkFinite('elu', 'alpha', alpha);
  const t = operand('elu', x, 'float');
  return where(greater(t, 0), t, mul(negativeExpm1(t), alpha));
}

/** Scaled elu that keeps mean 0 and variance 1: 1.0507 · elu(x, 1.6733) (Klambauer et al. 2017). */
export const selu = (x: TensorLike): Tensor => mul(elu(operand('selu', x, 'float'), { alpha: 1.6732632423543772 }), 1.0507009873554805);

/** Continuously differentiable elu: x for x > 0, otherwise alpha (e^(x/alpha) - 1) (Barron 2017). */
export function celu(x: TensorLike, options: { readonly alpha?: number } = {}): Tensor {
  checkOptions('celu', options, ['alpha']);
  const { alpha = 1 } = options;
  checkFinite('celu', 'alpha', alpha);
  if (alpha === 0) throw new ArgumentError('celu: alpha is 0, and x is divided by it; use another number');
  const t = operand('celu', x, 'float');
  return where(greater(t, 0), t, mul(negativeExpm1(div(t, alpha)), alpha));
}

/**
 * Gaussian error linear unit, x Φ(x) (Hendrycks & Gimpel 2016). The default approximates the error function by tanh(√(2/π) (x + 0.044715
 * x³)). Keras and PyTorch compute the exact form by default.
 */
export function gelu(x: TensorLike, options: { readonly approximate?: boolean } = {}): Tensor {
  checkOptions('gelu', options, ['approximate']);
  checkFlag('gelu', 'approximate', options.approximate);
  const t = operand('gelu', x, 'float');
  // (1 + tanh(u)) / 2 = sigmoid(2u) and (1 + erf(u)) / 2 = erfc(-u) / 2 have no cancellation for negative x.
  if (options.approximate ?? true) {
    // Outside of ±20 the sigmoid is 1 or 0. Its slope of 0 would be multiplied by a cube that overflows.
    const near = clip(t, -20, 20);
    return mul(t, sigmoid(mul(add(near, mul(pow(near, 3), 0.044715)), 2 * Math.sqrt(2 / Math.PI))));
  }
  return mul(t, mul(erfc(mul(t, -Math.SQRT1_2)), 0.5));
}

/** x sigmoid(x), also called swish. */
export function silu(x: TensorLike): Tensor {
  const t = operand('silu', x, 'float');
  return mul(t, sigmoid(t));
}

/** x tanh(softplus(x)) (Misra 2019). */
export function mish(x: TensorLike): Tensor {
  const t = operand('mish', x, 'float');
  return mul(t, tanh(softplus(t)));
}

/** x / (1 + |x|). */
export function softsign(x: TensorLike): Tensor {
  const t = operand('softsign', x, 'float');
  return div(t, add(abs(t), 1));
}

/** relu6(x + 3) / 6, a piecewise linear sigmoid. */
export const hardSigmoid = (x: TensorLike): Tensor => div(relu6(add(operand('hardSigmoid', x, 'float'), 3)), 6);

/** x hardSigmoid(x) (Howard et al. 2019). */
export function hardSwish(x: TensorLike): Tensor {
  const t = operand('hardSwish', x, 'float');
  return mul(t, hardSigmoid(t));
}

/** x clipped to [-1, 1]. */
export const hardTanh = (x: TensorLike): Tensor => clip(operand('hardTanh', x, 'number'), -1, 1);

/** x - tanh(x). */
export function tanhShrink(x: TensorLike): Tensor {
  const t = operand('tanhShrink', x, 'float');
  return sub(t, tanh(t));
}

/**
 * Gated linear unit: the first half of an axis times the sigmoid of the second half (Dauphin et al. 2016).
 *
 * x [.., 2N, ..] -> [.., N, ..].
 * @throws ShapeError for an axis outside x or of an odd size.
 */
export function glu(x: Tensor, options: { readonly axis?: number } = {}): Tensor {
  checkOptions('glu', options, ['axis']);
  const t = operand('glu', x, 'float');
  const axis = normalizeAxis('glu', options.axis ?? -1, t.rank);
  if (t.shape[axis] % 2 !== 0) {
    throw new ShapeError(`glu: axis ${axis} of ${formatShape(t.shape)} has no two equal halves; its size must be even`);
  }
  const [value, gate] = split(t, 2, axis);
  return mul(value, sigmoid(gate));
}
