// Makes tables from measurements. It compares ratios inside one round, because the machine may be twice as slow in the next.
import Table from 'cli-table3';
import { type EngineName, type RoundsResult, type SoloResult, peersIn } from './inside/job.ts';
import type { Clock } from './inside/timing.ts';
import { median } from './median.ts';
import type { WorkloadName } from './workloads.ts';

export type Failures = Readonly<Partial<Record<EngineName, string>>>;

/** The measurements of a workload from one set of new processes. */
export interface Run {
  readonly rounds: Omit<RoundsResult, 'adapter' | 'versions'>;
  /** One entry for each new process. */
  readonly first: Readonly<Partial<Record<EngineName, readonly SoloResult[]>>>;
  readonly firstFailures: Failures;
}

export interface Measured {
  readonly workload: WorkloadName;
  readonly unit: string;
  readonly runs: readonly Run[];
}

type Times = Readonly<Partial<Record<EngineName, readonly number[]>>>;

/** Time of the fastest other engine divided by that of ombre, for each round. Undefined if nothing can be compared. */
export function ratio(times: Times, others: readonly EngineName[]): number | undefined {
  const present = others.flatMap((name) => times[name] ?? []).length > 0;
  if (!times.ombre?.length || !present) return undefined;
  return median(times.ombre.map((own, round) => Math.min(...others.map((name) => times[name]?.[round] ?? Infinity)) / own));
}

const steadyTimes = ({ rounds }: Run): Times => rounds.times;
const firstTimes = ({ first }: Run): Times =>
  Object.fromEntries(Object.entries(first).map(([name, starts]) => [name, starts.map(({ firstStep }) => firstStep)]));

/** Median over the runs of each run's value, with the smallest and the largest. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly (number | undefined)[]): Spread | undefined {
  const present = values.filter((value) => value !== undefined);
  return present.length === 0 ? undefined : { median: median(present), least: Math.min(...present), most: Math.max(...present) };
}

/** The figures of a workload in the tables. Undefined means not measured. */
export interface Summary {
  readonly milliseconds: Readonly<Partial<Record<EngineName, Spread>>>;
  /** Time divided by that of ombre: for each other engine, and for the faster one in each round. */
  readonly ratios: Readonly<Partial<Record<EngineName, Spread>>>;
  readonly fasterPeer?: Spread;
  readonly firstStep: {
    readonly milliseconds: Readonly<Partial<Record<EngineName, Spread>>>;
    readonly fasterPeer?: Spread;
  };
}

export function summaryOf({ runs }: Measured, others: readonly EngineName[]): Summary {
  const peers = peersIn(others);
  const ofEach = (names: readonly EngineName[], valueOf: (run: Run, name: EngineName) => number | undefined) =>
    Object.fromEntries(names.map((name) => [name, spreadOf(runs.map((run) => valueOf(run, name)))]));
  const middle = (values: readonly number[] | undefined): number | undefined => (values?.length ? median(values) : undefined);
  const all = ['ombre' as const, ...others];
  return {
    milliseconds: ofEach(all, (run, name) => middle(steadyTimes(run)[name])),
    ratios: ofEach(others, (run, name) => ratio(steadyTimes(run), [name])),
    fasterPeer: spreadOf(runs.map((run) => ratio(steadyTimes(run), peers))),
    firstStep: {
      milliseconds: ofEach(all, (run, name) => middle(firstTimes(run)[name])),
      fasterPeer: spreadOf(runs.map((run) => ratio(firstTimes(run), peers))),
    },
  };
}

export const timeText = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

/** The median, with the range if there are several runs. */
export function ratioText(spread: Spread | undefined, missing = '-'): string {
  if (!spread) return missing;
  const { median, least, most } = spread;
  return `${median.toFixed(2)} x${least === most ? '' : ` (${least.toFixed(2)}-${most.toFixed(2)})`}`;
}

const megabytes = (bytes: number | undefined): string => (bytes === undefined ? '-' : (bytes / 2 ** 20).toFixed(1));
const perStep = (value: number): string => String(Number(value.toFixed(1)));

/** A table with numbered failures, and a line for each of them below it. */
export class Sheet {
  private readonly table: Table.Table;
  private readonly notes: string[] = [];
  private readonly title: string;

  constructor(title: string, head: readonly string[]) {
    this.title = title;
    const colAligns = head.map((_, i) => (i === 0 ? 'left' : 'right')) as Table.HorizontalAlignment[];
    this.table = new Table({ head: [...head], colAligns, style: { head: [], border: [], compact: true } });
  }

  add(cells: readonly string[]): void {
    this.table.push([...cells]);
  }

  /** The text for a missing number. */
  failed(where: string, error: string): string {
    this.notes.push(`[${this.notes.length + 1}] ${where}: ${error}`);
    return `failed [${this.notes.length}]`;
  }

  toString(): string {
    return [`\n${this.title}`, this.table.toString(), ...this.notes].join('\n');
  }
}

/** Number of measurements for a title. Empty for a single run. */
const inRuns = (measured: readonly Measured[]): string => {
  const most = Math.max(0, ...measured.map(({ runs }) => runs.length));
  return most > 1 ? `; medians of ${most} runs (smallest-largest)` : '';
};

export function timeTable(measured: readonly Measured[], engines: readonly EngineName[], clock: Clock): string {
  const others = engines.filter((name) => name !== 'ombre');
  const sheet = new Sheet(
    `Milliseconds${clock === 'processor' ? ' of processor time' : ''} a step (median of the rounds), and how many times as long as ombre the others took (median of the ratios)${inRuns(measured)}`,
    ['workload', ...engines, ...others.map((name) => `${name} / ombre`), 'faster peer / ombre'],
  );
  for (const one of measured) {
    const { milliseconds, ratios, fasterPeer } = summaryOf(one, others);
    const cell = (name: EngineName): string => {
      const own = milliseconds[name];
      if (own) return timeText(own.median);
      return sheet.failed(`${one.workload}, ${name}`, one.runs.at(-1)?.rounds.failures[name] ?? 'no time was taken');
    };
    sheet.add([one.workload, ...engines.map(cell), ...others.map((name) => ratioText(ratios[name])), ratioText(fasterPeer)]);
  }
  return sheet.toString();
}

export function firstStepTable(measured: readonly Measured[], engines: readonly EngineName[]): string {
  const others = engines.filter((name) => name !== 'ombre');
  const sheet = new Sheet(`Milliseconds of the first step in a fresh process, device open, nothing cached${inRuns(measured)}`, [
    'workload',
    ...engines,
    'faster peer / ombre',
    "ombre's longest task",
  ]);
  for (const one of measured) {
    const { firstStep } = summaryOf(one, others);
    const cell = (name: EngineName): string => {
      const own = firstStep.milliseconds[name];
      if (own) return timeText(own.median);
      return sheet.failed(`${one.workload}, ${name}`, one.runs.at(-1)?.firstFailures[name] ?? 'no time was taken');
    };
    const tasks = one.runs.flatMap(({ first }) => (first.ombre ?? []).flatMap(({ longestTask }) => longestTask ?? []));
    // The platform does not report tasks below 50 ms.
    const task = tasks.length === 0 ? '-' : Math.max(...tasks) === 0 ? '< 50' : timeText(Math.max(...tasks));
    sheet.add([one.workload, ...engines.map(cell), ratioText(firstStep.fasterPeer), task]);
  }
  return `${sheet.toString()}\n${slowFirstSteps(measured, others)}`;
}

/** A line with the workloads whose first step takes longer than that of the faster other engine. */
function slowFirstSteps(measured: readonly Measured[], others: readonly EngineName[]): string {
  const compared = measured.flatMap((one) => {
    const { fasterPeer } = summaryOf(one, others).firstStep;
    return fasterPeer ? [{ workload: one.workload, fasterPeer }] : [];
  });
  if (compared.length === 0) return '';
  const slow = compared.filter(({ fasterPeer }) => fasterPeer.median < 1);
  if (slow.length === 0) return `No first step is slower than the faster peer's (${compared.length} compared).`;
  const told = slow.map(({ workload, fasterPeer }) => `${workload} ${ratioText(fasterPeer)}`);
  return `First steps slower than the faster peer's, ${slow.length} of ${compared.length}: ${told.join(', ')}.`;
}

export function costTable(measured: readonly Measured[], engines: readonly EngineName[]): string {
  const sheet = new Sheet('A step after the second: dispatches, submits, buffers created; MB of GPU buffers at the highest', [
    'workload',
    ...engines.flatMap((name) => [`${name} disp.`, 'subm.', 'buf.', 'peak MB']),
    ...(engines.includes('ombre') ? ['program disp.', 'program MB'] : []),
  ]);
  for (const { workload, runs } of measured) {
    const cells = engines.flatMap((name) => {
      const last = runs.at(-1)?.first[name]?.at(-1);
      if (!last) return ['-', '-', '-', '-'];
      const { dispatches, submits, buffers } = last.cost;
      return [perStep(dispatches), perStep(submits), perStep(buffers), megabytes(last.peakBytes)];
    });
    const program = programOf({ runs });
    sheet.add([
      workload,
      ...cells,
      ...(engines.includes('ombre') ? [String(program?.dispatches ?? '-'), megabytes(program?.peakBytes)] : []),
    ]);
  }
  return sheet.toString();
}

/** The figures of ombre's plan before the first step. They are equal in every run. */
export const programOf = ({ runs }: Pick<Measured, 'runs'>): SoloResult['program'] => runs.at(-1)?.first.ombre?.at(-1)?.program;

export function kernelTable({ workload, runs }: Measured, limit = 12): string {
  const kernels = runs.at(-1)?.first.ombre?.at(-1)?.kernels ?? [];
  const total = kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const sheet = new Sheet(`${workload}: ombre's kernels, by their share of the GPU's time`, ['kernel', 'calls', 'ms a call', 'share']);
  for (const { label, calls, milliseconds: time } of kernels.slice(0, limit)) {
    sheet.add([label, String(calls), (time / calls).toFixed(3), `${((100 * time) / total).toFixed(1)} %`]);
  }
  return sheet.toString();
}
