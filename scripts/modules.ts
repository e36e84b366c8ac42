/**
 * Part of `npm run build`: writes each source file as a module into dist/modules. Bundlers take these files (the condition `module` of
 * package.json) and drop those that a program does not use. Node and pages without a bundler take the few larger files of dist.
 */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { transformWithOxc } from 'vite';
import { minifiedRuntime } from './runtimePlugin.ts';
import { stripWgsl } from './wgslPlugin.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = 'dist/modules';

const read = (path: string): string => readFileSync(root + path, 'utf8');
const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith(ending));

function write(path: string, text: string): void {
  const file = join(root, output, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** The texts of kernels become modules in dist/modules/shaders: one folder nearer than shaders is to src. */
const withKernelModules = (code: string): string =>
  code.replace(/(["'])\.\.\/((?:\.\.\/)*)(shaders\/\w+\.wgsl)\?raw\1/g, (_, quote, up, path) => `${quote}${up || './'}${path}.js${quote}`);

async function moduleOf(name: string): Promise<string> {
  if (name === 'standalone/runtimeText.ts') return `export const runtimeText = ${JSON.stringify(minifiedRuntime())};\n`;
  const { code } = await transformWithOxc(read(`src/${name}`), `${root}src/${name}`, {
    target: 'es2022',
    sourcemap: false,
    typescript: { onlyRemoveTypeImports: true, rewriteImportExtensions: 'rewrite' },
  });
  return withKernelModules(code);
}

rmSync(root + output, { recursive: true, force: true });
const names = filesIn('src', '.ts');
for (const name of names) write(name.replace(/\.ts$/, '.js'), await moduleOf(name));
const kernels = filesIn('shaders', '.wgsl');
for (const name of kernels) write(`shaders/${name}.js`, `export default ${JSON.stringify(stripWgsl(read(`shaders/${name}`)))};\n`);
console.log(`${output}: ${names.length} modules, ${kernels.length} kernel texts`);
