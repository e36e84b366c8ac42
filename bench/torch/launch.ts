/** `npm run bench:torch`: bundles run.ts with ombre's sources into one file beside steps.py, in bench/dist, then runs it here. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { setUp } from '../../scripts/setup.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const folder = here('../dist');
const { version } = JSON.parse(readFileSync(here('../../package.json'), 'utf8')) as { version: string };

await build({
  root: here('.'),
  configFile: false,
  logLevel: 'error',
  define: { __OMBRE_VERSION__: JSON.stringify(version) },
  resolve: { alias: { ombre: here('../../src/index.ts') } },
  ssr: { noExternal: true, external: ['webgpu'], target: 'node' },
  build: {
    ssr: here('run.ts'),
    outDir: folder,
    emptyOutDir: true,
    target: 'es2022',
    minify: false,
    chunkSizeWarningLimit: Infinity,
    rolldownOptions: { output: { entryFileNames: 'torch.mjs', codeSplitting: false } },
  },
});
copyFileSync(here('steps.py'), `${folder}/steps.py`);

const args = process.argv.slice(2);
if (args.includes('--build')) console.log('bench/dist: torch.mjs and steps.py');
else {
  const { vulkan: found } = await setUp(['vulkan']);
  if (!found || 'missing' in found) throw new Error(`no Vulkan driver: ${found?.missing}`);
  const { status } = spawnSync(process.execPath, [`${folder}/torch.mjs`, ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...found.env },
  });
  process.exitCode = status ?? 1;
}
