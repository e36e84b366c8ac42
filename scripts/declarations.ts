/**
 * The second half of `npm run build`: writes dist/index.d.ts, checks it as a user's compiler would, and prints the sizes. The build fails
 * if an option of a factory has no comment in it.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import ts from 'typescript';
import { minifySync, runnerImport } from 'vite';
import { asFunctions } from './declarations/functions.ts';
import { applyEdits } from './declarations/edits.ts';
import { bundledDeclarations, entryDeclarations, exportedNames } from './declarations/entries.ts';
import type * as Comments from './declarations/optionComments.ts';
import { optionInterfaces } from './declarations/optionInterfaces.ts';
import { consumerProgram, sourceProgram } from './declarations/programs.ts';
import { prune } from './declarations/prune.ts';
import { lostComments, sourceComments } from './declarations/sourceComments.ts';
import { splitMethods } from './declarations/splitMethods.ts';
import { undocumentedOptions } from './declarations/undocumented.ts';
import { listedUnions } from './declarations/unionNames.ts';

const output = 'dist/index.d.ts';
/** Optional entries of the package and their sources. */
const optionalEntries = [
  ['formats', 'src/exchange/index.ts'],
  ['onnx', 'src/onnx/index.ts'],
  ['models', 'src/models/index.ts'],
  ['plots', 'src/plots/index.ts'],
  ['standalone', 'src/standalone/index.ts'],
  ['data', 'src/tables/index.ts'],
] as const;

const formatHost = { getCanonicalFileName: (name: string) => name, getCurrentDirectory: () => process.cwd(), getNewLine: () => '\n' };
const parse = (text: string): ts.SourceFile => ts.createSourceFile(output, text, ts.ScriptTarget.Latest, true);
/** Tensor is Disposable. The standard library of a user's settings may not have that type. */
const reference = '/// <reference lib="esnext.disposable" />\n';

const [bundle = '', ...ofEntries] = bundledDeclarations(
  'src/index.ts',
  optionalEntries.map(([, path]) => path),
);
const { module } = await runnerImport<typeof Comments>('./scripts/declarations/optionComments.ts', {
  configFile: false,
  logLevel: 'error',
});
const comments = module.optionComments();
const bundled = consumerProgram(output, reference + bundle);
const withInterfaces = applyEdits(bundled.file.text, [
  ...optionInterfaces(bundled.file, bundled.checker, comments),
  ...listedUnions(bundled.file, bundled.checker),
]);
const tables = parse(withInterfaces);
const withFunctions = consumerProgram(output, applyEdits(tables.text, asFunctions(tables)));
const source = sourceProgram('src/index.ts');
const lost = lostComments(withFunctions.file, withFunctions.checker, sourceComments(source.file, source.checker));
const declarations = prune(parse(applyEdits(withFunctions.file.text, lost)));
// The main entry re-exports `lean` and adds the methods of tensors.
const split = splitMethods(declarations);
writeFileSync('dist/lean.d.ts', split.lean);
writeFileSync(output, split.main);

const { program } = consumerProgram(output, split.main);
const diagnostics = ts.getPreEmitDiagnostics(program);
if (diagnostics.length > 0) {
  console.error(`${output} is not complete:\n${ts.formatDiagnostics(diagnostics, formatHost)}`);
  process.exitCode = 1;
}
// The options are checked in one text.
const { file, checker } = consumerProgram(output, declarations);
// Base models, pictures, tables, written modules, and the functions of files of other programs are in other entries.
const elsewhere = new Set(ofEntries.flatMap((text) => [...exportedNames(parse(text))]));
const isElsewhere = (factory: string): boolean =>
  elsewhere.has(factory.split('.')[0]) || factory.startsWith('table.') || elsewhere.has(factory.replace(/^models\./, ''));
const ofEntry = Object.entries(comments).filter(([factory]) => !isElsewhere(factory));
const names = Object.fromEntries(ofEntry.map(([factory, options]) => [factory, Object.keys(options)]));
const undocumented = undocumentedOptions(file, checker, names);
if (undocumented.length > 0) {
  console.error(`${output} lacks comments of options:\n${undocumented.join('\n')}`);
  process.exitCode = 1;
}

/** The file of an entry and the files that it loads with it. */
function loadedWith(file: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, path] of readFileSync(`dist/${file}`, 'utf8').matchAll(/^(?:import|export)\b[^;]*?from "\.\/([^"]+)";/gm))
    loadedWith(path, found);
  return found;
}

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;

/** One line of sizes for the files that are loaded with an entry, without those of `others`. */
function sizesOf(entry: string, others: ReadonlySet<string> = new Set()): string {
  const code = [...loadedWith(entry)].filter((file) => !others.has(file)).map((file) => readFileSync(`dist/${file}`, 'utf8'));
  const small = code.map((text) => minifySync('module.js', text, { module: true }).code);
  const bytes = (texts: readonly (string | Buffer)[]) => kilobytes(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0));
  return `dist/${entry}  ${bytes(code)}; minified ${bytes(small)}, minified and gzipped ${bytes(small.map((text) => gzipSync(text, { level: 9 })))}`;
}

console.log(
  `${sizesOf('index.js')}\n${output}  ${kilobytes(statSync(output).size)}, dist/lean.d.ts  ${kilobytes(statSync('dist/lean.d.ts').size)}`,
);
const library = loadedWith('index.js');
for (const [i, [name]] of optionalEntries.entries()) {
  const text = entryDeclarations(ofEntries[i], declarations);
  const target = `dist/${name}.d.ts`;
  writeFileSync(target, text);
  const checked = consumerProgram(target, text);
  const problems = ts.getPreEmitDiagnostics(checked.program);
  if (problems.length > 0) {
    console.error(`${target} is not complete:\n${ts.formatDiagnostics(problems, formatHost)}`);
    process.exitCode = 1;
  }
  console.log(`${sizesOf(`${name}.js`, library)}, beside the library; ${target}  ${kilobytes(statSync(target).size)}`);
}
