// The entry in a page. Compiles one graph or trains one workload between marks. The browser's trace has the tasks of the main thread.
import { engineOn } from '../engines/ombre.ts';
import { type WorkloadName, workloads } from '../workloads.ts';
import { type Compiled, busyLoop, measure } from './measure.ts';
import type { LongGraph } from '../../test/support/longGraphs.ts';

const engine = engineOn('webgpu');

declare global {
  var compileGraphs: (name: LongGraph, n: number) => Promise<{ compiled: Compiled; loop: number }>;
  var train: (name: WorkloadName, steps: number) => Promise<{ first: number }>;
}

/** A new task, so that earlier work does not count. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

globalThis.compileGraphs = async (name, n) => {
  await turn();
  performance.mark('bench-compile');
  const compiled = measure(name, n);
  await turn();
  performance.mark('bench-end');
  return { compiled, loop: busyLoop() };
};

globalThis.train = async (name, steps) => {
  const workload = workloads[name];
  const [parameters, inputs] = [workload.parameters(), workload.inputs()];
  await engine.start();
  await turn();
  performance.mark('bench-data');
  const begin = performance.now();
  const unit = await engine.prepare(name, { ...workload, parameters: () => parameters, inputs: () => inputs });
  const prepared = performance.now() - begin;
  await turn();
  performance.mark('bench-first');
  const asked = performance.now();
  await unit.step();
  await unit.finish();
  const first = prepared + performance.now() - asked;
  await turn();
  performance.mark('bench-steady');
  for (let i = 0; i < steps; i++) await unit.step();
  await unit.finish();
  await turn();
  performance.mark('bench-end');
  return { first };
};
