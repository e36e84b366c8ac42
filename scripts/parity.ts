/** `npm run parity`: names of the parity list that are delivered, by family, and the tests that prove them. `--all` prints every name. */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';
import type * as ParityCount from '../test/support/parityCount.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { module } = await runnerImport<typeof ParityCount>('./test/support/parityCount.ts', { root, configFile: false, logLevel: 'error' });
const { parityNames } = module;

const families = [...new Set(parityNames.map(({ family }) => family))];
const rows = families.map((family) => {
  const names = parityNames.filter((one) => one.family === family);
  const missing = names.filter(({ isDelivered }) => !isDelivered).map(({ name }) => name);
  const untested = names.filter(({ isDelivered, tests }) => isDelivered && tests.length === 0).map(({ name }) => name);
  return {
    family,
    names: names.length,
    delivered: names.length - missing.length,
    untested: untested.join(', '),
    missing: missing.join(', '),
  };
});
console.table(rows);
const delivered = parityNames.filter(({ isDelivered }) => isDelivered).length;
console.log(`${delivered} of ${parityNames.length} names are delivered`);
if (process.argv.includes('--all')) {
  for (const { family, name, tests } of parityNames) console.log(`${family}.${name}: ${tests.join(', ') || 'untested'}`);
}
if (delivered < parityNames.length) process.exitCode = 1;
