// How long steps take, all of them waited for.
import type { Unit } from '../engines/engine.ts';
import type { Workload } from '../workloads.ts';

/** Steps in a row before waiting for them: enough to hide the wait, few enough for the results that are alive meanwhile. */
export const burst: Readonly<Record<Workload['kind'], number>> = { training: 20, forward: 10, gradient: 10 };

/** A few more steps; the number of steps that fill a round, judged by the last. */
export async function calibrate(unit: Unit, milliseconds: number): Promise<number> {
  let last = await timeSteps(unit, 2, 1);
  await unit.settle?.();
  for (let i = 0; i < 2; i++) last = await timeSteps(unit, 1, 1);
  return Math.min(2000, Math.max(1, Math.round(milliseconds / last)));
}

/** Milliseconds a step, all of them waited for. */
export async function timeSteps(unit: Unit, steps: number, burst: number): Promise<number> {
  const start = performance.now();
  for (let done = 0; done < steps;) {
    const until = Math.min(steps, done + burst);
    for (; done < until; done++) await unit.step();
    await unit.finish();
  }
  return (performance.now() - start) / steps;
}
