// One autotuning trial: several kernels are timed on one clock. This file decides how often, in which order, and how much work one submit holds.
import { maxSubmitTime } from '../pace.ts';
import type { Sample } from '../stopwatch.ts';

export interface Clock {
  /** Milliseconds of work that a sample should have, so that the clock can compare samples. */
  readonly sampleTime: number;
  /** Milliseconds of each sample. All of them are in one submit if the device has timestamps. */
  time(samples: readonly Sample[]): Promise<number[]>;
}

/** Maximum number of launches of one candidate in a sample. */
const maxLaunches = 400;
const rounds = 3;
/** A candidate that is this many times slower than the best in the first samples is dropped. */
const dropFactor = 3;
/** If one launch takes longer than this many samples, the first samples decide. Repeating such kernels would take seconds. */
const longLaunch = 10;

/** The median: some clocks step back, and other programs use the device too, so the shortest and the longest time are unreliable. */
const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];

/**
 * Milliseconds of one launch of each candidate, by its number. Candidates that were far slower in the first samples are missing, but never
 * number 0. `sample` makes a sample of this many launches.
 */
export async function compare(
  clock: Clock,
  candidates: number,
  sample: (candidate: number, launches: number) => Sample,
): Promise<Map<number, number>> {
  const all = Array.from({ length: candidates }, (_, i) => i);
  const times = async (order: readonly number[], launches: (i: number) => number, expected: (i: number) => number): Promise<number[][]> => {
    const taken = all.map((): number[] => []);
    for (const part of parts(order, expected)) {
      const measured = await clock.time(part.map((i) => sample(i, launches(i))));
      part.forEach((i, n) => taken[i].push(measured[n]));
    }
    return taken;
  };
  // The first launch of a kernel includes work that drivers put off until then, and clears its operands. Its time is not known yet.
  const first = await times(all, () => 1, () => Infinity); // prettier-ignore
  const again = await times([...all, ...all], () => 1, (i) => first[i][0]); // prettier-ignore
  const estimates = all.map((i) => median([...first[i], ...again[i]]));
  const least = Math.min(...estimates);
  const running = all.filter((i) => i === 0 || Math.min(...again[i]) <= dropFactor * Math.max(least, 0.1));
  const { sampleTime } = clock;
  if (least >= longLaunch * sampleTime) return new Map(running.map((i) => [i, estimates[i]]));
  // Too few launches are better than too many: the longer of the two times counts.
  const launches = again.map((both) => Math.min(maxLaunches, Math.ceil(sampleTime / Math.max(...both, sampleTime / maxLaunches))));
  const order = Array.from({ length: rounds }, () => running).flat();
  const measured = await times(order, (i) => launches[i], (i) => launches[i] * Math.max(...again[i])); // prettier-ignore
  return new Map(running.map((i) => [i, median(measured[i]) / launches[i]]));
}

/** Cuts the order into parts, each with at least one sample. A part is expected to take no longer than one submit may. */
function parts(order: readonly number[], expected: (candidate: number) => number): number[][] {
  const cut: number[][] = [];
  let left = 0;
  for (const i of order) {
    if (cut.length > 0 && expected(i) <= left) cut[cut.length - 1].push(i);
    else {
      cut.push([i]);
      left = maxSubmitTime.gpu;
    }
    left -= expected(i);
  }
  return cut;
}
