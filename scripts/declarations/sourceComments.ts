/**
 * Adds comments that the bundle lost. The bundler drops those of statements that are not exported under their own name, such as factories.
 */
import ts from 'typescript';
import type { Edit } from './edits.ts';
import { membersOf, resolved } from './factories.ts';

/** Public names and their declarations: exports such as `Tensor`, and members of exported tables such as `layers.dense`. */
function publicDeclarations(file: ts.SourceFile, checker: ts.TypeChecker): Map<string, ts.Declaration> {
  const found = new Map<string, ts.Declaration>();
  const add = (path: string, symbol: ts.Symbol): void => {
    const declaration = declarationOf(symbol, checker);
    if (declaration) found.set(path, declaration);
  };
  for (const exported of checker.getExportsOfModule(checker.getSymbolAtLocation(file)!)) {
    const symbol = resolved(exported, checker);
    add(exported.name, symbol);
    if (symbol.flags & ts.SymbolFlags.Class) continue;
    for (const member of membersOf(symbol, checker)) add(`${exported.name}.${member.name}`, resolved(member, checker));
  }
  return found;
}

/** The first declaration of a name, or of the function that `{ dense }` abbreviates. */
function declarationOf(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Declaration | undefined {
  const [own] = symbol.declarations ?? [];
  if (!own || !ts.isShorthandPropertyAssignment(own)) return own;
  const value = checker.getShorthandAssignmentValueSymbol(own);
  return value && resolved(value, checker).declarations?.[0];
}

const blockOf = (declaration: ts.Declaration): string | undefined =>
  ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc).at(-1)?.getText();

/** JSDoc of public names in the sources, by path. */
export function sourceComments(file: ts.SourceFile, checker: ts.TypeChecker): Map<string, string> {
  const entries = [...publicDeclarations(file, checker)].flatMap(([path, declaration]) => {
    const block = blockOf(declaration);
    return block === undefined ? [] : [[path, block] as const];
  });
  return new Map(entries);
}

/** Adds the comments to the declarations of a bundle that have none. */
export function lostComments(file: ts.SourceFile, checker: ts.TypeChecker, comments: ReadonlyMap<string, string>): Edit[] {
  const edits = new Map<number, Edit>();
  for (const [path, declaration] of publicDeclarations(file, checker)) {
    const block = comments.get(path);
    if (block === undefined || blockOf(declaration) !== undefined) continue;
    const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
    const start = statement.getStart();
    const tabs = statement.parent === file ? '' : '\t';
    edits.set(start, { start, end: start, text: `${block.replace(/\n\s*/g, `\n${tabs} `)}\n${tabs}` });
  }
  return [...edits.values()];
}
