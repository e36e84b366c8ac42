// Reads many damaged files with every reader of a format: `npm run fuzz` takes 100,000 mutations each, `npm run fuzz -- 5000` another number.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const count = Number(process.argv[2] ?? 100_000);
if (!Number.isSafeInteger(count) || count < 1) {
  console.error(`the number of mutations is ${process.argv[2]}; it must be a whole number above 0`);
  process.exit(2);
}
const root = fileURLToPath(new URL('..', import.meta.url));
const tests = readdirSync(`${root}test/unit`)
  .filter((name) => name.endsWith('.test.ts') && readFileSync(`${root}test/unit/${name}`, 'utf8').includes('fileMutations.ts'))
  .map((name) => `test/unit/${name}`);
const { status } = spawnSync(
  process.execPath,
  [
    `${root}node_modules/vitest/vitest.mjs`,
    'run',
    '--config',
    'scripts/unit.config.ts',
    '--disable-console-intercept',
    '-t',
    'mutations',
    ...tests,
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, OMBRE_MUTATIONS: String(count) } },
);
process.exitCode = status ?? 1;
