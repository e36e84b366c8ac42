/** Moves the methods of tensors out of the declarations: `ombre/lean` has none, and `ombre` adds them to it. */
import ts from 'typescript';
import { applyEdits } from './edits.ts';
import { declared, prune } from './prune.ts';

const parse = (text: string): ts.SourceFile => ts.createSourceFile('index.d.ts', text, ts.ScriptTarget.Latest, true);

/** Name of the interface to which the main entry adds the methods. */
const methods = 'TensorMethods';

const isAddition = (statement: ts.Statement): boolean =>
  ts.isInterfaceDeclaration(statement) && statement.name.text === methods && statement.heritageClauses !== undefined;

/** The public names of declarations that are exported under another name, as in `export { split$1 as split }`. */
function renamed(file: ts.SourceFile): ReadonlyMap<string, string> {
  const lists = file.statements.filter(ts.isExportDeclaration).flatMap(({ exportClause }) => exportClause ?? []);
  const elements = lists.filter(ts.isNamedExports).flatMap((list) => [...list.elements]);
  return new Map(elements.flatMap(({ propertyName, name }) => (propertyName ? [[propertyName.text, name.text]] : [])));
}

/**
 * The declarations of `ombre/lean`, and those of `ombre`: the names of `ombre/lean`, and methods.
 * @throws Error if there are no methods.
 */
export function splitMethods(text: string): { readonly lean: string; readonly main: string } {
  const file = parse(text);
  const addition = file.statements.find(isAddition);
  if (!addition) throw new Error(`the declarations do not add to ${methods}`);
  const lean = prune(parse(applyEdits(text, [{ start: addition.getFullStart(), end: addition.end, text: '' }])));
  const kept = new Set(parse(lean).statements.flatMap(declared));
  const moved = file.statements.filter(
    (statement) => declared(statement).length > 0 && !declared(statement).some((name) => kept.has(name)),
  );
  const own = moved.map((statement) => statement.getFullText().trim()).join('\n');
  const mentioned = new Set(own.match(/[\w$]+/g));
  const publicNames = renamed(parse(lean));
  const imported = [...kept]
    .filter((name) => mentioned.has(name) && name !== methods)
    .map((name) => (publicNames.has(name) ? `${publicNames.get(name)} as ${name}` : name))
    .sort();
  const main = [
    `import type { ${imported.join(', ')} } from './lean.js';`,
    `export * from './lean.js';`,
    own,
    `declare module './lean.js' {\n${addition.getText().replace(/^/gm, '\t')}\n}`,
    'export {};',
  ];
  return { lean, main: `${main.join('\n')}\n` };
}
