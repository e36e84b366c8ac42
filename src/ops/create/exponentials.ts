// Exponential and Gumbel numbers: logarithms of uniform ones.
import { checkOptions } from '../../core/errors.ts';
import type { Shape } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, mul, neg } from '../elementwise/arithmetic.ts';
import { cast } from '../elementwise/cast.ts';
import { less } from '../elementwise/comparison.ts';
import { log, log1p } from '../elementwise/exponential.ts';
import { rightShift } from '../elementwise/integers.ts';
import { where } from '../elementwise/select.ts';
import type { TensorLike } from '../operands/operands.ts';
import { parameter } from './parameters.ts';
import { type Bits, type SeedOptions, bitsFor, toUniform } from './randomBits.ts';

/**
 * Uniform numbers in (0, 1), each exact in f32. Below 2^-12 the second word gives 12 more bits, so that the smallest number is 2^-36: logarithms go
 * to -25.
 */
export function positiveUniform(bits: Bits, draw?: number): Tensor {
  const coarse = toUniform(bits(0, draw));
  const fine = mul(add(cast(rightShift(bits(1, draw), 21), 'f32'), 0.5), 2 ** -35);
  return where(less(coarse, 2 ** -12), add(coarse, fine), coarse);
}

/** Standard Gumbel numbers, -log(-log(1 - u)), between -2.8 and 25: tails of 6e-8 and 1.5e-11 are cut off. */
export const standardGumbel = (bits: Bits): Tensor => neg(log(neg(log1p(neg(positiveUniform(bits))))));

export interface ExponentialOptions extends SeedOptions {
  /** Mean of the distribution, the reciprocal of its rate; above 0. A tensor broadcasts to the shape. @default 1 */
  readonly scale?: TensorLike;
}

/**
 * Exponential numbers, -scale · log(u) for u in (0, 1): density e^(-x / scale) / scale for x ≥ 0. The gradient of scale is x / scale. Equal on
 * all stacks to about 1e-6.
 *
 * shape -> f32 of that shape.
 * @throws ArgumentError for a scale that is not above 0, ShapeError for one that does not broadcast to the shape.
 *
 *     random.exponential([64], { scale: 2 })
 */
export function exponential(shape: Shape, options: ExponentialOptions = {}): Tensor {
  const op = 'random.exponential';
  checkOptions(op, options, ['scale', 'seed']);
  const scale = parameter(op, 'scale', options.scale ?? 1, shape, 'above 0');
  return mul(neg(log(positiveUniform(bitsFor(op, shape, options.seed)))), scale);
}

export interface GumbelOptions extends SeedOptions {
  /** Mode of the distribution. A tensor broadcasts to the shape. @default 0 */
  readonly loc?: TensorLike;
  /** Width of the distribution: its standard deviation is π scale / √6; above 0. A tensor broadcasts to the shape. @default 1 */
  readonly scale?: TensorLike;
}

/**
 * Gumbel numbers, loc - scale · log(-log(1 - u)): the noise whose largest sum with logits has their categorical distribution. The gradient of
 * loc is 1, that of scale (x - loc) / scale. Equal on all stacks to about 1e-6.
 *
 * shape -> f32 of that shape.
 * @throws ArgumentError for a scale that is not above 0, ShapeError for a parameter that does not broadcast to the shape.
 *
 *     softmax(div(add(logits, random.gumbel(logits.shape)), temperature))   // the Gumbel-softmax of Jang et al. 2017
 */
export function gumbel(shape: Shape, options: GumbelOptions = {}): Tensor {
  const op = 'random.gumbel';
  checkOptions(op, options, ['loc', 'scale', 'seed']);
  const loc = parameter(op, 'loc', options.loc ?? 0, shape, 'finite');
  const scale = parameter(op, 'scale', options.scale ?? 1, shape, 'above 0');
  return add(mul(standardGumbel(bitsFor(op, shape, options.seed)), scale), loc);
}
