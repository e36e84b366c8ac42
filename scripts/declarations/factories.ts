/** Factories among the exports of a module. */
import ts from 'typescript';

export interface Factory {
  /** Path from the module, such as `layers.dense`. */
  readonly path: string;
  readonly signature: ts.Signature;
}

export const resolved = (symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** Members of a table or a namespace. */
export function membersOf(symbol: ts.Symbol, checker: ts.TypeChecker): readonly ts.Symbol[] {
  const isTable = symbol.flags & (ts.SymbolFlags.Variable | ts.SymbolFlags.ValueModule);
  return isTable ? checker.getPropertiesOfType(checker.getTypeOfSymbol(symbol)) : [];
}

/** The parameter that takes the options: the last one. */
export const optionsParameter = (signature: ts.Signature): ts.Symbol | undefined => signature.parameters[signature.parameters.length - 1];

/** Methods of exported classes, such as `fit` of Model. */
function methodsOf(module: ts.Symbol, checker: ts.TypeChecker): Factory[] {
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = resolved(exported, checker);
    if (!(symbol.flags & ts.SymbolFlags.Class)) return [];
    return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).flatMap((member) =>
      checker
        .getTypeOfSymbol(member)
        .getCallSignatures()
        .map((signature) => ({ path: member.name, signature })),
    );
  });
}

/** Methods of exported interfaces, such as `dataset.batch` of Dataset. */
function interfaceMethods(module: ts.Symbol, checker: ts.TypeChecker): Factory[] {
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = resolved(exported, checker);
    if (!(symbol.flags & ts.SymbolFlags.Interface) || symbol.flags & ts.SymbolFlags.Class) return [];
    const prefix = exported.name[0].toLowerCase() + exported.name.slice(1);
    return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).flatMap((member) => {
      const type = member.flags & ts.SymbolFlags.Method ? checker.getTypeOfSymbol(member) : undefined;
      return (type?.getCallSignatures() ?? []).map((signature) => ({ path: `${prefix}.${member.name}`, signature }));
    });
  });
}

/** Methods of classes and interfaces, exported functions, and the functions in exported tables. A method replaces a function of the same name. */
export function factoriesOf(file: ts.SourceFile, checker: ts.TypeChecker): Factory[] {
  const module = checker.getSymbolAtLocation(file);
  if (!module) throw new Error(`${file.fileName} exports nothing`);
  const signaturesOf = (symbol: ts.Symbol): readonly ts.Signature[] =>
    symbol.flags & ts.SymbolFlags.Value ? checker.getTypeOfSymbol(symbol).getCallSignatures() : [];
  const methods = methodsOf(module, checker);
  const isMethod = new Set(methods.map(({ path }) => path));
  const functions = checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = resolved(exported, checker);
    const members = membersOf(symbol, checker).map((member) => [`${exported.name}.${member.name}`, resolved(member, checker)] as const);
    return [[exported.name, symbol] as const, ...members].flatMap(([path, found]) =>
      isMethod.has(path) ? [] : signaturesOf(found).map((signature) => ({ path, signature })),
    );
  });
  return [...methods, ...interfaceMethods(module, checker), ...functions];
}
