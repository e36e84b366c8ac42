/**
 * `npm run check`: checks the types of the whole repository, then lint, format and unit tests of the files that differ from the main
 * branch. `npm run check -- layers` runs the unit test files of that name instead. Types and lint have caches in node_modules/.cache.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const filters = process.argv.slice(2);

/** Output lines of a git command. Empty if git fails. */
function git(...args: string[]): string[] {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')
      .filter(Boolean);
  } catch {
    return [];
  }
}

/** Files that were added or changed since the main branch, committed or not. */
function changedFiles(): string[] {
  const base = ['origin/main', 'main'].flatMap((name) => git('merge-base', name, 'HEAD'))[0] ?? 'HEAD';
  const files = [...git('diff', '--name-only', '--diff-filter=d', base), ...git('ls-files', '--others', '--exclude-standard')];
  return [...new Set(files)].filter((file) => existsSync(join(root, file)));
}

function run(command: string, ...args: string[]): Promise<boolean> {
  const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}` };
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: 'inherit' });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
}

const cache = 'node_modules/.cache';
const unit = ['--config', 'scripts/unit.config.ts'];
const changed = changedFiles();
const scripts = changed.filter((file) => /\.(ts|js)$/.test(file));
// vitest finds the importers of a kernel text. Other documents have no tests.
const sources = changed.filter((file) => /\.(ts|wgsl|json)$/.test(file) && /^(src|test|shaders|scripts)\//.test(file));

const steps: Readonly<Record<string, () => Promise<boolean>>> = {
  types: () => run('tsc', '--noEmit', '--incremental', '--tsBuildInfoFile', `${cache}/tsc.tsbuildinfo`),
  ...(scripts.length > 0 && {
    lint: () =>
      run('eslint', '--max-warnings', '0', '--cache', '--cache-strategy', 'content', '--cache-location', `${cache}/eslint/`, ...scripts),
  }),
  ...(changed.length > 0 && {
    format: () => run('prettier', '--check', '--ignore-unknown', '--log-level', 'warn', ...changed),
  }),
  subjects: () => run('node', '--import', 'tsx', 'scripts/checkSubjects.ts'),
  ...(filters.length > 0
    ? { tests: () => run('vitest', 'run', ...unit, ...filters) }
    : sources.length > 0 && { tests: () => run('vitest', 'related', '--run', '--passWithNoTests', ...unit, ...sources) }),
};

const failed: string[] = [];
for (const [name, step] of Object.entries(steps)) {
  console.log(`--- ${name}`);
  if (!(await step())) failed.push(name);
}
console.log(failed.length > 0 ? `failed: ${failed.join(', ')}` : `passed: ${Object.keys(steps).join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
