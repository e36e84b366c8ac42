// From measurements to tables. What is compared are ratios inside one round: the machine may be twice as slow in the next.
import Table from 'cli-table3';
import type { EngineName, RoundsResult, SoloResult } from './inside/job.ts';
import type { WorkloadName } from './workloads.ts';

export type Failures = Readonly<Partial<Record<EngineName, string>>>;

export interface Measured {
  readonly workload: WorkloadName;
  readonly unit: string;
  readonly rounds: Omit<RoundsResult, 'adapter' | 'versions'>;
  /** One entry a cold start. */
  readonly first: Readonly<Partial<Record<EngineName, readonly SoloResult[]>>>;
  readonly firstFailures: Failures;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

type Times = Readonly<Partial<Record<EngineName, readonly number[]>>>;

/** How many times as long as ombre the engines took, the fastest of them in each round; undefined where nothing can be compared. */
export function ratio(times: Times, others: readonly EngineName[]): number | undefined {
  const present = others.flatMap((name) => times[name] ?? []).length > 0;
  if (!times.ombre?.length || !present) return undefined;
  return median(times.ombre.map((own, round) => Math.min(...others.map((name) => times[name]?.[round] ?? Infinity)) / own));
}

const firstTimes = (first: Measured['first']): Times =>
  Object.fromEntries(Object.entries(first).map(([name, runs]) => [name, runs.map(({ firstStep }) => firstStep)]));

/** What the tables say as numbers, for programs. */
export const summaryOf = ({ rounds, first }: Measured, peers: readonly EngineName[]) => ({
  ratios: Object.fromEntries(peers.map((name) => [name, ratio(rounds.times, [name])])),
  fasterPeer: ratio(rounds.times, peers),
  fasterPeerFirstStep: ratio(firstTimes(first), peers),
});

const milliseconds = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
const times = (value: number | undefined): string => (value === undefined ? '-' : `${value.toFixed(2)} x`);
const megabytes = (bytes: number | undefined): string => (bytes === undefined ? '-' : (bytes / 2 ** 20).toFixed(1));
const perStep = (value: number): string => String(Number(value.toFixed(1)));

/** A table whose failures are numbered, and explained in a line each below it. */
class Sheet {
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

  /** What stands in the place of a number that there is none of. */
  failed(where: string, error: string): string {
    this.notes.push(`[${this.notes.length + 1}] ${where}: ${error}`);
    return `failed [${this.notes.length}]`;
  }

  toString(): string {
    return [`\n${this.title}`, this.table.toString(), ...this.notes].join('\n');
  }
}

export function timeTable(measured: readonly Measured[], engines: readonly EngineName[]): string {
  const peers = engines.filter((name) => name !== 'ombre');
  const sheet = new Sheet(
    'Milliseconds a step (median of the rounds), and how many times as long as ombre the peers took (median of the ratios)',
    ['workload', ...engines, ...peers.map((name) => `${name} / ombre`), 'faster peer / ombre'],
  );
  for (const { workload, rounds } of measured) {
    const cell = (name: EngineName): string => {
      const own = rounds.times[name];
      if (own?.length) return milliseconds(median(own));
      return sheet.failed(`${workload}, ${name}`, rounds.failures[name] ?? 'no time was taken');
    };
    sheet.add([
      workload,
      ...engines.map(cell),
      ...peers.map((name) => times(ratio(rounds.times, [name]))),
      times(ratio(rounds.times, peers)),
    ]);
  }
  return sheet.toString();
}

export function firstStepTable(measured: readonly Measured[], engines: readonly EngineName[]): string {
  const peers = engines.filter((name) => name !== 'ombre');
  const sheet = new Sheet('Milliseconds of the first step in a fresh process, device open, nothing cached', [
    'workload',
    ...engines,
    'faster peer / ombre',
    "ombre's longest task",
  ]);
  for (const { workload, first, firstFailures } of measured) {
    const cell = (name: EngineName): string => {
      const own = firstTimes(first)[name];
      if (own?.length) return milliseconds(median(own));
      return sheet.failed(`${workload}, ${name}`, firstFailures[name] ?? 'no time was taken');
    };
    const tasks = (first.ombre ?? []).flatMap(({ longestTask }) => longestTask ?? []);
    // The platform does not report tasks below 50 ms.
    const task = tasks.length === 0 ? '-' : Math.max(...tasks) === 0 ? '< 50' : milliseconds(Math.max(...tasks));
    sheet.add([workload, ...engines.map(cell), times(ratio(firstTimes(first), peers)), task]);
  }
  return sheet.toString();
}

export function costTable(measured: readonly Measured[], engines: readonly EngineName[]): string {
  const sheet = new Sheet('A step after the second: dispatches, submits, buffers created; MB of GPU buffers at the highest', [
    'workload',
    ...engines.flatMap((name) => [`${name} disp.`, 'subm.', 'buf.', 'peak MB']),
    ...(engines.includes('ombre') ? ['program disp.', 'program MB'] : []),
  ]);
  for (const { workload, first } of measured) {
    const cells = engines.flatMap((name) => {
      const last = first[name]?.at(-1);
      if (!last) return ['-', '-', '-', '-'];
      const { dispatches, submits, buffers } = last.cost;
      return [perStep(dispatches), perStep(submits), perStep(buffers), megabytes(last.peakBytes)];
    });
    const program = first.ombre?.at(-1)?.program;
    sheet.add([
      workload,
      ...cells,
      ...(engines.includes('ombre') ? [String(program?.dispatches ?? '-'), megabytes(program?.peakBytes)] : []),
    ]);
  }
  return sheet.toString();
}

export function kernelTable({ workload, first }: Measured, limit = 12): string {
  const kernels = first.ombre?.at(-1)?.kernels ?? [];
  const total = kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const sheet = new Sheet(`${workload}: ombre's kernels, by their share of the GPU's time`, ['kernel', 'calls', 'ms a call', 'share']);
  for (const { label, calls, milliseconds: time } of kernels.slice(0, limit)) {
    sheet.add([label, String(calls), (time / calls).toFixed(3), `${((100 * time) / total).toFixed(1)} %`]);
  }
  return sheet.toString();
}
