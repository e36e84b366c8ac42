/**
 * Unions of names, such as ActivationName. Their declaration lists the names, and options refer to them as in `ActivationName |
 * Activation`. The compiler would list all names in each option.
 */
import ts from 'typescript';
import type { Edit } from './edits.ts';

const isText = (type: ts.Type): boolean => (type.flags & ts.TypeFlags.StringLiteral) !== 0;

const isExported = (alias: ts.TypeAliasDeclaration): boolean =>
  alias.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;

interface Union {
  readonly name: string;
  readonly types: readonly ts.Type[];
  readonly node: ts.TypeNode;
}

/** Exported unions of names. */
const unionsOf = (file: ts.SourceFile, checker: ts.TypeChecker): Union[] =>
  file.statements.filter(ts.isTypeAliasDeclaration).flatMap((alias) => {
    const type = checker.getTypeAtLocation(alias.name);
    if (alias.typeParameters || !isExported(alias) || !type.isUnion() || !type.types.every(isText)) return [];
    return [{ name: alias.name.text, types: type.types, node: alias.type }];
  });

/** Lists the names in the declaration of each exported union. */
export const listedUnions = (file: ts.SourceFile, checker: ts.TypeChecker): Edit[] =>
  unionsOf(file, checker).map(({ types, node }) => ({
    start: node.getStart(),
    end: node.end,
    text: types.map((member) => checker.typeToString(member)).join(' | '),
  }));

/** Returns the text of a type node of the file. */
export function unionNames(file: ts.SourceFile, checker: ts.TypeChecker): (node: ts.TypeNode) => string {
  const unions = unionsOf(file, checker);

  return (node) => {
    const type = checker.getTypeFromTypeNode(node);
    if (!ts.isUnionTypeNode(node) || !type.isUnion()) return node.getText();
    const [largest] = unions
      .filter(({ types }) => types.every((member) => type.types.includes(member)))
      .sort((a, b) => b.types.length - a.types.length);
    if (!largest) return node.getText();
    const others = node.types.filter((member) => !largest.types.includes(checker.getTypeFromTypeNode(member)));
    return [largest.name, ...others.map((member) => member.getText())].join(' | ');
  };
}
