// Times steps, with a wait for all of them.
import type { Unit } from '../engines/engine.ts';
import type { Workload } from '../workloads.ts';

/** Number of steps before a wait: enough to hide the cost of the wait, and few enough for the results that are alive meanwhile. */
export const burst: Readonly<Record<Workload['kind'], number>> = { training: 20, forward: 10, gradient: 10 };

/** Runs a few more steps. Returns the number of steps that fill a round, estimated from the last ones. */
export async function calibrate(unit: Unit, milliseconds: number): Promise<number> {
  let last = await timeSteps(unit, 2, 1);
  await unit.settle?.();
  for (let i = 0; i < 2; i++) last = await timeSteps(unit, 1, 1);
  return Math.min(2000, Math.max(1, Math.round(milliseconds / last)));
}

/** Milliseconds of a step, with a wait for all of them. */
export async function timeSteps(unit: Unit, steps: number, burst: number): Promise<number> {
  const start = performance.now();
  for (let done = 0; done < steps;) {
    const until = Math.min(steps, done + burst);
    for (; done < until; done++) await unit.step();
    await unit.finish();
  }
  return (performance.now() - start) / steps;
}
