/**
 * Rules for the structure of the repository: imports go to lower levels only, files stay small, and the library uses nothing that a bundler
 * or another environment lacks. Each rule is a function of (path, text). Small examples show that it fails.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { allowedPackages, forbiddenImports, levels } from '../support/folderLevels.ts';

const maximumLines = 400;

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

type Rule = (file: SourceFile) => string[];

const folderOf = (path: string) => path.split('/')[1] ?? '';
const isRelative = (specifier: string) => specifier.startsWith('.');
const resolve = (path: string, specifier: string) => normalize(join(dirname(path), specifier.replace(/\?.*$/, '')));

const importsGoDown: Rule = (file) => {
  if (!file.path.startsWith('src/')) return [];
  const from = folderOf(file.path);
  const fromLevel = levels[from];
  if (fromLevel === undefined) return [`${file.path}: the folder ${from} has no level; add one to test/support/folderLevels.ts`];
  return importsOf(file)
    .filter(isRelative)
    .map((specifier) => resolve(file.path, specifier))
    .flatMap((target) => {
      if (target.startsWith('shaders/')) return [];
      if (!target.startsWith('src/')) return [`${file.path}: imports ${target}, which is outside src and shaders`];
      const to = folderOf(target);
      const toLevel = levels[to];
      if (to === from) return [];
      if (toLevel === undefined) return [`${file.path}: imports ${target}, whose folder has no level`];
      if (forbiddenImports[from]?.includes(to)) return [`${file.path}: ${from} must not import ${to} (${target})`];
      if (toLevel === fromLevel)
        return [`${file.path}: ${from} and ${to} both have level ${fromLevel} and must not import each other (${target})`];
      return toLevel > fromLevel ? [`${file.path}: imports up, from level ${fromLevel} to ${target} of level ${toLevel}`] : [];
    });
};

/** The library has no dependencies. A bundler for the browser fails on imports of `node:fs` or of the optional `webgpu`. */
const libraryImportsNoPackage: Rule = (file) =>
  file.path.startsWith('src/')
    ? importsOf(file)
        .filter((specifier) => !isRelative(specifier) && !allowedPackages[folderOf(file.path)]?.includes(specifier))
        .map((specifier) => `${file.path}: imports '${specifier}'; the library has no dependencies and imports no Node module`)
    : [];

/** The names that users import. */
const entries = ['ombre', ...['data', 'formats', 'models', 'onnx', 'plots', 'standalone'].map((entry) => `ombre/${entry}`)];

/** The demo runs the examples. An example uses files of its folder only. */
const mayImport = (path: string, target: string): boolean =>
  // The page that measures a GPU compiles the kernels of the bench.
  (/^demo\/measure(?:ments)?\.ts$/.test(path) && /^(?:src|bench)\//.test(target)) ||
  target.startsWith('examples/') ||
  (path.startsWith('demo/') && target.startsWith('demo/'));

const demoUsesPublicEntries: Rule = (file) =>
  /^(demo|examples)\//.test(file.path)
    ? importsOf(file)
        .filter((specifier) =>
          isRelative(specifier)
            ? !mayImport(file.path, resolve(file.path, specifier))
            : /^(\/(?!$)|ombre\/)/.test(specifier) && !entries.includes(specifier),
        )
        .map((specifier) => `${file.path}: imports '${specifier}'; the demo and the examples must use the public entries`)
    : [];

/** Exports of files that list their names one by one. */
const listsOfNames: ReadonlySet<string> = new Set([
  "export type * from './optionTypes.ts';",
  "export * from './lean.ts';",
  "export * from './outputLosses.ts';",
  "export * from './jointLosses.ts';",
]);
const namesAreListed: Rule = (file) =>
  nodesOf(file)
    .filter((node) => ts.isExportDeclaration(node) && (!node.exportClause || ts.isNamespaceExport(node.exportClause)))
    .filter((node) => !listsOfNames.has(node.getText()))
    .map(() => `${file.path}: has 'export *'; public names are listed one by one`);

/** A worker and Node have no window. ESLint forbids the plain global, because it resolves scopes: a pooling window may be called `window`. */
const noWindowSniffing: Rule = (file) =>
  file.path.startsWith('src/')
    ? nodesOf(file)
        .filter(
          (node) =>
            (ts.isTypeOfExpression(node) && node.expression.getText() === 'window') ||
            (ts.isPropertyAccessExpression(node) && /^(globalThis|self)\??\.window$/.test(node.getText())) ||
            (ts.isBinaryExpression(node) &&
              node.operatorToken.kind === ts.SyntaxKind.InKeyword &&
              /^['"]window['"]$/.test(node.left.getText())),
        )
        .map((node) => `${file.path}: looks for window (${node.getText()}); test for the capability itself`)
    : [];

/** Some bundlers, and all classic workers, reject modules with top-level await. */
const noTopLevelAwait: Rule = (file) =>
  file.path.startsWith('src/')
    ? nodesOf(file)
        .filter((node) => ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier))
        .filter((node) => !ts.findAncestor(node, ts.isFunctionLike))
        .map((node) => `${file.path}: has a top-level await (${node.getText()})`)
    : [];

const filesStaySmall: Rule = ({ path, text }) => {
  const lines = text.trimEnd().split('\n').length;
  return lines > maximumLines ? [`${path}: ${lines} lines, more than ${maximumLines}; split the file`] : [];
};

/** Code that searches or replaces kernel text stops working without an error when a kernel is edited. */
const searchesText = new Set(['replace', 'replaceAll', 'match', 'matchAll', 'search']);
const wgslIsNotSearched: Rule = (file) =>
  /^src\/(ops|compiler)\//.test(file.path) && basename(file.path) !== 'einsum.ts'
    ? nodesOf(file)
        .filter(
          (node) =>
            ts.isRegularExpressionLiteral(node) ||
            (ts.isNewExpression(node) && node.expression.getText() === 'RegExp') ||
            (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && searchesText.has(node.expression.name.text)),
        )
        .map((node) => `${file.path}: searches text (${node.getText()}); set parts of WGSL by name with src/wgsl`)
    : [];

/** Names with an underscore that belong to WGSL. */
const wgslNames = /^(read_write|workgroup_size|num_workgroups|(workgroup|local_invocation|global_invocation)_(id|index))$/;
const shadersAreCamelCase: Rule = ({ path, text }) =>
  path.startsWith('shaders/')
    ? [basename(path), ...new Set(text.match(/\w+/g))]
        .filter((name) => /[a-z0-9]_[a-z0-9]/i.test(name) && !wgslNames.test(name))
        .map((name) => `${path}: '${name}' has an underscore; shaders write names in camelCase`)
    : [];

const filesHaveSpecificNames: Rule = ({ path }) =>
  /^(utils?|helpers?|misc)\.\w+$/i.test(basename(path)) ? [`${path}: the name is too general; name the file after its content`] : [];

/** All nodes of the syntax tree. Their parents are set, so that getText works. */
function nodesOf({ path, text }: SourceFile): ts.Node[] {
  if (!path.endsWith('.ts')) return [];
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return nodes;
}

/** Every literal module specifier: of imports and re-exports, also of types, of dynamic imports, `import('x').T` and require. */
function importsOf(file: SourceFile): string[] {
  return nodesOf(file).flatMap((node) => {
    let specifier: ts.Node | undefined;
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) specifier = node.moduleSpecifier;
    else if (ts.isImportTypeNode(node)) specifier = ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
    else if (ts.isCallExpression(node) && /^(import|require)$/.test(node.expression.getText())) specifier = node.arguments[0];
    return specifier && ts.isStringLiteralLike(specifier) ? [specifier.text] : [];
  });
}

function readTree(folder: string): SourceFile[] {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  return readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name.replaceAll('\\', '/')))
    .filter((path) => /\.(ts|wgsl|css|html)$/.test(path) && !/\/(dist|node_modules)\//.test(path))
    .map((path) => ({ path, text: readFileSync(root + path, 'utf8') }));
}

/**
 * Import cycles that are necessary. No other file may join them.
 * tensor.ts and op.ts import each other's types: a node has an op, and an op has tensors. The gradient of an elementwise op uses other ops, whose
 * gradients use it again: comparison, selection, views and reductions are all in this cycle.
 */
const knownCycles: readonly (readonly string[])[] = [
  ['src/graph/op.ts', 'src/graph/tensor.ts'],
  [
    ...['arithmetic', 'comparison', 'elementwise', 'exponential', 'powScalar', 'scaling', 'select', 'zeroFlow'].map(
      (name) => `src/ops/elementwise/${name}.ts`,
    ),
    ...['src/ops/batching/batching.ts', 'src/ops/create/create.ts', 'src/ops/operands/operands.ts'],
    ...['src/ops/reduce/productGradient.ts', 'src/ops/reduce/reduce.ts'],
    ...['concat', 'pad', 'shape', 'slice'].map((name) => `src/ops/shape/${name}.ts`),
  ],
];

/** Groups of files that import each other in a cycle, also by imports of types: strongly connected components (Tarjan, 1972). */
function cyclesOf(files: readonly SourceFile[]): string[][] {
  const paths = new Set(files.map(({ path }) => path));
  const targets = new Map(
    files.map((file) => [file.path, importsOf(file).filter(isRelative).map((to) => resolve(file.path, to)).filter((to) => paths.has(to))]), // prettier-ignore
  );
  const number = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const visit = (path: string): void => {
    number.set(path, number.size);
    low.set(path, number.get(path)!);
    stack.push(path);
    for (const to of targets.get(path)!) {
      if (!number.has(to)) visit(to);
      if (stack.includes(to)) low.set(path, Math.min(low.get(path)!, low.get(to)!));
    }
    if (low.get(path) !== number.get(path)) return;
    const cycle = stack.splice(stack.indexOf(path));
    if (cycle.length > 1) cycles.push(cycle.sort());
  };
  for (const { path } of files) if (!number.has(path)) visit(path);
  return cycles;
}

/** Complaints about cycles that are not among the known ones, and about files that joined a known one. */
function newCycles(files: readonly SourceFile[], known: readonly (readonly string[])[]): string[] {
  return cyclesOf(files).flatMap((cycle) => {
    const members = known.find((files) => cycle.some((path) => files.includes(path))) ?? [];
    const joined = cycle.filter((path) => !members.includes(path));
    return joined.length
      ? [`${joined.join(', ')}: imports in a cycle with ${cycle.filter((path) => !joined.includes(path)).join(', ') || 'each other'}`]
      : [];
  });
}

interface RuleRow {
  readonly rule: Rule;
  readonly allowed: readonly SourceFile[];
  /** Files that break the rule, each with a part of the complaint. */
  readonly forbidden: readonly (readonly [SourceFile, string])[];
}

const file = (path: string, text = ''): SourceFile => ({ path, text });

const rules: Readonly<Record<string, RuleRow>> = {
  'imports go to lower levels only': {
    rule: importsGoDown,
    allowed: [
      file('src/ops/relu.ts', `import { defineOp } from '../graph/op.ts';\nimport { sum } from './sum.ts';`),
      file('src/compiler/lower.ts', `import text from '../../shaders/matmul.wgsl?raw';`),
      file('src/runtime/cpu.ts', `import type { Program } from '../compiler/program.ts';`),
      file('src/index.ts', `export { fit } from './train/fit.ts';`),
      file('src/core/shape.ts', `// import { fit } from '../train/fit.ts';\nconst text = "import x from '../train/fit.ts'";`),
    ],
    forbidden: [
      [file('src/core/shape.ts', `import { relu } from '../ops/relu.ts';`), 'imports up, from level 0'],
      [file('src/graph/tensor.ts', `import type { Program } from '../compiler/program.ts';`), 'imports up, from level 1'],
      [file('src/ops/relu.ts', `const { run } = await import('../engine/run.ts');`), 'imports up, from level 2'],
      [file('src/ops/relu.ts', `type Run = import('../engine/run.ts').Run;`), 'imports up, from level 2'],
      [file('src/train/fit.ts', `export { everything } from '../index.ts';`), 'imports up, from level 6'],
      [file('src/compiler/fuse.ts', `import { vjp } from '../autodiff/vjp.ts';`), 'compiler and autodiff both have level 3'],
      [file('src/wgsl/struct.ts', `import type { Target } from '../graph/op.ts';`), 'wgsl and graph both have level 1'],
      [file('src/nn/dense.ts', `import { mse } from '../losses/mse.ts';`), 'nn and losses both have level 4'],
      [file('src/optim/adam.ts', `import type { Program } from '../compiler/program.ts';`), 'optim must not import compiler'],
      [file('src/nn/dense.ts', `import { device } from '../runtime/webgpu/device.ts';`), 'nn must not import runtime'],
      [file('src/attic/box.ts'), 'the folder attic has no level'],
      [file('src/train/fit.ts', `import { box } from '../attic/box.ts';`), 'whose folder has no level'],
      [file('src/train/fit.ts', `import { chart } from '../../demo/chart.ts';`), 'outside src and shaders'],
    ],
  },
  'the library imports no package and no Node module': {
    rule: libraryImportsNoPackage,
    allowed: [file('src/a.ts', `const name = 'webgpu';\nawait import(name);`), file('test/unit/a.test.ts', `import 'node:fs';`)],
    forbidden: [
      [file('src/a.ts', `import { readFile } from 'node:fs/promises';`), `'node:fs/promises'`],
      [file('src/a.ts', `await import('webgpu');`), `'webgpu'`],
      [file('src/a.ts', `import type { GPU } from 'webgpu';`), `'webgpu'`],
      [file('src/a.ts', `const fs = require('fs');`), `'fs'`],
    ],
  },
  'the demo and the examples use only public entries': {
    rule: demoUsesPublicEntries,
    allowed: [
      file('demo/main.ts', `import { sequential } from 'ombre';\nimport Chart from 'chart.js/auto';\nimport './page.css';`),
      file('demo/examples/worker.ts', `import { examples } from '../../examples/index.ts';`),
      file('examples/vae.ts', `import { plots } from 'ombre/plots';`),
      file('demo/measure.ts', `import { products } from '../bench/gpu/products.ts';`),
    ],
    forbidden: [
      [file('demo/main.ts', `import { sequential } from '../src/train/model.ts';`), '../src/train/model.ts'],
      [file('demo/main.ts', `import type { Shape } from 'ombre/src/core/shape.ts';`), 'ombre/src/core/shape.ts'],
      [file('demo/main.ts', `import { sequential } from '/src/index.ts';`), '/src/index.ts'],
      [file('examples/vae.ts', `import { oneHotRows } from '../demo/recipes.ts';`), '../demo/recipes.ts'],
      [file('examples/vae.ts', `import { pca } from 'ombre/src/plots/index.ts';`), 'ombre/src/plots/index.ts'],
    ],
  },
  'names are exported one by one': {
    rule: namesAreListed,
    allowed: [
      file('src/index.ts', `export { relu } from './ops/relu.ts';\nexport type * from './optionTypes.ts';\nexport * from './lean.ts';`),
    ],
    forbidden: [
      [file('src/index.ts', `export * from './ops/relu.ts';`), 'export *'],
      [file('src/index.ts', `export * as ops from './ops/relu.ts';`), 'export *'],
      [file('src/index.ts', `export type * from './core/shape.ts';`), 'export *'],
    ],
  },
  'the library does not look for window': {
    rule: noWindowSniffing,
    allowed: [file('src/ops/pool.ts', `const window = [2, 2];\nconst size = window.length;`)],
    forbidden: [
      [file('src/a.ts', `const isPage = typeof window !== 'undefined';`), 'typeof window'],
      [file('src/a.ts', `const isPage = globalThis.window !== undefined;`), 'globalThis.window'],
      [file('src/a.ts', `const isPage = 'window' in globalThis;`), `'window' in`],
    ],
  },
  'no module has a top-level await': {
    rule: noTopLevelAwait,
    allowed: [file('src/a.ts', `const load = async () => await read();`), file('scripts/a.ts', `await build();`)],
    forbidden: [
      [file('src/a.ts', `export const adapter = await navigator.gpu.requestAdapter();`), 'top-level await'],
      [file('src/a.ts', `for await (const chunk of stream) {}`), 'top-level await'],
    ],
  },
  'files have at most 400 lines': {
    rule: filesStaySmall,
    allowed: [file('shaders/matmul.wgsl', 'fn f() {}\n'.repeat(400))],
    forbidden: [[file('shaders/matmul.wgsl', 'fn f() {}\n'.repeat(401)), '401 lines']],
  },
  'names in shaders are camelCase': {
    rule: shadersAreCamelCase,
    allowed: [file('shaders/poolingHead.wgsl', '@workgroup_size(64)\nfn runOf(@builtin(local_invocation_index) lane: u32) {}')],
    forbidden: [
      [file('shaders/reduce_serial.wgsl', 'fn f() {}'), `'reduce_serial.wgsl'`],
      [file('shaders/math.wgsl', 'fn is_nan(x: f32) -> bool { return false; }'), `'is_nan'`],
    ],
  },
  'text of kernels is searched in src/wgsl only': {
    rule: wgslIsNotSearched,
    allowed: [
      file('src/wgsl/module.ts', `const plain = text.replace(/\\s+/g, ' ');`),
      file('src/ops/einsum.ts', `const isLabel = /[a-z]/.test(label);`),
      file('src/ops/gather.ts', `const { source } = fillKernel(kernel, { params: { size } });`),
    ],
    forbidden: [
      [file('src/ops/gather.ts', `const source = text.replace('const wide = false;', 'const wide = true;');`), `text.replace(`],
      [file('src/ops/conv/plan.ts', `const parts = source.match(pattern);`), `source.match(pattern)`],
      [file('src/compiler/lower.ts', `const isHalf = /f16/.test(text);`), '(/f16/)'],
      [file('src/compiler/emit/body.ts', `const word = new RegExp(name);`), 'new RegExp(name)'],
    ],
  },
  'no file has a general name': {
    rule: filesHaveSpecificNames,
    allowed: [file('src/core/shape.ts')],
    forbidden: [
      [file('src/core/utils.ts'), 'too general'],
      [file('test/unit/helpers.ts'), 'too general'],
    ],
  },
};

const project = ['src', 'shaders', 'demo', 'examples', 'test'].flatMap(readTree);

describe.each(Object.entries(rules))('%s', (_name, { rule, allowed, forbidden }) => {
  test('holds in this repository', () => {
    expect(project.flatMap(rule)).toEqual([]);
  });

  test('accepts what it should', () => {
    expect(allowed.flatMap(rule)).toEqual([]);
  });

  test.each(forbidden.map(([example, complaint]) => ({ example, complaint })))('rejects: $complaint', ({ example, complaint }) => {
    const complaints = rule(example);
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain(complaint);
  });
});

test('the tree was read', () => {
  expect(project.map(({ path }) => path)).toContain('src/index.ts');
  expect(project.map(({ path }) => path)).toContain('test/unit/architecture.test.ts');
});

describe('there are no new import cycles', () => {
  const library = project.filter(({ path }) => path.startsWith('src/'));

  test('holds in this repository', () => expect(newCycles(library, knownCycles)).toEqual([]));

  test('the known cycles still exist', () => expect(cyclesOf(library).length).toBe(knownCycles.length));

  const a = file('src/ops/a.ts', `import { b } from './b.ts';`);
  const b = file('src/ops/b.ts', `import type { C } from './c.ts';`);
  const c = file('src/ops/c.ts', `export { a } from './a.ts';`);
  test('finds a cycle, also of types', () => {
    expect(newCycles([a, b, c], [])).toEqual(['src/ops/a.ts, src/ops/b.ts, src/ops/c.ts: imports in a cycle with each other']);
    expect(newCycles([a, b, file('src/ops/c.ts')], [])).toEqual([]);
  });

  test('finds a file that joins a known cycle', () => {
    expect(newCycles([a, b, c], [['src/ops/a.ts', 'src/ops/b.ts']])).toEqual([
      'src/ops/c.ts: imports in a cycle with src/ops/a.ts, src/ops/b.ts',
    ]);
  });
});
