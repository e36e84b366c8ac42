// Rounding functions. Integers are unchanged; the derivative is 0 almost everywhere and defined as 0.
import { isFloat } from '../../core/dtype.ts';
import { Tensor } from '../../graph/tensor.ts';
import { unary } from './elementwise.ts';
import type { TensorLike } from '../operands/operands.ts';
import { operand } from '../operands/operands.ts';
import { roundHalfEven } from './hostMath.ts';

/** A rounding function of floats that returns integers unchanged. */
function rounding(name: string, scalar: (x: number) => number): (x: TensorLike) => Tensor {
  const ofFloats = unary({ name, takes: 'float', scalar, wgsl: (x) => `${name}(${x})`, derivatives: 'zero' });
  return (x) => (x instanceof Tensor && !isFloat(x.dtype) ? operand(name, x, 'number') : ofFloats(x));
}

/** The largest integer not above x. */
export const floor = rounding('floor', Math.floor);

/** The smallest integer not below x. */
export const ceil = rounding('ceil', Math.ceil);

/** The nearest integer, halves to the even one: round(0.5) is 0, round(1.5) is 2. */
export const round = rounding('round', roundHalfEven);

/** x without its fraction, rounded towards 0. */
export const trunc = rounding('trunc', Math.trunc);
