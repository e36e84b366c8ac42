/**
 * The second half of `npm run build`: writes dist/index.d.ts, checks it as a user's compiler would, and prints the sizes. The build fails
 * if an option of a factory has no comment in it.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { generateDtsBundle } from 'dts-bundle-generator';
import ts from 'typescript';
import { minifySync, runnerImport } from 'vite';
import { asFunctions } from './declarations/functions.ts';
import { applyEdits } from './declarations/edits.ts';
import type * as Comments from './declarations/optionComments.ts';
import { optionInterfaces } from './declarations/optionInterfaces.ts';
import { consumerProgram, sourceProgram } from './declarations/programs.ts';
import { prune } from './declarations/prune.ts';
import { lostComments, sourceComments } from './declarations/sourceComments.ts';
import { undocumentedOptions } from './declarations/undocumented.ts';
import { listedUnions } from './declarations/unionNames.ts';

const output = 'dist/index.d.ts';
const parse = (text: string): ts.SourceFile => ts.createSourceFile(output, text, ts.ScriptTarget.Latest, true);
/** Tensor is Disposable. The standard library of a user's settings may not have that type. */
const reference = '/// <reference lib="esnext.disposable" />\n';

const [bundle = ''] = generateDtsBundle([{ filePath: 'src/index.ts', output: { noBanner: true, exportReferencedTypes: false } }]);
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
writeFileSync(output, declarations);

const { program, file, checker } = consumerProgram(output, declarations);
const diagnostics = ts.getPreEmitDiagnostics(program);
if (diagnostics.length > 0) {
  const host = { getCanonicalFileName: (name: string) => name, getCurrentDirectory: () => process.cwd(), getNewLine: () => '\n' };
  console.error(`${output} is not complete:\n${ts.formatDiagnostics(diagnostics, host)}`);
  process.exitCode = 1;
}
// Base models are another entry.
const ofEntry = Object.entries(comments).filter(([factory]) => !factory.startsWith('models.'));
const names = Object.fromEntries(ofEntry.map(([factory, options]) => [factory, Object.keys(options)]));
const undocumented = undocumentedOptions(file, checker, names);
if (undocumented.length > 0) {
  console.error(`${output} lacks comments of options:\n${undocumented.join('\n')}`);
  process.exitCode = 1;
}

const code = readFileSync('dist/index.js', 'utf8');
const minified = minifySync('index.js', code, { module: true }).code;
const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(
  `dist/index.js    ${kilobytes(Buffer.byteLength(code))}; minified ${kilobytes(Buffer.byteLength(minified))}, ` +
    `minified and gzipped ${kilobytes(gzipSync(minified, { level: 9 }).length)}\n` +
    `dist/index.d.ts  ${kilobytes(statSync(output).size)}`,
);
