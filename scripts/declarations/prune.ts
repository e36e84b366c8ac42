/** Removes declarations that no exported declaration needs, such as the tables that option types were derived from. */
import ts from 'typescript';
import { applyEdits } from './edits.ts';

/** Names that a statement of the bundle declares. */
export function declared(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.getText());
  const { name } = statement as ts.Statement & { readonly name?: ts.Identifier };
  return name ? [name.text] : [];
}

/** All identifiers in a statement, with those of properties. This keeps more than needed and never less. */
function mentioned(statement: ts.Statement): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(statement);
  return names;
}

export const isExported = (statement: ts.Statement): boolean =>
  (ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) ?? false;

const isRoot = (statement: ts.Statement): boolean => declared(statement).length === 0 || isExported(statement);

export function prune(file: ts.SourceFile): string {
  const byName = new Map<string, ts.Statement[]>();
  for (const statement of file.statements) {
    for (const name of declared(statement)) byName.set(name, [...(byName.get(name) ?? []), statement]);
  }
  const kept = new Set<ts.Statement>(file.statements.filter(isRoot));
  for (const statement of kept) {
    for (const name of mentioned(statement)) for (const needed of byName.get(name) ?? []) kept.add(needed);
  }
  const removed = file.statements.filter((statement) => !kept.has(statement));
  return applyEdits(
    file.text,
    removed.map((statement) => ({ start: statement.getFullStart(), end: statement.end, text: '' })),
  );
}
