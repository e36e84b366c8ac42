import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { mnistFiles } from './mnistPlugin.ts';
import { strippedWgsl } from './wgslPlugin.ts';

const fromRoot = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** The demo page: `vite --config scripts/demo.config.ts`, with the library straight from its sources. */
export default defineConfig({
  root: fromRoot('demo'),
  // Relative, so that the built page also works from a sub-folder of a static host.
  base: './',
  resolve: { alias: { ombre: fromRoot('src/index.ts') } },
  // Apart from the tests' cache, so that a running demo and a test run do not overwrite each other's.
  cacheDir: fromRoot('node_modules/.vite-demo'),
  plugins: [mnistFiles(), strippedWgsl()],
  server: { fs: { allow: [fromRoot('.')] } },
  worker: { format: 'es' },
  build: { target: 'es2022', outDir: 'dist', emptyOutDir: true },
});
