/**
 * Writes the option types of the bundled declarations as interfaces with a comment above each option. The compiler derives the types from
 * tables that are spread into each other. In the bundle, a spread from another file has no comments.
 */
import ts from 'typescript';
import { type Edit, comment } from './edits.ts';
import { factoriesOf, optionsParameter } from './factories.ts';
import type { OptionComments } from './optionComments.ts';
import { unionNames } from './unionNames.ts';

/** Types that are derived from a declaration of options: the user's argument, and the checked settings. */
const derived = /\b(OptionsOf|SettingsOf)\b/;

type Alias = ts.TypeAliasDeclaration;

const isDerived = (statement: ts.Statement): statement is Alias =>
  ts.isTypeAliasDeclaration(statement) && !statement.typeParameters && derived.test(statement.type.getText());

/** The alias in the type of a factory's last parameter. */
function optionAlias(signature: ts.Signature, checker: ts.TypeChecker): ts.Node | undefined {
  const parameter = optionsParameter(signature)?.valueDeclaration;
  if (!parameter || !ts.isParameter(parameter) || !parameter.type || !ts.isTypeReferenceNode(parameter.type)) return undefined;
  return checker.getSymbolAtLocation(parameter.type.typeName)?.declarations?.[0];
}

/** Factories by the alias of their options. */
function takers(file: ts.SourceFile, checker: ts.TypeChecker): Map<ts.Node, string[]> {
  const found = new Map<ts.Node, string[]>();
  for (const { path, signature } of factoriesOf(file, checker)) {
    const alias = optionAlias(signature, checker);
    if (alias) found.set(alias, [...(found.get(alias) ?? []), path]);
  }
  return found;
}

/** The comment of an option, if all factories have the same one. */
function agreed(option: string, factories: readonly string[], comments: OptionComments): string | undefined {
  const texts = new Set(factories.flatMap((factory) => comments[factory]?.[option] ?? []));
  return texts.size === 1 ? [...texts][0] : undefined;
}

function ownComment(declaration: ts.Node | undefined): string | undefined {
  const [block] = declaration ? ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc) : [];
  return block
    ?.getText()
    .replace(/^\/\*\*[\s*]*|\s*\*\/$/g, '')
    .replace(/\n\s*\* ?/g, '\n');
}

/** Replaces the option types of a bundle by interfaces. */
export function optionInterfaces(file: ts.SourceFile, checker: ts.TypeChecker, comments: OptionComments): Edit[] {
  const takenBy = takers(file, checker);
  const named = unionNames(file, checker);

  /** Type of an option as text. An entry of a table is `Option<what is given, the setting, need>`. */
  function typeOf(property: ts.Symbol, isSetting: boolean): string {
    const declaration = property.declarations?.[0];
    const node = declaration && ts.isPropertySignature(declaration) ? declaration.type : undefined;
    if (!node) throw new Error(`${property.name}: the type of this option has no text`);
    const isEntry = ts.isTypeReferenceNode(node) && /^Option(\$\d+)?$/.test(node.typeName.getText()) && node.typeArguments?.length === 3;
    return named(isEntry ? node.typeArguments[isSetting ? 1 : 0] : node);
  }

  function interfaceOf(alias: Alias): Edit {
    const factories = takenBy.get(alias) ?? [];
    const isSetting = alias.type.getText().includes('SettingsOf');
    const members = checker.getPropertiesOfType(checker.getTypeAtLocation(alias.name)).map((property) => {
      const text =
        agreed(property.name, factories, comments) ??
        ownComment(property.declarations?.[0]) ??
        agreed(property.name, Object.keys(comments), comments);
      const mark = property.flags & ts.SymbolFlags.Optional ? '?' : '';
      const readonly = isSetting ? 'readonly ' : '';
      return `${text ? comment(text, '\t') : ''}\t${readonly}${property.name}${mark}: ${typeOf(property, isSetting)};\n`;
    });
    const isExported = alias.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    const hasComment = ts.getJSDocCommentsAndTags(alias).length > 0;
    const heading = hasComment || factories.length === 0 ? '' : comment(`Options of ${factories.map((f) => `\`${f}\``).join(', ')}.`, '');
    const start = alias.getStart();
    return {
      start,
      end: alias.end,
      text: `${heading}${isExported ? 'export ' : ''}interface ${alias.name.text} {\n${members.join('')}}`,
    };
  }

  return file.statements.filter(isDerived).map(interfaceOf);
}
