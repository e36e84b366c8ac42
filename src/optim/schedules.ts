// Learning-rate schedules: graph functions of the step, so that a compiled training step computes its own rate and nothing is traced again.
// Formulas and names are Keras's; the first update has step 0.
import { isFloat } from '../core/dtype.ts';
import { ArgumentError, checkOptions } from '../core/errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  cast,
  cos,
  div,
  equal,
  exp,
  floorDiv,
  full,
  less,
  lessEqual,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  sub,
  where,
} from '../ops/index.ts';
import { checkNumber } from './check.ts';

/** The learning rate at a step: (step: i32 or f32 scalar) => f32 scalar. */
export type Schedule = (step: Tensor) => Tensor;

export interface ConstantOptions {
  learningRate: number;
}

/** Always the same learning rate. */
function constant(options: ConstantOptions): Schedule {
  checkOptions('schedules.constant', options, ['learningRate']);
  const rate = checkNumber('schedules.constant', 'learningRate', options?.learningRate, 'above 0');
  return () => full([], rate);
}

export interface DecayOptions {
  initialLearningRate: number;
  decaySteps: number;
  decayRate: number;
  /** Decays at whole multiples of decaySteps only; false. */
  staircase?: boolean;
}

function checkDecay(name: string, options: DecayOptions): void {
  const where = `schedules.${name}`;
  checkOptions(where, options, ['initialLearningRate', 'decaySteps', 'decayRate', 'staircase']);
  checkNumber(where, 'initialLearningRate', options?.initialLearningRate, 'above 0');
  checkNumber(where, 'decaySteps', options.decaySteps, 'above 0');
  checkNumber(where, 'decayRate', options.decayRate, 'above 0');
}

/**
 * The step to compare with these numbers and to take from them: whole where it is, because f32 does not tell steps beyond 2^24 apart. In f32 where
 * multiples of the numbers may leave i32.
 */
const counted = (step: Tensor, ...numbers: readonly number[]): Tensor => (numbers.every((n) => n < 2 ** 30) ? step : cast(step, 'f32'));

/** step / decaySteps, in whole numbers for a staircase. */
function periods(step: Tensor, { decaySteps, staircase = false }: DecayOptions): Tensor {
  // Not floor(div(…)): a device's quotient may lie just below the whole number.
  return cast(staircase ? floorDiv(step, decaySteps) : div(step, decaySteps), 'f32');
}

/**
 * Exponential decay, initialLearningRate * decayRate^(step / decaySteps).
 *
 *     optimizers.sgd({ learningRate: schedules.exponentialDecay({ initialLearningRate: 0.1, decaySteps: 1000, decayRate: 0.96 }) })
 */
function exponentialDecay(options: DecayOptions): Schedule {
  checkDecay('exponentialDecay', options);
  const { initialLearningRate, decayRate } = options;
  // The logarithm is taken here, in f64: a device's pow would add the error of its own.
  return (step) => mul(exp(mul(periods(step, options), Math.log(decayRate))), initialLearningRate);
}

/** Inverse-time decay, initialLearningRate / (1 + decayRate * step / decaySteps). */
function inverseTimeDecay(options: DecayOptions): Schedule {
  checkDecay('inverseTimeDecay', options);
  const { initialLearningRate, decayRate } = options;
  return (step) => div(initialLearningRate, add(mul(periods(step, options), decayRate), 1));
}

export interface CosineDecayOptions {
  initialLearningRate: number;
  /** Steps of the decay, counted after the warm-up. */
  decaySteps: number;
  /** The rate at the end, as a fraction of the rate at which the decay begins; 0. */
  alpha?: number;
  /** The rate that the warm-up climbs to from initialLearningRate, in a straight line; without it there is no warm-up. */
  warmupTarget?: number;
  /** 0. */
  warmupSteps?: number;
}

/**
 * Cosine decay, rate * ((1 - alpha) * (1 + cos(pi * step / decaySteps)) / 2 + alpha), after an optional linear warm-up.
 * Loshchilov and Hutter, SGDR, 2016.
 *
 *     schedules.cosineDecay({ initialLearningRate: 0, warmupTarget: 1e-3, warmupSteps: 100, decaySteps: 900 })
 */
function cosineDecay(options: CosineDecayOptions): Schedule {
  const name = 'schedules.cosineDecay';
  checkOptions(name, options, ['initialLearningRate', 'decaySteps', 'alpha', 'warmupTarget', 'warmupSteps']);
  const { alpha = 0, warmupTarget, warmupSteps = 0 } = options ?? {};
  const warms = warmupTarget !== undefined;
  const initial = checkNumber(name, 'initialLearningRate', options?.initialLearningRate, warms ? 'at least 0' : 'above 0');
  const decaySteps = checkNumber(name, 'decaySteps', options.decaySteps, 'above 0');
  checkNumber(name, 'alpha', alpha, 'in 0..1');
  checkNumber(name, 'warmupSteps', warmupSteps, 'a whole number of at least 0');
  if (warms) checkNumber(name, 'warmupTarget', warmupTarget, 'above 0');
  else if (warmupSteps > 0)
    throw new ArgumentError(`${name}: warmupSteps is ${warmupSteps} without a warmupTarget; give the rate to climb to`);
  const peak = warmupTarget ?? initial;
  return (step) => {
    const now = counted(step, warmupSteps);
    const fraction = minimum(maximum(div(sub(now, warmupSteps), decaySteps), 0), 1);
    const decayed = mul(add(mul(add(cos(mul(fraction, Math.PI)), 1), 0.5 * (1 - alpha)), alpha), peak);
    if (warmupSteps === 0) return decayed;
    const climbing = add(mul(div(now, warmupSteps), peak - initial), initial);
    return where(less(now, warmupSteps), climbing, decayed);
  };
}

export interface PolynomialDecayOptions {
  initialLearningRate: number;
  decaySteps: number;
  /** 1e-4. */
  endLearningRate?: number;
  /** 1: a straight line. */
  power?: number;
  /** Starts again over ever longer spans instead of staying at the end; false. */
  cycle?: boolean;
}

/** Polynomial decay, (initial - end) * (1 - step / decaySteps)^power + end, step at most decaySteps. */
function polynomialDecay(options: PolynomialDecayOptions): Schedule {
  const name = 'schedules.polynomialDecay';
  checkOptions(name, options, ['initialLearningRate', 'decaySteps', 'endLearningRate', 'power', 'cycle']);
  const { endLearningRate = 1e-4, power = 1, cycle = false } = options ?? {};
  const initial = checkNumber(name, 'initialLearningRate', options?.initialLearningRate, 'above 0');
  const decaySteps = checkNumber(name, 'decaySteps', options.decaySteps, 'above 0');
  checkNumber(name, 'endLearningRate', endLearningRate, 'at least 0');
  checkNumber(name, 'power', power, 'above 0');
  return (step) => {
    const now = counted(step, decaySteps);
    // With cycle, the span is the next multiple of decaySteps; at step 0 it is the first.
    const span = cycle ? mul(where(equal(now, 0), 1, neg(floorDiv(neg(now), decaySteps))), decaySteps) : decaySteps;
    // (span - now) / span keeps the digits of the last steps, which 1 - now / span would lose.
    const left = maximum(div(sub(span, cycle ? now : minimum(now, decaySteps)), span), 0);
    return add(mul(power === 1 ? left : pow(left, power), initial - endLearningRate), endLearningRate);
  };
}

export interface PiecewiseConstantDecayOptions {
  /** Steps after which the next value holds, rising. */
  boundaries: readonly number[];
  /** One more than boundaries. */
  values: readonly number[];
}

/** values[0] up to and including step boundaries[0], then values[1], and so on. */
function piecewiseConstantDecay(options: PiecewiseConstantDecayOptions): Schedule {
  const name = 'schedules.piecewiseConstantDecay';
  checkOptions(name, options, ['boundaries', 'values']);
  const { boundaries = [], values = [] } = options ?? {};
  if (values.length !== boundaries.length + 1) {
    throw new ArgumentError(
      `${name}: ${boundaries.length} boundaries and ${values.length} values; it takes one value more than boundaries`,
    );
  }
  boundaries.forEach((b, i) => {
    checkNumber(name, `boundaries[${i}]`, b, 'at least 0');
    if (i > 0 && b <= boundaries[i - 1]) throw new ArgumentError(`${name}: boundaries are ${boundaries.join(', ')}; they must rise`);
  });
  values.forEach((v, i) => checkNumber(name, `values[${i}]`, v, 'at least 0'));
  return (step) => {
    // Whole steps up to 2.5 are those up to 2.
    const limits = isFloat(step.dtype) ? boundaries : boundaries.map(Math.floor);
    const now = counted(step, ...limits);
    let rate = full([], values[values.length - 1]);
    for (let i = boundaries.length - 1; i >= 0; i--) rate = where(lessEqual(now, limits[i]), values[i], rate);
    return rate;
  };
}

export const schedules = { constant, exponentialDecay, inverseTimeDecay, cosineDecay, polynomialDecay, piecewiseConstantDecay };
export type ScheduleName = keyof typeof schedules;
