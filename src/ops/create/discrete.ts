// Random integers: classes by their logits, and whole numbers of a range.
import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, formatShape, normalizeAxis } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, mul, sub } from '../elementwise/arithmetic.ts';
import { cast } from '../elementwise/cast.ts';
import { less } from '../elementwise/comparison.ts';
import { bitwiseAnd, rightShift } from '../elementwise/integers.ts';
import { checkNotEmpty, checkTensor, inWords } from '../operands/arguments.ts';
import { operand } from '../operands/operands.ts';
import { argMax } from '../reduce/argReduce.ts';
import { max } from '../reduce/reduce.ts';
import { checkShape, expandDims, stopGradient, transpose } from '../shape/shape.ts';
import { standardGumbel } from './exponentials.ts';
import { broadcastsTo } from './parameters.ts';
import { type SeedOptions, bitsFor } from './randomBits.ts';

export interface CategoricalOptions extends SeedOptions {
  /** Axis of the classes. @default -1 */
  readonly axis?: number;
  /** Number of draws for each row of logits: the axis of the classes becomes one of draws. @default one draw, without an axis of its own */
  readonly numSamples?: number;
  /** Shape of the result, as in JAX: the other axes of the logits broadcast to it. Not together with numSamples. */
  readonly shape?: Shape;
}

/**
 * Random classes, class i with probability softmax(logits)ᵢ: the largest sum of logits and Gumbel noise (Gumbel 1954). A logit of -Infinity is
 * never drawn; a row without any other gives 0. There is no gradient; random.gumbel makes one that has. Equal on all stacks, unless the two
 * largest sums agree to about 1e-6.
 *
 * logits [.., N, ..] -> i32 [.., ..], or [.., numSamples, ..], or shape. Keras's categorical(logits, num_samples) names numSamples.
 * @throws ShapeError for an axis outside the logits or without elements, or a shape that the other axes do not broadcast to.
 *
 *     random.categorical(tensor([[0, Math.log(3)]]), { numSamples: 5 })   // [1, 5] of 0 and 1, three times as many 1
 */
export function categorical(logits: Tensor, options: CategoricalOptions = {}): Tensor {
  const op = 'random.categorical';
  checkOptions(op, options, ['axis', 'numSamples', 'shape', 'seed']);
  const { numSamples, seed } = options;
  const t = cast(operand(op, checkTensor(op, 'logits', logits), 'float'), 'f32');
  const axis = normalizeAxis(op, options.axis ?? -1, t.rank);
  checkNotEmpty(op, t.shape, [axis]);
  const others = t.shape.filter((_, i) => i !== axis);
  const last = transpose(t, [...t.shape.keys()].filter((i) => i !== axis).concat(axis));
  // Differences from the largest logit keep their digits in the sum.
  const scores = stopGradient(sub(last, max(last, { axis: -1, keepDims: true })));
  const drawn = (shape: Shape, rows: Tensor): Tensor => {
    const noise = standardGumbel(bitsFor(op, [...shape, t.shape[axis]], seed));
    return argMax(add(rows, noise), { axis: -1 });
  };
  if (options.shape !== undefined) {
    if (numSamples !== undefined) throw new ArgumentError(`${op}: takes numSamples or shape, not both; leave one out`);
    const shape = checkShape(op, options.shape);
    if (broadcastsTo(others, shape)) return drawn(shape, scores);
    throw new ShapeError(
      `${op}: the logits ${formatShape(t.shape)} without axis ${axis} do not broadcast to the shape ${formatShape(shape)}; end it with ${formatShape(others)}`,
    );
  }
  if (numSamples === undefined) return drawn(others, scores);
  if (!Number.isInteger(numSamples) || numSamples < 0)
    throw new ArgumentError(`${op}: numSamples is ${inWords(numSamples)}; it must be a whole number from 0 on`);
  return drawn([...others.slice(0, axis), numSamples, ...others.slice(axis)], expandDims(scores, axis));
}

export interface RandintOptions extends SeedOptions {
  /** Smallest number. @default 0 */
  readonly min?: number;
  /** Bound that all numbers are below, at most 2^31. */
  readonly max: number;
}

const least = -(2 ** 31);
const most = 2 ** 31;

function checkBound(name: string, value: unknown): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw new ArgumentError(`random.randint: ${name} is ${inWords(value)}; it must be a whole number from ${least} to ${most}`);
}

/** Upper and lower word of the product of u32 and a number below 2^32. */
function product(x: Tensor, factor: number): { readonly upper: Tensor; readonly lower: Tensor } {
  const [high, low] = [Math.floor(factor / 2 ** 16), factor % 2 ** 16];
  const half = (t: Tensor): Tensor => bitwiseAnd(t, 0xffff);
  const [x1, x0] = [rightShift(x, 16), half(x)];
  // No sum reaches 2^32.
  const middle = add(mul(x1, low), rightShift(mul(x0, low), 16));
  const carried = add(mul(x0, high), half(middle));
  return { upper: add(mul(x1, high), add(rightShift(middle, 16), rightShift(carried, 16))), lower: mul(x, factor) };
}

/**
 * Whole numbers from min up to, not including, max. Each is floor((max - min) · u) for a u of 64 bits, so that the probabilities of two numbers
 * differ by a factor of at most 1 + 2^-32 (Lemire 2019, without rejection). Equal on all stacks. There is no gradient.
 *
 * shape -> i32 of that shape. Keras calls the bounds minval and maxval.
 * @throws ArgumentError for bounds that are not whole numbers of i32, or a max that is not above min.
 *
 *     random.randint([10], { min: 1, max: 7 })   // dice
 */
export function randint(shape: Shape, options: RandintOptions): Tensor {
  const op = 'random.randint';
  checkOptions(op, options, ['min', 'max', 'seed']);
  const { min = 0, max: end, seed } = (options as RandintOptions | undefined) ?? ({} as RandintOptions);
  checkBound('min', min);
  checkBound('max', end);
  if (end <= min) throw new ArgumentError(`${op}: no whole number is from min ${min} up to, not including, max ${end}; use a larger max`);
  const bits = bitsFor(op, shape, seed);
  const count = end - min;
  return offset(count === 2 ** 32 ? bits(0) : below(bits(0), bits(1), count), min, count);
}

/** floor(count · u) for u = (upper + lower / 2^32) / 2^32. */
function below(upper: Tensor, lower: Tensor, count: number): Tensor {
  const { upper: whole, lower: rest } = product(upper, count);
  const sum = add(rest, product(lower, count).upper);
  // A sum below its term has wrapped around: the carry.
  return add(whole, cast(less(sum, rest), 'u32'));
}

/** The u32 below count as i32, plus min. Above 2^31 it is added in halves, because no part may leave i32. */
function offset(value: Tensor, min: number, count: number): Tensor {
  if (count <= most) return add(cast(value, 'i32'), min);
  const half = cast(rightShift(value, 1), 'i32');
  return add(add(add(half, min), half), cast(bitwiseAnd(value, 1), 'i32'));
}
