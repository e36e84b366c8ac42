import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { mnistFiles } from './mnistPlugin.ts';
import { sourceAliases } from './sourceAliases.ts';
import { strippedWgsl } from './wgslPlugin.ts';

const fromRoot = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** With these headers a page is cross-origin isolated. WebAssembly then computes in several threads. */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** The demo page: `vite --config scripts/demo.config.ts`. It uses the sources of the library. */
export default defineConfig({
  root: fromRoot('demo'),
  // Relative, so that the built page also works from a sub-folder of a static host.
  base: './',
  resolve: { alias: sourceAliases },
  // Not the cache of the tests, because a demo and a test run may run at the same time.
  cacheDir: fromRoot('node_modules/.vite-demo'),
  plugins: [mnistFiles(), strippedWgsl()],
  server: { fs: { allow: [fromRoot('.')] }, headers: isolation },
  preview: { headers: isolation },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    rolldownOptions: {
      input: { main: fromRoot('demo/index.html'), measure: fromRoot('demo/measure.html'), examples: fromRoot('demo/examples.html') },
    },
  },
});
