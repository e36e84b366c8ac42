/** Runs the commands of a stage with the environment of its tools, and reads the records that vitest wrote. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Stacks } from '../setup.ts';
import type { TestRecord } from './reporter.ts';
import type { Stage } from './stages.ts';

export interface Outcome {
  readonly stage: Stage;
  readonly result: 'passed' | 'failed' | 'skipped' | 'missing';
  readonly seconds: number;
  /** Reason why it failed or did not run. */
  readonly why?: string;
  /** The tests, if vitest wrote records. */
  readonly tests?: readonly TestRecord[];
}

export interface RunOptions {
  readonly stacks: Stacks;
  /** Variables that a set of stages adds to the environment. Variables set by the caller are kept. */
  readonly env: Readonly<Record<string, string>>;
  readonly vitestArguments: readonly string[];
  readonly takesWhatIsThere: boolean;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const reports = mkdtempSync(join(tmpdir(), 'ombre-test-'));
const running = new Set<ChildProcess>();

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const child of running) child.kill(signal);
    process.exit(1);
  });
}
process.on('exit', () => rmSync(reports, { recursive: true, force: true }));

/** Runs one stage to its end. If another stage runs at the same time, the output is printed at the end in one piece. */
export async function runStage(stage: Stage, hasNeighbour: boolean, options: RunOptions): Promise<Outcome> {
  const stack = stage.needs && options.stacks[stage.needs];
  if (stack && 'missing' in stack) {
    if (options.takesWhatIsThere) return { stage, result: 'missing', seconds: 0, why: stack.missing };
    const result = process.env.OMBRE_ALLOW_MISSING === '1' ? 'skipped' : 'failed';
    return { stage, result, seconds: 0, why: `no ${stage.needs}: ${stack.missing}` };
  }
  const subgroups = { ...stage.env, ...process.env }.OMBRE_SUBGROUPS;
  if (subgroups && subgroups !== 'none' && stack && Number(subgroups) !== stack.subgroupSize) {
    const why = `${stack.adapter} has subgroups of ${stack.subgroupSize ?? 'no fixed size'}, not ${subgroups}`;
    console.log(`\n--- ${stage.name} skipped: ${why}`);
    return { stage, result: options.takesWhatIsThere ? 'missing' : 'skipped', seconds: 0, why };
  }
  const start = performance.now();
  if (!hasNeighbour) console.log(`\n--- ${stage.name}`);
  const report = join(reports, `${stage.name}.json`);
  const env = { ...options.env, ...stage.env, ...process.env, ...stack?.env, OMBRE_REPORT: report };
  let held = '';
  let failure: string | undefined;
  for (const command of stage.commands) {
    const { output, status } = await execute(withReporters(command, options), env, hasNeighbour);
    held += output;
    // The next command runs after a failure too, so that lint and format complaints are printed together.
    if (status !== 0) failure ??= `${command[0]} ended with ${status}`;
  }
  if (hasNeighbour) console.log(`\n--- ${stage.name}\n${held.trimEnd()}`);
  const seconds = since(start);
  console.log(`--- ${stage.name} ${failure ? 'failed' : 'passed'} in ${seconds.toFixed(1)} s`);
  return { stage, result: failure ? 'failed' : 'passed', seconds, why: failure, tests: readRecords(report) };
}

function withReporters(command: readonly string[], { vitestArguments, takesWhatIsThere }: RunOptions): readonly string[] {
  if (command[0] !== 'vitest') return command;
  // In a set, only some stages have files that match a filter. test.ts reports if none has.
  const lenient = takesWhatIsThere && vitestArguments.length > 0 ? ['--passWithNoTests'] : [];
  return [...command, '--reporter=default', '--reporter=./scripts/testing/reporter.ts', ...lenient, ...vitestArguments];
}

function execute(
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  hold: boolean,
): Promise<{ output: string; status: number | string }> {
  return new Promise((resolve) => {
    const colour = hold && process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      cwd: root,
      env: { ...colour, ...env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` },
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

function readRecords(report: string): TestRecord[] | undefined {
  try {
    return JSON.parse(readFileSync(report, 'utf8')) as TestRecord[];
  } catch {
    return undefined; // Not a vitest stage, or vitest ended before it wrote records.
  }
}

export function since(start: number): number {
  return (performance.now() - start) / 1000;
}
