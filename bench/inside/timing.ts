// Times steps, with a wait for all of them.
import type { Unit } from '../engines/engine.ts';
import type { Workload } from '../workloads.ts';

/** Number of steps before a wait: enough to hide the cost of the wait, and few enough for the results that are alive meanwhile. */
export const burst: Readonly<Record<Workload['kind'], number>> = { training: 20, forward: 10, gradient: 10 };

/** `wall`: elapsed time. `processor`: time of all threads of this Node process on a core, without the waits for a core. */
export type Clock = 'wall' | 'processor';

const milliseconds: Readonly<Record<Clock, () => number>> = {
  wall: () => performance.now(),
  processor() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

/** Runs a few more steps. Returns the number of steps that fill a round, estimated from the last ones. */
export async function calibrate(unit: Unit, target: number, clock: Clock = 'wall'): Promise<number> {
  let last = await timeSteps(unit, 2, 1, clock);
  await unit.settle?.();
  for (let i = 0; i < 2; i++) last = await timeSteps(unit, 1, 1, clock);
  return Math.min(2000, Math.max(1, Math.round(target / last)));
}

/** Milliseconds of a step, with a wait for all of them. */
export async function timeSteps(unit: Unit, steps: number, burst: number, clock: Clock = 'wall'): Promise<number> {
  const start = milliseconds[clock]();
  for (let done = 0; done < steps;) {
    const until = Math.min(steps, done + burst);
    for (; done < until; done++) await unit.step();
    await unit.finish();
  }
  return (milliseconds[clock]() - start) / steps;
}
