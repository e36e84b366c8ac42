// NaN, infinities, signed zeros and other arguments at which implementations differ; expected results in test/golden/ops.json.
import * as o from '../../src/ops/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';

/** Ops of one argument by their PyTorch name. */
export const specialUnary: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  ...{ abs: o.abs, sign: o.sign, reciprocal: o.reciprocal, square: o.square, floor: o.floor, ceil: o.ceil, round: o.round, trunc: o.trunc },
  ...{ sqrt: o.sqrt, rsqrt: o.rsqrt, exp: o.exp, expm1: o.expm1, exp2: o.exp2, log: o.log, log1p: o.log1p, log2: o.log2 },
  ...{ asin: o.asin, acos: o.acos, atan: o.atan, sinh: o.sinh, cosh: o.cosh, tanh: o.tanh, asinh: o.asinh, acosh: o.acosh, atanh: o.atanh },
  ...{ erf: o.erf, erfc: o.erfc, sigmoid: o.sigmoid, relu: o.relu, isnan: o.isNaN, isinf: o.isInf, isfinite: o.isFinite },
};

/** Ops of two arguments, each value with each other. */
export const specialBinary: Readonly<Record<string, (a: Tensor, b: Tensor) => Tensor>> = {
  ...{ maximum: o.maximum, minimum: o.minimum, pow: o.pow, atan2: o.atan2, div: o.div },
};

/** Angles are only meaningful up to a size. */
export const specialAngles: Readonly<Record<string, (x: Tensor) => Tensor>> = { sin: o.sin, cos: o.cos, tan: o.tan };
