// Tables for a page of the documentation: each stack's part stands between two comments and is written anew from what was measured.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { type EngineName, engineNames } from './inside/job.ts';
import { type Measured, median, ratio } from './report.ts';

/** What a run saves as JSON. */
export interface Saved {
  readonly date: string;
  readonly stack: string;
  readonly description: string;
  readonly machine: { readonly cpu?: string; readonly cores: number };
  readonly versions: Readonly<Partial<Record<EngineName, string>>>;
  readonly options: { readonly rounds: number; readonly milliseconds: number; readonly first: number };
  readonly workloads: readonly Measured[];
}

const titles: Readonly<Record<EngineName, string>> = { ombre: 'ombre', tfjs: 'TensorFlow.js', jax: 'jax-js' };

const number = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const plain = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function tableOf({ workloads, options }: Saved): string[] {
  const peers = engineNames.filter((name) => name !== 'ombre');
  const timed = options.rounds > 0;
  const cold = options.first > 0;
  const head = [
    'workload',
    ...(timed ? [...engineNames.map((name) => `${titles[name]}, ms`), 'faster peer / ombre'] : []),
    ...(cold ? ['first step, ms', 'faster peer / ombre, first', 'dispatches', 'plan, MB'] : []),
  ];
  const rows = workloads.map(({ workload, rounds, first }) => {
    const cells: string[] = [workload];
    const share = (value: number | undefined): string => (value === undefined ? '–' : `${value.toFixed(2)} x`);
    if (timed) {
      for (const name of engineNames) {
        const times = rounds.times[name];
        cells.push(times?.length ? number(median(times)) : rounds.failures[name] ? 'fails' : '–');
      }
      cells.push(share(ratio(rounds.times, peers)));
    }
    if (cold) {
      const firstSteps = Object.fromEntries(engineNames.map((name) => [name, (first[name] ?? []).map(({ firstStep }) => firstStep)]));
      const program = first.ombre?.at(-1)?.program;
      cells.push(
        firstSteps.ombre.length > 0 ? median(firstSteps.ombre).toFixed(0) : '–',
        share(ratio(firstSteps, peers)),
        String(program?.dispatches ?? '–'),
        program ? (program.peakBytes / 2 ** 20).toFixed(1) : '–',
      );
    }
    return row(cells);
  });
  return [row(head), row(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows];
}

/** The part about one stack: where, how, the table, and why a peer has no number. */
export function markdownOf(saved: Saved): string {
  const { date, description, machine, versions, options, workloads } = saved;
  const engines = engineNames.flatMap((name) => (versions[name] ? `${titles[name]} ${versions[name]}` : []));
  const failures = workloads.flatMap(({ workload, rounds }) =>
    engineNames.flatMap((name) => (rounds.failures[name] ? `- ${titles[name]} fails at ${workload}: ${plain(rounds.failures[name])}` : [])),
  );
  return [
    `${description}; ${machine.cpu ?? 'CPU'}, ${machine.cores} cores; ${engines.join(', ')}; ${date.slice(0, 10)}.`,
    `Medians of ${options.rounds} rounds of about ${options.milliseconds} ms an engine${options.first > 0 ? `, of ${options.first} cold starts` : ''}.`,
    '',
    ...tableOf(saved),
    ...(failures.length > 0 ? ['', ...failures] : []),
  ].join('\n');
}

/** Writes a part between its comments. @throws Error when the page has none for this stack. */
export async function writeMarkdown(path: string, saved: Saved): Promise<void> {
  const text = readFileSync(path, 'utf8');
  const [begin, end] = [`<!-- bench: ${saved.stack} -->`, `<!-- end of bench: ${saved.stack} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`${path} has no place for the stack ${saved.stack}: put ${begin} and ${end} where the table shall be`);
  const whole = `${text.slice(0, from + begin.length)}\n\n${markdownOf(saved)}\n\n${text.slice(to)}`;
  writeFileSync(path, await format(whole, { ...(await resolveConfig(path)), parser: 'markdown' }));
}
