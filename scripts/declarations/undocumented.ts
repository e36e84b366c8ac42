/** Options of factories for which an editor would show no comment. */
import type ts from 'typescript';
import { factoriesOf, optionsParameter } from './factories.ts';

/** Options by factory, such as `layers.dense`. */
export type OptionNames = Readonly<Record<string, readonly string[]>>;

/** The options of a signature by name: the properties of its last parameter. */
function optionsOf(signature: ts.Signature, checker: ts.TypeChecker): Map<string, ts.Symbol> {
  const parameter = optionsParameter(signature);
  const type = parameter && checker.getNonNullableType(checker.getTypeOfSymbol(parameter));
  return new Map(type ? checker.getPropertiesOfType(type).map((property) => [property.name, property]) : []);
}

/**
 * Returns paths such as `layers.dense.units` of options that the module does not have, or has without a comment. Each factory has one
 * signature.
 */
export function undocumentedOptions(file: ts.SourceFile, checker: ts.TypeChecker, options: OptionNames): string[] {
  const signatures = new Map(factoriesOf(file, checker).map(({ path, signature }) => [path, signature]));
  return Object.entries(options).flatMap(([factory, names]) => {
    const signature = signatures.get(factory);
    if (!signature) return [`${factory} is not exported`];
    const found = optionsOf(signature, checker);
    return names
      .filter((name) => !found.get(name)?.getDocumentationComment(checker).length)
      .map((name) => `${factory}.${name} ${found.has(name) ? 'has no comment' : 'is missing'}`);
  });
}
