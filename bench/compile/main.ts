/**
 * Measures the time of compiling, and how long it blocks a page's main thread.
 * npm run bench:compile                                     all tables
 * npm run bench:compile -- --nodes 1000,10000 --stacks node --rounds 5
 * npm run bench:compile -- --pages gpt,lstm                 the last table for these workloads only; none leaves it out
 */
import { execFileSync } from 'node:child_process';
import { Command, InvalidArgumentError } from 'commander';
import { setUp } from '../../scripts/setup.ts';
import type { LongGraph } from '../../test/support/longGraphs.ts';
import { bundleForNode, bundleForPage } from '../bundleEntry.ts';
import { median } from '../median.ts';
import type { WorkloadName } from '../workloads.ts';
import type { Compiled, growth } from './measure.ts';
import { type Task, traced } from './trace.ts';

const bundle = (entry: 'page' | 'process'): Promise<string> =>
  entry === 'process' ? bundleForNode('compile/process.ts', 'compile-process') : bundleForPage('compile/page.ts', 'compile-page');

interface Round {
  readonly compiled: Compiled;
  /** Milliseconds of processor time of the main thread while it traced and compiled. */
  readonly processor: number | undefined;
  /** Milliseconds of the busy loop right after it. */
  readonly loop: number;
}

const stacks = ['node', 'chromium', 'none'];
const pages = ['mlp', 'mlpwide', 'cnn', 'gpt', 'lstm', 'resnet', 'autoencoder', 'none'];

const namesOf =
  (known: readonly string[]) =>
  (text: string): string[] => {
    const names = text.split(',').map((name) => name.trim());
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined) throw new InvalidArgumentError(`'${unknown}' is none of ${known.join(', ')}.`);
    return names.filter((name) => name !== 'none');
  };
const numbersOf = (text: string): number[] => {
  const numbers = text.split(',').map(Number);
  if (numbers.every((n) => Number.isInteger(n) && n > 0)) return numbers;
  throw new InvalidArgumentError('It is a whole number from 1 up.');
};

const options = new Command('npm run bench:compile --')
  .option('--nodes <sizes>', 'approximate number of nodes of each graph', numbersOf, [1000, 10000])
  .option('--stacks <names>', 'stacks that compile graphs; none leaves them out', namesOf(stacks), stacks.slice(0, -1))
  .option('--pages <names>', 'workloads whose first steps are traced in a page; none leaves them out', namesOf(pages), pages.slice(0, -1))
  .option('--rounds <n>', 'number of fresh processes or browsers for each figure, which is their median', (text) => numbersOf(text)[0], 3)
  .parse()
  .opts<{ nodes: number[]; stacks: string[]; pages: string[]; rounds: number }>();

const { browser } = await setUp(['browser']);
if (!browser || 'missing' in browser) throw new Error(`no browser: ${browser?.missing}`);
const chromiumPath = browser.env.OMBRE_CHROMIUM;

async function inNode(script: string, name: LongGraph, n: number): Promise<Round> {
  return JSON.parse(execFileSync(process.execPath, [script, name, String(n)], { encoding: 'utf8' })) as Round;
}

async function inChromium(script: string, name: LongGraph, n: number): Promise<Round> {
  const { result, tasks } = await traced(chromiumPath, script, 'compileGraphs', (page) =>
    page.evaluate(([name, n]) => globalThis.compileGraphs(name, n), [name, n] as const),
  );
  return { ...result, processor: sum(tasks('bench-compile', 'bench-end').map(({ processor }) => processor)) };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
/** Number of nodes of each graph with its pattern 8 and 16 times. */
const patterns = (script: string): ReturnType<typeof growth> =>
  JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8' })) as ReturnType<typeof growth>;

function print(rows: readonly (readonly string[])[]): void {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) {
    console.log(row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '));
  }
}

const passes = ['trace', 'simplify', 'materialize', 'fuse', 'schedule', 'lower', 'plan', 'total'] as const;

async function compileTable(stack: string): Promise<void> {
  const known = patterns(await bundle('process'));
  const script = await bundle(stack === 'node' ? 'process' : 'page');
  const run = stack === 'node' ? inNode : inChromium;
  const rows: string[][] = [[`${stack}, ms`, 'nodes', 'kernels', ...passes, 'on the processor', 'busy loop']];
  for (const size of options.nodes) {
    for (const { name, of8, of16 } of known) {
      const n = Math.max(1, Math.round(8 + (size - of8) / ((of16 - of8) / 8)));
      const rounds: Round[] = [];
      for (let i = 0; i < options.rounds; i++) rounds.push(await run(script, name, n));
      const [{ compiled }] = rounds;
      const middle = (of: (round: Round) => number | undefined): string => {
        const values = rounds.map(of).filter((value) => value !== undefined);
        return values.length ? median(values).toFixed(0) : '?';
      };
      const times = passes.map((pass) => middle(({ compiled: { milliseconds } }) => milliseconds[pass]));
      const row = [name, `${compiled.nodes}`, `${compiled.dispatches}`, ...times, middle((round) => round.processor), middle((round) => round.loop)]; // prettier-ignore
      rows.push(row);
    }
  }
  console.log(`\nCompiling in a fresh ${stack === 'node' ? 'process' : 'browser'}, median of ${options.rounds}`);
  print(rows);
}

async function taskTable(): Promise<void> {
  const script = await bundle('page');
  const told = (rounds: readonly Task[][]): string => {
    const longest = (of: (task: Task) => number): string => median(rounds.map((tasks) => Math.max(0, ...tasks.map(of)))).toFixed(0);
    return `${longest(({ wall }) => wall)} / ${longest(({ processor }) => processor)}`;
  };
  const rows: string[][] = [['longest task, ms', 'first step', 'next 20 steps', 'tensors from data', 'first step takes']];
  for (const name of options.pages) {
    const rounds: { first: Task[]; steady: Task[]; data: Task[]; time: number }[] = [];
    for (let i = 0; i < options.rounds; i++) {
      const { result, tasks } = await traced(chromiumPath, script, 'train', (page) =>
        page.evaluate((name) => globalThis.train(name, 20), name as WorkloadName),
      );
      rounds.push({
        ...{ first: tasks('bench-first', 'bench-steady'), steady: tasks('bench-steady', 'bench-end') },
        ...{ data: tasks('bench-data', 'bench-first'), time: result.first },
      });
    }
    const time = median(rounds.map(({ time }) => time)).toFixed(0);
    rows.push([name, ...(['first', 'steady', 'data'] as const).map((part) => told(rounds.map((round) => round[part]))), time]);
  }
  console.log(`\nThe main thread's longest task in ${browser && 'name' in browser ? browser.name : ''}: by the wall's clock / on the processor; median of ${options.rounds}`); // prettier-ignore
  print(rows);
}

for (const stack of options.stacks) await compileTable(stack);
if (options.pages.length > 0) await taskTable();
