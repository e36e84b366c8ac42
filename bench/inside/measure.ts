// Runs one job beside the GPU: in a page, or in a Node process. The runner starts a new one for each job.
import type { Engine, Unit } from '../engines/engine.ts';
import { engineOn as jaxOn } from '../engines/jax.ts';
import { engineOn as ombreOn } from '../engines/ombre.ts';
import { engineOn as tfjsOn } from '../engines/tfjs.ts';
import { type Workload, type WorkloadName, workloads } from '../workloads.ts';
import { countGpuCalls, watchGpuErrors } from './gpuWatch.ts';
import type { EngineName, Job, Result, RoundsJob, RoundsResult, ScaleJob, ScaleResult, SoloJob, SoloResult, StackDevice } from './job.ts';
import { burst, calibrate, timeSteps } from './timing.ts';

/** The device that each engine opens on a stack. */
const engineOf: Readonly<Record<EngineName, (device: StackDevice) => Engine>> = {
  ombre: (device) => ombreOn(device === 'gpu' ? 'webgpu' : 'wasm'),
  interpreter: () => ombreOn('cpu'),
  tfjs: (device) => tfjsOn(device === 'gpu' ? 'webgpu' : 'wasm'),
  tfjscpu: () => tfjsOn('cpu'),
  jax: (device) => jaxOn(device === 'gpu' ? 'webgpu' : 'wasm'),
};

/** Results before any update differ by rounding only. After three updates the rounding has passed through three gradients. */
const tolerances = { first: 1e-4, updated: 1e-3 };

/** Number of steps that are counted, after two steps that may still set things up. */
const countedSteps = 3;

/** Called when another engine has its turn, so that a crash can be assigned to an engine. */
export type Turn = (engine: EngineName) => void | Promise<void>;

export async function measure<J extends Job>(job: J, turn: Turn): Promise<Result<J>> {
  const result = async (job: Job): Promise<Result<Job>> => {
    switch (job.kind) {
      case 'rounds':
        return measureRounds(job, turn);
      case 'solo':
        return measureSolo(job, turn);
      case 'scale':
        return measureScale(job, turn);
      default:
        return job satisfies never;
    }
  };
  return (await result(job)) as Result<J>;
}

const oneLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error))
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .slice(0, 300);

async function measureRounds(
  { device, workload, engines: names, rounds, milliseconds, clock }: RoundsJob,
  turn: Turn,
): Promise<RoundsResult> {
  const { kind } = workloadOf(workload);
  const engines = new Map(names.map((name) => [name, engineOf[name](device)]));
  const failures: Partial<Record<EngineName, string>> = {};
  const times: Partial<Record<EngineName, number[]>> = {};
  const values: Partial<Record<EngineName, number[]>> = {};
  const firsts = new Map<EngineName, ArrayLike<number>[]>();
  const units = new Map<EngineName, { unit: Unit; steps: number }>();
  let active: EngineName = names[0];
  const fail = (name: EngineName, error: unknown): void => {
    failures[name] ??= oneLine(error);
    units.delete(name);
    firsts.delete(name);
    delete times[name];
  };
  watchGpuErrors((message) => fail(active, message));
  const asTurnOf = async (name: EngineName, work: (engine: Engine) => Promise<void>): Promise<void> => {
    active = name;
    await turn(name);
    try {
      // Engines of one library have one default device between them.
      await engines.get(name)!.start();
      await work(engines.get(name)!);
    } catch (error) {
      fail(name, error);
    }
  };

  for (const name of names) {
    await asTurnOf(name, async (engine) => {
      const unit = await engine.prepare(workload, workloadOf(workload));
      await unit.step();
      const first = await unit.read();
      const steps = await calibrate(unit, milliseconds, clock);
      if (failures[name]) return;
      firsts.set(name, first);
      values[name] = [first[0][0], (await unit.read())[0][0]];
      units.set(name, { unit, steps });
    });
  }
  const versions = Object.fromEntries(names.map((name) => [name, engines.get(name)!.version]));
  const result = { adapter: await adapterName(), versions, times, failures, values };
  const disagreement = compare(firsts, values, kind);
  if (disagreement) return { ...result, disagreement };

  for (let round = 0; round < rounds; round++) {
    // The first engine changes from round to round.
    const order = names.map((_, i) => names[(i + round) % names.length]);
    for (const name of order) {
      const entry = units.get(name);
      if (!entry) continue;
      await asTurnOf(name, async () => {
        const time = await timeSteps(entry.unit, entry.steps, burst[kind], clock);
        if (!failures[name]) (times[name] ??= []).push(time);
      });
    }
  }
  return result;
}

/** Compares the results of two engines, relative to the largest element. Returns a line if they differ, else undefined. */
function compare(
  firsts: ReadonlyMap<EngineName, ArrayLike<number>[]>,
  values: Readonly<Partial<Record<EngineName, number[]>>>,
  kind: Workload['kind'],
): string | undefined {
  const [reference, ...others] = firsts.keys();
  for (const other of others) {
    const pairs = firsts.get(reference)!.map((expected, i) => ({
      what: i === 0 ? 'first result' : 'first gradient',
      difference: distance(expected, firsts.get(other)![i]),
      allowed: tolerances.first,
    }));
    if (kind === 'training') {
      const [a, b] = [reference, other].map((name) => [values[name]![1]]);
      pairs.push({ what: 'loss after three updates', difference: distance(a, b), allowed: tolerances.updated });
    }
    for (const { what, difference, allowed } of pairs) {
      // Not (difference > allowed), which is false for NaN.
      if (difference <= allowed) continue;
      const told = [reference, other].map((name) => `${name} ${values[name]!.join(' -> ')}`);
      return `${what}: ${told.join(', ')}; they differ by ${difference.toExponential(1)}, ${allowed} is allowed`;
    }
  }
  return undefined;
}

function distance(a: ArrayLike<number>, b: ArrayLike<number> | undefined): number {
  if (a.length !== b?.length) return Infinity;
  let scale = 0;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (Number.isNaN(difference)) return NaN;
    worst = Math.max(worst, difference);
    scale = Math.max(scale, Math.abs(a[i]));
  }
  return worst / scale;
}

async function measureSolo({ device, workload, engine: name, kernels }: SoloJob, turn: Turn): Promise<SoloResult> {
  const engine = engineOf[name](device);
  const errors: string[] = [];
  watchGpuErrors((message) => errors.push(message));
  const counts = countGpuCalls();
  await turn(name);
  const opening = performance.now();
  await engine.start();
  const start = performance.now() - opening;

  const given = madeBeforehand(workloadOf(workload));
  // The task that made the data must not count as part of the first step.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const tasks = watchLongTasks();
  const began = performance.now();
  const unit = await engine.prepare(workload, given);
  await unit.step();
  await unit.finish();
  const firstStep = performance.now() - began;
  const longestTask = await tasks?.longest();

  await unit.step();
  await unit.finish();
  const [before, done, read] = [{ ...counts }, { ...counts }, { ...counts }];
  for (let i = 0; i < countedSteps; i++) await unit.step();
  // Reading a part of the result may run a program too.
  const program = engine.program?.();
  // An engine may start only now, so the wait counts. A second wait measures the cost of waiting.
  await unit.finish();
  Object.assign(done, counts);
  await unit.finish();
  Object.assign(read, counts);
  const mean = (key: 'dispatches' | 'submits' | 'buffers'): number => (2 * done[key] - before[key] - read[key]) / countedSteps;
  const result: SoloResult = {
    start,
    firstStep,
    longestTask,
    cost: { dispatches: mean('dispatches'), submits: mean('submits'), buffers: mean('buffers') },
    peakBytes: counts.peakBytes,
    tensorBytes: engine.tensorBytes?.(),
    program,
  };
  if (errors.length > 0) throw new Error(oneLine(errors[0]));
  if (!kernels || !engine.kernels) return result;
  const times = await engine.kernels(async () => {
    for (let i = 0; i < countedSteps; i++) await unit.step();
    await unit.finish();
  });
  return { ...result, kernels: times };
}

/** Only ombre, one program for each size of the batch, in turns. */
async function measureScale({ device, workload, times, rounds, milliseconds }: ScaleJob, turn: Turn): Promise<ScaleResult> {
  const { scaled, ...given } = workloadOf(workload);
  if (!scaled) throw new Error(`${workload} has one batch size`);
  const errors: string[] = [];
  watchGpuErrors((message) => errors.push(message));
  await turn('ombre');
  const ombre = engineOf.ombre(device);
  await ombre.start();
  const units: { unit: Unit; steps: number }[] = [];
  for (const factor of times) {
    const unit = await ombre.prepare(workload, { ...given, inputs: () => scaled(factor) });
    await unit.step();
    units.push({ unit, steps: await calibrate(unit, milliseconds) });
  }
  const taken: number[][] = times.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < units.length; i++) {
      const at = (i + round) % units.length;
      taken[at].push(await timeSteps(units[at].unit, units[at].steps, burst[given.kind]));
    }
  }
  const losses: number[] = [];
  for (const { unit } of units) losses.push((await unit.read())[0][0]);
  if (errors.length > 0) throw new Error(oneLine(errors[0]));
  if (!losses.every(Number.isFinite)) throw new Error(`${workload}: its losses after the rounds are ${losses.join(', ')}`);
  return { adapter: await adapterName(), times: taken, losses };
}

/** The main thread's tasks of more than 50 ms, if the platform reports them. */
function watchLongTasks(): { longest(): Promise<number> } | undefined {
  if (typeof PerformanceObserver === 'undefined' || !PerformanceObserver.supportedEntryTypes.includes('longtask')) return undefined;
  let longest = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  });
  observer.observe({ type: 'longtask' });
  return {
    async longest() {
      // An entry arrives after its task has ended.
      await new Promise((resolve) => setTimeout(resolve, 0));
      observer.disconnect();
      return longest;
    },
  };
}

async function adapterName(): Promise<string> {
  const info = (await navigator.gpu?.requestAdapter())?.info;
  return info ? [...new Set([info.vendor, info.architecture, info.description || info.device])].filter(Boolean).join(' ') : 'none';
}

/** Makes the numbers in advance, because they are not part of a first step. */
function madeBeforehand(workload: Workload): Workload {
  const [parameters, inputs] = [workload.parameters(), workload.inputs()];
  return { ...workload, parameters: () => parameters, inputs: () => inputs };
}

const workloadOf = (name: WorkloadName): Workload => workloads[name];
