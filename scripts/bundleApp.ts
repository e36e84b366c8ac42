/** Bundles a program as a user's bundler would, with the sources of the library. `npm run size` and tests measure the result. */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type Plugin, type Rolldown, build, minifySync } from 'vite';
import { strippedWgsl } from './wgslPlugin.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const entryFile = 'virtual:entry.ts';

const entryPlugin = (code: string): Plugin => ({
  name: 'entry',
  resolveId: (id) => (id.endsWith(entryFile) ? entryFile : undefined),
  load: (id) => (id === entryFile ? code.replaceAll("'/src/", `'${root}src/`) : undefined),
});

const minified = (code: string): string => minifySync('module.js', code, { module: true }).code;

/** Code of one module of a bundle. It exports nothing, so unused code must stay. */
const minifiedPart = (code: string): string => minifySync('part.js', code, { compress: false, mangle: true }).code;

export interface AppBundle {
  /** Minified and gzipped bytes of the entry and of the chunks that load with it. */
  readonly gzip: number;
  /** Minified and gzipped bytes of the chunks of `import()`, which load later, if at all. */
  readonly later: number;
  /** Minified bytes of each module that loads with the entry. Paths begin at the root of the repository. */
  readonly modules: ReadonlyMap<string, number>;
}

/** Bundles code. Its imports from `/src/` are those of the library. */
export async function bundleApp(code: string): Promise<AppBundle> {
  const built = (await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [entryPlugin(code), strippedWgsl()],
    build: { target: 'es2022', minify: false, write: false, lib: { entry: entryFile, formats: ['es'], fileName: 'entry' } },
  })) as unknown as readonly Rolldown.RolldownOutput[];
  const chunks = new Map(built[0].output.filter((file) => file.type === 'chunk').map((chunk) => [chunk.fileName, chunk]));
  const loaded = new Set([built[0].output[0]]);
  for (const { imports } of loaded) for (const name of imports) if (chunks.has(name)) loaded.add(chunks.get(name)!);
  const bytes = (chunk: Rolldown.OutputChunk): number => gzipSync(minified(chunk.code), { level: 9 }).length;
  const parts = [...loaded].flatMap((chunk) => Object.entries(chunk.modules));
  return {
    gzip: [...loaded].reduce((sum, chunk) => sum + bytes(chunk), 0),
    later: [...chunks.values()].reduce((sum, chunk) => sum + (loaded.has(chunk) ? 0 : bytes(chunk)), 0),
    modules: new Map(
      parts.flatMap(([id, { code: part }]) =>
        part ? [[id.startsWith(root) ? id.slice(root.length) : id, minifiedPart(part).length]] : [],
      ),
    ),
  };
}

/** The smallest program that trains. `entry` is the source file of an entry of the package. */
export const smallestApp = (entry: 'index' | 'lean'): string => `
  import { layers, losses, optimizers, sequential, tensor } from '/src/${entry}.ts';
  const model = sequential([layers.dense({ units: 1, inputShape: [2] })]);
  model.compile({ optimizer: optimizers.sgd(), loss: losses.meanSquaredError() });
  model.fit(tensor([[1, 2], [3, 4]]), tensor([[1], [2]])).then(console.log);`;
