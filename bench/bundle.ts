// Bundles what runs where the GPU is, with ombre's sources in place of the package, so that nothing has to be built or installed first.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const versionIn = (path: string): string => (JSON.parse(readFileSync(here(path), 'utf8')) as { version: string }).version;

/** Builds for pages or for Node, and returns the path of the one file. */
export async function bundle(target: 'page' | 'process'): Promise<string> {
  // Behind node_modules nothing formats, lints or commits it, and `webgpu` is found from there.
  const outDir = here(`node_modules/.bench/${target}`);
  await build({
    root: here('.'),
    configFile: false,
    logLevel: 'error',
    define: {
      __OMBRE_VERSION__: JSON.stringify(versionIn('../package.json')),
      __JAX_VERSION__: JSON.stringify(versionIn('node_modules/@jax-js/jax/package.json')),
    },
    resolve: {
      alias: { ombre: here('../src/index.ts') },
      // TensorFlow.js: its modules, not its bundle for script tags; one copy of its core for all of its parts.
      mainFields: ['module', 'main'],
    },
    ssr: { noExternal: true, external: ['webgpu'], target: 'node', resolve: { mainFields: ['module', 'main'] } },
    build: {
      ...(target === 'process' ? { ssr: here('inside/process.ts') } : { lib: { entry: here('inside/page.ts'), formats: ['es'] } }),
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      minify: false,
      chunkSizeWarningLimit: Infinity,
      rolldownOptions: { output: { entryFileNames: 'bench.mjs', codeSplitting: false } },
    },
  });
  return `${outDir}/bench.mjs`;
}
