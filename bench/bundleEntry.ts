// Bundles the entry of a bench and ombre's sources into one file for Node or a page, so that it runs without this repository's packages.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Folder of the bundles. */
export const bundleFolder = here('dist');

/** Writes `dist/NAME.mjs`. The entry is a path in bench/. Only the package `webgpu` stays outside. */
export const bundleForNode = (entry: string, name: string): Promise<string> => bundleFor('node', entry, name);

/** Writes `dist/NAME.mjs`, a module for a page. The entry is a path in bench/. */
export const bundleForPage = (entry: string, name: string): Promise<string> => bundleFor('page', entry, name);

async function bundleFor(target: 'node' | 'page', entry: string, name: string): Promise<string> {
  const { version } = JSON.parse(readFileSync(here('../package.json'), 'utf8')) as { version: string };
  await build({
    root: here('.'),
    configFile: false,
    logLevel: 'error',
    define: { __OMBRE_VERSION__: JSON.stringify(version) },
    resolve: { alias: { ombre: here('../src/index.ts') } },
    ssr: { noExternal: true, external: ['webgpu'], target: 'node' },
    build: {
      ...(target === 'node' ? { ssr: here(entry) } : { lib: { entry: here(entry), formats: ['es'] } }),
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
