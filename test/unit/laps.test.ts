// How launches are timed against each other, on clocks that count in steps, step back, or stand at the head of a slow device.
import { expect, test } from 'vitest';
import type { Lap } from '../../src/runtime/webgpu/stopwatch.ts';
import { type Clock, compare } from '../../src/runtime/webgpu/tuning/laps.ts';

interface Run {
  readonly contender: number;
  readonly launches: number;
}

/** Kernels that take so many milliseconds; `shown` is what the clock says of the nth lap of a contender, `submits` what was given to it at once. */
async function timed(
  kernels: readonly number[],
  shown: (milliseconds: number, run: Run, n: number) => number = (milliseconds) => milliseconds,
): Promise<{ times: Map<number, number>; submits: Run[][] }> {
  const runs = new Map<Lap, Run>();
  const laps = kernels.map(() => 0);
  const submits: Run[][] = [];
  const clock: Clock = {
    lapTime: 2,
    time: (given) => {
      const submit = given.map((lap) => runs.get(lap)!);
      submits.push(submit);
      return Promise.resolve(submit.map((run) => shown(kernels[run.contender] * run.launches, run, laps[run.contender]++)));
    },
  };
  const times = await compare(clock, kernels.length, (contender, launches) => {
    const lap: Lap = () => undefined;
    runs.set(lap, { contender, launches });
    return lap;
  });
  return { times, submits };
}

const took = (kernels: readonly number[], submit: readonly Run[]): number =>
  submit.reduce((sum, { contender, launches }) => sum + kernels[contender] * launches, 0);

test('short kernels are repeated until a lap is long enough; those far behind are dropped, but never the first', async () => {
  const { times, submits } = await timed([2, 0.5, 0.25, 5]);
  expect([...times]).toEqual([[0, 2], [1, 0.5], [2, 0.25]]); // prettier-ignore
  expect(submits.flat().filter(({ contender }) => contender === 2).map(({ launches }) => launches)).toEqual([1, 1, 1, 8, 8, 8]); // prettier-ignore
  expect(submits.flat().filter(({ contender }) => contender === 3)).toHaveLength(3);
});

test('a kernel that takes long is submitted by itself and launched three times, no more', async () => {
  const kernels = [600, 450, 500];
  const { times, submits } = await timed(kernels);
  expect([...times.values()]).toEqual(kernels);
  expect(submits.map(({ length }) => length)).toEqual(new Array(9).fill(1));
  expect(submits.flat().every(({ launches }) => launches === 1)).toBe(true);
});

test('no submit holds more work than a tenth of a second, or than one lap', async () => {
  for (const kernels of [
    [30, 15, 20, 18, 16, 14, 19, 12],
    [0.01, 0.02, 0.015, 0.3],
    [300, 1, 5, 90],
  ]) {
    const { submits } = await timed(kernels);
    for (const submit of submits) if (submit.length > 1) expect(took(kernels, submit)).toBeLessThanOrEqual(100.001);
  }
});

test('a clock that steps back once misleads nobody', async () => {
  const kernels = [6, 5, 4, 7];
  for (const contender of [0, 1, 2, 3]) {
    for (let n = 0; n < 6; n++) {
      const { times, submits } = await timed(kernels, (time, run, lap) => (run.contender === contender && lap === n ? 0 : time));
      expect([...times], `lap ${n} of ${contender}`).toEqual(kernels.map((time, i) => [i, time]));
      for (const submit of submits) expect(took(kernels, submit)).toBeLessThan(150);
    }
  }
});

test('a clock that counts in long steps still tells short kernels apart', async () => {
  const step = 0.0655;
  const { times } = await timed([0.0025, 0.0022], (time, { contender }, n) => {
    const begin = (0.013 * (contender + 3 * n)) % step; // where in a step the lap begins
    return Math.floor((begin + time) / step) * step;
  });
  expect(times.get(0)! / times.get(1)!).toBeGreaterThan(1.05);
  expect(times.get(0)! / times.get(1)!).toBeLessThan(1.25);
});
