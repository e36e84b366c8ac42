/**
 * `npm run size`: prints the gzipped size of the library and of the smallest training app, and the minified size of each folder in them.
 * Fails if a size is above its budget in package.json (`sizeBudget`, in kB).
 */
import { readFileSync } from 'node:fs';
import { bundleApp, smallestApp } from './bundleApp.ts';

const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
const { sizeBudget } = JSON.parse(manifest) as { sizeBudget: Record<string, number> };

/** Entries of the measured bundles. The smallest app imports `ombre/lean`; `sameAppOfOmbre` imports `ombre`. */
const entries: Readonly<Record<string, string>> = {
  library: `export * from '/src/index.ts';`,
  sameAppOfOmbre: smallestApp('index'),
  smallestApp: smallestApp('lean'),
};

/** The part of a path that is counted: `src/ops/conv` for ops, else the folder, such as `src/train`. */
function folderOf(path: string): string {
  const [top, folder = '', kind = ''] = path.split('/');
  if (top !== 'src') return top === 'shaders' ? top : 'entry';
  return folder === 'ops' && !kind.includes('.') ? `src/ops/${kind}` : `src/${folder.replace(/\.ts$/, '')}`;
}

const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(1);

const table: Record<string, Record<string, string>> = {};
for (const [name, code] of Object.entries(entries)) {
  const { gzip, later, modules } = await bundleApp(code);
  const folders = new Map<string, number>();
  for (const [path, bytes] of modules) folders.set(folderOf(path), (folders.get(folderOf(path)) ?? 0) + bytes);
  for (const [folder, bytes] of folders) (table[folder] ??= {})[`${name}, kB minified`] = kilobytes(bytes);
  const budget = sizeBudget[name];
  console.log(
    `${name}: ${kilobytes(gzip)} kB minified and gzipped; the budget is ${budget} kB. Loaded later, if at all: ${kilobytes(later)} kB`,
  );
  if (!(gzip / 1000 <= budget)) {
    console.error(`${name} is above its budget: make the change smaller, or raise sizeBudget in package.json and say why`);
    process.exitCode = 1;
  }
}
console.table(Object.fromEntries(Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1))));
