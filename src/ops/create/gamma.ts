// Gamma and beta numbers by the method of Marsaglia and Tsang, A Simple Method for Generating Gamma Variables, 2000.
import { checkOptions } from '../../core/errors.ts';
import type { Shape } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { abs, add, div, mul, pow, sub } from '../elementwise/arithmetic.ts';
import { cast } from '../elementwise/cast.ts';
import { greater, less, logicalAnd } from '../elementwise/comparison.ts';
import { exp, log, log1p, rsqrt, sigmoid, sqrt } from '../elementwise/exponential.ts';
import { clip, where } from '../elementwise/select.ts';
import { cos } from '../elementwise/trigonometric.ts';
import { type TensorLike, operand } from '../operands/operands.ts';
import { argMax } from '../reduce/argReduce.ts';
import { stopGradient } from '../shape/shape.ts';
import { positiveUniform } from './exponentials.ts';
import { parameter } from './parameters.ts';
import { type Bits, type SeedOptions, bitsFor, toUniform } from './randomBits.ts';

/** Number of candidates. One is rejected with a probability of at most 0.0484, at concentration 1; all of them with 0.0484^8 = 3e-11. */
const candidates = 8;

/** Draws of one gamma tensor: two for each candidate, and one for the power of small concentrations. */
const drawsOfGamma = 2 * candidates + 1;

/** log(1 + t) - t + t²/2 - t³/3, without cancellation for small t. */
function logRemainder(t: Tensor): Tensor {
  const near = mul(pow(t, 4), add(mul(t, add(mul(t, -1 / 6), 0.2)), -0.25));
  const far = sub(log1p(t), mul(t, sub(1, mul(t, sub(0.5, mul(t, 1 / 3))))));
  return where(less(abs(t), 0.05), near, far);
}

interface StandardGamma {
  /** The concentration less 1/3, plus 1 if it is below 1. */
  readonly d: Tensor;
  /** The sample is d (1 + t)³ e^logPower. */
  readonly t: Tensor;
  /** log(u) / concentration for concentrations below 1, otherwise 0; undefined if none is below 1. */
  readonly logPower: Tensor | undefined;
}

/** Parts of a sample of the gamma distribution of scale 1. */
function standardGamma(bits: Bits, concentration: TensorLike, firstDraw: number): StandardGamma {
  const a = stopGradient(operand('random.gamma', concentration, 'float'));
  const isSmall = less(a, 1);
  const d = sub(where(isSmall, add(a, 1), a), 1 / 3);
  const c = mul(rsqrt(d), 1 / 3);
  /** Normal numbers times c, of all candidates or of the chosen ones. */
  const shiftOf = (among: number | Tensor): Tensor => {
    const radius = sqrt(mul(log(sub(1, toUniform(bits(0, firstDraw, among)))), -2));
    return mul(mul(radius, cos(mul(toUniform(bits(1, firstDraw, among)), 2 * Math.PI))), c);
  };
  const shifts = shiftOf(candidates);
  // log u < x²/2 + d - d v + d log v for v = (1 + t)³ and x = t / c, in terms of t.
  const logUniform = log(sub(1, toUniform(bits(0, firstDraw + candidates, candidates))));
  const isAccepted = logicalAnd(greater(shifts, -1), less(logUniform, mul(mul(logRemainder(shifts), d), 3)));
  // Candidates are made again from their number: only the number of the first accepted one is stored.
  const chosen = shiftOf(cast(argMax(isAccepted, { axis: 0 }), 'u32'));
  const mayBeSmall = typeof concentration !== 'number' || concentration < 1;
  const power = (): Tensor => clip(div(log(positiveUniform(bits, firstDraw + 2 * candidates)), a), -3e38, 0);
  return { d, t: where(greater(chosen, -1), chosen, 0), logPower: mayBeSmall ? where(isSmall, power(), 0) : undefined };
}

/** The sample, and NaN if a parameter is not above 0. */
const whereAbove0 = (a: TensorLike, y: Tensor): Tensor => (typeof a === 'number' ? y : where(greater(stopGradient(a), 0), y, NaN));

export interface GammaOptions extends SeedOptions {
  /** Shape of the distribution, Keras's alpha; above 0. A tensor broadcasts to the shape. */
  readonly concentration: TensorLike;
  /** Factor of all numbers, the reciprocal of the rate; above 0. A tensor broadcasts to the shape. @default 1 */
  readonly scale?: TensorLike;
}

/**
 * Gamma numbers with density x^(concentration - 1) e^(-x / scale) / (Γ(concentration) scale^concentration). Elements of a tensor that are not
 * above 0 give NaN. A concentration far below 1 gives many numbers that f32 rounds to 0.
 *
 * Eight candidates are drawn by Marsaglia and Tsang's method, and the first accepted one is taken. All are rejected with a probability below
 * 4e-11; then the first one is taken. Concentrations below 1 use gamma(a) = gamma(a + 1) · u^(1 / a). The gradient of scale is x / scale; concentration has none.
 * Equal on all stacks to about 1e-5, unless rounding decides whether a candidate is accepted, once in a million numbers.
 *
 * shape -> f32 of that shape.
 * @throws ArgumentError for a parameter that is not above 0, ShapeError for one that does not broadcast to the shape.
 *
 *     random.gamma([64], { concentration: 0.5, scale: 2 })
 */
export function gamma(shape: Shape, options: GammaOptions): Tensor {
  const op = 'random.gamma';
  checkOptions(op, options, ['concentration', 'scale', 'seed']);
  const concentration = parameter(op, 'concentration', (options as GammaOptions | undefined)?.concentration, shape, 'above 0');
  const scale = parameter(op, 'scale', options.scale ?? 1, shape, 'above 0');
  const { d, t, logPower } = standardGamma(bitsFor(op, shape, options.seed), concentration, 0);
  const sample = mul(d, pow(add(t, 1), 3));
  return mul(whereAbove0(concentration, logPower ? mul(sample, exp(logPower)) : sample), scale);
}

export interface BetaOptions extends SeedOptions {
  /** Concentration of 1: large values move the numbers to 1; above 0. A tensor broadcasts to the shape. */
  readonly alpha: TensorLike;
  /** Concentration of 0: large values move the numbers to 0; above 0. A tensor broadcasts to the shape. */
  readonly beta: TensorLike;
}

/**
 * Beta numbers with density x^(alpha - 1) (1 - x)^(beta - 1) / B(alpha, beta) in [0, 1]: X / (X + Y) of gamma numbers X and Y, from their
 * logarithms, so that small concentrations do not give 0 / 0. The names are Keras's; PyTorch has concentration1 and concentration0. Elements of
 * a tensor that are not above 0 give NaN. There is no gradient of alpha and beta. Equal on all stacks as random.gamma is.
 *
 * shape -> f32 of that shape.
 * @throws ArgumentError for a parameter that is not above 0, ShapeError for one that does not broadcast to the shape.
 *
 *     random.beta([64], { alpha: 0.2, beta: 0.2 })   // the weights of mixup
 */
export function beta(shape: Shape, options: BetaOptions): Tensor {
  const op = 'random.beta';
  checkOptions(op, options, ['alpha', 'beta', 'seed']);
  const alpha = parameter(op, 'alpha', (options as BetaOptions | undefined)?.alpha, shape, 'above 0');
  const other = parameter(op, 'beta', options.beta, shape, 'above 0');
  const bits = bitsFor(op, shape, options.seed);
  const logOf = ({ d, t, logPower }: StandardGamma): Tensor => {
    const logSample = add(log(d), mul(log1p(t), 3));
    return logPower ? add(logSample, logPower) : logSample;
  };
  const [x, y] = [alpha, other].map((a, i) => logOf(standardGamma(bits, a, i * drawsOfGamma)));
  return whereAbove0(alpha, whereAbove0(other, sigmoid(sub(x, y))));
}
