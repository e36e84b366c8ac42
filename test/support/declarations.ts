// Every declaration of options in src, and the JSDoc of each option in the source.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import type { Declaration } from '../../src/core/options.ts';

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const isDeclaration = (value: unknown): value is Declaration =>
  isRecord(value) && typeof value.factory === 'string' && typeof value.read === 'function' && isRecord(value.options);

const modules = import.meta.glob('../../src/**/*.ts', { eager: true });

/** Declarations by factory. Modules export one constant or a record of several. */
export const declarations: ReadonlyMap<string, Declaration> = new Map(
  Object.values(modules)
    .flatMap((module) => Object.values(module as object) as unknown[])
    .flatMap((exported) => (isDeclaration(exported) ? [exported] : isRecord(exported) ? Object.values(exported).filter(isDeclaration) : []))
    .map((declaration) => [declaration.factory, declaration]),
);

/** The JSDoc of one option. */
export interface OptionDoc {
  readonly sentence: string;
  /** Text of `@default`. */
  readonly standard: string | undefined;
}

interface Table {
  readonly file: string;
  readonly node: ts.ObjectLiteralExpression;
}

const root = fileURLToPath(new URL('../../src/', import.meta.url));

/** Object literals by the name of their constant, and the tables of `declareOptions` by factory. */
function readSources(): { constants: Map<string, Table[]>; declared: Map<string, { file: string; table: ts.Expression }[]> } {
  const constants = new Map<string, Table[]>();
  const declared = new Map<string, { file: string; table: ts.Expression }[]>();
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))) {
    const text = readFileSync(root + file, 'utf8');
    if (!/\b(declareOptions|required|optional)\(/.test(text)) continue;
    const visit = (node: ts.Node): void => {
      if (ts.isVariableDeclaration(node) && node.initializer && ts.isObjectLiteralExpression(node.initializer)) {
        const name = node.name.getText();
        constants.set(name, [...(constants.get(name) ?? []), { file, node: node.initializer }]);
      }
      if (ts.isCallExpression(node) && node.expression.getText() === 'declareOptions' && ts.isStringLiteral(node.arguments[0])) {
        const factory = node.arguments[0].text;
        declared.set(factory, [...(declared.get(factory) ?? []), { file, table: node.arguments[1] }]);
      }
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  }
  return { constants, declared };
}

const { constants, declared } = readSources();

/** Number of calls of `declareOptions` for a factory. */
export const timesDeclared = (factory: string): number => declared.get(factory)?.length ?? 0;

/** The JSDoc of every option of a factory, by the option's name. */
export function docsOf(factory: string): ReadonlyMap<string, OptionDoc> {
  const docs = new Map<string, OptionDoc>();
  for (const { file, table } of declared.get(factory) ?? []) collect(file, table, docs);
  return docs;
}

function collect(file: string, table: ts.Expression, docs: Map<string, OptionDoc>): void {
  if (ts.isIdentifier(table)) {
    const found = constants.get(table.text) ?? [];
    const own = found.find((candidate) => candidate.file === file) ?? found[0];
    if (!own) throw new Error(`${file}: no object literal is called ${table.text}`);
    return collect(own.file, own.node, docs);
  }
  if (!ts.isObjectLiteralExpression(table)) throw new Error(`${file}: options must be an object literal: ${table.getText()}`);
  for (const property of table.properties) {
    if (ts.isSpreadAssignment(property)) collect(file, property.expression, docs);
    else docs.set(property.name.getText(), docOf(property));
  }
}

function docOf(property: ts.Node): OptionDoc {
  const blocks = ts.getJSDocCommentsAndTags(property).filter(ts.isJSDoc);
  const tags = blocks.flatMap((block) => [...(block.tags ?? [])]);
  const text = (comment: ts.JSDoc['comment']): string => (ts.getTextOfJSDocComment(comment) ?? '').replace(/\s+/g, ' ').trim();
  const standard = tags.find(({ tagName }) => tagName.text === 'default');
  return { sentence: blocks.map(({ comment }) => text(comment)).join(' '), standard: standard && text(standard.comment) };
}
