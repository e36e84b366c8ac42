// The type of learning-rate schedules, and the option that takes one.
import type { Config } from '../../core/config.ts';
import { type Kind, callable, either, number } from '../../core/optionKinds.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { cast, full } from '../../ops/index.ts';

/** The learning rate at a step: (step: i32 or f32 scalar) => f32 scalar. */
export interface Schedule {
  (step: Tensor): Tensor;
  readonly config?: Config;
}

/** The option `learningRate` of optimizers. */
export const learningRateKind: Kind<number | Schedule> = /* @__PURE__ */ either(
  number('above 0'),
  callable<Schedule>('a schedule such as schedules.cosineDecay({...})'),
);

/** The rate of a schedule at a step, or a constant rate. */
export const rateAt = (rate: number | Schedule, step: Tensor): Tensor => (typeof rate === 'number' ? full([], rate) : rate(step));

/**
 * The step, to compare with these numbers and to subtract. An integer step stays one, because f32 cannot hold every integer beyond 2^24.
 * It becomes f32 if multiples of the numbers could leave i32.
 */
export const counted = (step: Tensor, ...numbers: readonly number[]): Tensor =>
  numbers.every((n) => n < 2 ** 30) ? step : cast(step, 'f32');
