// Schedules that rise and fall: triangles, one cycle, restarts. Formulas and names are those of PyTorch and Keras.
import type { Configured } from '../../core/config.ts';
import { ArgumentError } from '../../core/errors.ts';
import { boolean, number, oneOf, positiveInteger } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import {
  add,
  cast,
  cos,
  div,
  exp,
  floorDiv,
  greaterEqual,
  lessEqual,
  maximum,
  minimum,
  mul,
  sub,
  sum,
  tensor,
  where,
} from '../../ops/index.ts';
import { type Schedule, counted } from './schedule.ts';

export const cyclicOptions = declareOptions('schedules.cyclic', {
  /** The lowest rate. */
  baseLearningRate: required(number('above 0'), 0.001),
  /** The highest rate of the first cycle. */
  maxLearningRate: required(number('above 0'), 0.1),
  /** Number of steps that rise. @default 2000 */
  stepSizeUp: optional(positiveInteger, 2000),
  /** Number of steps that fall. @default stepSizeUp */
  stepSizeDown: optional(positiveInteger),
  /** 'triangular2' halves the height after each cycle. 'expRange' multiplies the height by gamma at each step. @default 'triangular' */
  mode: optional(oneOf('triangular', 'triangular2', 'expRange'), 'triangular'),
  /** Factor of the height at each step, for 'expRange'. @default 1 */
  gamma: optional(number('above 0'), 1),
});
export type CyclicOptions = OptionsOf<typeof cyclicOptions>;

/**
 * Cycles that rise from baseLearningRate to maxLearningRate and fall again in straight lines: base + (max - base) height factor, with the height
 * from 0 to 1, and the factor 1, 1 / 2^cycle or gamma^step by mode. Smith, Cyclical Learning Rates, 2017; PyTorch's
 * CyclicLR.
 *
 *     schedules.cyclic({ baseLearningRate: 1e-4, maxLearningRate: 1e-2, stepSizeUp: 500, mode: 'triangular2' })
 */
export function cyclic(options: CyclicOptions): Configured<Schedule> {
  const settings = cyclicOptions.read(options);
  const { baseLearningRate: base, maxLearningRate, stepSizeUp: up, stepSizeDown: down = up, mode, gamma } = settings;
  const schedule: Schedule = (step) => {
    const now = counted(step, up + down);
    const cycle = floorDiv(now, up + down);
    const position = cast(sub(now, mul(cycle, up + down)), 'f32');
    const height = where(lessEqual(position, up), div(position, up), div(sub(up + down, position), down));
    const factors: Record<typeof mode, () => Tensor | number> = {
      triangular: () => 1,
      triangular2: () => exp(mul(cast(cycle, 'f32'), -Math.LN2)),
      expRange: () => exp(mul(cast(now, 'f32'), Math.log(gamma))),
    };
    return add(mul(mul(height, maxLearningRate - base), factors[mode]()), base);
  };
  return withConfig(schedule, cyclicOptions, settings);
}

export const oneCycleOptions = declareOptions(
  'schedules.oneCycle',
  {
    /** The highest rate. */
    maxLearningRate: required(number('above 0'), 0.1),
    /** Number of steps of the cycle. The rate then stays at its end. */
    totalSteps: required(positiveInteger, 1000),
    /** Fraction of the steps that rise. @default 0.3 */
    pctStart: optional(number('0 to 1'), 0.3),
    /** Form of the curve. @default 'cos' */
    annealStrategy: optional(oneOf('cos', 'linear'), 'cos'),
    /** The rate at step 0 is maxLearningRate / divFactor. @default 25 */
    divFactor: optional(number('above 0'), 25),
    /** The rate at the end is that of step 0 divided by finalDivFactor. @default 10000 */
    finalDivFactor: optional(number('above 0'), 1e4),
    /** Falls to the rate of step 0 first, as long as it rose, and then to the end. @default false */
    threePhase: optional(boolean, false),
  },
  ({ pctStart, totalSteps, threePhase }, at) => {
    const ends = phaseEnds(pctStart, totalSteps, threePhase);
    if (ends.every((end, i) => end > (ends[i - 1] ?? 0))) return;
    throw new ArgumentError(
      `${at}: totalSteps ${totalSteps} and pctStart ${pctStart} leave a phase without steps; its phases would end at steps ${ends.join(', ')}`,
    );
  },
);
export type OneCycleOptions = OptionsOf<typeof oneCycleOptions>;

/** Last steps of the phases. */
const phaseEnds = (pctStart: number, totalSteps: number, threePhase: boolean): number[] => [
  pctStart * totalSteps - 1,
  ...(threePhase ? [2 * pctStart * totalSteps - 2] : []),
  totalSteps - 1,
];

/**
 * One cycle: the rate rises from maxLearningRate / divFactor to maxLearningRate, then falls to 1 / (divFactor finalDivFactor) of it. Smith and Topin, Super-Convergence, 2019; PyTorch's OneCycleLR.
 *
 *     schedules.oneCycle({ maxLearningRate: 0.1, totalSteps: epochs * stepsPerEpoch })
 *
 * @throws ArgumentError if a phase would have no step.
 */
export function oneCycle(options: OneCycleOptions): Configured<Schedule> {
  const settings = oneCycleOptions.read(options);
  const { maxLearningRate, totalSteps, pctStart, annealStrategy, divFactor, finalDivFactor, threePhase } = settings;
  const initial = maxLearningRate / divFactor;
  const rates = [initial, maxLearningRate, ...(threePhase ? [initial] : []), initial / finalDivFactor];
  const ends = phaseEnds(pctStart, totalSteps, threePhase);
  const schedule: Schedule = (step) => {
    const now = cast(minimum(counted(step, totalSteps), totalSteps - 1), 'f32');
    const phase = (i: number): Tensor => {
      const begin = i === 0 ? 0 : ends[i - 1];
      const fraction = div(sub(now, begin), ends[i] - begin);
      const [from, to] = [rates[i], rates[i + 1]];
      if (annealStrategy === 'linear') return add(mul(fraction, to - from), from);
      return add(mul(add(cos(mul(fraction, Math.PI)), 1), (from - to) / 2), to);
    };
    let rate = phase(ends.length - 1);
    for (let i = ends.length - 2; i >= 0; i--) rate = where(lessEqual(now, ends[i]), phase(i), rate);
    return rate;
  };
  return withConfig(schedule, oneCycleOptions, settings);
}

export const cosineDecayRestartsOptions = declareOptions('schedules.cosineDecayRestarts', {
  /** The rate at step 0. */
  initialLearningRate: required(number('above 0'), 0.1),
  /** Number of steps of the first decay. */
  firstDecaySteps: required(positiveInteger, 1000),
  /** Length of each decay, as a multiple of the one before it. @default 2 */
  tMul: optional(number('at least 1'), 2),
  /** First rate of each decay, as a multiple of that of the one before it. @default 1 */
  mMul: optional(number('above 0'), 1),
  /** The rate at the end of a decay, as a fraction of initialLearningRate. @default 0 */
  alpha: optional(number('0 to 1'), 0),
});
export type CosineDecayRestartsOptions = OptionsOf<typeof cosineDecayRestartsOptions>;

/**
 * Cosine decays, each from the start again: initialLearningRate * ((1 - alpha) * mMul^i * (1 + cos(pi * x)) / 2 + alpha) in decay i, of which
 * the fraction x is done. Loshchilov and Hutter, SGDR, 2016; Keras's CosineDecayRestarts.
 *
 *     schedules.cosineDecayRestarts({ initialLearningRate: 0.1, firstDecaySteps: 1000 })
 */
export function cosineDecayRestarts(options: CosineDecayRestartsOptions): Configured<Schedule> {
  const settings = cosineDecayRestartsOptions.read(options);
  const { initialLearningRate, firstDecaySteps, tMul, mMul, alpha } = settings;
  const schedule: Schedule = (step) => {
    const { decay, fraction } = tMul === 1 ? equalDecays(step, firstDecaySteps) : growingDecays(step, firstDecaySteps, tMul);
    const height = mMul === 1 ? 1 : exp(mul(decay, Math.log(mMul)));
    const wave = mul(add(cos(mul(fraction, Math.PI)), 1), (1 - alpha) / 2);
    return mul(add(mul(wave, height), alpha), initialLearningRate);
  };
  return withConfig(schedule, cosineDecayRestartsOptions, settings);
}

/** The decay that a step belongs to (f32), and the fraction of it that is done. */
interface Decay {
  readonly decay: Tensor;
  readonly fraction: Tensor;
}

function equalDecays(step: Tensor, length: number): Decay {
  const now = counted(step, length);
  const decay = floorDiv(now, length);
  return { decay: cast(decay, 'f32'), fraction: div(cast(sub(now, mul(decay, length)), 'f32'), length) };
}

/** The starts of the decays are listed here, in f64. A logarithm on the device would miss the step at which a decay begins. */
function growingDecays(step: Tensor, first: number, growth: number): Decay {
  const starts: number[] = [];
  const growths: number[] = [];
  for (let start = first, length = first; start < 2 ** 31; length *= growth, start += length) {
    starts.push(start);
    growths.push(length * (growth - 1));
  }
  const now = cast(step, 'f32');
  const began = greaterEqual(now, tensor(starts));
  const spans = starts.map((start, i) => start - (starts[i - 1] ?? 0));
  const total = (values: readonly number[]): Tensor => sum(where(began, tensor([...values]), 0));
  const fraction = div(sub(now, total(spans)), add(total(growths), first));
  return { decay: sum(cast(began, 'f32')), fraction: minimum(maximum(fraction, 0), 1) };
}
