/** Groups of the API reference. The folder that defines a name decides its group. */
import { relative } from 'node:path';
import ts from 'typescript';

const groups: Readonly<Record<string, string>> = {
  'autodiff/': 'Gradients',
  'callbacks/': 'Callbacks',
  'compiler/': 'Engine',
  'core/config.ts': 'Models',
  'core/errors.ts': 'Errors',
  'core/registry.ts': 'Models',
  'core/': 'Ops',
  'data/': 'Data',
  'engine/': 'Engine',
  'formats/': 'Models',
  'exchange/': 'Models',
  'graph/': 'Ops',
  'losses/': 'Losses',
  'metrics/': 'Metrics',
  'nn/': 'Layers',
  'ops/': 'Ops',
  'optim/': 'Optimizers',
  'runtime/': 'Engine',
  'tables/': 'Data',
  'train/': 'Models',
  'tune/': 'Search',
};

/** The order of the groups in the reference. */
export const groupOrder = [
  'Models',
  'Layers',
  'Losses',
  'Optimizers',
  'Metrics',
  'Callbacks',
  'Search',
  'Data',
  'Ops',
  'Gradients',
  'Engine',
  'Errors',
];

/** The group of a path in src: that of the first entry of the table that the path begins with. */
function groupOf(path: string): string {
  const prefix = Object.keys(groups).find((start) => path.startsWith(start));
  if (!prefix) throw new Error(`src/${path} exports public names; give its folder a group in scripts/apiGroups.ts`);
  return groups[prefix];
}

/** The group of each name that the module exports. */
export function groupsOfExports(file: ts.SourceFile, checker: ts.TypeChecker): Map<string, string> {
  const module = checker.getSymbolAtLocation(file);
  if (!module) throw new Error(`${file.fileName} exports nothing`);
  return new Map(
    checker.getExportsOfModule(module).map((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const path = symbol.declarations?.[0].getSourceFile().fileName ?? '';
      return [exported.name, groupOf(relative('src', path).replaceAll('\\', '/'))];
    }),
  );
}
