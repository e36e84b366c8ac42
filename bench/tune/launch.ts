/** `npm run bench:tune`: bundles run.ts with ombre's sources into bench/dist/tune.mjs, then runs it here on the CPU. */
import { spawnSync } from 'node:child_process';
import { bundleForNode } from '../bundleEntry.ts';

const file = await bundleForNode('tune/run.ts', 'tune');
const { status } = spawnSync(process.execPath, [file, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exitCode = status ?? 1;
