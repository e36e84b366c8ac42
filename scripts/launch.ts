/**
 * `npm run train` and `npm run example`: builds the library, chooses a Vulkan driver for Dawn, and runs a script in a new process. A driver
 * and a library path have an effect only at the start of a process. Only the script writes to stdout, so that stdout has only its --json.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { findVulkan } from './setup.ts';

const [script, ...args] = process.argv.slice(2);
const root = fileURLToPath(new URL('..', import.meta.url));
await build({ root, logLevel: 'error' });

// `npm run setup` and `npm test` install drivers. Training needs no GPU.
const vulkan = findVulkan();
if (!vulkan) console.error('No Vulkan driver that Dawn accepts, so the GPU cannot be used; `npm run setup` can install one.');

const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
  cwd: root,
  env: { ...process.env, ...vulkan?.env },
  stdio: 'inherit',
});
// A terminal sends Ctrl-C to the child too, so it is not passed on. This process ends after the child.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (!signal) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
