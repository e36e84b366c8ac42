/** Declarations of an optional entry. Types that the library exports are imported from it, so that there is one of each. */
import { rmSync, writeFileSync } from 'node:fs';
import { generateDtsBundle } from 'dts-bundle-generator';
import ts from 'typescript';
import { applyEdits } from './edits.ts';
import { declared, isExported, prune } from './prune.ts';

const parse = (text: string): ts.SourceFile => ts.createSourceFile('entry.d.ts', text, ts.ScriptTarget.Latest, true);

/** Names that declarations export. */
export function exportedNames(file: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  for (const statement of file.statements) {
    if (isExported(statement)) for (const name of declared(statement)) names.add(name);
    if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
      for (const { name } of statement.exportClause.elements) names.add(name.text);
    }
  }
  return names;
}

/** The declarations of the main entry and of optional ones, each as one text. One program of the compiler serves all of them. */
export function bundledDeclarations(main: string, optional: readonly string[]): readonly string[] {
  // The methods of tensors are declared by a file that optional entries do not import.
  const around = optional.map((path, i) => {
    const file = `dist/entry${i}.ts`;
    writeFileSync(file, `import '../src/ops/methods.ts';\nexport * from '../${path}';\n`);
    return file;
  });
  try {
    const output = { noBanner: true, exportReferencedTypes: false };
    return generateDtsBundle(
      [main, ...around].map((filePath) => ({ filePath, output })),
      { preferredConfigPath: 'tsconfig.json' },
    );
  } finally {
    for (const file of around) rmSync(file);
  }
}

/** An optional entry's declarations, without those that the main entry has. `library` is the text of the main entry. */
export function entryDeclarations(bundle: string, library: string): string {
  const known = exportedNames(parse(library));
  const file = parse(bundle);
  const own = exportedNames(file);
  const shared = file.statements.filter((statement) => {
    const names = declared(statement);
    return names.length > 0 && names.every((name) => known.has(name) && !own.has(name));
  });
  const removed = shared.map((statement) => ({ start: statement.getFullStart(), end: statement.end, text: '' }));
  const rest = prune(parse(applyEdits(file.text, removed)));
  // Only names that the remaining text mentions are imported.
  const mentioned = new Set(rest.match(/\w+/g));
  const imported = [...new Set(shared.flatMap(declared))].filter((name) => mentioned.has(name)).sort();
  const line = imported.length ? `import { ${imported.map((name) => `type ${name}`).join(', ')} } from './lean.js';\n` : '';
  return line + rest;
}
