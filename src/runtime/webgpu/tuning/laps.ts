// How several launches are timed against each other on one clock: how often, in which order, and how much of it at a time.
import type { Lap } from '../stopwatch.ts';

export interface Clock {
  /** Milliseconds that a lap should take to be told from another. */
  readonly lapTime: number;
  /** Milliseconds of each lap, all of them in one submit where the device can. */
  time(laps: readonly Lap[]): Promise<number[]>;
}

/** Launches of a contender in a lap at most. */
const mostLaunches = 400;
const rounds = 3;
/** A contender this many times slower than the best at a first look is not looked at again. */
const hopeless = 3;
/** A launch so many times longer than a lap needs no second look: a contest of such kernels takes seconds as it is. */
const longEnough = 10;
/** Milliseconds of work in a submit. Drivers reset a device that does not answer for two seconds, and a page is not drawn meanwhile. */
const mostAtOnce = 100;

/** Clocks have been seen to step back, and others are at work: neither the shortest nor the longest time is to be trusted. */
const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];

/**
 * Milliseconds of one launch of each contender, by its number; those far behind at once are missing, but never number 0. `lap` makes a lap of so
 * many launches.
 */
export async function compare(
  clock: Clock,
  contenders: number,
  lap: (contender: number, launches: number) => Lap,
): Promise<Map<number, number>> {
  const all = Array.from({ length: contenders }, (_, i) => i);
  const times = async (order: readonly number[], launches: (i: number) => number, expected: (i: number) => number): Promise<number[][]> => {
    const taken = all.map((): number[] => []);
    for (const part of parts(order, expected)) {
      const measured = await clock.time(part.map((i) => lap(i, launches(i))));
      part.forEach((i, n) => taken[i].push(measured[n]));
    }
    return taken;
  };
  // The first launch of a kernel pays for what drivers put off until then, and for the clearing of its operands. What one takes nobody knows yet.
  const first = await times(all, () => 1, () => Infinity); // prettier-ignore
  const again = await times([...all, ...all], () => 1, (i) => first[i][0]); // prettier-ignore
  const looks = all.map((i) => median([...first[i], ...again[i]]));
  const least = Math.min(...looks);
  const running = all.filter((i) => i === 0 || Math.min(...again[i]) <= hopeless * Math.max(least, 0.1));
  const { lapTime } = clock;
  if (least >= longEnough * lapTime) return new Map(running.map((i) => [i, looks[i]]));
  // Rather too few than too many: a launch takes as long as the longer look says.
  const launches = again.map((both) => Math.min(mostLaunches, Math.ceil(lapTime / Math.max(...both, lapTime / mostLaunches))));
  const order = Array.from({ length: rounds }, () => running).flat();
  const measured = await times(order, (i) => launches[i], (i) => launches[i] * Math.max(...again[i])); // prettier-ignore
  return new Map(running.map((i) => [i, median(measured[i]) / launches[i]]));
}

/** The order cut into parts that are expected to take no longer than what may be submitted at once, of one lap at least. */
function parts(order: readonly number[], expected: (contender: number) => number): number[][] {
  const cut: number[][] = [];
  let room = 0;
  for (const i of order) {
    if (cut.length > 0 && expected(i) <= room) cut[cut.length - 1].push(i);
    else {
      cut.push([i]);
      room = mostAtOnce;
    }
    room -= expected(i);
  }
  return cut;
}
