// Tables for a page of the documentation. The part of each stack is between two comments and is rewritten from the measurements.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { type EngineName, enginesOf } from './inside/job.ts';
import type { Clock } from './inside/timing.ts';
import { type Measured, programOf, ratioText, summaryOf, timeText } from './report.ts';

/** The JSON that a run saves. */
export interface Saved {
  readonly date: string;
  readonly stack: string;
  readonly description: string;
  readonly machine: { readonly cpu?: string; readonly cores: number };
  readonly versions: Readonly<Partial<Record<EngineName, string>>>;
  readonly options: {
    readonly runs: number;
    readonly rounds: number;
    readonly milliseconds: number;
    readonly clock?: Clock;
    readonly first: number;
  };
  readonly workloads: readonly Measured[];
}

const titles: Readonly<Record<EngineName, string>> = {
  ombre: 'ombre',
  interpreter: 'interpreter',
  tfjs: 'TensorFlow.js',
  tfjscpu: 'TensorFlow.js cpu',
  jax: 'jax-js',
};

/** The engines of a table. On the CPU, only the measured ones. */
const enginesIn = ({ stack, versions }: Saved): readonly EngineName[] =>
  stack.startsWith('cpu') ? enginesOf.cpu.filter((name) => versions[name]) : enginesOf.gpu;

/** A row of a markdown table. */
export const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
export const underHead = (head: readonly string[]): string => row(head.map((_, i) => (i === 0 ? '---' : '---:')));
const plain = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function tableOf(saved: Saved): string[] {
  const { workloads, options } = saved;
  const engines = enginesIn(saved);
  const others = engines.filter((name) => name !== 'ombre');
  const timed = options.rounds > 0;
  const cold = options.first > 0;
  const head = [
    'workload',
    ...(timed ? [...engines.map((name) => `${titles[name]}, ms`), 'faster peer / ombre'] : []),
    ...(cold ? ['first step, ms', 'faster peer / ombre, first', 'dispatches', 'plan, MB'] : []),
  ];
  const rows = workloads.map((one) => {
    const { milliseconds, fasterPeer, firstStep } = summaryOf(one, others);
    const program = programOf(one);
    const failures = one.runs.at(-1)?.rounds.failures;
    const time = (name: EngineName): string => {
      const own = milliseconds[name];
      return own ? timeText(own.median) : failures?.[name] ? 'fails' : '–';
    };
    return row([
      one.workload,
      ...(timed ? [...engines.map(time), ratioText(fasterPeer, '–')] : []),
      ...(cold
        ? [
            firstStep.milliseconds.ombre?.median.toFixed(0) ?? '–',
            ratioText(firstStep.fasterPeer, '–'),
            String(program?.dispatches ?? '–'),
            program ? (program.peakBytes / 2 ** 20).toFixed(1) : '–',
          ]
        : []),
    ]);
  });
  return [row(head), underHead(head), ...rows];
}

/** The part of one stack: machine, method, table, and the reason for each missing number. */
export function markdownOf(saved: Saved): string {
  const { date, description, machine, versions, options, workloads } = saved;
  const engines = enginesIn(saved).flatMap((name) => (versions[name] ? `${titles[name]} ${versions[name]}` : []));
  const failures = workloads.flatMap(({ workload, runs }) =>
    enginesIn(saved).flatMap((name) => {
      const told = runs.at(-1)?.rounds.failures[name];
      return told ? `- ${titles[name]} fails at ${workload}: ${plain(told)}` : [];
    }),
  );
  const { runs, rounds, milliseconds, clock, first } = options;
  const parts = [
    `${runs > 1 ? `Medians of ${runs} runs (smallest-largest in brackets), each the median` : 'Medians'} of ${rounds} rounds of about ${milliseconds} ms${clock === 'processor' ? ' of processor time' : ''} an engine`,
    ...(first > 0 ? [`${first === 1 ? 'one cold start' : `${first} cold starts`}${runs > 1 ? ' a run' : ''}`] : []),
  ];
  return [
    `${description}; ${machine.cpu ?? 'CPU'}, ${machine.cores} cores; ${engines.join(', ')}; ${date.slice(0, 10)}.`,
    `${parts.join(', ')}.`,
    '',
    ...tableOf(saved),
    ...(failures.length > 0 ? ['', ...failures] : []),
  ].join('\n');
}

/** Writes a part of a page between the comments of its name. @throws Error if the page has no such comments. */
export async function writePart(path: string, name: string, part: string): Promise<void> {
  const text = readFileSync(path, 'utf8');
  const [begin, end] = [`<!-- bench: ${name} -->`, `<!-- end of bench: ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${path} has no place for ${name}: put ${begin} and ${end} at the position of the table`);
  const whole = `${text.slice(0, from + begin.length)}\n\n${part}\n\n${text.slice(to)}`;
  writeFileSync(path, await format(whole, { ...(await resolveConfig(path)), parser: 'markdown' }));
}

/** Writes the part of one stack. */
export const writeMarkdown = (path: string, saved: Saved): Promise<void> => writePart(path, saved.stack, markdownOf(saved));
