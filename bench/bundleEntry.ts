// Bundles the entry of a bench and ombre's sources into one file for Node, so that a machine without this repository's packages can run it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Folder of the bundles. */
export const bundleFolder = here('dist');

/** Writes `dist/NAME.mjs`. The entry is a path in bench/. Only the package `webgpu` stays outside. */
export async function bundleForNode(entry: string, name: string): Promise<string> {
  const { version } = JSON.parse(readFileSync(here('../package.json'), 'utf8')) as { version: string };
  await build({
    root: here('.'),
    configFile: false,
    logLevel: 'error',
    define: { __OMBRE_VERSION__: JSON.stringify(version) },
    resolve: { alias: { ombre: here('../src/index.ts') } },
    ssr: { noExternal: true, external: ['webgpu'], target: 'node' },
    build: {
      ssr: here(entry),
      outDir: bundleFolder,
      emptyOutDir: false,
      target: 'es2022',
      minify: false,
      chunkSizeWarningLimit: Infinity,
      rolldownOptions: { output: { entryFileNames: `${name}.mjs`, codeSplitting: false } },
    },
  });
  return `${bundleFolder}/${name}.mjs`;
}
