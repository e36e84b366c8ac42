/** `npm run bench:generate`: bundles run.ts with ombre's sources into bench/dist/generate.mjs, then runs it here. `--build` only bundles. */
import { bundleForNode } from '../bundleEntry.ts';
import { runBundle } from '../runBundle.ts';

const file = await bundleForNode('generate/run.ts', 'generate');

const args = process.argv.slice(2);
if (args.includes('--build')) console.log('bench/dist: generate.mjs');
else process.exitCode = await runBundle(file, args);
