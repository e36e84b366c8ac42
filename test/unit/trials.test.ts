// Autotuning trials on clocks that count in steps or step back, and with slow kernels.
import { expect, test } from 'vitest';
import type { Sample } from '../../src/runtime/webgpu/stopwatch.ts';
import { type Clock, compare } from '../../src/runtime/webgpu/tuning/trial.ts';

interface Run {
  readonly candidate: number;
  readonly launches: number;
}

/** Times kernels that take these milliseconds. `shown` is the clock's answer for the nth sample of a candidate; `submits` lists the runs of each submit. */
async function timed(
  kernels: readonly number[],
  shown: (milliseconds: number, run: Run, n: number) => number = (milliseconds) => milliseconds,
): Promise<{ times: Map<number, number>; submits: Run[][] }> {
  const runs = new Map<Sample, Run>();
  const samples = kernels.map(() => 0);
  const submits: Run[][] = [];
  const clock: Clock = {
    sampleTime: 2,
    time: (given) => {
      const submit = given.map((sample) => runs.get(sample)!);
      submits.push(submit);
      return Promise.resolve(submit.map((run) => shown(kernels[run.candidate] * run.launches, run, samples[run.candidate]++)));
    },
  };
  const times = await compare(clock, kernels.length, (candidate, launches) => {
    const sample: Sample = () => undefined;
    runs.set(sample, { candidate, launches });
    return sample;
  });
  return { times, submits };
}

const took = (kernels: readonly number[], submit: readonly Run[]): number =>
  submit.reduce((sum, { candidate, launches }) => sum + kernels[candidate] * launches, 0);

test('short kernels are repeated until a sample is long enough; far slower ones are dropped, but never the first', async () => {
  const { times, submits } = await timed([2, 0.5, 0.25, 5]);
  expect([...times]).toEqual([[0, 2], [1, 0.5], [2, 0.25]]); // prettier-ignore
  expect(submits.flat().filter(({ candidate }) => candidate === 2).map(({ launches }) => launches)).toEqual([1, 1, 1, 8, 8, 8]); // prettier-ignore
  expect(submits.flat().filter(({ candidate }) => candidate === 3)).toHaveLength(3);
});

test('a long kernel is submitted separately and launched three times only', async () => {
  const kernels = [600, 450, 500];
  const { times, submits } = await timed(kernels);
  expect([...times.values()]).toEqual(kernels);
  expect(submits.map(({ length }) => length)).toEqual(new Array(9).fill(1));
  expect(submits.flat().every(({ launches }) => launches === 1)).toBe(true);
});

test('a submit holds at most a tenth of a second of work, or one sample', async () => {
  for (const kernels of [
    [30, 15, 20, 18, 16, 14, 19, 12],
    [0.01, 0.02, 0.015, 0.3],
    [300, 1, 5, 90],
  ]) {
    const { submits } = await timed(kernels);
    for (const submit of submits) if (submit.length > 1) expect(took(kernels, submit)).toBeLessThanOrEqual(100.001);
  }
});

test('a clock that steps back once does not change the result', async () => {
  const kernels = [6, 5, 4, 7];
  for (const candidate of [0, 1, 2, 3]) {
    for (let n = 0; n < 6; n++) {
      const { times, submits } = await timed(kernels, (time, run, sample) => (run.candidate === candidate && sample === n ? 0 : time));
      expect([...times], `sample ${n} of ${candidate}`).toEqual(kernels.map((time, i) => [i, time]));
      for (const submit of submits) expect(took(kernels, submit)).toBeLessThan(150);
    }
  }
});

test('a clock that counts in long steps still distinguishes short kernels', async () => {
  const step = 0.0655;
  const { times } = await timed([0.0025, 0.0022], (time, { candidate }, n) => {
    const begin = (0.013 * (candidate + 3 * n)) % step; // position in a step at which the sample begins
    return Math.floor((begin + time) / step) * step;
  });
  expect(times.get(0)! / times.get(1)!).toBeGreaterThan(1.05);
  expect(times.get(0)! / times.get(1)!).toBeLessThan(1.25);
});
