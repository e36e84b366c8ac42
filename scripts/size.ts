/**
 * `npm run size`: prints the gzipped size of the library and of the smallest training app, and the minified size of each folder in them.
 * Fails if a size is above its budget in package.json (`sizeBudget`, in kB).
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type Plugin, type Rolldown, build, minifySync } from 'vite';
import { strippedWgsl } from './wgslPlugin.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { sizeBudget } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { sizeBudget: Record<string, number> };

/** Entries of the measured bundles. */
const entries: Readonly<Record<string, string>> = {
  library: `export * from '/src/index.ts';`,
  smallestApp: `
    import { layers, losses, optimizers, sequential, tensor } from '/src/index.ts';
    const model = sequential([layers.dense({ units: 1, inputShape: [2] })]);
    model.compile({ optimizer: optimizers.sgd(), loss: losses.meanSquaredError() });
    model.fit(tensor([[1, 2], [3, 4]]), tensor([[1], [2]])).then(console.log);`,
};

const entryFile = 'virtual:entry.ts';

const entryPlugin = (code: string): Plugin => ({
  name: 'entry',
  resolveId: (id) => (id.endsWith(entryFile) ? entryFile : undefined),
  load: (id) => (id === entryFile ? code.replaceAll("'/src/", `'${root}src/`) : undefined),
});

const minified = (code: string): string => minifySync('module.js', code, { module: true }).code;

/** Code of one module of a bundle. It exports nothing, so unused code must stay. */
const minifiedPart = (code: string): string => minifySync('part.js', code, { compress: false, mangle: true }).code;

/** The part of a path that is counted: `src/ops/conv` for ops, else the folder, such as `src/train`. */
function folderOf(id: string): string {
  const [top, folder = '', kind = ''] = id.slice(root.length).split('/');
  if (top !== 'src') return id.startsWith(root) ? top : 'entry';
  return folder === 'ops' && !kind.includes('.') ? `src/ops/${kind}` : `src/${folder.replace(/\.ts$/, '')}`;
}

async function measure(code: string): Promise<{ gzip: number; folders: Map<string, number> }> {
  const built = (await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [entryPlugin(code), strippedWgsl()],
    build: { target: 'es2022', minify: false, write: false, lib: { entry: entryFile, formats: ['es'], fileName: 'entry' } },
  })) as unknown as readonly Rolldown.RolldownOutput[];
  // The entry and the chunks that load with it. Chunks of import() load later, if at all.
  const chunks = new Map(built[0].output.filter((file) => file.type === 'chunk').map((chunk) => [chunk.fileName, chunk]));
  const loaded = new Set([built[0].output[0]]);
  for (const { imports } of loaded) for (const name of imports) if (chunks.has(name)) loaded.add(chunks.get(name)!);
  const folders = new Map<string, number>();
  let gzip = 0;
  for (const chunk of loaded) {
    gzip += gzipSync(minified(chunk.code), { level: 9 }).length / 1000;
    for (const [id, { code }] of Object.entries(chunk.modules)) {
      if (code) folders.set(folderOf(id), (folders.get(folderOf(id)) ?? 0) + minifiedPart(code).length);
    }
  }
  return { gzip, folders };
}

const table: Record<string, Record<string, string>> = {};
for (const [name, code] of Object.entries(entries)) {
  const { gzip, folders } = await measure(code);
  for (const [folder, bytes] of folders) (table[folder] ??= {})[`${name}, kB minified`] = (bytes / 1000).toFixed(1);
  const budget = sizeBudget[name];
  console.log(`${name}: ${gzip.toFixed(1)} kB minified and gzipped; the budget is ${budget} kB`);
  if (!(gzip <= budget)) {
    console.error(`${name} is above its budget: make the change smaller, or raise sizeBudget in package.json and say why`);
    process.exitCode = 1;
  }
}
console.table(Object.fromEntries(Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1))));
