/** `npm run bench`: installs the packages that only the bench needs (the other libraries), then runs main.ts. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
// npm writes this file at the end of an installation.
if (!existsSync(`${folder}node_modules/.package-lock.json`)) {
  console.error('bench: npm ci in bench/');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(1);
}
await import('./main.ts');
