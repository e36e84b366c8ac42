// Learning-rate schedules against PyTorch's (test/golden/schedules.json, made by scripts/golden/schedules.py), or against their formulas.
import { describe, expect, test } from 'vitest';
import golden from '../golden/schedules.json';
import { ArgumentError } from '../../src/core/errors.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Schedule, schedules } from '../../src/optim/index.ts';
import '../../src/ops/methods.ts';
import { tensor } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';

const make = (name: string, options: object): Schedule =>
  (schedules[name as keyof typeof schedules] as (options: object) => Schedule)(options);

/** Rates at some steps, in f64 and in f32, for integer and float steps. */
function expectRates(schedule: Schedule, steps: readonly number[], expected: readonly number[]): void {
  const largest = Math.max(...expected.map(Math.abs));
  for (const dtype of ['i32', 'f32'] as const) {
    const rates = (): Tensor[] => steps.map((step) => schedule(tensor(step, [], dtype)));
    const exact = interpret(rates(), { mode: 'f64' }).map(([rate]) => rate);
    const single = interpret(rates()).map(([rate]) => rate);
    steps.forEach((step, i) => {
      expect(Math.abs(exact[i] - expected[i]), `step ${step}: ${exact[i]} for ${expected[i]}`).toBeLessThanOrEqual(1e-7 * largest);
      expect(Math.abs(single[i] - expected[i]), `f32, step ${step}: ${single[i]} for ${expected[i]}`).toBeLessThanOrEqual(2e-6 * largest);
    });
  }
}

describe('against PyTorch', () => {
  test.each(golden.cases)('$schedule $options', ({ schedule, options, steps, rates }) =>
    expectRates(make(schedule, options), steps, rates),
  );

  const { references } = golden;
  test('sequential', () => {
    const parts = [0.05, make('multiplicative', { initialLearningRate: 0.1, factor: 0.9 })];
    expectRates(schedules.sequential({ schedules: parts, milestones: [4] }), [0, 3, 4, 5, 20], references.sequential);
  });

  test('chained', () => {
    const line = schedules.linear({ initialLearningRate: 0.1, startFactor: 0.5, totalSteps: 4 });
    const factors = schedules.multiplicative({ initialLearningRate: 1, factor: 0.9 });
    expectRates(schedules.chained({ schedules: [line, factors] }), [0, 1, 4, 5, 20], references.chained);
  });

  test('lambda', () => {
    const schedule = schedules.lambda({ initialLearningRate: 0.1, fn: (step) => step.add(1).cast('f32').rsqrt() });
    expectRates(schedule, [0, 1, 8, 99], references.lambda);
    expectRates(schedules.lambda({ initialLearningRate: 0.1, fn: () => 0.5 }), [0, 7], [0.05, 0.05]);
  });

  test('cosineDecayRestarts', () => {
    const growing = schedules.cosineDecayRestarts({ initialLearningRate: 0.1, firstDecaySteps: 5, alpha: 0.1 });
    expectRates(growing, [0, 1, 4, 5, 6, 14, 15, 34, 35, 74, 75, 155], references.restarts);
    const equal = schedules.cosineDecayRestarts({ initialLearningRate: 0.1, firstDecaySteps: 5, tMul: 1 });
    expectRates(equal, [0, 1, 4, 5, 6, 9, 10, 499, 500, 501], references.equalRestarts);
  });
});

describe('against their formulas', () => {
  test('cosineDecayRestarts with lower and lower peaks', () => {
    const schedule = schedules.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 4, tMul: 1.5, mMul: 0.5 });
    // Decays begin at 0, 4, 10 and 19.
    const at = (height: number, fraction: number): number => (height * (1 + Math.cos(Math.PI * fraction))) / 2;
    expectRates(schedule, [0, 2, 4, 7, 10, 19], [1, 0.5, 0.5, at(0.5, 0.5), 0.25, 0.125]);
  });

  test('warmup rises to the first rate of the schedule after it', () => {
    const after = schedules.linear({ initialLearningRate: 1, startFactor: 0.8, endFactor: 0, totalSteps: 8 });
    expectRates(schedules.warmup({ after, warmupSteps: 4 }), [0, 1, 3, 4, 8, 12, 50], [0, 0.2, 0.6, 0.8, 0.4, 0, 0]);
    expectRates(schedules.warmup({ after: 2, warmupSteps: 4, startFactor: 0.5 }), [0, 2, 4, 5], [1, 1.5, 2, 2]);
  });

  test('inverseSqrt', () => {
    expectRates(schedules.inverseSqrt({ peakLearningRate: 2, warmupSteps: 100 }), [0, 50, 100, 400, 10_000], [0, 1, 2, 1, 0.2]);
  });

  test('warmupStableDecay', () => {
    const options = { peakLearningRate: 2, warmupSteps: 4, stableSteps: 6, decaySteps: 8 };
    const steps = [0, 1, 3, 4, 9, 10, 12, 18, 99];
    expectRates(schedules.warmupStableDecay(options), steps, [0, 0.5, 1.5, 2, 2, 2, 1.5, 0, 0]);
    const cosine = schedules.warmupStableDecay({ ...options, endLearningRate: 1, decay: 'cosine' });
    expectRates(cosine, steps, [0, 0.5, 1.5, 2, 2, 2, 1.5 + Math.SQRT1_2 / 2, 1, 1]);
    expectRates(schedules.warmupStableDecay({ ...options, decay: 'sqrt' }), steps, [0, 0.5, 1.5, 2, 2, 2, 1, 0, 0]);
    expectRates(schedules.warmupStableDecay({ ...options, warmupSteps: 0, stableSteps: 0 }), [0, 4, 8], [2, 1, 0]);
  });

  test('piecewiseInterpolate', () => {
    const options = { boundaries: [4, 8, 16], values: [0, 1, 0.5, 0.5] };
    expectRates(schedules.piecewiseInterpolate(options), [0, 1, 4, 6, 8, 12, 16, 90], [0, 0.25, 1, 0.75, 0.5, 0.5, 0.5, 0.5]);
    const cosine = schedules.piecewiseInterpolate({ ...options, interpolation: 'cosine' });
    expectRates(cosine, [0, 1, 2, 4, 6], [0, (1 - Math.SQRT1_2) / 2, 0.5, 1, 0.75]);
  });
});

test('steps beyond 2^24 keep their place in a cycle', () => {
  const far = 10 * 2 ** 24;
  const step = schedules.step({ initialLearningRate: 1, stepSize: far + 1, gamma: 0.5 });
  const cyclic = schedules.cyclic({ baseLearningRate: 1, maxLearningRate: 2, stepSizeUp: 4, stepSizeDown: 4 });
  const at = (schedule: Schedule, now: number): number => interpret([schedule(tensor(now, [], 'i32'))])[0][0];
  expect([at(step, far), at(step, far + 1)]).toEqual([1, 0.5]);
  expect([far, far + 1, far + 4, far + 7].map((now) => at(cyclic, now))).toEqual([1, 1.25, 2, 1.25]);
});

test.each<[string, () => unknown, string]>([
  [
    'multiStep',
    () => schedules.multiStep({ initialLearningRate: 1, milestones: [3, 2] }),
    'schedules.multiStep: milestones are 3, 2; they must rise',
  ],
  [
    'sequential',
    () => schedules.sequential({ schedules: [0.1], milestones: [3] }),
    'schedules.sequential: 1 schedules and 1 milestones; it takes one schedule more than milestones',
  ],
  [
    'piecewiseInterpolate',
    () => schedules.piecewiseInterpolate({ boundaries: [0], values: [1, 2] }),
    'schedules.piecewiseInterpolate: boundaries are 0, 0; they must rise',
  ],
  [
    'oneCycle',
    () => schedules.oneCycle({ maxLearningRate: 1, totalSteps: 10, pctStart: 1 }),
    'schedules.oneCycle: totalSteps 10 and pctStart 1 leave a phase without steps; its phases would end at steps 9, 9',
  ],
  [
    'lambda',
    () => schedules.lambda({ fn: (() => 'x') as never })(tensor(0)),
    'schedules.lambda: fn returned string; it must return a number or a scalar tensor',
  ],
])('%s refuses wrong options', (_, call, message) => {
  expect(call).toThrow(ArgumentError);
  expect(call).toThrow(message);
});
