/** `npm run bench:torch`: bundles run.ts with ombre's sources into bench/dist, copies steps.py there, and runs the bundle. */
import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleFolder, bundleForNode } from '../bundleEntry.ts';
import { runBundle } from '../runBundle.ts';

const file = await bundleForNode('torch/run.ts', 'torch');
copyFileSync(fileURLToPath(new URL('steps.py', import.meta.url)), `${bundleFolder}/steps.py`);

const args = process.argv.slice(2);
if (args.includes('--build')) console.log('bench/dist: torch.mjs and steps.py');
else process.exitCode = await runBundle(file, args, !/--device[ =]wasm/.test(args.join(' ')));
