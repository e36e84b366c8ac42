/**
 * Writes constants of a function type as functions, and exported tables of functions as namespaces. Editors and the reference then show the
 * comment of `layers.dense`. For a property `dense: typeof dense` they show none.
 */
import ts from 'typescript';
import type { Edit } from './edits.ts';

const isExported = (statement: ts.VariableStatement): boolean =>
  statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;

type FunctionProperty = ts.PropertySignature & { readonly type: ts.TypeQueryNode | ts.FunctionTypeNode };

const isFunction = (member: ts.TypeElement): member is FunctionProperty =>
  ts.isPropertySignature(member) && member.type !== undefined && (ts.isTypeQueryNode(member.type) || ts.isFunctionTypeNode(member.type));

/** The signature after the name: type parameters, parameters and result. */
function signatureOf(type: ts.FunctionTypeNode): string {
  const generics = type.typeParameters ? `<${type.typeParameters.map((parameter) => parameter.getText()).join(', ')}>` : '';
  return `${generics}(${type.parameters.map((parameter) => parameter.getText()).join(', ')}): ${type.type.getText()};`;
}

function memberOf({ name, type }: FunctionProperty): string {
  const own = name.getText();
  if (ts.isFunctionTypeNode(type)) return `\texport function ${own}${signatureOf(type)}\n`;
  const target = type.exprName.getText();
  return `\texport { ${target === own ? own : `${target} as ${own}`} };\n`;
}

function declarationOf(statement: ts.VariableStatement, listed: ReadonlySet<string>): string | undefined {
  const [{ name, type }, ...others] = statement.declarationList.declarations;
  if (!type || others.length > 0) return undefined;
  if (ts.isFunctionTypeNode(type)) return `${isExported(statement) ? 'export ' : ''}declare function ${name.getText()}${signatureOf(type)}`;
  const isListed = listed.has(name.getText());
  if (!(isExported(statement) || isListed) || !ts.isTypeLiteralNode(type) || !type.members.every(isFunction)) return undefined;
  return `${isListed ? '' : 'export '}declare namespace ${name.getText()} {\n${type.members.map(memberOf).join('')}}`;
}

/** Names of declarations that a list exports, as in `export { random$1 as random }`. */
function listedNames(file: ts.SourceFile): ReadonlySet<string> {
  const lists = file.statements.filter(ts.isExportDeclaration).flatMap(({ exportClause }) => exportClause ?? []);
  return new Set(
    lists.filter(ts.isNamedExports).flatMap(({ elements }) => elements.map(({ propertyName, name }) => (propertyName ?? name).text)),
  );
}

export function asFunctions(file: ts.SourceFile): Edit[] {
  const listed = listedNames(file);
  return file.statements.filter(ts.isVariableStatement).flatMap((statement) => {
    const text = declarationOf(statement, listed);
    return text === undefined ? [] : [{ start: statement.getStart(), end: statement.end, text }];
  });
}
