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

function declarationOf(statement: ts.VariableStatement): string | undefined {
  const [{ name, type }, ...others] = statement.declarationList.declarations;
  if (!type || others.length > 0) return undefined;
  if (ts.isFunctionTypeNode(type)) return `${isExported(statement) ? 'export ' : ''}declare function ${name.getText()}${signatureOf(type)}`;
  if (!isExported(statement) || !ts.isTypeLiteralNode(type) || !type.members.every(isFunction)) return undefined;
  return `export declare namespace ${name.getText()} {\n${type.members.map(memberOf).join('')}}`;
}

export const asFunctions = (file: ts.SourceFile): Edit[] =>
  file.statements.filter(ts.isVariableStatement).flatMap((statement) => {
    const text = declarationOf(statement);
    return text === undefined ? [] : [{ start: statement.getStart(), end: statement.end, text }];
  });
