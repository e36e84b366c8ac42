/**
 * `npm test`: sets up what is missing, then runs every stage and ends with a table. Arguments name stages to run (all by default);
 * what follows `--` goes to vitest, as in `npm run test:browser -- matmul`.
 *
 * A GPU stack that cannot be had is a failure with its reason. OMBRE_ALLOW_MISSING=1 makes it a skip, still with its reason.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, setUp, type Need } from './setup.ts';

interface Stage {
  readonly name: string;
  readonly commands: readonly (readonly string[])[];
  /** The part of the set-up without which the stage cannot run. */
  readonly needs?: Need;
  /** Runs only when named: Firefox is not set up by the project. */
  readonly isOnRequest?: boolean;
}

interface Outcome {
  readonly stage: string;
  readonly result: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
  readonly detail: string;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const reports = mkdtempSync(join(tmpdir(), 'ombre-test-'));
const running = new Set<ChildProcess>();

const separator = process.argv.indexOf('--', 2);
const vitestArguments = separator < 0 ? [] : process.argv.slice(separator + 1);
const wanted = process.argv.slice(2, separator < 0 ? undefined : separator);

const onRequest = (stage: Stage): Stage => ({ ...stage, isOnRequest: true });
const reportOf = (stage: string) => join(reports, `${stage}.json`);
const vitest = (name: string, needs?: Need): Stage => ({
  name,
  needs,
  commands: [
    [
      'vitest',
      'run',
      '--project',
      name,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportOf(name)}`,
      ...vitestArguments,
    ],
  ],
});

/**
 * Stages of one wave run side by side: each keeps about one core busy. The software GPUs take every core, so theirs run alone.
 * The build comes first, because the others may read dist.
 */
const waves: readonly (readonly Stage[])[] = [
  [vitest('unit'), { name: 'build', commands: [['npm', 'run', '--silent', 'build']] }],
  [
    { name: 'typecheck', commands: [['tsc', '--noEmit']] },
    {
      name: 'lint',
      commands: [
        ['eslint', '.', '--max-warnings', '0'],
        ['prettier', '--check', '--log-level', 'warn', '.'],
      ],
    },
  ],
  [vitest('browser', 'browser')],
  [vitest('node-gpu', 'vulkan')],
  [vitest('e2e', 'browser')],
  [onRequest(vitest('firefox', 'vulkan'))],
];

const stages = waves.flat();
const unknown = wanted.filter((name) => !stages.some((stage) => stage.name === name));
if (unknown.length > 0) {
  console.error(`no stage ${unknown.join(', ')}; the stages are ${stages.map((stage) => stage.name).join(', ')}`);
  process.exit(2);
}
const selected = (stage: Stage) => (wanted.length === 0 ? !stage.isOnRequest : wanted.includes(stage.name));

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const child of running) child.kill(signal);
    process.exit(1);
  });
}
process.on('exit', () => rmSync(reports, { recursive: true, force: true }));

const started = performance.now();
const needs = stages.filter(selected).flatMap((stage) => stage.needs ?? []);
const stacks = await setUp(needs);
if (needs.length > 0) console.log(`${describe(stacks)}\nset-up   ${since(started).toFixed(1)} s`);

const outcomes: Outcome[] = [];
for (const wave of waves) {
  const chosen = wave.filter(selected);
  outcomes.push(...(await Promise.all(chosen.map((stage) => run(stage, chosen.length > 1)))));
}

const skippedTests = stages
  .filter(selected)
  .flatMap((stage) => readReport(stage.name)?.skipped.map((test) => `${stage.name}: ${test}`) ?? []);
// With a filter for vitest, everything else is skipped on purpose.
if (skippedTests.length > 0 && vitestArguments.length === 0) console.log(`\nskipped tests\n  ${skippedTests.join('\n  ')}`);
console.log(`\n${'stage'.padEnd(10)} ${'result'.padEnd(8)} seconds`);
for (const { stage, result, seconds, detail } of outcomes) {
  console.log(`${stage.padEnd(10)} ${result.padEnd(8)} ${seconds.toFixed(1).padStart(7)}  ${detail}`);
}
console.log(`${'all'.padEnd(19)} ${since(started).toFixed(1).padStart(7)}`);
process.exitCode = outcomes.some(({ result }) => result === 'failed') ? 1 : 0;

/** Runs one stage to its end. With a neighbour its output is held back and printed in one piece. */
async function run(stage: Stage, hasNeighbour: boolean): Promise<Outcome> {
  const stack = stage.needs && stacks[stage.needs];
  if (stack && 'missing' in stack) {
    const result = process.env.OMBRE_ALLOW_MISSING === '1' ? 'skipped' : 'failed';
    return { stage: stage.name, result, seconds: 0, detail: `no ${stage.needs}: ${stack.missing}` };
  }
  const start = performance.now();
  if (!hasNeighbour) console.log(`\n--- ${stage.name}`);
  let held = '';
  let failure: string | undefined;
  for (const command of stage.commands) {
    const { output, status } = await execute(command, stack?.env ?? {}, hasNeighbour);
    held += output;
    // The next command still runs: lint and format complaints are wanted together.
    if (status !== 0) failure ??= `${command[0]} ended with ${status}`;
  }
  if (hasNeighbour) console.log(`\n--- ${stage.name}\n${held.trimEnd()}`);
  const seconds = since(start);
  console.log(`--- ${stage.name} ${failure ? 'failed' : 'passed'} in ${seconds.toFixed(1)} s`);
  const detail = [failure, readReport(stage.name)?.counts].filter(Boolean).join('; ');
  return { stage: stage.name, result: failure ? 'failed' : 'passed', seconds, detail };
}

function execute(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  hold: boolean,
): Promise<{ output: string; status: number | string }> {
  return new Promise((resolve) => {
    const colour = hold && process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, ...colour, ...env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` },
      stdio: hold ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    });
    running.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', (error) => resolve({ output, status: error.message }));
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ output, status: code ?? signal ?? 'no status' });
    });
  });
}

/** What vitest counted. A skip nobody sees is a test nobody has, so skipped tests are listed by name. */
function readReport(stage: string): { counts: string; skipped: string[] } | undefined {
  let report: { testResults: { assertionResults: { fullName: string; status: string }[] }[] };
  try {
    report = JSON.parse(readFileSync(reportOf(stage), 'utf8')) as typeof report;
  } catch {
    return undefined; // Not a vitest stage, or vitest did not get far enough to write one.
  }
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const passed = tests.filter(({ status }) => status === 'passed').length;
  const failed = tests.filter(({ status }) => status === 'failed').length;
  const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed').map(({ fullName }) => fullName);
  return { counts: `${passed} tests passed, ${failed} failed, ${skipped.length} skipped`, skipped };
}

function since(start: number): number {
  return (performance.now() - start) / 1000;
}
