/**
 * `npm run play`: runs play.ts with the library from its sources, again after each change of it, of src or of shaders. Git ignores
 * play.ts; the first run writes a sample. `npm run play -- --once` runs it once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, watch, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';
import { sourceAliases } from './sourceAliases.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = `${root}play.ts`;

const sample = `import { deviceInfo, grad, scalar, tensor } from 'ombre';

const x = tensor([1, 2, 3]);
console.log(await x.mul(x).array());
console.log(await grad((x) => x.pow(3))(scalar(2)).item());
console.log(deviceInfo().kind);
`;

/** A new process for each run frees the device and every buffer. */
let child: ChildProcess | undefined;
function restart(): void {
  child?.kill();
  child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(import.meta.url), '--once'], { cwd: root, stdio: 'inherit' });
}

/** Editors write a file in several steps. One restart follows the last of them. */
let timer: NodeJS.Timeout | undefined;
function restartSoon(): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    console.log('---');
    restart();
  }, 100);
}

if (!existsSync(file)) {
  writeFileSync(file, sample);
  console.log('wrote play.ts: change it and save');
}
if (process.argv.includes('--once')) {
  await runnerImport('./play.ts', { root, configFile: false, logLevel: 'error', resolve: { alias: sourceAliases } });
} else {
  restart();
  for (const folder of ['src', 'shaders']) watch(root + folder, { recursive: true }, restartSoon);
  // An editor may replace the file, so its folder is watched.
  watch(root, (_event, name) => name === 'play.ts' && restartSoon());
}
