/**
 * `npm run train`: builds the library, chooses a Vulkan driver for Dawn, and becomes scripts/train.ts. A process of its own, since a
 * driver and a library path count only at the start of a process. Only train.ts writes to stdout, so that its --json stays clean.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { findVulkan } from './setup.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
await build({ root, logLevel: 'error' });

// Installing is the business of `npm run setup` and `npm test`: training needs no GPU.
const vulkan = findVulkan();
if (!vulkan) console.error('No Vulkan driver that Dawn accepts, so the GPU is out of reach; `npm run setup` can install one.');

const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/train.ts', ...process.argv.slice(2)], {
  cwd: root,
  env: { ...process.env, ...vulkan?.env },
  stdio: 'inherit',
});
// A terminal's Ctrl-C reaches the child by itself; passing it on would count it twice. Either way this process outlives the child.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (!signal) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
