// The options of `npm run bench`.
import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type EngineName, engineNames } from './inside/job.ts';
import { type StackName, stackNames } from './stack.ts';
import type { Clock } from './inside/timing.ts';
import { type WorkloadName, scaledWorkloads, workloadNames, workloads } from './workloads.ts';

export interface Options {
  readonly stacks: readonly StackName[];
  readonly engines: readonly EngineName[];
  readonly workloads: readonly WorkloadName[];
  /** Number of times that everything is measured, each from new processes. */
  readonly runs: number;
  readonly rounds: number;
  readonly milliseconds: number;
  readonly clock: Clock;
  readonly timeout: number;
  /** Number of first steps of each workload on each engine in each run, each in a new process. */
  readonly first: number;
  readonly kernels: boolean;
  /** Measures only how the time of ombre's step grows with the batch. */
  readonly scale: boolean;
  readonly results: string;
  /** The page whose tables are rewritten. Undefined writes none. */
  readonly markdown?: string;
  /** Saved results to write the page from. Nothing is measured then. */
  readonly from: readonly string[];
}

const listOf =
  <T extends string>(known: readonly T[]) =>
  (text: string): T[] => {
    const names = text.split(',').map((name) => name.trim());
    const unknown = names.find((name) => !known.includes(name as T));
    if (unknown !== undefined) throw new InvalidArgumentError(`'${unknown}' is none of ${known.join(', ')}.`);
    return [...new Set(names)] as T[];
  };

const countFrom =
  (least: number) =>
  (text: string): number => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (Number.isInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It is a whole number from ${least} up.`);
  };

/** Reads the arguments after `npm run bench --`. Ends the process for --help and for wrong arguments. */
export function parseOptions(args: readonly string[]): Options {
  const units = workloadNames.map((name) => `  ${name.padEnd(12)} ${workloads[name].unit}`);
  const command = new Command('npm run bench --')
    .usage('[options]')
    .description('Compares ombre with TensorFlow.js and jax-js: interleaved rounds, first steps, memory.')
    .addOption(
      new Option('--stacks <names>', `stacks to run on: ${stackNames.join(',')}; on a GPU, or with WebAssembly on the CPU`)
        .argParser(listOf(stackNames))
        .default(['chromium', 'node'], 'chromium,node'),
    )
    .addOption(
      new Option('--engines <names>', `what to compare: ${engineNames.join(',')}; interpreter and tfjscpu only on the CPU`)
        .argParser(listOf(engineNames))
        .default(engineNames, 'all'),
    )
    .addOption(new Option('--workloads <names>', 'what to run').argParser(listOf(workloadNames)).default(workloadNames, 'all'))
    .option(
      '--runs <n>',
      'number of times to measure everything; the tables then have the median of the runs and its range',
      countFrom(1),
      1,
    )
    .option('--rounds <n>', 'rounds of each workload; 0 leaves them out', countFrom(0), 5)
    .option('--milliseconds <n>', "approximate milliseconds of an engine's part of a round; at least one step", countFrom(1), 1000)
    .addOption(
      new Option('--clock <name>', 'elapsed time, or time of all threads on a core (stack cpu only), for a machine that others use')
        .choices(['wall', 'processor'] satisfies Clock[])
        .default('wall'),
    )
    .option('--timeout <seconds>', 'maximum time of one workload, and of one first step', countFrom(1), 600)
    .option('--first <n>', 'first steps in a new process each, with dispatches and memory; 0 leaves them out', countFrom(0), 3)
    .option('--kernels', "print the time of each of ombre's kernels, from the last new process (needs a GPU with timestamps)", false)
    .option(
      '--scale',
      `how ombre's step grows with the batch, and nothing else: ${scaledWorkloads.join(', ')} at once, twice and four times theirs`,
      false,
    )
    .option('--results <folder>', 'folder for all measurements, as STACK-TIME.json', 'bench/results')
    .option('--markdown [page]', 'also write the tables into the documentation')
    .option(
      '--from <files>',
      'with --markdown: write them from saved results, separated by commas, without measuring',
      (text) => text.split(','),
      [],
    )
    .helpOption('--help', 'show this help')
    .addHelpText('after', `\nWorkloads:\n${units.join('\n')}`)
    .showSuggestionAfterError(true);
  const { markdown, ...options } = command
    .parse([...args], { from: 'user' })
    .opts<Omit<Options, 'markdown'> & { markdown?: string | true }>();
  if (options.from.length > 0 && markdown === undefined) command.error('--from needs --markdown');
  const missing = options.from.find((file) => !existsSync(file));
  if (missing !== undefined) command.error(`--from: there is no file ${missing}`);
  if (options.scale && options.rounds === 0) command.error('--scale needs --rounds of 1 or more');
  if (options.scale && !options.engines.includes('ombre')) command.error('--scale measures ombre; name it in --engines');
  if (options.scale && !options.workloads.some((name) => (scaledWorkloads as readonly string[]).includes(name))) {
    command.error(`--scale knows ${scaledWorkloads.join(', ')}`);
  }
  if (options.clock === 'processor' && options.stacks.some((name) => name !== 'cpu')) {
    command.error('--clock processor needs --stacks cpu: the threads of a browser or a GPU are not counted');
  }
  if (options.kernels && options.first === 0) command.error('--kernels needs --first of 1 or more');
  return { ...options, ...(markdown !== undefined && { markdown: markdown === true ? 'docs/performance.md' : markdown }) };
}
