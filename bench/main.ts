// The runner of the bench: runs the jobs of every workload on every stack, prints tables, and writes all measurements.
import { readFileSync } from 'node:fs';
import { type EngineName, type RoundsResult, type SoloResult, enginesOf } from './inside/job.ts';
import { type Saved, writeMarkdown } from './markdown.ts';
import { type Options, parseOptions } from './options.ts';
import { type Failures, type Run, costTable, firstStepTable, kernelTable, summaryOf, timeTable } from './report.ts';
import { machine, resultPath, save } from './results.ts';
import { type SavedScaling, measureScaling, writeScaling } from './scale.ts';
import type { Stack, StackName } from './stack.ts';
import { openChromium } from './stackChromium.ts';
import { openNode } from './stackNode.ts';
import { type WorkloadName, workloads } from './workloads.ts';

/** The engines' results differ, so their times must not be compared. */
class Disagreement extends Error {}

const openers: Readonly<Record<StackName, () => Promise<Stack>>> = {
  chromium: () => openChromium('gpu'),
  node: () => openNode('gpu'),
  cpu: () => openNode('cpu'),
  'cpu-chromium': () => openChromium('cpu'),
};

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  for (const file of options.from) {
    const saved = JSON.parse(readFileSync(file, 'utf8')) as Saved | SavedScaling;
    if ('multiples' in saved) await writeScaling(options.markdown!, saved);
    else await writeMarkdown(options.markdown!, saved);
  }
  if (options.from.length > 0) return;
  for (const name of options.stacks) {
    const stack = await openers[name]();
    console.log(`\n${stack.description}`);
    if (options.scale) await measureScaling(stack, options);
    else await benchmark(stack, { ...options, engines: options.engines.filter((name) => enginesOf[stack.device].includes(name)) });
  }
}

async function benchmark(stack: Stack, options: Options): Promise<void> {
  const date = new Date().toISOString();
  const others = options.engines.filter((name) => name !== 'ombre');
  const { runs, rounds, milliseconds, clock, first } = options;
  const path = resultPath(options.results, stack.name, date);
  const measured = options.workloads.map((workload) => ({ workload, unit: workloads[workload].unit, runs: [] as Run[] }));
  let about: Pick<RoundsResult, 'adapter' | 'versions'> = { adapter: '', versions: {} };
  // Each run does all workloads. A disturbance of a minute then affects one run of a workload, not all of its runs.
  for (let run = 1; run <= runs; run++) {
    for (const one of measured) {
      const { workload } = one;
      progress(`${workload} (run ${run} of ${runs}) ...`);
      const { adapter, versions, ...timed } = await interleave(stack, workload, options, one.runs.at(-1)?.rounds.failures);
      about = { adapter: adapter || about.adapter, versions: { ...about.versions, ...versions } };
      if (timed.disagreement) throw new Disagreement(`${workload}, run ${run}: ${timed.disagreement}`);
      const cold = await firstSteps(
        stack,
        workload,
        { ...options, kernels: options.kernels && run === runs },
        one.runs.at(-1)?.firstFailures,
      );
      one.runs.push({ rounds: timed, ...cold });
      // Saved after each workload, so that an interrupted run keeps its measurements.
      save(path, {
        date,
        stack: stack.name,
        description: stack.description,
        machine: machine(),
        ...about,
        options: { runs, rounds, milliseconds, clock, first },
        workloads: measured.filter((one) => one.runs.length > 0).map((one) => ({ ...one, summary: summaryOf(one, others) })),
      });
      // An error of another library is a line in the table. An error of ombre is a bug.
      if (timed.failures.ombre || cold.firstFailures.ombre) process.exitCode = 1;
      if (options.kernels && run === runs) console.log(kernelTable(one));
    }
  }
  progress('');
  if (options.rounds > 0) console.log(timeTable(measured, options.engines, clock));
  if (options.first > 0) {
    console.log(firstStepTable(measured, options.engines));
    // Without a GPU there are no submits and buffers to count.
    if (stack.device === 'gpu') console.log(costTable(measured, options.engines));
  }
  if (options.markdown) await writeMarkdown(options.markdown, JSON.parse(readFileSync(path, 'utf8')) as Saved);
  console.log(`\n${path}`);
}

/** Rounds of all engines in one process. An engine that crashes the process is named and left out of the next attempt and of later runs. */
async function interleave(
  stack: Stack,
  workload: WorkloadName,
  { engines, rounds, milliseconds, clock, timeout }: Options,
  failedBefore: Failures = {},
): Promise<RoundsResult> {
  const failures: Partial<Record<EngineName, string>> = { ...failedBefore };
  let left = rounds > 0 ? engines.filter((name) => !failures[name]) : [];
  while (left.length > 0) {
    const outcome = await stack.run(
      { kind: 'rounds', device: stack.device, workload, engines: left, rounds, milliseconds, clock },
      timeout,
    );
    if ('result' in outcome) return { ...outcome.result, failures: { ...failures, ...outcome.result.failures } };
    const culprit = outcome.turn ?? left[0];
    failures[culprit] = outcome.error;
    left = left.filter((name) => name !== culprit);
  }
  return { adapter: '', versions: {}, times: {}, values: {}, failures };
}

/** First steps in new processes, engines in turns. An engine that fails is not tried again. */
async function firstSteps(
  stack: Stack,
  workload: WorkloadName,
  { engines, first: starts, kernels, timeout }: Options,
  failedBefore: Failures = {},
): Promise<Pick<Run, 'first' | 'firstFailures'>> {
  const first: Partial<Record<EngineName, SoloResult[]>> = {};
  const firstFailures: Partial<Record<EngineName, string>> = { ...failedBefore };
  for (let i = 0; i < starts; i++) {
    for (const engine of engines) {
      if (firstFailures[engine]) continue;
      progress(`${workload}: first step of ${engine} (${i + 1} of ${starts})`);
      const job = { kind: 'solo', device: stack.device, workload, engine, kernels: kernels && i === starts - 1 } as const;
      const outcome = await stack.run(job, timeout);
      if ('result' in outcome) (first[engine] ??= []).push(outcome.result);
      else firstFailures[engine] = outcome.error;
    }
  }
  return { first, firstFailures };
}

/** A progress line that replaces itself on a terminal. A log file gets none. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

try {
  await main();
} catch (error) {
  progress('');
  console.error(error instanceof Disagreement ? `the engines disagree; nothing more is timed\n${error.message}` : error);
  process.exitCode = 1;
}
