// Schedules that multiply a rate by a factor at certain steps. Formulas and names are PyTorch's; step 0 is the first update.
import type { Configured } from '../../core/config.ts';
import { integer, listOf, number, positiveInteger } from '../../core/optionKinds.ts';
import { ArgumentError } from '../../core/errors.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, cast, exp, floorDiv, greaterEqual, minimum, mul, div, sum, tensor } from '../../ops/index.ts';
import { type Schedule, counted } from './schedule.ts';

const initialOption = {
  /** The rate at step 0. */
  initialLearningRate: /* @__PURE__ */ required(number('above 0'), 0.1),
};

/** factor^count. The logarithm is computed here, in f64. The pow of a device would add its own error. */
const power = (factor: number, count: Tensor): Tensor => exp(mul(cast(count, 'f32'), Math.log(factor)));

export const stepOptions = declareOptions('schedules.step', {
  ...initialOption,
  /** Number of steps from one multiplication to the next. */
  stepSize: required(positiveInteger, 30),
  /** Factor of the rate. @default 0.1 */
  gamma: optional(number('above 0'), 0.1),
});
export type StepOptions = OptionsOf<typeof stepOptions>;

/**
 * Step decay, initialLearningRate * gamma^floor(step / stepSize). PyTorch's StepLR.
 *
 *     schedules.step({ initialLearningRate: 0.1, stepSize: 1000, gamma: 0.5 })
 */
export function step(options: StepOptions): Configured<Schedule> {
  const settings = stepOptions.read(options);
  const { initialLearningRate, stepSize, gamma } = settings;
  const schedule: Schedule = (now) => mul(power(gamma, floorDiv(counted(now, stepSize), stepSize)), initialLearningRate);
  return withConfig(schedule, stepOptions, settings);
}

export const multiStepOptions = declareOptions(
  'schedules.multiStep',
  {
    ...initialOption,
    /** Steps at which the rate is multiplied, rising. */
    milestones: required(listOf(integer('at least 0'), 'integers of at least 0', 1), [1000, 2000]),
    /** Factor of the rate. @default 0.1 */
    gamma: optional(number('above 0'), 0.1),
  },
  ({ milestones }, where) => requireRising(where, 'milestones', milestones),
);
export type MultiStepOptions = OptionsOf<typeof multiStepOptions>;

/**
 * Multi-step decay, initialLearningRate * gamma^n for n milestones at or before the step. PyTorch's MultiStepLR.
 *
 *     schedules.multiStep({ initialLearningRate: 0.1, milestones: [3000, 8000] })
 *
 * @throws ArgumentError if the milestones do not rise.
 */
export function multiStep(options: MultiStepOptions): Configured<Schedule> {
  const settings = multiStepOptions.read(options);
  const { initialLearningRate, milestones, gamma } = settings;
  const schedule: Schedule = (now) =>
    mul(power(gamma, sum(cast(greaterEqual(counted(now, ...milestones), tensor([...milestones])), 'i32'))), initialLearningRate);
  return withConfig(schedule, multiStepOptions, settings);
}

export const multiplicativeOptions = declareOptions('schedules.multiplicative', {
  ...initialOption,
  /** Factor of the rate at every step. */
  factor: required(number('above 0'), 0.95),
});
export type MultiplicativeOptions = OptionsOf<typeof multiplicativeOptions>;

/**
 * Multiplication by one factor at every step, initialLearningRate * factor^step. PyTorch's MultiplicativeLR with a constant function; a factor
 * that changes with the step is a schedules.lambda().
 *
 *     schedules.multiplicative({ initialLearningRate: 0.1, factor: 0.999 })
 */
export function multiplicative(options: MultiplicativeOptions): Configured<Schedule> {
  const settings = multiplicativeOptions.read(options);
  const { initialLearningRate, factor } = settings;
  const schedule: Schedule = (now) => mul(power(factor, now), initialLearningRate);
  return withConfig(schedule, multiplicativeOptions, settings);
}

export const linearOptions = declareOptions('schedules.linear', {
  /** The rate that the factors multiply. */
  initialLearningRate: required(number('above 0'), 0.1),
  /** Factor at step 0. @default 0.333333 */
  startFactor: optional(number('at least 0'), 0.333333),
  /** Factor from step totalSteps on. @default 1 */
  endFactor: optional(number('at least 0'), 1),
  /** Number of steps from one factor to the other. @default 5 */
  totalSteps: optional(positiveInteger, 5),
});
export type LinearOptions = OptionsOf<typeof linearOptions>;

/**
 * A straight line, initialLearningRate * (startFactor + (endFactor - startFactor) * step / totalSteps), then its end. PyTorch's LinearLR, whose
 * start factor is 1/3.
 *
 *     schedules.linear({ initialLearningRate: 0.1, startFactor: 1, endFactor: 0, totalSteps: 10_000 })
 */
export function linear(options: LinearOptions): Configured<Schedule> {
  const settings = linearOptions.read(options);
  const { initialLearningRate, startFactor, endFactor, totalSteps } = settings;
  const schedule: Schedule = (now) => {
    const fraction = div(cast(minimum(counted(now, totalSteps), totalSteps), 'f32'), totalSteps);
    return add(mul(fraction, (endFactor - startFactor) * initialLearningRate), startFactor * initialLearningRate);
  };
  return withConfig(schedule, linearOptions, settings);
}

/** @throws ArgumentError unless each number is larger than the one before it. */
export function requireRising(where: string, option: string, numbers: readonly number[]): void {
  if (numbers.every((n, i) => i === 0 || n > numbers[i - 1])) return;
  throw new ArgumentError(`${where}: ${option} are ${numbers.join(', ')}; they must rise`);
}
