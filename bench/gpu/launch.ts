/** `npm run bench:gpu`: bundles run.ts with ombre's sources into bench/dist/gpu.mjs, then runs it here. `--build` only bundles. */
import { bundleForNode } from '../bundleEntry.ts';
import { runBundle } from '../runBundle.ts';

const file = await bundleForNode('gpu/run.ts', 'gpu');

const args = process.argv.slice(2);
if (args.includes('--build')) console.log('bench/dist: gpu.mjs');
else process.exitCode = await runBundle(file, args);
