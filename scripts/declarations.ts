/** The second half of `npm run build`: one dist/index.d.ts, checked as a stranger would use it, and the sizes. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { generateDtsBundle } from 'dts-bundle-generator';
import ts from 'typescript';
import { minifySync } from 'vite';

const output = 'dist/index.d.ts';

const [declarations = ''] = generateDtsBundle([{ filePath: 'src/index.ts', output: { noBanner: true, exportReferencedTypes: false } }]);
// Tensor is Disposable, which the standard library of a consumer may lack.
writeFileSync(output, `/// <reference lib="esnext.disposable" />\n${declarations}`);

// A consumer has neither our dependencies nor our settings: the file has to stand alone under the strictest ones.
const program = ts.createProgram([output], {
  strict: true,
  noEmit: true,
  skipLibCheck: false,
  types: [],
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
});
const diagnostics = ts.getPreEmitDiagnostics(program);
if (diagnostics.length > 0) {
  const host = { getCanonicalFileName: (name: string) => name, getCurrentDirectory: () => process.cwd(), getNewLine: () => '\n' };
  console.error(`${output} does not stand alone:\n${ts.formatDiagnostics(diagnostics, host)}`);
  process.exitCode = 1;
}

const source = readFileSync('dist/index.js', 'utf8');
const minified = minifySync('index.js', source, { module: true }).code;
const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(
  `dist/index.js    ${kilobytes(Buffer.byteLength(source))}; minified ${kilobytes(Buffer.byteLength(minified))}, ` +
    `minified and gzipped ${kilobytes(gzipSync(minified, { level: 9 }).length)}\n` +
    `dist/index.d.ts  ${kilobytes(statSync(output).size)}`,
);
