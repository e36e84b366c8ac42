// Bundles the code that runs beside the GPU, with ombre's sources instead of the package. Nothing has to be built or installed first.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const versionIn = (path: string): string => (JSON.parse(readFileSync(here(path), 'utf8')) as { version: string }).version;

/** Folder of the modules of TensorFlow.js's wasm backend. */
export const tfjsWasm = here('node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/');

/** Builds for pages or for Node, and returns the path of the one file. */
export async function bundle(target: 'page' | 'process'): Promise<string> {
  // In node_modules no tool formats, lints or commits the file, and the package `webgpu` is found from there.
  const outDir = here(`node_modules/.bench/${target}`);
  await build({
    root: here('.'),
    configFile: false,
    logLevel: 'error',
    define: {
      __OMBRE_VERSION__: JSON.stringify(versionIn('../package.json')),
      __TFJS_WASM__: JSON.stringify(target === 'page' ? '/wasm/' : tfjsWasm),
      __JAX_VERSION__: JSON.stringify(versionIn('node_modules/@jax-js/jax/package.json')),
    },
    resolve: {
      alias: { ombre: here('../src/index.ts') },
      // TensorFlow.js as modules instead of its bundle for script tags, with one copy of its core.
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
