// The gamma function's relatives, which WGSL does not have: lgamma, its derivative digamma, and polygamma, the derivatives of digamma.
import gammaSource from '../../../shaders/gamma.wgsl?raw';
import { ArgumentError, DtypeError } from '../../core/errors.ts';
import { isFloat } from '../../core/dtype.ts';
import { type OpDefinition, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { f32Literal, provideFunctions } from '../../wgsl/index.ts';
import { inWords } from '../operands/arguments.ts';
import { elementwiseLoop, unary } from './elementwise.ts';
import { cotangentDerivative, digammaOf, factorial, lgammaOf, polygammaOf } from './gammaMath.ts';
import { type TensorLike, operand } from '../operands/operands.ts';
import { propagate } from './zeroFlow.ts';

provideFunctions('gamma', gammaSource);

/**
 * Logarithm of the gamma function's magnitude, log |Γ(x)|; (n - 1)! is e^lgamma(n). Infinity at 0, -1, -2, … and at both infinities. The
 * relative error is at most 1e-6; next to the roots below 0 (-2.457…, -2.748…, …) the absolute error is at most 1e-6. The gradient is
 * digamma(x).
 *
 * x [..] -> float [..]. Integers become f32.
 * @throws ArgumentError if x is neither a tensor nor a number.
 *
 *     lgamma(tensor([1, 5]))   // [0, 3.1780539], log(0!) and log(4!)
 */
export const lgamma = unary({
  name: 'lgamma',
  takes: 'float',
  unbounded: true,
  scalar: lgammaOf,
  wgsl: (x) => `lgamma(${x})`,
  // d log Γ(x) = ψ(x) dx
  derivatives: [(g, _y, x) => propagate(g, digamma(x))],
});

/**
 * Digamma function, ψ(x) = Γ'(x) / Γ(x), the derivative of lgamma. -Infinity at 0 (Infinity at -0), NaN at -1, -2, … as in PyTorch. The
 * relative error is at most 1e-6; next to the roots below 0 the absolute error is at most 1e-6.
 *
 * x [..] -> float [..]. Integers become f32.
 * @throws ArgumentError if x is neither a tensor nor a number.
 *
 *     digamma(tensor([1, 2]))   // [-0.5772157, 0.4227843]
 */
export const digamma = unary({
  name: 'digamma',
  takes: 'float',
  unbounded: true,
  scalar: digammaOf,
  wgsl: (x) => `digamma(${x})`,
  // dψ(x) = ψ₁(x) dx
  derivatives: [(g, _y, x) => propagate(g, polygamma(x, 1))],
});

const polygammaOp: OpDefinition<{ readonly order: number }> = defineOp<{ readonly order: number }>({
  name: 'polygamma',
  infer: ([{ shape, dtype }]) => {
    if (!isFloat(dtype)) throw new DtypeError(`polygamma: does not take ${dtype}; cast(x, 'f32') first`);
    return [{ shape, dtype }];
  },
  // dψₙ(x) = ψₙ₊₁(x) dx
  vjp: ({ inputs: [x], cotangents: [g], attributes: { order } }) => [g && propagate(g, polygamma(x, order + 1))],
  reference: (context) => {
    const { order } = context.attributes;
    const scalar = (x: number): number => polygammaOf(x, order);
    return elementwiseLoop(1, scalar, scalar)(context);
  },
  lowering: {
    kind: 'elementwise',
    expression: ([x], { attributes: { order } }) => {
      const odd = order % 2 === 1;
      const zeta = `(${f32Literal(factorial(order))} * hurwitzZeta(select(${x}, 1.0 - (${x}), ${x} < 0.0), ${order}u))`;
      const cotangent = `(cosPi(turnOf(${x})) / sinPi(turnOf(${x})))`;
      const slope = cotangentDerivative(order).reduceRight(
        (sum, coefficient) => (sum === '' ? f32Literal(coefficient) : `(${sum} * ${cotangent} + ${f32Literal(coefficient)})`),
        '',
      );
      const reflected = `(-${zeta} - ${f32Literal(Math.PI ** (order + 1))} * ${slope})`;
      const regular = `select(${odd ? zeta : `(-${zeta})`}, ${reflected}, ${x} < 0.0)`;
      const atPoles = `select(${regular}, ${odd ? 'infinity()' : 'notANumber()'}, isGammaPole(${x}))`;
      const far = `select(${atPoles}, select(0.0, notANumber(), ${x} < 0.0), isInf(${x}))`;
      return `select(${far}, ${x}, isNan(${x}))`;
    },
  },
  unbounded: () => true,
});

/**
 * Polygamma function, the derivative of digamma of the given order: ψₙ(x) = (-1)^(n+1) n! Σ 1 / (x + k)^(n+1) over k ≥ 0; order 1 is the
 * trigamma function, order 0 is digamma. At 0, -1, -2, … it is Infinity for odd orders and NaN for even ones.
 *
 * x [..] -> float [..]. Integers become f32.
 * @throws ArgumentError for an order that is not an integer of at least 0.
 *
 *     polygamma(tensor([1]), 1)   // [1.6449341], π² / 6
 */
export function polygamma(x: TensorLike, order: number): Tensor {
  const t = operand('polygamma', x, 'float');
  if (!Number.isInteger(order) || order < 0) {
    throw new ArgumentError(`polygamma: order is ${inWords(order)}; it must be a whole number from 0 on, 1 for trigamma`);
  }
  return order === 0 ? digamma(t) : apply(polygammaOp, [t], { order });
}
