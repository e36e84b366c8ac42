// Learning-rate schedules are part of compiled training steps: rates of the GPU against those of the CPU.
import { afterAll, expect, test } from 'vitest';
import { compile, setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Schedule, schedules } from '../../src/optim/index.ts';
import { cast, mul, tensor } from '../../src/ops/index.ts';

afterAll(() => setDevice('auto'));

const all = {
  constant: schedules.constant({ learningRate: 0.5 }),
  exponentialDecay: schedules.exponentialDecay({ initialLearningRate: 0.5, decaySteps: 7, decayRate: 0.9 }),
  inverseTimeDecay: schedules.inverseTimeDecay({ initialLearningRate: 0.5, decaySteps: 7, decayRate: 0.9, staircase: true }),
  polynomialDecay: schedules.polynomialDecay({ initialLearningRate: 0.5, decaySteps: 30, power: 2 }),
  piecewiseConstantDecay: schedules.piecewiseConstantDecay({ boundaries: [10], values: [0.5, 0.25] }),
  piecewiseInterpolate: schedules.piecewiseInterpolate({ boundaries: [10, 20], values: [0.1, 0.5, 0.25], interpolation: 'cosine' }),
  cosineDecay: schedules.cosineDecay({ initialLearningRate: 0.5, decaySteps: 30 }),
  cosineDecayRestarts: schedules.cosineDecayRestarts({ initialLearningRate: 0.5, firstDecaySteps: 5, mMul: 0.5, alpha: 0.1 }),
  cyclic: schedules.cyclic({ baseLearningRate: 0.1, maxLearningRate: 0.5, stepSizeUp: 4, mode: 'triangular2' }),
  oneCycle: schedules.oneCycle({ maxLearningRate: 0.5, totalSteps: 40 }),
  step: schedules.step({ initialLearningRate: 0.5, stepSize: 10 }),
  multiStep: schedules.multiStep({ initialLearningRate: 0.5, milestones: [5, 21] }),
  multiplicative: schedules.multiplicative({ initialLearningRate: 0.5, factor: 0.9 }),
  linear: schedules.linear({ initialLearningRate: 0.5 }),
  warmup: schedules.warmup({ after: 0.5, warmupSteps: 10 }),
  inverseSqrt: schedules.inverseSqrt({ peakLearningRate: 0.5, warmupSteps: 10 }),
  warmupStableDecay: schedules.warmupStableDecay({ peakLearningRate: 0.5, warmupSteps: 5, stableSteps: 10, decaySteps: 10, decay: 'sqrt' }),
  sequential: schedules.sequential({ schedules: [0.1, schedules.linear({ initialLearningRate: 0.5 })], milestones: [10] }),
  chained: schedules.chained({ schedules: [0.5, schedules.multiplicative({ initialLearningRate: 1, factor: 0.9 })] }),
  lambda: schedules.lambda({ fn: (step) => mul(cast(step, 'f32'), 0.01) }),
} satisfies Record<keyof typeof schedules, Schedule>;

test('rates of the GPU are those of the CPU', async () => {
  const rates = async (device: 'webgpu' | 'cpu'): Promise<number[][]> => {
    await setDevice(device);
    const run = compile((step: Tensor) => Object.values<Schedule>(all).map((schedule) => schedule(step)));
    const found: number[][] = [];
    for (const step of [0, 5, 10, 21, 39, 1000]) {
      const results = await run(tensor(step, [], 'i32'));
      found.push(await Promise.all(results.map((rate) => rate.item())));
    }
    return found;
  };
  const [gpu, cpu] = [await rates('webgpu'), await rates('cpu')];
  cpu.forEach((row, i) => row.forEach((rate, k) => expect(Math.abs(gpu[i][k] - rate), Object.keys(all)[k]).toBeLessThanOrEqual(2e-7)));
});
