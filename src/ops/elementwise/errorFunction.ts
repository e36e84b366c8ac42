// The error function and related functions, which WGSL does not have.
import trigonometrySource from '../../../shaders/trigonometry.wgsl?raw';
import { provideFunctions } from '../../wgsl/index.ts';
import { mul, neg, square } from './arithmetic.ts';
import { unary } from './elementwise.ts';
import { exp } from './exponential.ts';
import { erfOf, erfcOf, erfInvOf } from './hostMath.ts';
import { propagate } from './zeroFlow.ts';

provideFunctions('trigonometry', trigonometrySource);

const twoOverRootPi = 2 / Math.sqrt(Math.PI);

/** Error function, 2/√π ∫₀ˣ e^(-t²) dt. */
export const erf = unary({
  name: 'erf',
  takes: 'float',
  scalar: erfOf,
  wgsl: (x) => `erf(${x})`,
  // d erf(x) = 2/√π e^(-x²) dx
  derivatives: [(g, _y, x) => propagate(g, mul(exp(neg(square(x))), twoOverRootPi))],
});

/** Complementary error function, 1 - erf(x), accurate even if erf is near 1. */
export const erfc = unary({
  name: 'erfc',
  takes: 'float',
  scalar: erfcOf,
  wgsl: (x) => `erfc(${x})`,
  // d erfc(x) = -2/√π e^(-x²) dx
  derivatives: [(g, _y, x) => propagate(g, mul(exp(neg(square(x))), -twoOverRootPi))],
});

/**
 * Inverse error function, erf(erfInv(x)) = x for x in (-1, 1); infinite at -1 and 1, NaN outside. √2 erfInv(2p - 1) is the quantile
 * function of the normal distribution. The gradient is √π/2 e^(y²).
 *
 * x [..] -> float [..]. Integers become f32.
 * @throws ArgumentError if x is neither a tensor nor a number.
 *
 *     erfInv(tensor([0, 0.5]))   // [0, 0.4769363]
 */
export const erfInv = unary({
  name: 'erfInv',
  takes: 'float',
  unbounded: true,
  scalar: erfInvOf,
  wgsl: (x) => `erfInv(${x})`,
  // d erf⁻¹(x) = √π/2 e^(y²) dx with y = erf⁻¹(x)
  derivatives: [(g, y) => propagate(g, mul(exp(square(y)), 1 / twoOverRootPi))],
});
