// Random tensors from counter-based bits. Each element is a function of its key and its position, the same on every stack.
import { ArgumentError, TraceError, checkOptions } from '../../core/errors.ts';
import { RandomStream, globalStream } from '../../core/random.ts';
import type { Shape } from '../../core/shape.ts';
import { type Tensor, hostTensor } from '../../graph/tensor.ts';
import { currentTrace } from '../../graph/trace.ts';
import { checkFinite, inWords } from '../operands/arguments.ts';
import { add, div, mul, sub } from '../elementwise/arithmetic.ts';
import { less } from '../elementwise/comparison.ts';
import { full } from './create.ts';
import { categorical, randint } from './discrete.ts';
import { exponential, gumbel } from './exponentials.ts';
import { beta, gamma } from './gamma.ts';
import { type SeedOptions, bitsFor, checkSeed, toUniform } from './randomBits.ts';
import { erfInv } from '../elementwise/errorFunction.ts';
import { log, sqrt } from '../elementwise/exponential.ts';
import { type TensorLike, operand } from '../operands/operands.ts';
import { erfOf } from '../elementwise/hostMath.ts';
import { clip, where } from '../elementwise/select.ts';
import { checkShape } from '../shape/shape.ts';
import { cos } from '../elementwise/trigonometric.ts';

export interface UniformOptions extends SeedOptions {
  /** Smallest number. @default 0 */
  readonly min?: number;
  /** Bound that all numbers are below. @default 1 */
  readonly max?: number;
}

/** Uniform numbers in [min, max); the default is [0, 1). */
function uniform(shape: Shape, options: UniformOptions = {}): Tensor {
  checkOptions('random.uniform', options, ['min', 'max', 'seed']);
  const { min = 0, max = 1, seed } = options;
  checkFinite('random.uniform', 'min', min);
  checkFinite('random.uniform', 'max', max);
  const unit = toUniform(bitsFor('random.uniform', shape, seed)(0));
  return min === 0 && max === 1 ? unit : add(mul(unit, max - min), min);
}

export interface NormalOptions extends SeedOptions {
  /** Mean of the distribution. @default 0 */
  readonly mean?: number;
  /** Standard deviation of the distribution, before truncation. @default 1 */
  readonly stddev?: number;
}

function checkMoments(op: string, options: NormalOptions): void {
  checkOptions(op, options, ['mean', 'stddev', 'seed']);
  const { mean = 0, stddev = 1 } = options;
  checkFinite(op, 'mean', mean);
  checkFinite(op, 'stddev', stddev);
}

/** Normal numbers by Box and Muller's transform: √(-2 log(1 - u)) cos(2π v). Equal on all stacks to about 1e-6. */
function normal(shape: Shape, options: NormalOptions = {}): Tensor {
  checkMoments('random.normal', options);
  const bits = bitsFor('random.normal', shape, options.seed);
  const radius = sqrt(mul(log(sub(1, toUniform(bits(0)))), -2));
  return affine(mul(radius, cos(mul(toUniform(bits(1)), 2 * Math.PI))), options);
}

/** Normal numbers within two standard deviations of the mean, by the inverse of the truncated distribution function. */
function truncatedNormal(shape: Shape, options: NormalOptions = {}): Tensor {
  checkMoments('random.truncatedNormal', options);
  const u = toUniform(bitsFor('random.truncatedNormal', shape, options.seed)(0));
  // u in [0, 1) -> erf's values between -2 and 2 standard deviations -> the inverse of erf.
  const edge = erfOf(Math.SQRT2);
  const z = mul(erfInv(mul(sub(mul(u, 2), 1), edge)), Math.SQRT2);
  return affine(clip(z, -2, 2), options);
}

const affine = (z: Tensor, { mean = 0, stddev = 1 }: NormalOptions): Tensor => (mean === 0 && stddev === 1 ? z : add(mul(z, stddev), mean));

export interface BernoulliOptions extends SeedOptions {
  /** Probability of true, in [0, 1]. @default 0.5 */
  readonly p?: number;
}

/** Flags that are true with probability p; the default is 0.5. */
function bernoulli(shape: Shape, options: BernoulliOptions = {}): Tensor {
  checkOptions('random.bernoulli', options, ['p', 'seed']);
  const { p = 0.5, seed } = options;
  if (typeof p !== 'number' || !(p >= 0 && p <= 1))
    throw new ArgumentError(`random.bernoulli: p ${String(p)} is no probability; use 0 to 1`);
  return less(toUniform(bitsFor('random.bernoulli', shape, seed)(0)), p);
}

/**
 * 0 … n - 1 in random order, as i32, drawn on the host.
 * @throws TraceError inside a compiled function, because every call would return the same order.
 */
function permutation(n: number, options: SeedOptions = {}): Tensor {
  checkOptions('random.permutation', options, ['seed']);
  checkShape('random.permutation', [n]);
  checkSeed('random.permutation', options.seed);
  const trace = currentTrace();
  if (trace && options.seed === undefined) {
    throw new TraceError(`random.permutation: ${trace.name} would see the same order on every call; draw it outside and pass it in`);
  }
  const stream = options.seed === undefined ? new RandomStream(globalStream().nextKey()) : RandomStream.fromSeed(options.seed);
  return hostTensor({ shape: [n], dtype: 'i32' }, Int32Array.from(stream.permutation(n)));
}

/** Random tensors. setSeed() fixes the numbers of all later calls; `seed` fixes one tensor. */
export const random = {
  ...{ uniform, normal, truncatedNormal, bernoulli, permutation },
  ...{ categorical, gumbel, randint, gamma, beta, exponential },
};

export interface DropoutOptions extends SeedOptions {
  /** Fraction of elements set to 0, in [0, 1]. */
  readonly rate?: number;
}

/**
 * Sets a random fraction of the elements to 0 and scales the others by 1 / (1 - rate), so that sums keep their expectation (Srivastava et
 * al. 2014). Rate 0 gives x, rate 1 gives zeros. Dropped elements are 0 with gradient 0, also infinities and NaN.
 *
 * @throws ArgumentError for a rate outside 0..1.
 *
 *     dropout(x, { rate: 0.2 })
 */
export function dropout(x: TensorLike, options: DropoutOptions = {}): Tensor {
  checkOptions('dropout', options, ['rate', 'seed']);
  const { rate = 0.5, seed } = options;
  if (typeof rate !== 'number' || !(rate >= 0 && rate <= 1))
    throw new ArgumentError(`dropout: rate is ${inWords(rate)}; it must be a number from 0 to 1, the share of elements to drop`);
  checkSeed('dropout', seed);
  const t = operand('dropout', x, 'float');
  if (rate === 0) return t;
  if (rate === 1) return where(full(t.shape, 0, 'bool'), t, 0);
  return where(bernoulli(t.shape, { p: 1 - rate, seed }), div(t, 1 - rate), 0);
}
